"""AMQP frames: the performatives as this broker reads and writes them.

Every performative goes out with all of its fields, because some clients read them by position; what comes in shorter
is padded with nulls, because others leave trailing ones away.
"""

import struct
from typing import Any, NamedTuple

from local.eventhubs import codec
from local.eventhubs.codec import Described, Symbol, Ubyte, Uint, Ulong, Ushort
from local.eventhubs.errors import AmqpError, DecodeError

OPEN, BEGIN, ATTACH, FLOW, TRANSFER = 0x10, 0x11, 0x12, 0x13, 0x14
DISPOSITION, DETACH, END, CLOSE = 0x15, 0x16, 0x17, 0x18
SASL_MECHANISMS, SASL_INIT, SASL_OUTCOME = 0x40, 0x41, 0x44

FIELD_COUNT = {
    OPEN: 10,
    BEGIN: 8,
    ATTACH: 14,
    FLOW: 11,
    TRANSFER: 11,
    DISPOSITION: 6,
    DETACH: 3,
    END: 1,
    CLOSE: 1,
    SASL_MECHANISMS: 1,
    SASL_INIT: 3,
    SASL_OUTCOME: 2,
}
# Types of the fields that anybody here looks at, by position; each may be null.
_FIELD_TYPES: dict[int, tuple[tuple[int, type], ...]] = {
    OPEN: ((0, str), (2, Uint), (4, Uint), (9, dict)),
    BEGIN: ((1, Uint), (2, Uint)),
    ATTACH: (
        (0, str),
        (1, Uint),
        (2, bool),
        (3, Ubyte),
        (4, Ubyte),
        (5, Described),
        (6, Described),
        (9, Uint),
        (13, dict),
    ),
    FLOW: ((0, Uint), (1, Uint), (4, Uint), (5, Uint), (6, Uint), (8, bool), (9, bool)),
    TRANSFER: ((0, Uint), (1, Uint), (3, Uint), (4, bool), (5, bool), (9, bool)),
    DISPOSITION: ((0, bool), (1, Uint), (2, Uint), (3, bool)),
    DETACH: ((0, Uint),),
    SASL_INIT: ((0, Symbol), (1, bytes)),
}
AMQP_FRAME, SASL_FRAME = 0, 1
AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
SASL_HEADER = b"AMQP\x03\x01\x00\x00"
EMPTY_FRAME = b"\x00\x00\x00\x08\x02\x00\x00\x00"
ROLE_SENDER, ROLE_RECEIVER = False, True

_FRAME = struct.Struct(">IBBH")
_ACCEPTED = struct.Struct(">IBBH 8s I BI 8s")
_ACCEPTED_HEAD = b"\x00\x53\x15\xc0\x14\x06\x41\x70"
_ACCEPTED_TAIL = b"\x41" + b"\x00\x53\x24\xc0\x01\x00" + b"\x42"
_TRANSFER_TAIL = b"\x40\x40\x40\x40\x40"


class Performative(NamedTuple):
    """A decoded performative: its code, its fields padded to full length, and where the payload starts."""

    code: int
    fields: list[Any]
    payload_at: int


def read_performative(buf: bytes, pos: int, end: int) -> Performative:
    """The performative at `pos`.

    Raises:
        DecodeError: there is none, or it has more fields than AMQP knows.
    """
    if buf[pos : pos + 2] == b"\x00\x53" and pos + 3 < end:
        code, list_at = buf[pos + 2], pos + 3
    else:
        code, list_at = _unusual_descriptor(buf, pos, end)
    expected = FIELD_COUNT.get(code)
    if expected is None:
        raise DecodeError(f"0x{code:02x} is no performative a client may send")
    count, at, stop = codec.list_bounds(buf, list_at, end)
    if count > expected:
        raise DecodeError(f"performative 0x{code:02x} has {count} fields instead of {expected}")
    fields = _fields(buf, at, stop, count)
    if count < expected:
        fields.extend([None] * (expected - count))
    for at, kind in _FIELD_TYPES.get(code, ()):
        if fields[at] is not None and not isinstance(fields[at], kind):
            raise DecodeError(f"field {at} of performative 0x{code:02x} is no {kind.__name__.lower()}")
    return Performative(code, fields, stop)


def _fields(buf: bytes, at: int, stop: int, count: int) -> list[Any]:
    fields: list[Any] = []
    for _ in range(count):
        if at >= stop:
            raise DecodeError("a performative counts more fields than it holds")
        # the usual constructors here, for a call per field would double the cost of a transfer
        match buf[at]:
            case 0x40:
                fields.append(None)
                at += 1
            case 0x41 | 0x42:
                fields.append(buf[at] == 0x41)
                at += 1
            case 0x43:
                fields.append(Uint(0))
                at += 1
            case 0x70:
                fields.append(Uint(int.from_bytes(buf[at + 1 : at + 5], "big")))
                at += 5
            case 0x52 if at + 1 < stop:
                fields.append(Uint(buf[at + 1]))
                at += 2
            case 0xA0 if at + 1 < stop:
                start = at + 2
                at = start + buf[at + 1]
                fields.append(buf[start:at])
            case _:
                value, at = codec.decode(buf, at, stop)
                fields.append(value)
    if at != stop:
        raise DecodeError("a performative does not end where it says")
    return fields


