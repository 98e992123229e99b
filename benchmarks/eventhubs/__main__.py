"""`python -m benchmarks.eventhubs`: what an event costs the broker, beside what it costs the client.

Each line is one way to send or receive with the unmodified azure-eventhub client. The ceiling is what this client could
do on one full core if the broker and the disk took no time at all. The broker must need less than a quarter of the
client's CPU when it is busy, so that it is never the bottleneck; a client that sends one event after another makes it
wake up and sync the disk for each, which costs what the last line says in any program.
"""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient, PartitionContext

from benchmarks.eventhubs.floor import drive
from benchmarks.eventhubs.saturate import open_saturator
from local.eventhubs.process import EventHubsProcess

HUB = "bench"
PARTITIONS = 4
BODY = b"x" * 300
FULL_SINGLES, FULL_BATCHES = "no SDK: singles, 200 in flight", "no SDK: batches of 100"
type Case = AsyncGenerator[int]
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """One measured case."""

    case: str
    events: int
    wall_s: float
    client_s: float
    broker_user_s: float
    broker_kernel_s: float

    @property
    def client_us(self) -> float:
        """CPU of the client for one event."""
        return self.client_s / self.events * 1e6

    @property
    def broker_us(self) -> float:
        """CPU of the broker for one event, the kernel's part included."""
        return (self.broker_user_s + self.broker_kernel_s) / self.events * 1e6

    def line(self) -> str:
        """The case as a row of the table."""
        kernel_us = self.broker_kernel_s / self.events * 1e6
        return (
            f"{self.case:<34} {self.events / self.wall_s:>9,.0f} {1e6 / self.client_us:>9,.0f} {self.client_us:>10.1f} "
            f"{self.broker_us:>10.1f} {kernel_us:>8.1f} {self.broker_us / self.client_us:>7.2f}"
        )


HEADER = f"{'case':<34} {'events/s':>9} {'ceiling':>9} {'client µs':>10} {'broker µs':>10} {'kernel':>8} {'ratio':>7}"


def cpu_of(pid: int) -> tuple[float, float]:
    """User and kernel seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / TICKS_PER_S, int(fields[12]) / TICKS_PER_S


async def measure(name: str, broker: EventHubsProcess, case: Case) -> Cost:
    """Set a case up, then run it and take everybody's CPU before and after."""
    await anext(case)
    user_s, kernel_s = cpu_of(broker.pid)
    wall, client = time.perf_counter(), time.process_time()
    events = await anext(case)
    wall_s, client_s = time.perf_counter() - wall, time.process_time() - client
    user_after_s, kernel_after_s = cpu_of(broker.pid)
    await case.aclose()
    return Cost(name, events, wall_s, client_s, user_after_s - user_s, kernel_after_s - kernel_s)


