"""`python -m benchmarks.eventhubs.reopen --mb 1024`: how long a large log takes to open, and what memory it needs."""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, PartitionContext

from local.eventhubs.entities import Clock
from local.eventhubs.log import LogLimits, PartitionLog
from local.eventhubs.process import EventHubsProcess

HUB = "large"
PARTITIONS = 4
EVENT = b"\x00\x53\x75\xb0\x00\x00\x01\x2c" + b"x" * 300
PER_GROUP = 2000


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident memory of a process now, and at its highest."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if line.startswith(("VmRSS", "VmHWM")))
    return int(fields["VmRSS"].split()[0]) / 1024, int(fields["VmHWM"].split()[0]) / 1024


def fill(folder: Path, megabytes: int) -> int:
    """Write so much into the partitions' logs; returns the number of events."""
    written = 0
    for number in range(PARTITIONS):
        log = PartitionLog(folder / HUB / f"partition-{number:04d}", LogLimits(), Clock())
        while log.size_bytes < megabytes * 1024 * 1024 / PARTITIONS:
            log.append([EVENT] * PER_GROUP, lambda _: None)
            group = log.take_group()
            assert group is not None
            log.write(group)
            log.committed(group)
            written += PER_GROUP
        log.close()
    return written


async def read_some(broker: EventHubsProcess, count: int) -> None:
    """Read so many events from the start."""
    seen, done = 0, asyncio.Event()

    async def on_batch(_: PartitionContext, events: list[EventData]) -> None:
        nonlocal seen
        seen += len(events)
        if seen >= count:
            done.set()

    client = EventHubConsumerClient.from_connection_string(broker.connection_string, "$Default", eventhub_name=HUB)
    async with client:
        task = asyncio.create_task(client.receive_batch(on_batch, prefetch=3000, starting_position="-1"))
        await done.wait()
        task.cancel()


def main() -> None:
    """Print times and sizes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eventhubs.reopen", description=__doc__)
    parser.add_argument("--mb", type=int, default=1024)
    parser.add_argument("--read", type=int, default=200_000, help="events to read through the SDK afterwards")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eventhubs-reopen-") as name:
        folder = Path(name)
        for label, megabytes in (("empty", 0), (f"{options.mb} MB", options.mb)):
            events = fill(folder, megabytes)
            broker = EventHubsProcess(folder, [f"{HUB}={PARTITIONS}"])
            started = time.perf_counter()
            broker.start()
            ready_s = time.perf_counter() - started
            try:
                resident, highest = memory_mb(broker.pid)
                print(
                    f"{label}: ready after {ready_s:.2f} s, {events:,} events, {resident:.0f} MB (peak {highest:.0f})"
                )
                if events:
                    asyncio.run(read_some(broker, options.read))
                    resident, highest = memory_mb(broker.pid)
                    print(f"after {options.read:,} events read: {resident:.0f} MB (peak {highest:.0f})")
            finally:
                broker.stop()


if __name__ == "__main__":
    main()
