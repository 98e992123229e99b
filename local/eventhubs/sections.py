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
_LONG_DATA = b"\x00\x53\x75\xb0"
_PARTITION_KEY = "x-opt-partition-key"
_BROKERS_OWN = frozenset({"x-opt-sequence-number", "x-opt-offset", "x-opt-enqueued-time"})


class Section(NamedTuple):
    """Where one section stands: its code, start, start of its value, and end."""

    code: int
    start: int
    value_at: int
    end: int


type Plain = bytes  # a message without header and annotations: it follows the broker's annotations as it is


class Event(NamedTuple):
    """One event as the log stores it: what stands before and after the broker's annotations."""

    header: bytes
    annotation_count: int  # keys and values, as AMQP counts a map
    annotations: bytes
    rest: bytes
    partition_key: str | None


class Incoming(NamedTuple):
    """What one delivery carried: its events and the key that routes all of them."""

    events: list[Event | Plain]
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


def split_event(buf: bytes, pos: int, end: int) -> Event | Plain:
    """One complete message, ready to be stored.

    Raises:
        DecodeError: the bytes are no message.
    """
    if _is_plain(buf, pos, end):
        return buf[pos:end]
    header = annotations = b""
    annotation_count = 0
    key: str | None = None
    rest: list[bytes] = []
    for code, start, value_at, after in sections(buf, pos, end):
        if code == HEADER:
            header = buf[start:after] if buf[value_at] != 0x45 else b""  # an empty header says nothing
        elif code == MESSAGE_ANNOTATIONS:
            annotation_count, annotations, key = _annotations(buf, value_at, after)
        elif code != DELIVERY_ANNOTATIONS:  # those were for us; python-pyamqp writes them after the body
            rest.append(buf[start:after])
    if not rest:
        raise DecodeError("the message has no body")
    return Event(header, annotation_count, annotations, b"".join(rest), key)


def _is_plain(buf: bytes, pos: int, end: int) -> bool:
    """Whether a message is what nearly all are: properties and body sections in the usual encodings alone."""
    at = pos
    while at + 4 < end:
        code, constructor = buf[at + 2], buf[at + 3]
        if buf[at] or buf[at + 1] != 0x53 or not PROPERTIES <= code <= VALUE:
            return False
        if constructor in {0xB0, 0xD0, 0xD1}:
            at += 8 + int.from_bytes(buf[at + 4 : at + 8], "big")
        elif constructor in {0xA0, 0xC0, 0xC1}:
            at += 5 + buf[at + 4]
        else:
            return False
    return at == end and at > pos


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


def with_partition_key(event: Event | Plain, key: str) -> Event:
    """The event as the batch's key leaves it: an event of a keyed batch carries the batch's key."""
    if isinstance(event, bytes):
        event = Event(b"", 0, b"", event, None)
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
        return Incoming([event], None if isinstance(event, bytes) else event.partition_key)
    events: list[Event | Plain] = []
    key: str | None = None
    at, end = 0, len(payload)
    while at < end:
        size = int.from_bytes(payload[at + 4 : at + 8], "big")
        if payload[at : at + 4] == _LONG_DATA and at + 8 + size <= end:
            events.append(split_event(payload, at + 8, at + 8 + size))
            at += 8 + size
            continue
        code, _, value_at, at = next(sections(payload, at, end))
        if code == DATA:
            constructor = payload[value_at]
            if constructor not in {0xA0, 0xB0}:
                raise DecodeError("a data section of a batch holds no binary")
            events.append(split_event(payload, value_at + (2 if constructor == 0xA0 else 5), at))
        elif code == MESSAGE_ANNOTATIONS:
            _, _, key = _annotations(payload, value_at, at)
        elif code in {SEQUENCE, VALUE}:
            raise DecodeError("a batch holds its events in data sections")
    if not events:
        raise DecodeError("the batch holds no event")
    if key is not None:
        return Incoming([with_partition_key(event, key) for event in events], key)
    return Incoming(events, key)
