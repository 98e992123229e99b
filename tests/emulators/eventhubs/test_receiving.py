"""Consumers: where they start, who may read, and what they are told."""

import asyncio
from datetime import UTC, datetime

import pytest
from azure.eventhub import CloseReason, EventData, EventHubConsumerClient, PartitionContext
from azure.eventhub.exceptions import ConnectError, ConnectionLostError

from local.eventhubs import performatives as amqp
from local.eventhubs.server import EventHubsServer
from tests.emulators.eventhubs.clients import HUB, consumer, producer, receiving, send, until
from tests.emulators.eventhubs.conformance import PYTHON_SYNC, RAW, conforms
from tests.emulators.eventhubs.raw import RawClient, batch, error_of, look
from tests.emulators.eventhubs.side_by_side import side_by_side

OFFSET, SEQUENCE, TIME = (f"amqp.annotation.x-opt-{name}" for name in ("offset", "sequence-number", "enqueued-time"))


async def store_three_groups(broker: EventHubsServer) -> None:
    """Nine events in three appends, a second of broker time apart."""
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        sender = await client.sender()
        for group in range(3):
            client.transfer(sender, batch([b"%d" % (3 * group + n) for n in range(3)]), 0x80013700)
            assert await client.outcome() == (True, "")
            broker.clock.ahead_ms += 1000


@conforms(21, "every start position, inclusive and exclusive", RAW)
async def test_every_start_position(broker: EventHubsServer) -> None:
    await store_three_groups(broker)
    events = await look(broker.port)
    fourth = events[4]

    async def first(start: str) -> list[int]:
        return [event.sequence for event in await look(broker.port, start=start)][:1]

    assert await first(f"{OFFSET} > '-1'") == [0]
    assert await first(f"{OFFSET} > '{fourth.offset}'") == [5]
    assert await first(f"{OFFSET} >= '{fourth.offset}'") == [4]
    assert await first(f"{SEQUENCE} > '-1'") == [0]
    assert await first(f"{SEQUENCE} > '4'") == [5]
    assert await first(f"{SEQUENCE} >= '4'") == [4]
    assert await first(f"{TIME} > '{fourth.time_ms}'") == [6]
    assert await first(f"{TIME} >= '{fourth.time_ms}'") == [3]
    assert await first(f"{TIME} > '0'") == [0]
    assert await first(f"{OFFSET} > '@latest'") == []
    assert await first(f"{OFFSET} >= '@latest'") == [8]
    assert await first(f"{OFFSET} > '{events[-1].offset}'") == []
    assert await first(f"{SEQUENCE} > '8'") == []


@pytest.mark.parametrize(
    ("start", "text"),
    [
        (f"{SEQUENCE} > '9'", "The supplied sequence number '9' is invalid. The last sequence number in the system is"),
        (f"{OFFSET} > '999999'", "The supplied offset '999999' is invalid. The last offset in the system is"),
    ],
)
async def test_a_start_beyond_the_end_is_refused(broker: EventHubsServer, start: str, text: str) -> None:
    """What a checkpoint looks like after its hub was made anew."""
    await store_three_groups(broker)
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        _, answer = await client.receiver(start=start)
        condition, description = error_of((await client.expect(amqp.DETACH)).fields[2])

    assert answer.fields[5] is None
    assert condition == "com.microsoft:argument-error"
    assert text in description


@side_by_side
@conforms(21, "beginning, offset, sequence number, time and latest")
async def test_the_client_starts_where_it_asks(broker: EventHubsServer) -> None:
    await store_three_groups(broker)
    events = await look(broker.port)
    after = datetime.fromtimestamp(events[4].time_ms / 1000, UTC)
    starts: list[tuple[str | int | datetime, bool, int]] = [
        ("-1", False, 0),
        (events[4].offset, False, 5),
        (4, True, 4),
        (after, False, 6),
    ]

    async def first(start: str | int | datetime, inclusive: bool) -> int:
        async with receiving(
            consumer(broker), partition_id="0", starting_position=start, starting_position_inclusive=inclusive
        ) as seen:
            await seen.until(lambda seen: len(seen.events) >= 1)
        return seen.sequences[0]

    async def latest() -> list[str]:
        async with receiving(consumer(broker), partition_id="0", starting_position="@latest") as seen:
            await until(lambda: bool(broker.broker.namespace.hub(HUB).partitions[0].receivers.get("$default")))
            await send(broker, ["new"])
            await seen.until(lambda seen: len(seen.events) >= 1)
        return seen.bodies

    found = await asyncio.gather(*(first(start, inclusive) for start, inclusive, _ in starts))
    assert found == [wanted for _, _, wanted in starts]
    assert await latest() == ["new"]


