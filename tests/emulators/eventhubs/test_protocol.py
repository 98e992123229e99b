"""What the broker says frame by frame: refusals, settle modes, credit, windows, heartbeats, bad input."""

import asyncio
import contextlib
import time

import pytest

from local.eventhubs import performatives as amqp
from local.eventhubs.codec import Described, Symbol, Ubyte, Uint, Ulong
from local.eventhubs.server import EventHubsServer
from tests.emulators.eventhubs.conformance import RAW, conforms
from tests.emulators.eventhubs.raw import RawClient, batch, error_of, look, message
from tests.emulators.eventhubs.side_by_side import StartBroker


async def test_an_unknown_hub_is_refused_without_source_and_target_then_detached(broker: EventHubsServer) -> None:
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize("nosuch")

        _, answer = await client.attach("nosuch", receive=False)
        detach = await client.expect(amqp.DETACH)

    assert answer.fields[5] is answer.fields[6] is None
    assert detach.fields[1] is True
    condition, text = error_of(detach.fields[2])
    assert condition == "amqp:not-found"
    assert "The messaging entity 'nosuch' could not be found" in text


async def test_an_unknown_group_is_refused_without_a_source_unless_the_client_is_python(
    broker: EventHubsServer,
) -> None:
    """Without a source the Python SDK attaches again every second, for ever, and reports nothing."""
    sources = {}
    for product in ("raw", "azsdk-python-eventhubs"):
        async with RawClient(broker.port) as client:
            await client.open(product=product)
            await client.authorize()
            _, answer = await client.receiver(group="nosuch")
            detach = await client.expect(amqp.DETACH)
            sources[product] = answer.fields[5]
            assert error_of(detach.fields[2])[0] == "amqp:not-found"

    assert sources["raw"] is None
    assert isinstance(sources["azsdk-python-eventhubs"], Described)


@conforms(8, "a partition out of range is refused as such", RAW)
async def test_a_partition_out_of_range_is_refused(broker: EventHubsServer) -> None:
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        _, answer = await client.attach("commands/Partitions/4", receive=False)
        detach = await client.expect(amqp.DETACH)

    assert answer.fields[6] is None
    assert error_of(detach.fields[2])[0] == "com.microsoft:argument-out-of-range"


@conforms(26, "a stolen link is echoed, then detached", RAW)
async def test_a_lower_epoch_is_refused_with_an_echo(broker: EventHubsServer) -> None:
    epoch = {Symbol("com.microsoft:epoch"): Ulong(5)}
    lower = {Symbol("com.microsoft:epoch"): Ulong(4)}
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        await client.receiver(properties=epoch)
        _, answer = await client.receiver(properties=lower)
        detach = await client.expect(amqp.DETACH)

    assert isinstance(answer.fields[5], Described)
    assert error_of(detach.fields[2])[0] == "amqp:link:stolen"


async def test_an_equal_epoch_takes_over_and_a_reader_without_one_is_kept_out(broker: EventHubsServer) -> None:
    epoch = {Symbol("com.microsoft:epoch"): Ulong(0)}
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        first, _ = await client.receiver(properties=epoch)
        await client.receiver(properties=epoch)
        stolen = await client.expect(amqp.DETACH)
        await client.receiver()
        kept_out = await client.expect(amqp.DETACH)
        _, other_group = await client.receiver(group="processor")

    assert stolen.fields[0] == first
    assert error_of(stolen.fields[2])[0] == "amqp:link:stolen"
    assert error_of(kept_out.fields[2])[0] == "amqp:link:stolen"
    assert isinstance(other_group.fields[5], Described)


async def test_a_sixth_reader_without_epoch_is_refused(broker: EventHubsServer) -> None:
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        for _ in range(5):
            await client.receiver()
        await client.receiver()
        detach = await client.expect(amqp.DETACH)

    assert error_of(detach.fields[2])[0] == "amqp:resource-limit-exceeded"


@pytest.mark.parametrize("modes", [(None, None), (0, 0), (0, 1), (1, 0), (2, 0), (1, 1)])
async def test_settle_modes_are_echoed(broker: EventHubsServer, modes: tuple[int | None, int | None]) -> None:
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        _, receiver = await client.receiver(settle=modes)
        _, sender = await client.attach("commands", receive=False, settle=modes)

    assert (receiver.fields[3], receiver.fields[4]) == modes
    assert (sender.fields[3], sender.fields[4]) == modes
    assert sender.fields[10] == 1024 * 1024
    assert all(mode is None or isinstance(mode, Ubyte) for mode in receiver.fields[3:5])


