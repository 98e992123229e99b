"""Faults of the broker on real sends: each ends as ours, within the deadline, and the next send works."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient, PartitionContext

from adapters.event_hubs import EventHubsCommandQueue, QueueSettings, partition_of, producer_client
from domain.commands import command_of
from domain.errors import EventTooLarge, QueueUnavailable
from local.eventhubs.process import EventHubsProcess
from local.faults import ControlClient
from settings import CONSUMER_GROUP, HUB
from tests.builders import an_add_comment, an_add_rating
from tests.contracts.conftest import PARTITIONS, Cloud, received

DEADLINE_S = 3.0

FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "busy": ("server-busy", {}),
    "rejected": ("reject", {"condition": "amqp:internal-error"}),
    "detached": ("detach", {"condition": "amqp:link:detach-forced"}),
    "reset before": ("drop-before", {}),
    "reset after": ("drop-after", {}),
    "hanging": ("hang", {}),
    "disk full": ("disk-full", {}),
    "partition moving": ("stop-partition", {}),
}
CONNECTION_FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "refused": ("refuse-connections", {}),
    "no link": ("refuse-attach", {"condition": "amqp:not-found"}),
    "no right": ("fail-cbs", {"status": 401}),
    "hanging": ("hang", {}),
}


@pytest.fixture
async def command_queue(cloud: Cloud) -> AsyncIterator[EventHubsCommandQueue]:
    queue = queue_to(cloud.hub_connection)
    yield queue
    await queue.close()


@pytest.fixture
def faults(cloud: Cloud) -> Iterator[ControlClient]:
    control = ControlClient(f"http://127.0.0.1:{cloud.stack.hub_port(0) + 1}")
    yield control
    control.clear_faults()


@pytest.mark.parametrize("group", [list(FAULTS)[:PARTITIONS], list(FAULTS)[PARTITIONS:]], ids=", ".join)
async def test_a_fault_of_a_send_ends_as_ours_in_time(
    command_queue: EventHubsCommandQueue, faults: ControlClient, group: list[str]
) -> None:
    """Each fault on a partition of its own, side by side."""

    async def suffer(fault: str, partition: int) -> str | None:
        name, args = FAULTS[fault]
        item_id = item_of(partition)
        await send_at_last(command_queue, item_id)
        rule = faults.add_fault(name, args=args, match={"partition": str(partition)})
        ended = None
        try:
            async with asyncio.timeout(DEADLINE_S + 5):
                await command_queue.send(an_add_rating(item_id), {})
        except QueueUnavailable:
            ended = fault
        faults.remove_fault(rule)
        await send_at_last(command_queue, item_id)
        return ended

    ended = await asyncio.gather(*(suffer(fault, partition) for partition, fault in enumerate(group)))

    assert ended == group


async def send_at_last(queue: EventHubsCommandQueue, item_id: UUID) -> None:
    """Send as a client does that asks again: on a busy machine one deadline may pass while a link is being opened."""
    for attempt in range(4):
        try:
            await queue.send(an_add_rating(item_id), {})
        except QueueUnavailable:
            if attempt == 3:
                raise
        else:
            return


def item_of(partition: int) -> UUID:
    return next(one for one in iter(uuid4, None) if partition_of(one, PARTITIONS) == partition)


@pytest.mark.parametrize("fault", CONNECTION_FAULTS)
async def test_a_fault_of_a_connection_ends_as_ours_in_time(
    command_queue: EventHubsCommandQueue, faults: ControlClient, fault: str
) -> None:
    name, args = CONNECTION_FAULTS[fault]
    rule = faults.add_fault(name, args=args)

    with pytest.raises(QueueUnavailable):
        async with asyncio.timeout(DEADLINE_S + 5):
            await command_queue.send(an_add_rating(), {})

    faults.remove_fault(rule)
    await command_queue.send(an_add_rating(), {})


async def test_a_batch_refused_for_its_size_harms_only_what_is_too_large(
    cloud: Cloud, command_queue: EventHubsCommandQueue, faults: ControlClient
) -> None:
    """A namespace of a smaller tier takes less than the SDK's limit: it refuses batch and large event, not the rest."""
    item_id = uuid4()
    commands = [an_add_comment(item_id, text=text) for text in ("a", "b", "c")]
    await command_queue.send(an_add_rating(item_id), {})  # opens the link: the three go together
    # The SDK sends once more what is refused on an open link: twice the batch, then the first of its three on a new.
    faults.add_fault("reject", args={"condition": "amqp:link:message-size-exceeded"}, count=3)

    results = await asyncio.gather(*(command_queue.send(one, {}) for one in commands), return_exceptions=True)

    refused = [number for number, result in enumerate(results) if isinstance(result, EventTooLarge)]
    accepted = [number for number, result in enumerate(results) if result is None]
    assert len(refused) + len(accepted) == len(commands)
    assert len(refused) == 1
    wanted = [commands[number].command_id for number in accepted]
    assert [one for part in (await received(cloud, wanted)).values() for one in part] == wanted


