"""Producers: where events go, what is refused, and that every send is answered."""

import asyncio
import contextlib

import pytest
from azure.eventhub import EventData, EventHubProducerClient
from azure.eventhub.aio import EventHubProducerClient as AsyncProducerClient
from azure.eventhub.amqp import AmqpAnnotatedMessage, AmqpMessageBodyType
from azure.eventhub.exceptions import ConnectError, EventDataSendError

from local.eventhubs.partitioning import hash_of_key, partition_of_key
from local.eventhubs.server import EventHubsServer
from tests.emulators.eventhubs.clients import HUB, producer, read
from tests.emulators.eventhubs.conformance import PYTHON_SYNC, RAW, conforms
from tests.emulators.eventhubs.raw import RawClient, batch, look, message
from tests.emulators.eventhubs.side_by_side import StartBroker, side_by_side


async def bodies(broker: EventHubsServer) -> dict[int, list[bytes]]:
    """What each partition holds."""
    return {n: [event.body for event in await look(broker.port, n)] for n in range(4)}


@side_by_side
@conforms(9, "one event arrives as it was sent")
@conforms(10, "a batch keeps its order within its partition")
@conforms(14, "an explicit partition id is honoured")
@conforms(22, "sequence numbers have no gap, offsets are growing decimal strings")
async def test_singles_and_batches_keep_their_order_in_the_partition_they_name(broker: EventHubsServer) -> None:
    async with producer(broker) as client:
        await client.send_event(EventData("first"), partition_id="2")
        in_one = await client.create_batch(partition_id="2")
        for n in range(500):
            in_one.add(EventData(f"event {n}"))
        await client.send_batch(in_one)
        await client.send_event(EventData("last"), partition_id="2")

    seen = await read(broker, 502)

    assert in_one.max_size_in_bytes == 1024 * 1024
    assert {partition for partition, _ in seen.events} == {"2"}
    assert seen.bodies == ["first", *[f"event {n}" for n in range(500)], "last"]
    assert seen.sequences == list(range(502))
    offsets = [event.offset for _, event in seen.events]
    assert all(offset is not None and offset.isdigit() for offset in offsets)
    assert sorted(offsets, key=lambda offset: int(offset or -1)) == offsets


@side_by_side
@conforms(11, "events of 200 KB and 1 MB travel in several frames")
@conforms(12, "an event over the limit is refused with link:message-size-exceeded")
async def test_large_events_pass_up_to_the_limit(broker: EventHubsServer) -> None:
    sizes = [200_000, 1_000_000]
    async with producer(broker) as client:
        for size in sizes:
            await client.send_event(EventData(b"x" * size), partition_id="0")
        with pytest.raises(EventDataSendError) as refused:
            await client.send_event(EventData(b"x" * 1_100_000), partition_id="0")

    seen = await read(broker, 2)

    assert refused.value.error == "link:message-size-exceeded"
    assert [len(body) for body in seen.bodies] == sizes


@side_by_side
@conforms(13, "one key, one partition: for single events and batches alike")
async def test_a_key_always_leads_to_the_same_partition(broker: EventHubsServer) -> None:
    keys = ["key1", "a", "device-42", "ключ", "x" * 40]
    async with producer(broker) as client:
        for key in keys:
            await client.send_event(EventData(f"single {key}"), partition_key=key)
            await client.send_batch([EventData(f"batch {key}")], partition_key=key)

    found = await bodies(broker)

    for key in keys:
        assert {f"single {key}".encode(), f"batch {key}".encode()} <= set(found[partition_of_key(key, 4)])
    events = await look(broker.port, partition_of_key("ключ", 4))
    assert "ключ" in [event.annotations.get("x-opt-partition-key") for event in events]


def test_keys_hash_as_the_service_hashes_them() -> None:
    assert [hash_of_key(key) for key in ("key1", "a", "device-42")] == [2075, -16220, -21548]
    assert partition_of_key("a", 4) == 0
    assert hash_of_key("") == hash_of_key("")


@side_by_side
@conforms(15, "events without a key go round the partitions")
async def test_without_a_key_events_go_round(broker: EventHubsServer) -> None:
    async with producer(broker) as client:
        for n in range(8):
            await client.send_event(EventData(f"{n}"))

    assert [len(events) for events in (await bodies(broker)).values()] == [2, 2, 2, 2]


@side_by_side
@conforms(16, "buffered mode acknowledges every event once")
async def test_buffered_events_are_each_acknowledged_once(broker: EventHubsServer) -> None:
    acknowledged: list[str] = []
    failed: list[Exception] = []

    async def on_success(events: list[EventData | AmqpAnnotatedMessage], _: str | None) -> None:
        acknowledged.extend(event.body_as_str() for event in events if isinstance(event, EventData))

    async def on_error(_: list[EventData | AmqpAnnotatedMessage], __: str | None, error: Exception) -> None:
        failed.append(error)

    client = AsyncProducerClient.from_connection_string(
        broker.connection_string,
        eventhub_name=HUB,
        buffered_mode=True,
        on_success=on_success,
        on_error=on_error,
        max_wait_time=0.1,
    )
    async with client:
        for n in range(300):
            await client.send_event(EventData(f"{n}"), partition_key=f"key {n % 7}")
        await client.flush()

    stored = [int(body) for events in (await bodies(broker)).values() for body in events]
    assert sorted(map(int, acknowledged)) == sorted(stored) == list(range(300))
    assert not failed