@side_by_side
@conforms(24, "the last enqueued event is tracked")
@conforms(28, "two groups read independently")
async def test_two_groups_read_all_events_and_track_the_last(broker: EventHubsServer) -> None:
    await send(broker, [f"{n}" for n in range(20)])

    async with (
        receiving(consumer(broker), partition_id="0", track_last_enqueued_event_properties=True) as first,
        receiving(consumer(broker, "Processor"), partition_id="0") as second,
    ):
        await first.until(lambda seen: len(seen.events) >= 20)
        await second.until(lambda seen: len(seen.events) >= 20)

    assert first.bodies == second.bodies == [f"{n}" for n in range(20)]
    event, last = first.events[-1][1], first.last_enqueued
    assert last is not None
    assert last["sequence_number"] == 19
    assert last["offset"] == event.offset
    assert last["enqueued_time"] == event.enqueued_time


@side_by_side
@conforms(26, "a higher epoch steals, a lower one is refused, the stolen reader is told")
async def test_a_higher_epoch_steals(broker: EventHubsServer) -> None:
    await send(broker, ["one"])
    async with receiving(consumer(broker), partition_id="0", owner_level=1) as first:
        await first.until(lambda seen: len(seen.events) == 1)
        async with receiving(consumer(broker), partition_id="0", owner_level=2) as second:
            await second.until(lambda seen: len(seen.events) == 1)
            await first.until(lambda seen: bool(seen.closed))
            async with receiving(consumer(broker), partition_id="0", owner_level=1) as third:
                await third.until(lambda seen: bool(seen.errors))

    assert isinstance(first.errors[0][1], ConnectionLostError)
    assert "link:stolen" in str(first.errors[0][1]) or "higher epoch" in str(first.errors[0][1])
    assert first.closed == [("0", CloseReason.OWNERSHIP_LOST)]
    assert isinstance(third.errors[0][1], ConnectionLostError)
    assert not second.errors


@side_by_side
@conforms(27, "an unknown consumer group is reported, not tried for ever")
async def test_an_unknown_group_is_reported(broker: EventHubsServer) -> None:
    async with receiving(consumer(broker, "nosuch", retry_total=0), partition_id="0") as seen:
        await seen.until(lambda seen: bool(seen.errors))

    assert isinstance(seen.errors[0][1], ConnectionLostError)
    assert "nosuch" in str(seen.errors[0][1])


@side_by_side
@conforms(9, "events are received by receive() and receive_batch()", PYTHON_SYNC)
async def test_the_synchronous_client_receives(broker: EventHubsServer) -> None:
    await send(broker, [f"{n}" for n in range(10)], partition=3)
    client = EventHubConsumerClient.from_connection_string(broker.connection_string, "$Default", eventhub_name=HUB)
    seen: list[str] = []

    def on_batch(_: PartitionContext, events: list[EventData]) -> None:
        seen.extend(event.body_as_str() for event in events)
        if len(seen) == 10:
            client.close()

    await asyncio.to_thread(client.receive_batch, on_batch, starting_position="-1")

    assert seen == [f"{n}" for n in range(10)]


@side_by_side
@conforms(6, "properties of hub and partitions, empty and filled")
async def test_properties_of_hub_and_partitions(broker: EventHubsServer) -> None:
    await send(broker, ["one", "two"], partition=1)
    async with producer(broker) as client:
        hub = await client.get_eventhub_properties()
        empty = await client.get_partition_properties("0")
        filled = await client.get_partition_properties("1")
        with pytest.raises(ConnectError):
            await producer(broker, retry_total=0).get_partition_properties("9")

    events = await look(broker.port, 1)
    assert (hub["eventhub_name"], hub["partition_ids"]) == (HUB, ["0", "1", "2", "3"])
    assert abs((datetime.now(UTC) - hub["created_at"]).total_seconds()) < 600
    assert (empty["is_empty"], empty["last_enqueued_sequence_number"]) == (True, -1)
    assert (empty["beginning_sequence_number"], empty["last_enqueued_offset"]) == (0, "-1")
    assert (filled["is_empty"], filled["beginning_sequence_number"]) == (False, 0)
    assert (filled["last_enqueued_sequence_number"], filled["last_enqueued_offset"]) == (1, events[1].offset)
    assert int(filled["last_enqueued_time_utc"].timestamp() * 1000) == events[1].time_ms