@pytest.mark.parametrize(("mode", "settled"), [(None, True), (1, True), (2, True), (0, False)])
async def test_deliveries_are_settled_unless_the_reader_asked_otherwise(
    broker: EventHubsServer, mode: int | None, settled: bool
) -> None:
    """Go renews its credit for settled transfers alone."""
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        client.transfer(await client.sender(), message())
        assert await client.outcome() == (True, "")
        reader, _ = await client.receiver(settle=(mode, None))
        client.grant(reader, 1)
        frame = await client.expect(amqp.TRANSFER)

    assert frame.fields[4] is settled


@conforms(25, "never more deliveries than the credit granted", RAW)
async def test_credit_is_never_exceeded(broker: EventHubsServer) -> None:
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        client.transfer(await client.sender(), batch([b"%d" % n for n in range(50)]), 0x80013700)
        await client.outcome()
        reader, _ = await client.receiver()
        assert await client.none_of(amqp.TRANSFER)
        client.grant(reader, 7)
        for _ in range(7):
            await client.expect(amqp.TRANSFER)
        assert await client.none_of(amqp.TRANSFER)
        client.grant(reader, 3, delivered=7)
        for _ in range(3):
            await client.expect(amqp.TRANSFER)
        assert await client.none_of(amqp.TRANSFER)


async def test_a_drain_uses_up_the_credit(broker: EventHubsServer) -> None:
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        client.transfer(await client.sender(), message())
        await client.outcome()
        reader, _ = await client.receiver()
        client.grant(reader, 10, drain=True)
        await client.expect(amqp.TRANSFER)
        flow = await client.expect(amqp.FLOW)
        while not flow.fields[8]:
            flow = await client.expect(amqp.FLOW)

    assert (flow.fields[5], flow.fields[6]) == (10, 0)


async def test_the_session_window_is_honoured_within_a_large_event(broker: EventHubsServer) -> None:
    """A window of 3 frames, an event of 5: the rest comes when the window opens."""
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        client.transfer(await client.sender(), message(b"x" * 300_000))
        await client.outcome()
        await client.begin(channel=1, window=3)
        filters = {Symbol("apache.org:selector-filter:string"): "amqp.annotation.x-opt-offset > '-1'"}
        address = "commands/ConsumerGroups/$Default/Partitions/0"
        source = [address, None, None, None, None, None, None, filters]
        reader, _ = await client.attach(address, receive=True, source=source, channel=1)
        flow = [Uint(0), Uint(3), Uint(0), Uint(100), Uint(reader), Uint(0), Uint(5)]
        client.send(amqp.FLOW, *flow, channel=1)
        pieces = [await client.expect(amqp.TRANSFER) for _ in range(3)]
        assert await client.none_of(amqp.TRANSFER)
        client.send(amqp.FLOW, Uint(3), Uint(10), Uint(0), Uint(100), channel=1)
        pieces += [await client.expect(amqp.TRANSFER) for _ in range(2)]

    assert [piece.fields[5] for piece in pieces] == [True, True, True, True, False]
    assert len(b"".join(piece.payload for piece in pieces)) > 300_000


@conforms(33, "a client that asks for heartbeats gets them", RAW)
async def test_heartbeats_come_twice_in_the_time_a_client_asks_for(broker: EventHubsServer) -> None:
    async with RawClient(broker.port) as client:
        await client.open(idle_ms=400)
        started = time.monotonic()
        for _ in range(4):
            await client.expect(None)

    assert time.monotonic() - started >= 0.4  # four beats, none early


async def test_a_silent_connection_is_closed_when_the_namespace_has_an_idle_time_out(
    start_broker: StartBroker,
) -> None:
    broker = await start_broker(idle_timeout_s=0.5)
    async with RawClient(broker.port) as client, RawClient(broker.port) as busy:
        await client.open()
        await busy.open()
        close = asyncio.create_task(client.expect(amqp.CLOSE))
        while not close.done():
            busy.write(amqp.EMPTY_FRAME)
            await asyncio.sleep(0.1)
        condition, text = error_of((await close).fields[0])
        await busy.begin(channel=1)  # still there

    assert condition == "amqp:connection:forced"
    assert "inactive for more than the allowed 500 milliseconds" in text


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
        b"AMQP\x00\x00\x09\x01",
        bytes(100),
    ],
)
@conforms(35, "bytes that are not AMQP close only that connection", RAW)
async def test_garbage_ends_its_connection_only(broker: EventHubsServer, garbage: bytes) -> None:
    async with RawClient(broker.port) as good, RawClient(broker.port) as bad:
        await good.open()
        bad.write(garbage)
        answer = await bad.until_closed()
        await good.authorize()

    assert answer == amqp.SASL_HEADER


