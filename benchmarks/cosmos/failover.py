"""`python -m benchmarks.cosmos.failover`: how long the SDK takes to leave a region that fails, first and later.

Each cell is measured with a client of its own that had been at home in the failing region: seconds of the first
operation after the failure, then of the next ones. The hang with default settings takes more than four minutes and
is measured with --long only.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError
from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient

from local.cosmos.process import CosmosProcess

_HOME, _OTHER = "West Europe", "North Europe"
_TIGHT = {"connection_timeout": 1, "read_timeout": 2, "retry_read": 0}
_BREAKER = {
    "AZURE_COSMOS_ENABLE_CIRCUIT_BREAKER": "True",
    "AZURE_COSMOS_CONSECUTIVE_ERROR_COUNT_TOLERATED_FOR_READ": "2",
    "AZURE_COSMOS_CONSECUTIVE_ERROR_COUNT_TOLERATED_FOR_WRITE": "2",
}
_SETTINGS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "defaults": ({}, {}),
    "tight, no retries": ({**_TIGHT, "retry_connect": 0}, {}),
    "recommended": ({**_TIGHT, "retry_connect": 1, "retry_backoff_factor": 0.1}, _BREAKER),
}
_FAULTS: dict[str, dict[str, Any]] = {
    "refused": {"fault": "refuse"},
    "SYN drop": {"fault": "syn-drop"},
    "hang": {"fault": "silence"},
    "503": {"fault": "status", "args": {"status": 503}},
    "reset": {"fault": "reset"},
}


async def _seconds(operation: Callable[[], Awaitable[object]]) -> str:
    began = time.perf_counter()
    try:
        await operation()
    except AzureError as error:
        return f"{time.perf_counter() - began:.2f} ({type(error).__name__})"
    return f"{time.perf_counter() - began:.2f}"


async def _cell(process: CosmosProcess, options: dict[str, Any], fault: dict[str, Any], *, write: bool) -> str:
    control = process.control
    async with CosmosClient(
        process.endpoint,
        process.key,
        preferred_locations=[_HOME, _OTHER],
        multiple_write_locations=True,
        **options,
    ) as client:
        container = client.get_database_client("bench").get_container_client("c")
        await container.upsert_item({"id": "1", "pk": "a"})
        await container.read_item("1", "a")
        await asyncio.sleep(0.3)  # the background health check of the start is over; the item is in both regions
        rule = control.add_fault(
            fault["fault"], match={"region": _HOME} | _documents_only(fault), args=fault.get("args")
        )

        async def operation() -> object:
            if write:
                return await container.upsert_item({"id": "1", "pk": "a"})
            return await container.read_item("1", "a")

        try:
            times = [await _seconds(operation) for _ in range(4)]
        finally:
            control.remove_fault(rule)
    later = times[1] if times[1] == times[2] == times[3] else ", ".join(times[1:])
    return f"{times[0]} → {later}"


def _documents_only(fault: dict[str, Any]) -> dict[str, str]:
    """A region that answers 503 still answers `GET /`: else the health check alone would take it out."""
    return {"resource": "document"} if fault["fault"] in ("status", "silence", "reset") else {}


async def _main(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        process = CosmosProcess(Path(folder), [_HOME, _OTHER])
        process.start()
        try:
            async with CosmosClient(process.endpoint, process.key) as client:
                database = await client.create_database("bench")
                await database.create_container("c", PartitionKey(path="/pk"))
            print(f"| settings | operation | {' | '.join(_FAULTS)} |\n|---|---|{'---|' * len(_FAULTS)}")
            for name, (options, environment) in _SETTINGS.items():
                os.environ.update(environment)
                for write in (False, True):
                    cells = []
                    for label, fault in _FAULTS.items():
                        slow = name == "defaults" and label in ("hang", "SYN drop")
                        measured = not slow or arguments.long
                        cells.append(await _cell(process, options, fault, write=write) if measured else "(--long)")
                    print(f"| {name} | {'write' if write else 'read'} | {' | '.join(cells)} |", flush=True)
                for variable in environment:
                    del os.environ[variable]
        finally:
            process.stop()


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cosmos.failover", description=__doc__)
    parser.add_argument("--long", action="store_true", help="also what takes minutes")
    asyncio.run(_main(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
