"""Short ways to the vendor's own client for Python."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient, PartitionContext

from local.eventhubs.sections import BATCH_FORMAT
from local.eventhubs.server import EventHubsServer
from tests.emulators.eventhubs.raw import RawClient, batch

HUB = "commands"
CLOSING: set[asyncio.Task[None]] = set()  # the SDK sleeps a second when it stops receiving: nobody waits for that


def producer(broker: EventHubsServer, hub: str = HUB, **options: Any) -> EventHubProducerClient:
    """A producer client with quick retries."""
    return EventHubProducerClient.from_connection_string(
        broker.connection_string, eventhub_name=hub, **({"retry_backoff_factor": 0.1} | options)
    )


def consumer(
    broker: EventHubsServer, group: str = "$Default", hub: str = HUB, **options: Any
) -> EventHubConsumerClient:
    """A consumer client with quick retries."""
    return EventHubConsumerClient.from_connection_string(
        broker.connection_string, group, eventhub_name=hub, **({"retry_backoff_factor": 0.1} | options)
    )


def keys_of(event: EventData) -> dict[str, Any]:
    """Application properties with text keys."""
    return {k.decode() if isinstance(k, bytes) else k: v for k, v in (event.properties or {}).items()}


class Collector:
    """What `receive` was called back with."""

    def __init__(self) -> None:
        self.events: list[tuple[str, EventData]] = []
        self.errors: list[tuple[str | None, Exception]] = []
        self.closed: list[tuple[str, Any]] = []
        self.last_enqueued: dict[str, Any] | None = None
        self._changed = asyncio.Event()

    async def on_event(self, context: PartitionContext, event: EventData | None) -> None:
        if event is not None:
            self.last_enqueued = context.last_enqueued_event_properties
            self.events.append((context.partition_id, event))
            self._changed.set()

    async def on_error(self, context: PartitionContext | None, error: Exception) -> None:
        self.errors.append((context.partition_id if context else None, error))
        self._changed.set()

    async def on_close(self, context: PartitionContext, reason: Any) -> None:
        self.closed.append((context.partition_id, reason))
        self._changed.set()

    @property
    def bodies(self) -> list[str]:
        return [event.body_as_str() for _, event in self.events]

    @property
    def sequences(self) -> list[int]:
        return [event.sequence_number or 0 for _, event in self.events]

    async def until(self, reached: Callable[["Collector"], bool], timeout_s: float = 30) -> None:
        async with asyncio.timeout(timeout_s):
            while not reached(self):
                self._changed.clear()
                await self._changed.wait()


@contextlib.asynccontextmanager
async def receiving(client: EventHubConsumerClient, **options: Any) -> AsyncIterator[Collector]:
    """Receive in the background while the block runs; then close the client."""
    collector = Collector()
    async with client:
        task = asyncio.create_task(
            client.receive(
                on_event=collector.on_event,
                on_error=collector.on_error,
                on_partition_close=collector.on_close,
                **({"starting_position": "-1"} | options),
            )
        )
        try:
            yield collector
        finally:
            task.cancel()
            CLOSING.add(task)
            task.add_done_callback(CLOSING.discard)


async def read(
    broker: EventHubsServer, count: int, group: str = "$Default", hub: str = HUB, **options: Any
) -> Collector:
    """The first `count` events from the start on."""
    async with receiving(consumer(broker, group, hub), **options) as collector:
        await collector.until(lambda seen: len(seen.events) >= count)
    return collector


async def send(broker: EventHubsServer, bodies: Sequence[str], partition: int = 0, hub: str = HUB) -> None:
    """Store events quickly, in one batch."""
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize(hub)
        sender = await client.sender(f"{hub}/Partitions/{partition}")
        client.transfer(sender, batch([body.encode() for body in bodies]), BATCH_FORMAT)
        assert await client.outcome() == (True, "")


async def until(reached: Callable[[], bool], timeout_s: float = 30) -> None:
    """Wait for a state of the broker that nobody announces."""
    async with asyncio.timeout(timeout_s):
        while not reached():  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.02)
