"""One event on disk: a checked header, then the message exactly as it goes out to readers.

Layout (big endian): length of the body, CRC-32 of all that follows, sequence number, enqueued time in ms, length of
the message's own header section; then the body. The broker's annotations are written into the body once, when the
event is stored, so that a delivery costs no more than a slice.
"""

import struct
import zlib
from typing import NamedTuple

from local.eventhubs.errors import DamagedLog
from local.eventhubs.sections import Event, Plain

_PREFIX = struct.Struct(">II")
_WHOLE = struct.Struct(">IIqqH")
HEADER_SIZE = _WHOLE.size
_CHECKED_AT = _PREFIX.size

_HEAD = struct.Struct(">qqH")
_PLAIN_HEAD = struct.Struct(">qqH4sII24sq")  # without a header section of the client's, annotations follow at once
_SEQUENCE = struct.Struct(">4sII24sq")
_SEQUENCE_KEY = b"\xa3\x15x-opt-sequence-number\x81"
_OFFSET_KEYS = [b"\xa3\x0cx-opt-offset\xa1" + bytes((size,)) for size in range(21)]
_TIME = struct.Struct(">22sq")
_TIME_KEY = b"\xa3\x13x-opt-enqueued-time\x83"
_MAP_START = b"\x00\x53\x72\xd1"
_FIXED_MAP_SIZE = 4 + len(_SEQUENCE_KEY) + 8 + len(_OFFSET_KEYS[0]) + _TIME.size


class Record(NamedTuple):
    """One stored event; `header_size` is where delivery annotations may be put in."""

    sequence: int
    time_ms: int
    header_size: int
    message: bytes


def time_annotation(time_ms: int) -> bytes:
    """The enqueued time, encoded once for all events of an append."""
    return _TIME.pack(_TIME_KEY, time_ms)


def pack(
    event: Event | Plain, sequence: int, offset: int, time_ms: int, time_pair: bytes
) -> tuple[bytes, bytes, bytes]:
    """The record of an event in three pieces; `offset` is where it begins in the partition's stream of records."""
    digits = b"%d" % offset
    size = _FIXED_MAP_SIZE + len(digits)
    if isinstance(event, bytes):
        head = _PLAIN_HEAD.pack(sequence, time_ms, 0, _MAP_START, size, 6, _SEQUENCE_KEY, sequence)
        head += _OFFSET_KEYS[len(digits)] + digits + time_pair
        rest = event
    else:
        head = _HEAD.pack(sequence, time_ms, len(event.header)) + event.header
        size += len(event.annotations)
        head += _SEQUENCE.pack(_MAP_START, size, 6 + event.annotation_count, _SEQUENCE_KEY, sequence)
        head += _OFFSET_KEYS[len(digits)] + digits + time_pair + event.annotations
        rest = event.rest
    return _PREFIX.pack(len(head) - _HEAD.size + len(rest), zlib.crc32(rest, zlib.crc32(head))), head, rest


def size_at(buf: bytes, pos: int) -> int:
    """Size of the whole record at `pos`, of which at least the header is in `buf`."""
    return HEADER_SIZE + int.from_bytes(buf[pos : pos + 4], "big")


def head_at(buf: bytes, pos: int) -> tuple[int, int, int]:
    """Whole size, sequence number and time of the record at `pos`, unchecked."""
    size, _, sequence, time_ms, _ = _WHOLE.unpack_from(buf, pos)
    return HEADER_SIZE + size, sequence, time_ms


def unpack(buf: bytes, pos: int) -> tuple[Record, int]:
    """The record at `pos`, which `buf` holds to its end, and the position after it.

    Raises:
        DamagedLog: the bytes are not what was written.
    """
    size, crc, sequence, time_ms, header_size = _WHOLE.unpack_from(buf, pos)
    end = pos + HEADER_SIZE + size
    if zlib.crc32(buf[pos + _CHECKED_AT : end]) != crc:
        raise DamagedLog(f"the record of event {sequence} does not match its checksum")
    return Record(sequence, time_ms, header_size, buf[pos + HEADER_SIZE : end]), end
