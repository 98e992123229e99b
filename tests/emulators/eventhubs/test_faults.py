"""Faults on command, and what the vendor's client makes of them."""

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from azure.eventhub import EventData
from azure.eventhub.exceptions import ConnectError, ConnectionLostError, EventDataSendError

from local.eventhubs import performatives as amqp
from local.eventhubs.server import EventHubsServer
from local.faults import ControlClient, UnknownFault
from tests.emulators.eventhubs.clients import HUB, consumer, producer, receiving, send, until
from tests.emulators.eventhubs.conformance import RAW, conforms
from tests.emulators.eventhubs.raw import RawClient, error_of, look, message
from tests.emulators.eventhubs.side_by_side import side_by_side


async def control(broker: EventHubsServer, action: Callable[[ControlClient], Any]) -> Any:
    """Use the control port as a test in another process would."""
    return await asyncio.to_thread(action, ControlClient(broker.control_url))


def stored(broker: EventHubsServer, partition: int = 0) -> int:
    """How many events a partition holds."""
    return broker.broker.namespace.hub(HUB).partitions[partition].log.next_sequence


@contextlib.asynccontextmanager
async def raw_sender(broker: EventHubsServer, address: str = "commands/Partitions/0") -> Any:
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        yield client, await client.sender(address)


@side_by_side
@conforms(17, "server-busy once: sent again and stored; always: EventDataSendError after two transfers")
@conforms(18, "a delayed acknowledgement slows the sender, no error")
@conforms(20, "a reset after the append stores the event twice, nothing is lost")
async def test_what_a_sender_sees_of_faults(broker: EventHubsServer) -> None:
    async with producer(broker) as client:
        await client.send_event(EventData("link up"), partition_id="0")

        once = broker.faults.add("server-busy", count=1)
        await client.send_event(EventData("busy once"), partition_id="0")
        assert once.hits == 1

        always = broker.faults.add("server-busy", match={"hub": "COMMANDS", "partition": "0"})
        with pytest.raises(EventDataSendError) as busy:
            await client.send_event(EventData("never"), partition_id="0")
        assert (busy.value.error, always.hits) == ("server-busy", 2)
        broker.faults.clear()

        broker.faults.add("delay", args={"ms": 300}, count=1)
        started = time.monotonic()
        await client.send_event(EventData("late"), partition_id="0")
        assert time.monotonic() - started >= 0.3

        broker.faults.add("drop-after", count=1)
        await client.send_event(EventData("twice"), partition_id="0")
        broker.faults.add("drop-before", count=1)
        await client.send_event(EventData("again"), partition_id="0")
        broker.faults.add("detach", count=1)
        await client.send_event(EventData("on a new link"), partition_id="0")

    broker.faults.add("refuse-attach")
    async with producer(broker, retry_total=0) as client:
        with pytest.raises(ConnectError, match="server-busy"):
            await client.send_event(EventData("no link"), partition_id="0")
    broker.faults.clear()

    assert [event.body.decode() for event in await look(broker.port)] == [
        *("link up", "busy once", "late", "twice", "twice", "again", "on a new link"),
    ]


@pytest.mark.parametrize(
    ("fault", "args", "condition"),
    [
        ("server-busy", {}, "com.microsoft:server-busy"),
        ("stop-partition", {}, "com.microsoft:server-busy"),
        ("reject", {}, "amqp:internal-error"),
        ("reject", {"condition": "amqp:resource-limit-exceeded"}, "amqp:resource-limit-exceeded"),
        ("disk-full", {}, "amqp:internal-error"),
    ],
)
async def test_a_rejected_send_is_not_stored(
    broker: EventHubsServer, fault: str, args: dict[str, Any], condition: str
) -> None:
    async with raw_sender(broker) as (client, sender):
        broker.faults.add(fault, args=args, count=1)
        client.transfer(sender, message(b"lost"))
        assert await client.outcome() == (False, condition)
        client.transfer(sender, message(b"kept"))
        assert await client.outcome() == (True, "")

    assert [(event.sequence, event.body) for event in await look(broker.port)] == [(0, b"kept")]


