"""A connection fed with harmed frames: it may close, it may answer with an error, it never fails itself."""

import asyncio
import itertools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.eventhubs import codec
from local.eventhubs import performatives as amqp
from local.eventhubs.auth import Grant
from local.eventhubs.codec import Described, Symbol, Timestamp, Ubyte, Uint, Ulong
from local.eventhubs.connection import Connection
from local.eventhubs.server import EventHubsServer
from tests.emulators.eventhubs.raw import message, sas

READER = "commands/ConsumerGroups/$Default/Partitions/0"
FILTER = {
    Symbol("apache.org:selector-filter:string"): Described(Ulong(0x468C00000004), "amqp.annotation.x-opt-offset > '-1'")
}
ODD: list[Any] = [
    None,
    True,
    Ubyte(1),
    Uint(2**32 - 1),
    Ulong(2**64 - 1),
    Timestamp(-1),
    1.5,
    "",
    "x",
    b"\x00",
    Symbol("s"),
]
ODD += [[], [[]], {}, {"k": []}, Described(Ulong(1), []), Described("d", None), codec.strings(["a"])]


class Pipe(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self

    def setsockopt(self, *_: object) -> None: ...

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def put_token() -> bytes:
    properties = {"operation": "put-token", "name": "commands", "type": "servicebus.windows.net:sastoken"}
    parts = ((0x73, ["id", None, None, None, "r"]), (0x74, properties), (0x77, sas("sb://x/commands")))
    return b"".join(codec.encode(Described(Ulong(code), value)) for code, value in parts)


def terminus(code: int, address: str, filters: Any = None) -> Described:
    return Described(Ulong(code), [address, None, None, None, None, None, None, filters])


def attach(handle: int, receive: bool, source: str, target: str, filters: Any = None) -> list[Any]:
    ends = [terminus(0x28, source, filters), terminus(0x29, target)]
    return [f"link {handle}", Uint(handle), receive, None, None, *ends, None, None, Uint(0)]


PERFORMATIVES: list[tuple[int, list[Any], bytes]] = [
    (amqp.BEGIN, [None, Uint(0), Uint(100), Uint(100)], b""),
    (amqp.ATTACH, attach(0, False, "$cbs", "$cbs"), b""),
    (amqp.ATTACH, attach(1, True, "$cbs", "r"), b""),
    (amqp.FLOW, [Uint(0), Uint(100), Uint(0), Uint(100), Uint(1), Uint(0), Uint(5)], b""),
    (amqp.TRANSFER, [Uint(0), Uint(0), b"t", Uint(0), False, False], put_token()),
    (amqp.ATTACH, attach(2, False, "s", "commands/Partitions/0"), b""),
    (amqp.TRANSFER, [Uint(2), Uint(1), b"t", Uint(0), False, False], message()),
    (amqp.ATTACH, attach(3, True, READER, "t", FILTER), b""),
    (amqp.FLOW, [Uint(0), Uint(100), Uint(0), Uint(100), Uint(3), Uint(0), Uint(5), None, True, True], b""),
    (amqp.DISPOSITION, [True, Uint(0), Uint(1), False, Described(Ulong(0x24), [])], b""),
    (amqp.DETACH, [Uint(3), True], b""),
    (amqp.END, [], b""),
    (amqp.CLOSE, [], b""),
]


def head() -> bytes:
    """The way to an open connection."""
    return (
        amqp.SASL_HEADER
        + amqp.frame(0, amqp.performative(amqp.SASL_INIT, Symbol("ANONYMOUS")), amqp.SASL_FRAME)
        + amqp.AMQP_HEADER
        + amqp.frame(0, amqp.performative(amqp.OPEN, "fuzz", None, Uint(1000)))
    )


def whole(performatives: list[tuple[int, list[Any], bytes]]) -> bytes:
    return b"".join(amqp.frame(0, amqp.performative(code, *fields) + rest) for code, fields, rest in performatives)


fuzz = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def feed(broker: EventHubsServer, data: bytes, cuts: list[int]) -> Pipe:
    """Give a new connection the bytes in pieces."""
    connection, pipe = Connection(broker.broker), Pipe()
    connection.connection_made(pipe)
    connection.grant(Grant("", float("inf")))
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(edges):
        if not pipe.closed:
            connection.data_received(data[start:end])
    connection.connection_lost(None)
    return pipe


@fuzz
@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=6),
    st.lists(st.integers(0, 5000), max_size=3),
)
async def test_changed_bytes_never_break_the_broker(
    broker: EventHubsServer, changes: list[tuple[int, int]], cuts: list[int]
) -> None:
    data = bytearray(head() + whole(PERFORMATIVES))
    for position, value in changes:
        data[position % len(data)] = value

    assert feed(broker, bytes(data), cuts).written.startswith(b"AMQP")


@fuzz
@given(st.integers(0, len(PERFORMATIVES) - 1), st.integers(0, 13), st.sampled_from(ODD))
async def test_a_field_of_another_type_never_breaks_the_broker(
    broker: EventHubsServer, which: int, field: int, odd: Any
) -> None:
    code, fields, rest = PERFORMATIVES[which]
    padded = [*fields, *([None] * (amqp.FIELD_COUNT[code] - len(fields)))]
    padded[field % len(padded)] = odd
    harmed = [*PERFORMATIVES[:which], (code, padded, rest), *PERFORMATIVES[which + 1 :]]

    assert feed(broker, head() + whole(harmed), []).written.startswith(b"AMQP")


async def test_the_unharmed_frames_do_what_they_should(broker: EventHubsServer) -> None:
    """Else the fuzzing above would show nothing."""
    connection, pipe = Connection(broker.broker), Pipe()
    connection.connection_made(pipe)
    connection.data_received(head() + whole(PERFORMATIVES[:7]))
    await asyncio.sleep(0.2)
    connection.data_received(whole(PERFORMATIVES[7:]))
    await asyncio.sleep(0.1)

    assert broker.broker.namespace.hub("commands").partitions[0].log.last_sequence == 0
    assert b"x-opt-sequence-number" in pipe.written
    assert pipe.closed
    connection.connection_lost(None)
