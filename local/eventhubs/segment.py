"""One file of a partition's log, and how its end is found again after a crash."""

import json
import logging
import os
import struct
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from local.eventhubs import record
from local.eventhubs.errors import DamagedLog

_MAGIC = b"EHLOG\x00\x00\x01"
_HEAD = struct.Struct(">8sqqqI")  # magic, first sequence, first offset, time of the event before, CRC-32
FIRST_RECORD_AT = 64
INDEX_STEP_BYTES = 64 * 1024
_SCAN_BYTES = 1024 * 1024
_MAX_RECORD_BYTES = 64 * 1024 * 1024

_log = logging.getLogger(__name__)


@dataclass
class SparseIndex:
    """Sequence, position and time of one event in each 64 KiB: enough to start reading anywhere."""

    sequences: array[int] = field(default_factory=lambda: array("q"))
    positions: array[int] = field(default_factory=lambda: array("q"))
    times: array[int] = field(default_factory=lambda: array("q"))

    def note(self, sequence: int, position: int, time_ms: int) -> None:
        """Remember this event if the last remembered one is far enough behind."""
        if not self.positions or position - self.positions[-1] >= INDEX_STEP_BYTES:
            self.sequences.append(sequence)
            self.positions.append(position)
            self.times.append(time_ms)

    def position_before(self, column: array[int], value: int) -> int:
        """Where to start scanning for the first event whose `column` is `value` or more."""
        at = bisect_right(column, value - 1) - 1
        return self.positions[at] if at >= 0 else FIRST_RECORD_AT


@dataclass
class Segment:
    """A file of consecutive records; `size` counts committed bytes only."""

    path: Path
    first_sequence: int
    first_offset: int
    time_before_ms: int
    size: int = FIRST_RECORD_AT
    next_sequence: int = 0
    last_time_ms: int = 0
    last_position: int = -1  # of the last record; -1 when there is none
    index: SparseIndex = field(default_factory=SparseIndex)

    @property
    def is_empty(self) -> bool:
        """Whether no event is committed here."""
        return self.next_sequence == self.first_sequence

    @property
    def end_offset(self) -> int:
        """Offset of the record that would follow the last one."""
        return self.offset_of(self.size)

    def offset_of(self, position: int) -> int:
        """The partition-wide offset of a position in this file."""
        return self.first_offset + position - FIRST_RECORD_AT

    def position_of(self, offset: int) -> int:
        """The position in this file of a partition-wide offset."""
        return FIRST_RECORD_AT + offset - self.first_offset

    def took(self, sequence: int, position: int, time_ms: int, end: int) -> None:
        """Count a committed record."""
        self.index.note(sequence, position, time_ms)
        self.next_sequence, self.last_time_ms, self.last_position, self.size = sequence + 1, time_ms, position, end


def create(folder: Path, first_sequence: int, first_offset: int, time_before_ms: int) -> Segment:
    """A new, empty segment; on return its file is on disk."""
    path = folder / f"{first_sequence:020d}.log"
    head = _HEAD.pack(_MAGIC, first_sequence, first_offset, time_before_ms, 0)
    head = head[:-4] + struct.pack(">I", zlib.crc32(head[:-4]))
    unfinished = path.with_suffix(".new")
    with unfinished.open("wb") as file:
        file.write(head.ljust(FIRST_RECORD_AT, b"\x00"))
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    sync_folder(folder)
    return _fresh(path, first_sequence, first_offset, time_before_ms)


def _fresh(path: Path, first_sequence: int, first_offset: int, time_before_ms: int) -> Segment:
    return Segment(
        path,
        first_sequence,
        first_offset,
        time_before_ms,
        next_sequence=first_sequence,
        last_time_ms=time_before_ms,
    )


