"""`python -m local`: the whole system on this machine, without Azure."""

import argparse
import asyncio
import contextlib
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from local.catalogue.films import films
from local.catalogue.load import LoadFailed, load
from local.provision import provision
from local.stack import API_KEY, REGIONS, ROOT, Stack
from local.supervisor import ComponentFailed, Supervisor, stop_leftovers

console = Console(highlight=False)


def main() -> None:
    """Start everything and stay until Ctrl-C."""
    arguments = _arguments()
    stack = Stack(arguments.port, arguments.data.resolve(), REGIONS[: arguments.regions])
    _prepare(stack, fresh=arguments.fresh)
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(_run(stack, seed=not arguments.no_seed)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local",
        description="Run the whole system on this machine: blobs, Cosmos DB, Event Hubs, both hosts and the edge.",
    )
    parser.add_argument("--port", type=int, default=8080, help="the edge's port; the others follow it (default 8080)")
    parser.add_argument("--data", type=Path, default=ROOT / ".local", help="where everything is kept (default .local)")
    parser.add_argument("--regions", type=int, default=1, choices=range(1, len(REGIONS) + 1), help="how many stamps")
    parser.add_argument("--fresh", action="store_true", help="forget everything that was kept, and begin anew")
    parser.add_argument("--no-seed", action="store_true", help="do not load the sample catalogue")
    arguments = parser.parse_args()
    if not 1024 <= arguments.port <= 65_000:
        parser.error("--port must be from 1024 to 65000")
    return arguments


def _prepare(stack: Stack, *, fresh: bool) -> None:
    """Refuse what would fail half way: a port in use, a folder that is not ours or cannot be written."""
    marker = stack.data / "local-cloud"
    if stack.data.exists() and any(stack.data.iterdir()) and not marker.exists():
        sys.exit(f"{stack.data} holds something else; name an empty folder with --data.")
    try:
        stack.data.mkdir(parents=True, exist_ok=True)
        for name in stop_leftovers(stack.data):
            console.print(f"[yellow]ended[/] {name}, left behind by an earlier start")
        if fresh:
            shutil.rmtree(stack.data)
            stack.data.mkdir()
        marker.write_text("The local cloud keeps its data here. `make run ARGS=--fresh` empties it.\n")
    except OSError as error:
        sys.exit(f"cannot write to {stack.data}: {error.strerror}. Name another folder with --data.")
    taken = [port for port in stack.ports if not _is_free(port)]
    if taken:
        numbers = ", ".join(map(str, taken))
        sys.exit(f"in use: port {numbers} of 127.0.0.1. Stop what listens there, or choose others with --port.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def _run(stack: Stack, *, seed: bool) -> int:
    started = time.monotonic()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    supervisor = Supervisor(stack.data)
    work = asyncio.create_task(_start_and_watch(supervisor, stack, started, seed=seed))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    code = 0
    if work.done():
        code = 1
        console.print(f"[red]{work.exception()}[/]" if work.exception() else "", markup=True)
    else:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError, ComponentFailed, LoadFailed):
            await work
    console.print("stopping …")
    await supervisor.stop_all()
    return code


async def _start_and_watch(supervisor: Supervisor, stack: Stack, started: float, *, seed: bool) -> None:
    provisioned = False
    for component in stack.components:
        # What Bicep does in Azure happens when the stores run and before anything uses them.
        if component.name.startswith("processor") and not provisioned:
            await provision(stack)
            provisioned = True
        begun = time.monotonic()
        await supervisor.start(component)
        took = time.monotonic() - begun
        console.print(f"[green]✓[/] {component.name:<24} {component.address:<28} [dim]{took:5.1f} s[/]")
    death = asyncio.create_task(supervisor.first_death())
    loading = asyncio.create_task(_seed(stack) if seed else asyncio.sleep(0))
    await asyncio.wait({death, loading}, return_when=asyncio.FIRST_COMPLETED)
    if loading.done():
        await loading
        console.print(f"  admin key                {API_KEY}")
        console.print(f"  data and logs            {stack.data}")
        console.print(f"  started in               {time.monotonic() - started:.1f} s")
        console.print(f"ready: {stack.base_url}", style="bold")
    else:
        loading.cancel()
    raise await death


async def _seed(stack: Stack) -> None:
    marker = stack.data / "catalogue-loaded"
    if marker.exists():
        return
    items = films()
    columns = (TextColumn("  {task.description:<22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        tasks = {name: bar.add_task(f"catalogue {name}", total=len(items)) for name in ("accepted", "readable")}
        result = await load(
            stack.base_url, API_KEY, items, lambda name, count: bar.update(tasks[name], completed=count)
        )
    rate = result.items / result.accepted_s
    console.print(
        f"  catalogue loaded         {result.items} items accepted in {result.accepted_s:.1f} s ({rate:.0f}/s), "
        f"all readable after {result.readable_s:.1f} s"
    )
    marker.write_text("")


if __name__ == "__main__":
    main()