@side_by_side
@conforms(9, "one event arrives as it was sent", PYTHON_SYNC)
@conforms(10, "a batch keeps its order within its partition", PYTHON_SYNC)
@conforms(16, "buffered mode acknowledges every event once", PYTHON_SYNC)
async def test_the_synchronous_client_sends_singles_batches_and_buffered(broker: EventHubsServer) -> None:
    acknowledged: list[str] = []
    failed: list[Exception] = []

    def on_success(events: list[EventData | AmqpAnnotatedMessage], _: str | None) -> None:
        acknowledged.extend(str(event) for event in events)

    def on_error(_: list[EventData | AmqpAnnotatedMessage], __: str | None, error: Exception) -> None:
        failed.append(error)

    def send() -> None:
        with EventHubProducerClient.from_connection_string(broker.connection_string, eventhub_name=HUB) as client:
            client.send_event(EventData("single"), partition_id="0")
            client.send_batch([EventData(f"batch {n}") for n in range(50)], partition_id="0")
        with EventHubProducerClient.from_connection_string(
            broker.connection_string,
            eventhub_name=HUB,
            buffered_mode=True,
            on_success=on_success,
            on_error=on_error,
            max_wait_time=0.1,
        ) as client:
            for n in range(20):
                client.send_event(EventData(f"buffered {n}"), partition_id="1")
            client.flush()

    await asyncio.to_thread(send)

    found = await bodies(broker)
    assert found[0] == [b"single", *[b"batch %d" % n for n in range(50)]]
    assert found[1] == [b"buffered %d" % n for n in range(20)]
    assert len(acknowledged) == 20
    assert not failed


@side_by_side
@conforms(23, "body kinds, properties and annotations survive")
async def test_what_a_client_puts_into_an_event_survives(broker: EventHubsServer) -> None:
    event = EventData(b"bytes")
    event.properties = {"text": "ä", "number": 7, "yes": True, "none": None}
    event.message_id, event.correlation_id, event.content_type = "id-1", "corr", "application/json"
    value = AmqpAnnotatedMessage(
        value_body={"a": [1, 2]},
        annotations={"x-mine": "kept"},
        header={"durable": True, "priority": 7},
        footer={"signature": "f"},
        delivery_annotations={"for-the-broker": 1},
    )
    sequence = AmqpAnnotatedMessage(sequence_body=[[1, "two"], [3]])
    async with producer(broker) as client:
        await client.send_batch([event, value, sequence], partition_id="0")

    seen = (await read(broker, 3)).events
    first, second, third = (event.raw_amqp_message for _, event in seen)

    assert seen[0][1].body_as_str() == "bytes"
    assert first.application_properties == {b"text": "ä".encode(), b"number": 7, b"yes": True, b"none": None}
    properties = first.properties
    assert properties is not None
    assert (properties.message_id, properties.correlation_id) == (b"id-1", b"corr")
    assert properties.content_type == b"application/json"
    assert second.body_type == AmqpMessageBodyType.VALUE
    assert second.body == {b"a": [1, 2]}
    assert second.annotations is not None
    assert second.annotations[b"x-mine"] == b"kept"
    assert second.header is not None
    assert (second.header.durable, second.header.priority) == (True, 7)
    assert second.footer == {b"signature": b"f"}
    assert not second.delivery_annotations
    assert third.body_type == AmqpMessageBodyType.SEQUENCE
    assert list(third.body) == [[1, b"two"], [3]]


@side_by_side
@conforms(7, "an unknown hub is named in the error")
async def test_an_unknown_hub_is_named(broker: EventHubsServer) -> None:
    async with producer(broker, hub="nosuch", retry_total=0) as client:
        with pytest.raises(ConnectError, match="nosuch"):
            await client.send_event(EventData("lost"))


@side_by_side
@conforms(8, "a partition out of range never leaves the client")
async def test_a_partition_that_is_not_there_is_refused(broker: EventHubsServer) -> None:
    async with producer(broker, retry_total=0) as client:
        with pytest.raises(ConnectError):
            await client.send_event(EventData("lost"), partition_id="4")


@conforms(34, "100 connections send at once", RAW)
async def test_a_hundred_connections_send_at_once(start_broker: StartBroker) -> None:
    broker = await start_broker()
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(RawClient(broker.port)) for _ in range(100)]

        async def use(client: RawClient, name: bytes) -> None:
            await client.open()
            await client.authorize()
            sender = await client.sender()
            client.transfer(sender, batch([name] * 10), 0x80013700)
            client.transfer(sender, message(name))
            assert [await client.outcome(), await client.outcome()] == [(True, "")] * 2

        await asyncio.gather(*(use(client, b"%d" % n) for n, client in enumerate(clients)))

    events = await look(broker.port)
    assert [event.sequence for event in events] == list(range(1100))
    assert {event.body for event in events} == {b"%d" % n for n in range(100)}


@side_by_side
async def test_a_producer_outlives_the_idle_time_out_by_keep_alive_or_by_a_new_link(start_broker: StartBroker) -> None:
    """The service closes connections that are silent for 240 s; here it is six."""
    broker = await start_broker(idle_timeout_s=6)
    async with producer(broker, keep_alive=1) as lively, producer(broker) as silent:
        await lively.send_event(EventData("1"), partition_id="0")
        kept = {connection.number for connection in broker.broker.connections}
        await silent.send_event(EventData("2"), partition_id="0")
        await asyncio.sleep(8)
        assert {connection.number for connection in broker.broker.connections} == kept
        await lively.send_event(EventData("3"), partition_id="0")
        await silent.send_event(EventData("4"), partition_id="0")

    assert [event.body for event in await look(broker.port)] == [b"1", b"2", b"3", b"4"]