@pytest.mark.parametrize(
    ("frame", "condition"),
    [
        (b"\x7f\xff\xff\xff\x02\x00\x00\x00", "amqp:connection:framing-error"),
        (b"\x00\x00\x00\x04\x02\x00\x00\x00", "amqp:connection:framing-error"),
        (b"\x00\x00\x00\x0c\x01\x00\x00\x00\x00\x53\x14\x45", "amqp:connection:framing-error"),
        (amqp.frame(0, b"\xde\xad\xbe\xef"), "amqp:decode-error"),
        (amqp.frame(0, b"\x00\x53\x14\xd0\x00\x00\x00\xff\x00\x00\x00\x01"), "amqp:decode-error"),
        (amqp.frame(7, b"\x00\x53\x12\x45"), "amqp:not-allowed"),
    ],
)
async def test_a_bad_frame_gets_a_close_that_says_why(broker: EventHubsServer, frame: bytes, condition: str) -> None:
    async with RawClient(broker.port) as client:
        await client.open()
        client.write(frame)
        close = await client.expect(amqp.CLOSE)

    assert error_of(close.fields[0])[0] == condition


@pytest.mark.parametrize(
    ("payload", "message_format"),
    [(b"\x00", 0), (b"\x00\x53\x75", 0), (b"", 0), (b"\x00\x53\x75\xb0\xff\xff\xff\xff1", 0), (message(), 0x80013700)],
)
async def test_a_message_that_is_none_is_rejected_and_the_link_lives(
    broker: EventHubsServer, payload: bytes, message_format: int
) -> None:
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        sender = await client.sender()
        client.transfer(sender, payload, message_format)
        assert await client.outcome() == (False, "amqp:decode-error")
        client.transfer(sender, message())
        assert await client.outcome() == (True, "")


async def test_a_message_over_the_limit_is_rejected_however_it_is_split(broker: EventHubsServer) -> None:
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        sender = await client.sender()
        client.transfer(sender, message(b"x" * 1_100_000))
        assert await client.outcome() == (False, "amqp:link:message-size-exceeded")
        client.transfer(sender, message(b"x" * 1_000_000))
        assert await client.outcome() == (True, "")

    assert [len(event.body) for event in await look(broker.port)] == [1_000_000]


async def test_a_partition_key_over_128_characters_is_refused(broker: EventHubsServer) -> None:
    key = {Symbol("x-opt-partition-key"): "k" * 129}
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        client.transfer(await client.sender("commands"), message(b"", Described(Ulong(0x72), key)))
        assert await client.outcome() == (False, "com.microsoft:argument-error")


async def test_a_thousand_idle_connections_hurt_nobody(broker: EventHubsServer) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(1000):
            await stack.enter_async_context(RawClient(broker.port))
        half_open = await stack.enter_async_context(RawClient(broker.port))
        half_open.write(amqp.SASL_HEADER[:5])
        async with RawClient(broker.port) as client:
            await client.open()
            await client.authorize()
            client.transfer(await client.sender(), message())
            assert await client.outcome() == (True, "")


async def test_a_transfer_on_no_link_ends_the_session_and_not_the_connection(broker: EventHubsServer) -> None:
    async with RawClient(broker.port) as client:
        await client.open()
        client.transfer(9, message())
        end = await client.expect(amqp.END)
        await client.begin(channel=1)

    assert error_of(end.fields[0])[0] == "amqp:session:unattached-handle"


async def test_a_pre_settled_send_is_stored_without_an_answer(broker: EventHubsServer) -> None:
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        sender = await client.sender()
        client.transfer(sender, message(b"quiet"), settled=True)
        loud = client.transfer(sender, message(b"loud"))
        assert (await client.expect(amqp.DISPOSITION)).fields[1] == loud
        assert await client.none_of(amqp.DISPOSITION, 0.05)

    assert [event.body for event in await look(broker.port)] == [b"quiet", b"loud"]