def sync_folder(folder: Path) -> None:
    """Make renames and removals in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_closed(path: Path) -> Segment:
    """A segment that is no longer written to: from its index where that fits, else by reading it.

    Raises:
        DamagedLog: the file does not hold a whole number of good records.
    """
    segment = _from_head(path)
    if not _load_index(segment):
        _scan(segment)
        if segment.size != path.stat().st_size:
            raise DamagedLog(
                f"{path} is damaged at byte {segment.size}. It is no torn tail, for newer events follow it: restore "
                "the file, or move the partition's folder away to begin the partition anew."
            )
        save_index(segment)
    return segment


def open_last(path: Path) -> Segment:
    """The segment that was being written to; what a crash left half-written at its end is cut."""
    segment = _from_head(path)
    _scan(segment)
    torn = path.stat().st_size - segment.size
    if torn:
        _log.warning("%s: cut a torn tail of %d bytes after event %d", path, torn, segment.next_sequence - 1)
        with path.open("r+b") as file:
            file.truncate(segment.size)
            os.fsync(file.fileno())
    return segment


def _from_head(path: Path) -> Segment:
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise DamagedLog(f"{path} is too short for a segment of a log")
    magic, first_sequence, first_offset, time_before_ms, crc = _HEAD.unpack(head)
    if magic != _MAGIC or zlib.crc32(head[:-4]) != crc:
        raise DamagedLog(f"{path} is no segment of an Event Hubs stand-in's log (or of another version's)")
    return _fresh(path, first_sequence, first_offset, time_before_ms)


def _scan(segment: Segment) -> None:
    """Count the good records from the start on; stops at the first that is not."""
    with segment.path.open("rb", buffering=0) as file:
        for stored, position, end in _good_records(file.fileno(), segment.first_sequence):
            segment.took(stored.sequence, position, stored.time_ms, end)


def _good_records(fd: int, sequence: int) -> Iterator[tuple[record.Record, int, int]]:
    position, buf, at = FIRST_RECORD_AT, b"", 0
    while True:
        if len(buf) - at < record.HEADER_SIZE or len(buf) - at < record.size_at(buf, at):
            wanted = _SCAN_BYTES
            if len(buf) - at >= record.HEADER_SIZE:
                wanted = max(wanted, record.size_at(buf, at))
            if wanted > _MAX_RECORD_BYTES:
                return
            buf, at = os.pread(fd, wanted, position), 0
            if len(buf) < record.HEADER_SIZE:
                return
            size = record.size_at(buf, 0)
            if size > len(buf):
                if size > _MAX_RECORD_BYTES or len(buf) < wanted:
                    return
                continue
        try:
            stored, after = record.unpack(buf, at)
        except DamagedLog:
            return
        if stored.sequence != sequence:
            return
        yield stored, position, position + after - at
        position, at, sequence = position + after - at, after, sequence + 1


def save_index(segment: Segment) -> None:
    """Write the index beside a closed segment, so that the next start need not read the segment."""
    facts = {
        "size": segment.size,
        "next": segment.next_sequence,
        "time": segment.last_time_ms,
        "last": segment.last_position,
        "sequences": list(segment.index.sequences),
        "positions": list(segment.index.positions),
        "times": list(segment.index.times),
    }
    body = json.dumps(facts).encode()
    unfinished = segment.path.with_suffix(".idxnew")
    unfinished.write_bytes(b"%08x\n" % zlib.crc32(body) + body)
    unfinished.rename(index_path(segment))


def index_path(segment: Segment) -> Path:
    """Where the index of a closed segment is kept."""
    return segment.path.with_suffix(".idx")


def _load_index(segment: Segment) -> bool:
    try:
        crc, _, body = index_path(segment).read_bytes().partition(b"\n")
    except FileNotFoundError:
        return False
    if crc != b"%08x" % zlib.crc32(body):
        return False
    facts = json.loads(body)
    if facts["size"] != segment.path.stat().st_size:
        return False
    segment.size, segment.next_sequence = facts["size"], facts["next"]
    segment.last_time_ms, segment.last_position = facts["time"], facts["last"]
    segment.index = SparseIndex(*(array("q", facts[name]) for name in ("sequences", "positions", "times")))
    return True
