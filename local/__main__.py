"""`python -m local`: the whole system on this machine, without Azure."""

import asyncio
import contextlib
import json
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import aiohttp
from aiohttp import web
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from local.arguments import carry_out, read_arguments
from local.catalogue.films import films
from local.catalogue.load import LoadFailed, load
from local.control import control_app
from local.provision import page, provision
from local.regions import Operator
from local.stack import API_KEY, FRONT_DOOR_ID, REGIONS, Stack
from local.supervisor import Component, ComponentFailed, Supervisor, stop_leftovers

console = Console(highlight=False, soft_wrap=True)


def main() -> None:
    """Start everything and stay until Ctrl-C, or do something to what runs."""
    arguments = read_arguments()
    if arguments.command != "run":
        # How many regions run is known there; a region's ports do not depend on it.
        carry_out(arguments, Stack(arguments.port, arguments.data.resolve(), REGIONS))
        return
    stack = Stack(arguments.port, arguments.data.resolve(), REGIONS[: arguments.regions], arguments.probe_interval)
    _prepare(stack, fresh=arguments.fresh)
    sys.exit(asyncio.run(_run(stack, seed=not arguments.no_seed)))


def _prepare(stack: Stack, *, fresh: bool) -> None:
    """Refuse what would fail half way: a port in use, a folder that is not ours or cannot be written."""
    marker = stack.data / "local-cloud"
    try:
        if stack.data.exists() and any(stack.data.iterdir()) and not marker.exists():
            sys.exit(f"{stack.data} holds something else; name an empty folder with --data.")
        stack.data.mkdir(parents=True, exist_ok=True)
        for name in stop_leftovers(stack.data):
            console.print(f"[yellow]ended[/] {name}, left behind by an earlier start")
        if fresh:
            shutil.rmtree(stack.data)
            stack.data.mkdir()
        marker.write_text("The local cloud keeps its data here; `python -m local --fresh` empties it.\n")
        for path, settings in stack.settings_files.items():
            path.write_text(json.dumps({"IsEncrypted": False, "Values": settings}, indent=1))
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
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    supervisor = Supervisor(stack.data, lambda text: console.print(text, markup=False, style="yellow"))
    work = asyncio.create_task(_start_and_watch(supervisor, stack, seed=seed))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    work.cancel()
    code = 0
    try:
        await work
    except (ComponentFailed, LoadFailed) as failure:
        console.print(str(failure), markup=False, style="red")
        code = 1
    except asyncio.CancelledError:
        console.print("stopping …")
    finally:
        await supervisor.stop_all()
    return code


async def _start_and_watch(supervisor: Supervisor, stack: Stack, *, seed: bool) -> None:
    started = time.monotonic()
    stores, *others = stack.stages
    await _start_together(supervisor, stores)
    await provision(stack)  # what Bicep does in Azure, before anything uses the stores
    files = await page(stack)
    console.print(f"  page                     published to {len(stack.regions)} stamps ({files} files changed)")
    for stage in others:
        await _start_together(supervisor, stage)
    runner = web.AppRunner(control_app(Operator(supervisor, stack)), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", stack.control_port).start()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.failure())
            await _until_warm(stack)
            if seed:
                await _seed(stack)
            console.print(f"  admin key                {API_KEY}")
            console.print(f"  the system as a picture  {stack.base_url}/#/status")
            console.print(f"  origins and probes       {stack.base_url}/_control/")
            console.print(f"  data and logs            {stack.data}")
            console.print(f"  settings for operators   {', '.join(map(str, stack.settings_files))}")
            console.print(f"  started in               {time.monotonic() - started:.1f} s")
            console.print(f"ready: {stack.base_url}", style="bold")
    except* (ComponentFailed, LoadFailed) as failures:
        raise failures.exceptions[0] from None
    finally:
        await runner.cleanup()


async def _start_together(supervisor: Supervisor, components: Sequence[Component]) -> None:
    async def start(component: Component) -> None:
        begun = time.monotonic()
        await supervisor.start(component)
        took = time.monotonic() - begun
        console.print(f"[green]✓[/] {component.name:<24} {component.address:<28} [dim]{took:5.1f} s[/]")

    try:
        async with asyncio.TaskGroup() as group:
            for component in components:
                group.create_task(start(component))
    except* ComponentFailed as failures:
        raise failures.exceptions[0] from None


async def _until_warm(stack: Stack) -> None:
    """What a readiness probe waits for: the first request shall not pay for opening connections."""
    waiting = {f"http://127.0.0.1:{stack.api_port(index)}/health/ready" for index in range(len(stack.regions))}
    async with aiohttp.ClientSession() as session:
        for _ in range(900):
            for url in list(waiting):
                # An API host that dies meanwhile is named and brought back by the supervisor.
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(url) as answer:
                        waiting -= {url} if answer.status == 200 else set()
            if not waiting:
                return
            await asyncio.sleep(0.1)
    raise ComponentFailed(f"not ready after 90 s: {', '.join(sorted(waiting))}")


async def _seed(stack: Stack) -> None:
    marker = stack.data / "catalogue-loaded"
    if marker.exists():
        return
    items = films()
    with _progress(len(items)) as progress:
        # Written through the first region, read through the last: what is seen there has been replicated.
        addresses = [f"http://127.0.0.1:{stack.api_port(index)}" for index in (0, len(stack.regions) - 1)]
        result = await load(addresses[0], API_KEY, items, progress, read_from=addresses[1], front_door_id=FRONT_DOOR_ID)
    rate = result.items / result.accepted_s
    console.print(
        f"  catalogue loaded         {result.items} items accepted in {stack.regions[0]} in {result.accepted_s:.1f} s "
        f"({rate:.0f}/s), all readable in {stack.regions[-1]} after {result.readable_s:.1f} s"
    )
    marker.write_text("")


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[str, int], None]]:
    """A bar for each stage on a terminal, a line for each tenth elsewhere."""
    if not console.is_terminal:
        said: dict[str, int] = {}

        def say(stage: str, count: int) -> None:
            tenth = count * 10 // total
            if tenth > said.get(stage, 0):
                said[stage] = tenth
                console.print(f"  catalogue {stage:<14} {count} of {total}")

        yield say
        return
    columns = (TextColumn("  {task.description:<22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        tasks = {stage: bar.add_task(f"catalogue {stage}", total=total) for stage in ("accepted", "readable")}
        yield lambda stage, count: bar.update(tasks[stage], completed=count)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