def _unusual_descriptor(buf: bytes, pos: int, end: int) -> tuple[int, int]:
    if pos >= end or buf[pos] != 0:
        raise DecodeError("a frame does not begin with a performative")
    descriptor, list_at = codec.decode(buf, pos + 1, end)
    if not isinstance(descriptor, Ulong):
        raise DecodeError("a performative's descriptor is no ulong")
    return int(descriptor), list_at


def frame(channel: int, body: bytes, frame_type: int = AMQP_FRAME) -> bytes:
    """One frame around a performative (and payload)."""
    return _FRAME.pack(8 + len(body), 2, frame_type, channel) + body


def performative(code: int, *fields: Any) -> bytes:
    """The performative with its fields; those left out are sent as null."""
    padded = [*fields, *([None] * (FIELD_COUNT[code] - len(fields)))]
    return b"\x00\x53" + bytes((code,)) + codec.encode_list([codec.encode(field) for field in padded])


def error(condition: str, description: str) -> Described:
    """The AMQP error that goes into detach, end, close or rejected."""
    return Described(Ulong(0x1D), [Symbol(condition), description, None])


def error_of(problem: AmqpError) -> Described:
    """The AMQP error for an exception."""
    return error(problem.condition, problem.description)


def accepted_disposition(channel: int, delivery_id: int) -> bytes:
    """A whole frame: this delivery is stored."""
    return _ACCEPTED.pack(
        _ACCEPTED.size, 2, AMQP_FRAME, channel, _ACCEPTED_HEAD, delivery_id, 0x70, delivery_id, _ACCEPTED_TAIL
    )


def rejected_disposition(channel: int, delivery_id: int, problem: AmqpError) -> bytes:
    """A whole frame: this delivery is not stored, and why."""
    number = Uint(delivery_id)
    rejected = Described(Ulong(0x25), [error_of(problem)])
    return frame(channel, performative(DISPOSITION, True, number, number, True, rejected, False))


class TransferFrames:
    """Builds the transfer frames of one outgoing link; one struct call per frame."""

    _HEAD = struct.Struct(">IBBH 3s3s BI BI BBI BBB 5s")
    _HEAD_SIZE = _HEAD.size

    def __init__(self, channel: int, handle: int, max_frame_size: int, settled: bool) -> None:
        self._channel = channel
        self._handle = handle
        self._room = max_frame_size - self._HEAD_SIZE
        self._settled = 0x41 if settled else 0x42
        list_size = self._HEAD_SIZE - 8 - 5
        self._list = bytes((0xC0, list_size, 11))

    def of(self, delivery_id: int, payload: bytes) -> list[bytes]:
        """Frame heads and payload pieces of one delivery, alternating."""
        if len(payload) <= self._room:
            return [self._head(delivery_id, len(payload), more=False), payload]
        pieces: list[bytes] = []
        for at in range(0, len(payload), self._room):
            piece = payload[at : at + self._room]
            pieces.append(self._head(delivery_id, len(piece), more=at + self._room < len(payload)))
            pieces.append(piece)
        return pieces

    def frames_of(self, payload_size: int) -> int:
        """How many frames a delivery of this size takes from the session's window."""
        return max(1, -(-payload_size // self._room))

    def _head(self, delivery_id: int, payload_size: int, *, more: bool) -> bytes:
        return self._HEAD.pack(
            self._HEAD_SIZE + payload_size,
            2,
            AMQP_FRAME,
            self._channel,
            b"\x00\x53\x14",
            self._list,
            0x70,
            self._handle,
            0x70,
            delivery_id,
            0xA0,
            4,
            delivery_id,
            0x43,
            self._settled,
            0x41 if more else 0x42,
            _TRANSFER_TAIL,
        )


def flow(
    channel: int,
    *,
    next_incoming_id: int,
    incoming_window: int,
    next_outgoing_id: int,
    outgoing_window: int,
    handle: int,
    delivery_count: int,
    link_credit: int,
    drain: bool = False,
) -> bytes:
    """A whole flow frame for a link."""
    return frame(
        channel,
        performative(
            FLOW,
            Uint(next_incoming_id),
            Uint(incoming_window),
            Uint(next_outgoing_id),
            Uint(outgoing_window),
            Uint(handle),
            Uint(delivery_count),
            Uint(link_credit),
            Uint(0),
            drain,
            False,
        ),
    )


def begin(channel: int, *, incoming_window: int, outgoing_window: int, handle_max: int) -> bytes:
    """A whole begin frame that answers the peer's on the same channel."""
    return frame(
        channel,
        performative(BEGIN, Ushort(channel), Uint(0), Uint(incoming_window), Uint(outgoing_window), Uint(handle_max)),
    )


def detach(channel: int, handle: int, problem: AmqpError | None = None) -> bytes:
    """A whole detach frame; links are closed, never suspended."""
    return frame(channel, performative(DETACH, Uint(handle), True, error_of(problem) if problem else None))
