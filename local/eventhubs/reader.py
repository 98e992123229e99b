"""Reading a partition's log in order, from any event on, without keeping events in memory."""

import os

from local.eventhubs import record
from local.eventhubs.errors import DamagedLog
from local.eventhubs.log import PartitionLog
from local.eventhubs.record import Record
from local.eventhubs.segment import FIRST_RECORD_AT, Segment

_CHUNK_BYTES = 256 * 1024
_POSITION, _SEQUENCE, _TIME = 0, 1, 2  # what a scan compares
_BYTES_PER_EVENT = 1024  # a guess that keeps a read for few events small


class LogReader:
    """A cursor; sees committed events only, and jumps over those that retention has dropped."""

    def __init__(self, log: PartitionLog, next_sequence: int) -> None:
        self._log = log
        self.next_sequence = max(next_sequence, log.begin_sequence)
        self._segment: Segment | None = None
        self._fd = -1
        self._position = FIRST_RECORD_AT

    @property
    def at_end(self) -> bool:
        """Whether every committed event has been read."""
        return self.next_sequence >= self._log.next_sequence

    def read(self, max_events: int) -> list[Record]:
        """The next events, as many as one chunk of the file holds; none at the end.

        Raises:
            DamagedLog: the file does not hold what was written.
        """
        if self.at_end or max_events <= 0:
            return []
        part = self._segment
        if part is None or self._position >= part.size:
            part = self._enter()
        chunk = self._chunk(part, max_events)
        events: list[Record] = []
        at = 0
        while len(events) < max_events and at + record.HEADER_SIZE <= len(chunk):
            if at + record.size_at(chunk, at) > len(chunk):
                break
            event, at = record.unpack(chunk, at)
            events.append(event)
        if not events or events[0].sequence != self.next_sequence:
            raise DamagedLog(f"{part.path}: event {self.next_sequence} is not where it was written")
        self._position += at
        self.next_sequence = events[-1].sequence + 1
        return events

    def close(self) -> None:
        """Give the file back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._segment = None

    def _enter(self) -> Segment:
        self.close()
        self.next_sequence = max(self.next_sequence, self._log.begin_sequence)
        part = self._log.segment_of(self.next_sequence)
        self._fd = os.open(part.path, os.O_RDONLY)
        self._segment = part
        near = part.index.position_before(part.index.sequences, self.next_sequence)
        self._position = _scan(self._fd, part, near, _SEQUENCE, self.next_sequence)
        return part

    def _chunk(self, part: Segment, max_events: int) -> bytes:
        left = part.size - self._position
        chunk = os.pread(self._fd, min(_CHUNK_BYTES, max_events * _BYTES_PER_EVENT, left), self._position)
        if len(chunk) >= record.HEADER_SIZE:
            first = record.size_at(chunk, 0)
            if len(chunk) < first <= left:
                return os.pread(self._fd, first, self._position)
        return chunk


def first_after_offset(log: PartitionLog, offset: int, *, inclusive: bool) -> int:
    """Sequence number of the first event whose offset is greater (or equal, when inclusive)."""
    wanted = offset if inclusive else offset + 1
    for part in log.segments:
        if part.last_position >= 0 and part.offset_of(part.last_position) >= wanted:
            position = part.position_of(wanted)
            return _find(part, part.index.position_before(part.index.positions, position), _POSITION, position)
    return log.next_sequence


def first_after_time(log: PartitionLog, time_ms: int, *, inclusive: bool) -> int:
    """Sequence number of the first event enqueued after (or at, when inclusive) a time."""
    wanted = time_ms if inclusive else time_ms + 1
    for part in log.segments:
        if not part.is_empty and part.last_time_ms >= wanted:
            return _find(part, part.index.position_before(part.index.times, wanted), _TIME, wanted)
    return log.next_sequence


def _find(part: Segment, near: int, field: int, least: int) -> int:
    fd = os.open(part.path, os.O_RDONLY)
    try:
        position = _scan(fd, part, near, field, least)
        return record.head_at(os.pread(fd, record.HEADER_SIZE, position), 0)[1]
    finally:
        os.close(fd)


def _scan(fd: int, part: Segment, position: int, field: int, least: int) -> int:
    """Position of the first record from `position` on whose field is `least` or more; else the end."""
    buf, at = b"", 0
    while position < part.size:
        if at + record.HEADER_SIZE > len(buf):
            buf, at = os.pread(fd, _CHUNK_BYTES, position), 0
            if len(buf) < record.HEADER_SIZE:
                raise DamagedLog(f"{part.path} is shorter than it was")
        size, sequence, time_ms = record.head_at(buf, at)
        if (position, sequence, time_ms)[field] >= least:
            return position
        position, at = position + size, at + size
    return position
