"""`python -m benchmarks.cosmos`: what an operation costs the server and the SDK's client, in one and the same run.

Then the latency of one client with ever more documents. Ratios count; microseconds depend on the machine.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient

from local.cosmos.process import CosmosProcess

_REGIONS = ("West Europe", "North Europe", "East US")
_TEXT = "x" * 180  # documents of about 0.3 KB
_TICKS = os.sysconf("SC_CLK_TCK")
_POLICY: Any = {
    "indexingMode": "consistent",
    "includedPaths": [{"path": "/*"}],
    "excludedPaths": [{"path": "/text/?"}],
    "compositeIndexes": [[{"path": "/n", "order": "descending"}, {"path": "/id", "order": "descending"}]],
}
Operation = Callable[[int], Awaitable[object]]


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _document(n: int, key: str) -> dict[str, Any]:
    return {"id": f"i{n}", "pk": key, "n": n, "kind": "comment", "author": "somebody", "text": _TEXT}


async def _run(operation: Operation, count: int, in_flight: int) -> None:
    numbers = iter(range(count))

    async def worker() -> None:
        for n in numbers:
            await operation(n)

    await asyncio.gather(*[worker() for _ in range(in_flight)])


def _operations(container: Any) -> dict[str, Operation]:
    async def page(n: int) -> object:
        query = "SELECT * FROM c WHERE c.kind = 'comment' ORDER BY c.n DESC, c.id DESC"
        pager = container.query_items(query, partition_key=f"k{n % 20}", max_item_count=20).by_page()
        return [one async for one in await pager.__anext__()]

    async def batch(n: int) -> object:
        operations = [("upsert", (_document(n * 20 + m, f"b{n % 50}"),)) for m in range(20)]
        return await container.execute_item_batch(operations, f"b{n % 50}")

    return {
        "point read": lambda n: container.read_item(f"i{n % 2000}", f"k{n % 20}"),
        "upsert": lambda n: container.upsert_item(_document(n % 2000, f"k{n % 20}")),
        "patch": lambda n: container.patch_item(
            f"i{n % 2000}", f"k{n % 20}", [{"op": "incr", "path": "/n", "value": 1}]
        ),
        "batch of 20": batch,
        "query, page of 20": page,
    }


async def _costs(process: CosmosProcess, container: Any, count: int, in_flight: int) -> bool:
    await _run(lambda n: container.upsert_item(_document(n, f"k{n % 20}")), 2000, in_flight)
    print(f"| operation ({in_flight} in flight) | per second | client µs | server µs | server/client |")
    print("|---|---|---|---|---|")
    cheap = True
    for name, operation in _operations(container).items():
        times = count // 4 if "of 20" in name else count
        await _run(operation, times // 10, in_flight)
        mine, theirs, began = time.process_time(), _cpu(process.pid), time.monotonic()
        await _run(operation, times, in_flight)
        seconds = time.monotonic() - began
        client, server = (time.process_time() - mine) / times * 1e6, (_cpu(process.pid) - theirs) / times * 1e6
        cheap = cheap and server <= client
        print(f"| {name} | {times / seconds:.0f} | {client:.0f} | {server:.0f} | {server / client:.2f} |", flush=True)
    return cheap


def _lookups(container: Any, filled: int) -> dict[str, Operation]:
    def place(n: int) -> tuple[int, str]:
        number = n * 7919 % filled
        return number, f"k{number // 100}"

    async def read(n: int) -> object:
        number, key = place(n)
        return await container.read_item(f"i{number}", key)

    async def upsert(n: int) -> object:
        return await container.upsert_item(_document(*place(n)))

    async def query(n: int) -> object:
        text = "SELECT * FROM c ORDER BY c.n DESC, c.id DESC"
        pager = container.query_items(text, partition_key=place(n)[1], max_item_count=20)
        return [one async for one in await pager.by_page().__anext__()]

    async def query_across(_: int) -> object:
        text = "SELECT * FROM c WHERE c.author = @author ORDER BY c.n DESC, c.id DESC"
        given = [{"name": "@author", "value": "somebody"}]
        pager = container.query_items(text, parameters=given, max_item_count=20).by_page()
        return [one async for one in await pager.__anext__()]

    return {
        "point read": read,
        "upsert": upsert,
        "page of 20, own partition": query,
        "page of 20, across": query_across,
    }


async def _latencies(container: Any, sizes: list[int]) -> None:
    print("\nmedian ms of one client, one operation at a time")
    filled = 0
    for size in sizes:
        await _fill(container, filled, size)
        lookups = _lookups(container, size)
        if not filled:
            print(f"| documents | {' | '.join(lookups)} |\n|---|{'---|' * len(lookups)}")
        filled = size
        cells = [f"{await _median_ms(one, 200):.2f}" for one in lookups.values()]
        print(f"| {size:,} | {' | '.join(cells)} |", flush=True)


async def _median_ms(operation: Operation, times: int) -> float:
    for n in range(5):
        await operation(n)
    seen = []
    for n in range(times):
        began = time.perf_counter()
        await operation(n)
        seen.append((time.perf_counter() - began) * 1000)
    return statistics.median(seen)


async def _fill(container: Any, start: int, end: int) -> None:
    async def hundred(n: int) -> object:
        first = start + n * 100
        operations = [("upsert", (_document(first + m, f"k{first // 100}"),)) for m in range(100)]
        return await container.execute_item_batch(operations, f"k{first // 100}")

    await _run(hundred, (end - start) // 100, 8)


async def _main(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        process = CosmosProcess(Path(folder), _REGIONS[: arguments.regions])
        process.start()
        try:
            transport = AioHttpTransport(use_env_settings=False)
            async with CosmosClient(process.endpoint, process.key, transport=transport) as client:
                database = await client.create_database("bench")
                container = await database.create_container("c", PartitionKey(path="/pk"), indexing_policy=_POLICY)
                cheap = await _costs(process, container, arguments.operations, arguments.in_flight)
                if arguments.documents:
                    container = await database.create_container("l", PartitionKey(path="/pk"), indexing_policy=_POLICY)
                    await _latencies(container, arguments.documents)
        finally:
            process.stop()
    print(f"\nserver CPU per operation {'never above' if cheap else 'ABOVE'} the client's own")
    return 0 if cheap else 1


def main() -> int:
    """0 when the server's CPU is below the client's in every row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cosmos", description=__doc__)
    parser.add_argument("--operations", type=int, default=4000, help="of each kind (4000)")
    parser.add_argument("--in-flight", type=int, default=16)
    parser.add_argument("--regions", type=int, choices=(1, 2, 3), default=1, help="each stores every write (1)")
    sizes = [1_000, 100_000, 1_000_000]
    parser.add_argument("--documents", type=int, nargs="*", default=sizes, help="sizes for the latency table")
    return asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
