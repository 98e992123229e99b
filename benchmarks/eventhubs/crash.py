"""`python -m benchmarks.eventhubs.crash --kills 20`: SIGKILL at random moments under load, then count.

Senders and a reader use the unmodified azure-eventhub client all the time. Afterwards every event that was
acknowledged must be read back, each partition's sequence numbers must have no gap, and no number that a reader saw
before a kill may show another event after it.
"""

import argparse
import asyncio
import contextlib
import logging
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient, PartitionContext
from azure.eventhub.exceptions import EventHubError

from local.eventhubs.process import EventHubsProcess

HUB = "crash"
PARTITIONS = 4
SENDERS = 6


@dataclass
class Report:
    """What happened; the last three must be 0."""

    kills: int
    sent: int
    acknowledged: int
    delivered: int
    duplicated: int
    lost: int
    gaps: int
    repeats: int

    def text(self) -> str:
        """One line per count."""
        return "\n".join(f"{name:<13}{value:>9,}" for name, value in vars(self).items())


@dataclass
class Ledger:
    """What senders were told and readers saw."""

    sent: int = 0
    acknowledged: set[str] = field(default_factory=set)
    seen: dict[tuple[str, int], str] = field(default_factory=dict)
    repeats: int = 0

    def saw(self, partition: str, event: EventData) -> None:
        """A reader got an event; its number must always mean the same event."""
        key, body = (partition, event.sequence_number or 0), event.body_as_str()
        if self.seen.setdefault(key, body) != body:
            self.repeats += 1


class Load:
    """Senders and a reader that go on through every kill."""

    def __init__(self, broker: EventHubsProcess, ledger: Ledger, seed: int) -> None:
        self._broker = broker
        self._ledger = ledger
        self._random = random.Random(seed)
        self._stopping = False

    async def send(self, name: int) -> None:
        """Send singles and batches to one partition until told to stop; a failed send is not acknowledged."""
        number = 0
        while not self._stopping:
            client = EventHubProducerClient.from_connection_string(
                self._broker.connection_string, eventhub_name=HUB, retry_total=1, retry_backoff_factor=0.1
            )
            with contextlib.suppress(EventHubError):
                async with client:
                    while not self._stopping:
                        size = self._random.choice((1, 1, 10, 100))
                        bodies = [f"{name}-{number + n} " + "x" * 200 for n in range(size)]
                        number += size
                        self._ledger.sent += size
                        await client.send_batch(
                            [EventData(body) for body in bodies], partition_id=str(name % PARTITIONS)
                        )
                        self._ledger.acknowledged.update(bodies)
            await asyncio.sleep(0.05)

    async def read(self) -> None:
        """Read everything, again from the start whenever the client gives up."""
        while not self._stopping:
            await read_once(self._broker, self._ledger, lambda: self._stopping)

    def stop(self) -> None:
        """End at the next opportunity."""
        self._stopping = True


async def read_once(broker: EventHubsProcess, ledger: Ledger, done: Callable[[], bool]) -> None:
    """Read all partitions from the start until `done()` or until the client loses a partition."""
    lost = asyncio.Event()

    async def on_event(context: PartitionContext, event: EventData | None) -> None:
        if event is not None:
            ledger.saw(context.partition_id, event)

    async def on_close(_: PartitionContext, __: object) -> None:
        lost.set()

    client = EventHubConsumerClient.from_connection_string(
        broker.connection_string, "$Default", eventhub_name=HUB, retry_total=20, retry_backoff_factor=0.1
    )
    async with client:
        task = asyncio.create_task(
            client.receive(on_event, on_partition_close=on_close, starting_position="-1", prefetch=3000)
        )
        while not done() and not lost.is_set():  # noqa: ASYNC110 - counts are compared now and then
            await asyncio.sleep(0.1)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def last_sequences(broker: EventHubsProcess) -> dict[str, int]:
    """The last sequence number of each partition, as the broker says."""
    hub = broker.control.call("GET", f"/_control/hubs/{HUB}")
    return {partition["id"]: partition["lastSequence"] for partition in hub["partitions"]}


async def run(folder: Path, *, kills: int, seed: int, up_s: tuple[float, float] = (1.0, 4.0)) -> Report:
    """Load a broker, kill it so many times, and compare what was promised with what is there."""
    chance = random.Random(seed)
    broker = EventHubsProcess(folder, [f"{HUB}={PARTITIONS}"])
    await asyncio.to_thread(broker.start)
    ledger = Ledger()
    load = Load(broker, ledger, seed)
    tasks = [asyncio.create_task(load.send(name)) for name in range(SENDERS)]
    tasks.append(asyncio.create_task(load.read()))
    try:
        for _ in range(kills):
            before = len(ledger.acknowledged)
            async with asyncio.timeout(60):
                while len(ledger.acknowledged) == before:  # noqa: ASYNC110 - a kill of an idle broker shows nothing
                    await asyncio.sleep(0.05)
            await asyncio.sleep(chance.uniform(*up_s))
            broker.kill()
            await asyncio.to_thread(broker.start)
        load.stop()
        await asyncio.gather(*tasks)
        return await _compare(broker, ledger, kills)
    finally:
        load.stop()
        for task in tasks:
            task.cancel()
        broker.stop()


async def _compare(broker: EventHubsProcess, ledger: Ledger, kills: int) -> Report:
    last = await asyncio.to_thread(last_sequences, broker)
    final = Ledger(seen={})
    total = sum(last.values()) + len(last)
    async with asyncio.timeout(300):
        await read_once(broker, final, lambda: len(final.seen) >= total)
    bodies = Counter(final.seen.values())
    gaps = sum((partition, sequence) not in final.seen for partition in last for sequence in range(last[partition] + 1))
    changed = sum(final.seen.get(key) != body for key, body in ledger.seen.items())
    return Report(
        kills=kills,
        sent=ledger.sent,
        acknowledged=len(ledger.acknowledged),
        delivered=len(bodies),
        duplicated=sum(count - 1 for count in bodies.values()),
        lost=len(ledger.acknowledged - bodies.keys()),
        gaps=gaps,
        repeats=ledger.repeats + final.repeats + changed,
    )


def main() -> int:
    """Print the counts; status 1 when something was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eventhubs.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="decides when to kill")
    options = parser.parse_args()
    logging.getLogger("azure").setLevel(logging.CRITICAL)  # its warnings are the point of the exercise
    with tempfile.TemporaryDirectory(prefix="eventhubs-crash-") as folder:
        report = asyncio.run(run(Path(folder), kills=options.kills, seed=options.seed))
    print(report.text())
    return 1 if report.lost or report.gaps or report.repeats else 0


if __name__ == "__main__":
    sys.exit(main())