class Customers:
    """Send at a steady rate, and remember how each send ended."""

    def __init__(self, queue: EventHubsCommandQueue) -> None:
        self._queue = queue
        self.acknowledged: list[UUID] = []
        self.refused = 0
        self.waiting: set[asyncio.Task[None]] = set()

    async def send_for(self, seconds: float, per_second: int = 50) -> None:
        for _ in range(int(seconds * per_second)):
            task = asyncio.create_task(self._one())
            self.waiting.add(task)
            task.add_done_callback(self.waiting.discard)
            await asyncio.sleep(1 / per_second)

    async def _one(self) -> None:
        command = an_add_rating()
        async with asyncio.timeout(DEADLINE_S + 5):
            try:
                await self._queue.send(command, {})
            except QueueUnavailable:
                self.refused += 1
            else:
                self.acknowledged.append(command.command_id)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[EventHubsProcess]:
    process = EventHubsProcess(tmp_path / "broker", [f"{HUB}={PARTITIONS}:{CONSUMER_GROUP}"])
    await asyncio.to_thread(process.start)
    yield process
    await asyncio.to_thread(process.stop)


def queue_to(connection: str) -> EventHubsCommandQueue:
    def client() -> EventHubProducerClient:
        return producer_client(HUB, connection=connection)

    return EventHubsCommandQueue(client, QueueSettings(PARTITIONS, send_timeout_s=1.5, deadline_s=DEADLINE_S))


async def test_a_killed_broker_is_said_in_time_and_used_again_once_it_is_back(broker: EventHubsProcess) -> None:
    """Nothing waits beyond its deadline, nothing piles up, and whatever was acknowledged is there afterwards."""
    queue = queue_to(broker.connection_string)
    customers = Customers(queue)
    await customers.send_for(1)
    await asyncio.to_thread(broker.kill)
    before = customers.refused
    await customers.send_for(4)

    assert customers.refused > before
    assert len(customers.waiting) <= 50 * DEADLINE_S
    await asyncio.to_thread(broker.start)
    async with asyncio.timeout(5):
        await acknowledged_again(queue)
    await customers.send_for(1)
    await asyncio.gather(*customers.waiting)
    await queue.close()

    assert len(customers.acknowledged) > 50
    found = await all_in(broker.connection_string, lambda ids: ids >= set(customers.acknowledged))
    assert set(customers.acknowledged) - found == set()


async def acknowledged_again(queue: EventHubsCommandQueue) -> None:
    """Return once every partition takes commands."""

    async def insist() -> None:
        while True:
            try:
                return await queue.send(an_add_rating(), {})
            except QueueUnavailable:
                continue

    await asyncio.gather(*(insist() for _ in range(20)))


async def all_in(connection: str, complete: Callable[[set[UUID]], bool]) -> set[UUID]:
    """The ids of the commands in a hub, once they are complete (or nothing came for a long time)."""
    found: set[UUID] = set()
    done = asyncio.Event()

    async def on_event_batch(_: PartitionContext, events: list[EventData]) -> None:
        found.update(command_of(event.body_as_str().encode()).command_id for event in events)
        if complete(found):
            done.set()

    async with EventHubConsumerClient.from_connection_string(
        connection, consumer_group=CONSUMER_GROUP, eventhub_name=HUB
    ) as consumer:
        reading = asyncio.create_task(consumer.receive_batch(on_event_batch, starting_position="-1"))
        try:
            async with asyncio.timeout(20):
                await done.wait()
        except TimeoutError:
            pass
        finally:
            reading.cancel()
    return found