@conforms(19, "no acknowledgement before the event is on disk", RAW)
async def test_an_event_that_cannot_be_synced_is_neither_acknowledged_nor_read(
    broker: EventHubsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fdatasync
    synced: list[int] = []

    def fails(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def works(fd: int) -> None:
        synced.append(os.fstat(fd).st_size)
        sync(fd)

    async with raw_sender(broker) as (client, sender):
        monkeypatch.setattr(os, "fdatasync", fails)
        client.transfer(sender, message(b"lost"))
        assert await client.outcome() == (False, "amqp:internal-error")
        monkeypatch.setattr(os, "fdatasync", works)
        before = broker.broker.namespace.hub(HUB).partitions[0].log.size_bytes
        client.transfer(sender, message(b"kept"))
        assert await client.outcome() == (True, "")
        assert synced[0] > before

    assert [event.body for event in await look(broker.port)] == [b"kept"]


async def test_a_hanging_send_or_token_is_never_answered(broker: EventHubsServer) -> None:
    async with raw_sender(broker) as (client, sender):
        broker.faults.add("hang", match={"operation": "send"}, count=1)
        client.transfer(sender, message(b"lost"))
        assert await client.none_of(amqp.DISPOSITION)
        broker.faults.add("hang", match={"operation": "cbs"}, count=1)
        unanswered = asyncio.create_task(client.put_token("sb://localhost/commands"))
        while broker.faults.active("hang", operation="cbs"):  # noqa: ASYNC110 - until the broker has it, however slow
            await asyncio.sleep(0.01)
        _, pending = await asyncio.wait({unanswered}, timeout=0.2)
        assert pending
        unanswered.cancel()
        await asyncio.wait({unanswered})
        broker.faults.add("fail-cbs", args={"status": 500, "description": "broken"}, count=1)
        assert (await client.put_token("sb://localhost/commands"))["status-code"] == 500
        broker.faults.add("fail-management", args={"condition": "com.microsoft:server-busy"}, count=1)
        answer = await client.request(
            "$management", {"operation": "READ", "name": HUB, "type": "com.microsoft:eventhub"}
        )
        assert (answer["status-code"], answer["error-condition"]) == (503, "com.microsoft:server-busy")


async def test_a_refused_attach_and_refused_connections(broker: EventHubsServer) -> None:
    async with raw_sender(broker) as (client, _):
        broker.faults.add("refuse-attach", match={"operation": "receive", "group": "processor"}, count=1)
        await client.receiver(group="processor")
        assert error_of((await client.expect(amqp.DETACH)).fields[2])[0] == "com.microsoft:server-busy"
        broker.faults.add("refuse-connections", seconds=60)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            async with RawClient(broker.port) as other:
                await other.open()
        broker.faults.clear()
        await client.receiver(group="processor")


async def test_a_stopped_partition_delivers_when_it_comes_back(broker: EventHubsServer) -> None:
    await send(broker, ["one"])
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        await control(broker, lambda c: c.add_fault("stop-partition", match={"partition": "0"}))
        reader, _ = await client.receiver()
        client.grant(reader, 10)
        assert await client.none_of(amqp.TRANSFER)
        await control(broker, ControlClient.clear_faults)
        await client.expect(amqp.TRANSFER)


@side_by_side
async def test_a_stolen_epoch_is_told_to_the_reader(broker: EventHubsServer) -> None:
    async with receiving(consumer(broker), partition_id="0", owner_level=0) as seen:
        partition = broker.broker.namespace.hub(HUB).partitions[0]
        await until(lambda: bool(partition.receivers.get("$default")))
        await control(broker, lambda c: c.add_fault("steal-epoch", match={"hub": HUB}))
        await seen.until(lambda seen: bool(seen.closed))

    assert isinstance(seen.errors[0][1], ConnectionLostError)
    assert await control(broker, ControlClient.faults) == []


@side_by_side
@conforms(31, "a reset mid-stream: both sides recover, nothing is lost")
async def test_nothing_is_lost_when_every_connection_is_reset(broker: EventHubsServer) -> None:
    async with producer(broker) as client, receiving(consumer(broker), partition_id="0") as seen:
        for n in range(60):
            await client.send_event(EventData(f"{n}"), partition_id="0")
            if n in {20, 40}:
                await control(broker, lambda c: c.call("POST", "/_control/connections/drop"))
        await seen.until(lambda seen: len(set(seen.bodies)) == 60)

    assert set(seen.bodies) == {f"{n}" for n in range(60)}
    assert not seen.errors


async def test_a_hub_made_anew_counts_from_zero(broker: EventHubsServer) -> None:
    await send(broker, ["old", "older"])
    async with raw_sender(broker) as (client, sender):
        await client.receiver()
        facts = await control(broker, lambda c: c.call("POST", "/_control/hubs/commands/recreate"))
        assert error_of((await client.expect(amqp.DETACH)).fields[2])[0] == "amqp:not-found"
        client.transfer(sender, message(b"new"))
        assert await client.outcome() == (True, "")

    assert facts["partitions"][0]["lastSequence"] == -1
    assert [(event.sequence, event.body) for event in await look(broker.port)] == [(0, b"new")]


async def test_the_control_port_shows_hubs_and_connections_and_moves_the_clock(broker: EventHubsServer) -> None:
    await control(broker, lambda c: c.call("POST", "/_control/clock", {"aheadMs": 3_600_000}))
    await send(broker, ["one", "two"], partition=1)
    async with raw_sender(broker) as (client, _):
        await client.receiver(1)
        hub = await control(broker, lambda c: c.call("GET", "/_control/hubs/commands"))
        hubs = await control(broker, lambda c: c.call("GET", "/_control/hubs"))
        connections = await control(broker, lambda c: c.call("GET", "/_control/connections"))

    partition = hub["partitions"][1]
    assert hubs == [hub]
    assert (partition["beginSequence"], partition["lastSequence"]) == (0, 1)
    assert partition["lastEnqueuedMs"] > (time.time() + 3000) * 1000
    assert [(reader["group"], reader["epoch"]) for reader in partition["receivers"]] == [("$default", None)]
    assert (hub["producers"], hub["groups"]) == (1, ["$Default", "processor"])
    assert [(facts["producers"], facts["consumers"]) for facts in connections] == [(1, 1)]


@pytest.mark.parametrize(
    "rule",
    [{"fault": "server-buzy"}, {"fault": "delay", "match": {"partion": "0"}}, {"fault": "delay", "count": 0}],
)
async def test_a_misspelt_rule_is_refused(broker: EventHubsServer, rule: dict[str, Any]) -> None:
    with pytest.raises(UnknownFault):
        await control(broker, lambda c: c.call("POST", "/_control/faults", rule))


async def test_a_partition_that_cannot_be_read_says_so_and_the_others_go_on(broker: EventHubsServer) -> None:
    for partition in (0, 1):
        await send(broker, ["one", "two"], partition)
    path = broker.broker.namespace.hub(HUB).partitions[0].log.segments[0].path
    with path.open("r+b") as file:
        file.seek(150)
        file.write(b"\xff\xff")
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        reader, _ = await client.receiver(0)
        client.grant(reader, 10)
        condition, text = error_of((await client.expect(amqp.DETACH)).fields[2])

    assert condition == "amqp:internal-error"
    assert "cannot be read" in text
    assert len(await look(broker.port, 1)) == 2