class Bench:
    """The cases: each yields once when its links are up, then how many events it has moved."""

    def __init__(self, broker: EventHubsProcess, seconds: float) -> None:
        self._broker = broker
        self._seconds = seconds
        self._stored = 0

    def _producer(self) -> EventHubProducerClient:
        return EventHubProducerClient.from_connection_string(self._broker.connection_string, eventhub_name=HUB)

    async def singles(self, clients: int) -> Case:
        """Send one event at a time, from several clients at once."""

        async def one(client: EventHubProducerClient) -> int:
            sent, until = 0, time.perf_counter() + self._seconds
            while time.perf_counter() < until:
                await client.send_event(EventData(BODY), partition_id="0")
                sent += 1
            return sent

        async with contextlib.AsyncExitStack() as stack:
            producers = [await stack.enter_async_context(self._producer()) for _ in range(clients)]
            await asyncio.gather(*(client.send_event(EventData(BODY), partition_id="0") for client in producers))
            yield 0
            sent = sum(await asyncio.gather(*(one(client) for client in producers)))
            self._stored += sent + clients
            yield sent

    async def batches(self, size: int, key: str | None = None) -> Case:
        """Send batches, one after another."""
        async with self._producer() as client:
            await client.send_batch([EventData(BODY)])
            yield 0
            sent, until = 0, time.perf_counter() + self._seconds
            while time.perf_counter() < until:
                batch = await client.create_batch(partition_key=key)
                for _ in range(size):
                    batch.add(EventData(BODY))
                await client.send_batch(batch)
                sent += size
            self._stored += sent + 1
            yield sent

    async def saturated(self, batch: int) -> Case:
        """Send without the SDK, many transfers in flight: the client's columns are this sender's, not the SDK's."""
        sender = await open_saturator(self._broker.port, HUB, batch, BODY, in_flight=200)
        yield 0
        sender.start(self._seconds)
        await sender.done.wait()
        self._stored += sender.acknowledged * batch
        yield sender.acknowledged * batch

    async def receive(self, prefetch: int) -> Case:
        """Read everything that has been stored so far, from all partitions."""
        seen, done = 0, asyncio.Event()

        async def on_batch(_: PartitionContext, events: list[EventData]) -> None:
            nonlocal seen
            seen += len(events)
            if seen >= self._stored:
                done.set()

        client = EventHubConsumerClient.from_connection_string(
            self._broker.connection_string, "$Default", eventhub_name=HUB
        )
        async with client:
            yield 0
            task = asyncio.create_task(
                client.receive_batch(on_batch, max_batch_size=300, prefetch=prefetch, starting_position="-1")
            )
            async with asyncio.timeout(600):
                await done.wait()
            yield seen
            task.cancel()


def floor(folder: Path, seconds: float) -> str:
    """What the barest program takes for one event that it reads, syncs to disk and answers."""
    command = [sys.executable, "-m", "benchmarks.eventhubs.floor", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        before = sum(cpu_of(process.pid))
        events = drive(port, seconds)
        cost_us = (sum(cpu_of(process.pid)) - before) / events * 1e6
        process.kill()
    return f"floor: asyncio, socket and fdatasync alone take {cost_us:.0f} µs for an event sent by itself"


async def run(seconds: float, folder: Path) -> list[Cost]:
    """Run every case against one broker with a durable log."""
    broker = EventHubsProcess(folder, [f"{HUB}={PARTITIONS}"])
    broker.start()
    try:
        bench = Bench(broker, seconds)
        await measure("warm-up", broker, bench.batches(100))
        costs = []
        for case, work in (
            ("send_event, one after another", bench.singles(1)),
            ("send_event, 8 clients", bench.singles(8)),
            ("send_batch of 10", bench.batches(10)),
            ("send_batch of 100", bench.batches(100)),
            ("send_batch of 100, partition key", bench.batches(100, "key1")),
            ("send_batch of 1000", bench.batches(1000)),
            (FULL_SINGLES, bench.saturated(1)),
            (FULL_BATCHES, bench.saturated(100)),
            ("receive_batch, prefetch 3000", bench.receive(3000)),
        ):
            cost = await measure(case, broker, work)
            print(cost.line(), flush=True)
            costs.append(cost)
        by_case = {cost.case: cost for cost in costs}
        for kind, loaded, client in (
            ("single", FULL_SINGLES, "send_event, one after another"),
            ("batched", FULL_BATCHES, "send_batch of 100"),
        ):
            broker_us, client_us = by_case[loaded].broker_us, by_case[client].client_us
            print(
                f"at full load a {kind} event costs the broker {broker_us:.1f} µs, "
                f"{broker_us / client_us:.2f} of the SDK's {client_us:.0f} µs"
            )
        print(await asyncio.to_thread(floor, folder, seconds))
        return costs
    finally:
        broker.stop()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eventhubs", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each sending case")
    parser.add_argument("--folder", type=Path, help="where the log is written (default: a temporary folder)")
    options = parser.parse_args()
    print(HEADER)
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="eventhubs-bench-") as folder:
        asyncio.run(run(options.seconds, Path(folder)))


if __name__ == "__main__":
    main()
