"""A message split into sections without decoding it, and a batch envelope into its events.

What a client sent stays as bytes: only header, annotations and the rest are told apart, because the broker adds
annotations of its own between them.
"""

from collections.abc import Iterator
from typing import NamedTuple

from local.eventhubs import codec
from local.eventhubs.errors import DecodeError

BATCH_FORMAT = 0x80013700

HEADER, DELIVERY_ANNOTATIONS, MESSAGE_ANNOTATIONS = 0x70, 0x71, 0x72
PROPERTIES, APPLICATION_PROPERTIES = 0x73, 0x74
DATA, SEQUENCE, VALUE, FOOTER = 0x75, 0x76, 0x77, 0x78

_SECTION_SYMBOLS = {
    "amqp:header:list": HEADER,
    "amqp:delivery-annotations:map": DELIVERY_ANNOTATIONS,
    "amqp:message-annotations:map": MESSAGE_ANNOTATIONS,
    "amqp:properties:list": PROPERTIES,
    "amqp:application-properties:map": APPLICATION_PROPERTIES,
    "amqp:data:binary": DATA,
    "amqp:amqp-sequence:list": SEQUENCE,
    "amqp:amqp-value:*": VALUE,
    "amqp:footer:map": FOOTER,
}
_PARTITION_KEY = "x-opt-partition-key"
_BROKERS_OWN = frozenset({"x-opt-sequence-number", "x-opt-offset", "x-opt-enqueued-time"})


class Section(NamedTuple):
    """Where one section stands: its code, start, start of its value, and end."""

    code: int
    start: int
    value_at: int
    end: int


class Event(NamedTuple):
    """One event as the log stores it: what stands before and after the broker's annotations."""

    header: bytes
    annotation_count: int  # keys and values, as AMQP counts a map
    annotations: bytes
    rest: bytes
    partition_key: str | None


class Incoming(NamedTuple):
    """What one delivery carried: its events and the key that routes all of them."""

    events: list[Event]
    partition_key: str | None


def sections(buf: bytes, pos: int, end: int) -> Iterator[Section]:
    """The sections of the message between `pos` and `end`, in order.

    Raises:
        DecodeError: the bytes are no message.
    """
    while pos < end:
        start = pos
        if buf[pos : pos + 2] == b"\x00\x53" and pos + 3 < end:
            code, value_at = buf[pos + 2], pos + 3
        else:
            code, value_at = _unusual_descriptor(buf, pos, end)
        pos = _value_end(buf, value_at, end)
        if not HEADER <= code <= FOOTER:
            raise DecodeError(f"a message has no section 0x{code:02x}")
        yield Section(code, start, value_at, pos)


def _value_end(buf: bytes, value_at: int, end: int) -> int:
    constructor = buf[value_at]
    if constructor in {0xB0, 0xD0, 0xD1}:
        size_at = value_at + 1
        after = value_at + 5 + int.from_bytes(buf[size_at : value_at + 5], "big")
    elif constructor in {0xA0, 0xC0, 0xC1} and value_at + 1 < end:
        after = value_at + 2 + buf[value_at + 1]
    else:
        return codec.skip(buf, value_at, end)
    if after > end:
        raise DecodeError("a section runs past the end of the message")
    return after


def _unusual_descriptor(buf: bytes, pos: int, end: int) -> tuple[int, int]:
    if buf[pos] != 0:
        raise DecodeError("a section of a message has no descriptor")
    descriptor, value_at = codec.decode(buf, pos + 1, end)
    if value_at >= end:
        raise DecodeError("a section of a message has no value")
    if isinstance(descriptor, codec.Symbol):
        return _SECTION_SYMBOLS.get(descriptor, 0), value_at
    if isinstance(descriptor, codec.Ulong):
        return int(descriptor), value_at
    raise DecodeError("a section's descriptor is neither a ulong nor a symbol")


def split_event(buf: bytes, pos: int, end: int) -> Event:
    """One complete message, ready to be stored."""
    header = annotations = b""
    annotation_count = 0
    key: str | None = None
    rest_from = -1
    kept: list[bytes] = []
    last = 0
    for code, start, value_at, after in sections(buf, pos, end):
        if code >= PROPERTIES:
            if rest_from < 0:
                rest_from = start
            last = after
            continue
        if rest_from >= 0:  # python-pyamqp writes delivery annotations after the body
            kept.append(buf[rest_from:last])
            rest_from = -1
        if code == HEADER:
            header = buf[start:after] if buf[value_at] != 0x45 else b""  # an empty header says nothing
        elif code == MESSAGE_ANNOTATIONS:
            annotation_count, annotations, key = _annotations(buf, value_at, after)
    if rest_from >= 0:
        kept.append(buf[rest_from:last])
    if not kept:
        raise DecodeError("the message has no body")
    return Event(header, annotation_count, annotations, kept[0] if len(kept) == 1 else b"".join(kept), key)


def _annotations(buf: bytes, pos: int, end: int) -> tuple[int, bytes, str | None]:
    count, at, stop = codec.map_bounds(buf, pos, end)
    if count % 2:
        raise DecodeError("a map has a key without a value")
    kept: list[bytes] = []
    partition_key = None
    for _ in range(count // 2):
        key, value_at = codec.decode(buf, at, stop)
        after = codec.skip(buf, value_at, stop)
        if key == _PARTITION_KEY:
            value, _ = codec.decode(buf, value_at, stop)
            partition_key = value if isinstance(value, str) else None
        if not (isinstance(key, str) and key in _BROKERS_OWN):
            kept.append(buf[at:after])
        at = after
    return 2 * len(kept), b"".join(kept), partition_key


def with_partition_key(event: Event, key: str) -> Event:
    """The event as the batch's key leaves it: an event of a keyed batch carries the batch's key."""
    if event.partition_key is not None:
        return event
    pair = codec.encode(codec.Symbol(_PARTITION_KEY)) + codec.encode(key)
    return event._replace(
        annotation_count=event.annotation_count + 2, annotations=event.annotations + pair, partition_key=key
    )


def events_of(payload: bytes, message_format: int) -> Incoming:
    """The events of one delivery: one for a plain message, many for a batch envelope.

    Raises:
        DecodeError: the payload is neither.
    """
    if message_format != BATCH_FORMAT:
        event = split_event(payload, 0, len(payload))
        return Incoming([event], event.partition_key)
    events: list[Event] = []
    key: str | None = None
    for code, _, value_at, end in sections(payload, 0, len(payload)):
        if code == DATA:
            constructor = payload[value_at]
            if constructor not in {0xA0, 0xB0}:
                raise DecodeError("a data section of a batch holds no binary")
            events.append(split_event(payload, value_at + (2 if constructor == 0xA0 else 5), end))
        elif code == MESSAGE_ANNOTATIONS:
            _, _, key = _annotations(payload, value_at, end)
        elif code in {SEQUENCE, VALUE}:
            raise DecodeError("a batch holds its events in data sections")
    if not events:
        raise DecodeError("the batch holds no event")
    if key is not None:
        events = [with_partition_key(event, key) for event in events]
    return Incoming(events, key)
