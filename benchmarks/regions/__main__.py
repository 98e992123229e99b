"""`python -m benchmarks.regions`: kills a region under load, brings it back, drains the other; what do clients see?

Starts a local cloud of two regions on free ports. A client that retries with back-off and one that does not each keep
a constant load of reads (70 %) and writes (30 %). At the end every accepted write is looked for in both regions.
"""

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from benchmarks.regions.clients import Call, Client
from local.catalogue.films import films
from local.catalogue.load import load
from local.control import ask
from local.stack import API_KEY, FRONT_DOOR_ID, REGIONS, Stack
from tests.processes import free_block, python, start

AGREE_WITHIN_S = 150


@dataclass
class Phase:
    name: str
    begun: float


async def measure(stack: Stack, per_second: float, settle_s: float) -> None:
    items = films()[:40]
    await load(stack.base_url, API_KEY, items, lambda _stage, _count: None)
    ids = [str(item["id"]) for item in items]
    # Items of its own for each, so that the totals of the one that retries must be exact.
    clients = [
        Client("retrying", stack.base_url, ids[:20], retries=True, per_second=per_second),
        Client("plain", stack.base_url, ids[20:], retries=False, per_second=per_second),
    ]
    stop = asyncio.Event()
    tasks = [asyncio.create_task(client.run(stop)) for client in clients]
    phases: list[Phase] = []

    async def phase(name: str, action: str | None, target: str, seconds: float) -> None:
        print(f"{name} …", flush=True)
        phases.append(Phase(name, time.monotonic()))
        if action is not None:
            await asyncio.to_thread(ask, stack.control_port, action, target)
        await asyncio.sleep(seconds)

    # Longer than the edge's window of samples: a bad one from the start would shorten the time to notice the death.
    await phase("both regions", None, "", 25)
    await phase("kill -9 of westeurope", "kill", "westeurope", settle_s)
    await phase("westeurope comes back", "start", "westeurope", settle_s)
    await phase("northeurope is drained", "drain", "northeurope", settle_s)
    await phase("northeurope comes back", "start", "northeurope", settle_s)
    stop.set()
    await asyncio.gather(*tasks)
    report(clients, phases)
    await verify(stack, clients)


def report(clients: list[Client], phases: list[Phase]) -> None:
    ends = [*(phase.begun for phase in phases[1:]), float("inf")]
    for client in clients:
        print(f"\n{client.name}: {len(client.calls)} operations, {len(client.failed())} failed")
        print(f"  {'phase':<26}{'reads':>7}{'writes':>8}{'failed reads':>14}{'failed writes':>15}  last failure after")
        for phase, end in zip(phases, ends, strict=True):
            calls = [call for call in client.calls if phase.begun <= call.at < end]
            failed = client.failed(phase.begun, end)
            last = f"{max(call.at for call in failed) - phase.begun:.1f} s" if failed else "–"
            print(f"  {phase.name:<26}{_share(calls, failed)}  {last}")
        slowest = max(client.calls, key=lambda call: call.took_s)
        print(f"  slowest {slowest.took_s:.1f} s with {slowest.attempts} attempts; failures: {_kinds(client.failed())}")


def _share(calls: list[Call], failed: list[Call]) -> str:
    reads = sum(not call.write for call in calls)
    bad_reads = sum(not call.write for call in failed)
    return f"{reads:>7}{len(calls) - reads:>8}{bad_reads:>14}{len(failed) - bad_reads:>15}"


def _kinds(calls: list[Call]) -> str:
    return (
        ", ".join(f"{count} × {outcome}" for outcome, count in Counter(call.outcome for call in calls).items())
        or "none"
    )


async def verify(stack: Stack, clients: list[Client]) -> None:
    """Say whether every accepted write is in both regions, once.

    Raises:
        SystemExit: one is missing, or a total is wrong, when the regions had time to agree.
    """
    deadline = time.monotonic() + AGREE_WITHIN_S
    while problems := await wrong(stack, clients):
        if time.monotonic() > deadline:
            raise SystemExit(f"{len(problems)} wrong: {problems[:10]}")
        await asyncio.sleep(2)
    accepted = sum(len(set(client.locations)) for client in clients)
    print(f"\n{accepted} accepted writes: each is in both regions, and the retrying client's totals are exact.")


async def wrong(stack: Stack, clients: list[Client]) -> list[str]:
    """What accepted writes and stored data disagree in, region by region; empty when all is well."""
    ports = map(stack.api_port, range(len(stack.regions)))
    return [problem for port in ports for problem in await _problems(f"http://127.0.0.1:{port}", clients)]


async def _problems(url: str, clients: list[Client]) -> list[str]:
    found = []
    async with aiohttp.ClientSession(url, headers={"X-Azure-FDID": FRONT_DOOR_ID}) as session:
        for client in clients:
            for location in set(client.locations):
                async with session.get(location) as answer:
                    if answer.status != 200:
                        found.append(f"{location}: {answer.status}")
            for item, accepted in client.votes.items():
                async with session.get(f"/api/1.0/catalogitem/{item}/ratings") as answer:
                    counted = (await answer.json())["numberOfVotes"]
                # A write that got no answer may have taken effect, or not.
                if not accepted <= counted <= accepted + client.doubtful:
                    found.append(f"{item}: {counted} votes for {accepted} accepted")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.regions", description=__doc__)
    parser.add_argument("--per-second", type=float, default=20, help="operations per second of each client")
    parser.add_argument("--settle", type=float, default=25, help="seconds to go on after each event")
    parser.add_argument(
        "--probe-interval", type=float, help="seconds between probes; default: as Front Door is told to"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(free_block(), Path(folder) / "data", REGIONS[:2])
        options = ["--port", str(stack.port), "--data", str(stack.data), "--no-seed"]
        if arguments.probe_interval is not None:
            options += ["--probe-interval", str(arguments.probe_interval)]
        process = start(python("local", *options), Path(folder) / "stack.log")
        try:
            asyncio.run(measure(stack, arguments.per_second, arguments.settle))
        finally:
            process.stop()


if __name__ == "__main__":
    main()
