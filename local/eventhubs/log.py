"""The log of one partition: appended in memory order, committed to disk in groups, read back by position.

Nothing is acknowledged and nothing can be read before it is on disk; no event is kept in memory after that.
"""

import itertools
import logging
import os
import shutil
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local.eventhubs import record, segment
from local.eventhubs.errors import INTERNAL_ERROR, AmqpError, DamagedLog
from local.eventhubs.sections import Event, Plain
from local.eventhubs.segment import Segment

Done = Callable[[AmqpError | None], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LogLimits:
    """How long and how much a partition keeps."""

    retention_ms: int = 168 * 3600 * 1000
    retention_bytes: int | None = None
    segment_bytes: int = 32 * 1024 * 1024


@dataclass
class Group:
    """Appends that are written and synced together."""

    position: int
    records: list[bytes] = field(default_factory=list)
    marks: list[tuple[int, int, int]] = field(default_factory=list)  # sequence, position, time: for the index
    last: tuple[int, int, int, int] = (0, 0, 0, 0)  # sequence, position, time and end of the last record
    done: list[Done] = field(default_factory=list)

    def move(self, distance: int) -> None:
        """Write it elsewhere: the file it was meant for is full."""
        self.position += distance
        self.marks = [(sequence, position + distance, time_ms) for sequence, position, time_ms in self.marks]
        sequence, position, time_ms, end = self.last
        self.last = (sequence, position + distance, time_ms, end + distance)


class PartitionLog:
    """Append, commit, find and expire the events of one partition.

    One group at a time is being written; what is appended meanwhile forms the next one.
    """

    def __init__(self, folder: Path, limits: LogLimits, clock_ms: Callable[[], int]) -> None:
        self._folder = folder
        self._limits = limits
        self._clock_ms = clock_ms
        self._segments = _open_segments(folder)
        self._fd = os.open(self._active.path, os.O_RDWR)
        self._next_sequence = self._active.next_sequence
        self._next_position = self._active.size
        self._last_time_ms = self._active.last_time_ms
        self._next_mark = 0
        self._tail_in_doubt = False
        self._pending = Group(self._next_position)
        self.before_write: Callable[[], None] = lambda: None  # faults raise OSError here
        self.on_commit: Callable[[], None] = lambda: None
        self.commit_wanted = False
        self.closed = False

    @property
    def _active(self) -> Segment:
        return self._segments[-1]

    # What can be read -------------------------------------------------------------------------------------------

    @property
    def begin_sequence(self) -> int:
        """Sequence number of the oldest event kept (of the next one when none is)."""
        return self._segments[0].first_sequence

    @property
    def next_sequence(self) -> int:
        """Sequence number that the next committed event gets."""
        return self._active.next_sequence

    @property
    def last_sequence(self) -> int:
        """Sequence number of the last committed event; -1 when there never was one."""
        return self.next_sequence - 1

    @property
    def is_empty(self) -> bool:
        """Whether no event is kept."""
        return self.begin_sequence == self.next_sequence

    @property
    def last_offset(self) -> int:
        """Offset of the last committed event; -1 when none is kept."""
        for part in reversed(self._segments):
            if part.last_position >= 0:
                return part.offset_of(part.last_position)
        return -1

    @property
    def last_time_ms(self) -> int:
        """Enqueued time of the last committed event; 0 when there never was one."""
        return self._active.last_time_ms

    @property
    def size_bytes(self) -> int:
        """Bytes on disk."""
        return sum(part.size for part in self._segments)

    @property
    def segments(self) -> Sequence[Segment]:
        """The files, oldest first; the last one is written to."""
        return self._segments

    def segment_of(self, sequence: int) -> Segment:
        """The segment that holds, or would hold, the event."""
        at = bisect_right(self._segments, sequence, key=lambda part: part.first_sequence) - 1
        return self._segments[max(0, at)]

    # Append and commit ------------------------------------------------------------------------------------------

    def append(self, events: Sequence[Event | Plain], done: Done) -> None:
        """Take events, all or none; `done` is called with None once they are on disk, else with the reason."""
        time_ms = self._last_time_ms = max(self._clock_ms(), self._last_time_ms)
        time_pair = record.time_annotation(time_ms)
        group, position, sequence = self._pending, self._next_position, self._next_sequence
        to_offset = self._active.offset_of(0)
        start, records = position, group.records
        for event in events:
            prefix, head, rest = record.pack(event, sequence, position + to_offset, time_ms, time_pair)
            records += (prefix, head, rest)
            if position >= self._next_mark:
                group.marks.append((sequence, position, time_ms))
                self._next_mark = position + segment.INDEX_STEP_BYTES
            start, position, sequence = position, position + 8 + len(head) + len(rest), sequence + 1
        group.last = (sequence - 1, start, time_ms, position)
        self._next_position, self._next_sequence = position, sequence
        group.done.append(done)

    @property
    def has_pending(self) -> bool:
        """Whether appends wait for a commit."""
        return bool(self._pending.done)

    def take_group(self) -> Group | None:
        """What waits to be committed; until `committed` or `failed` no other group may be taken."""
        if not self._pending.done:
            return None
        if self._active.size >= self._limits.segment_bytes:
            self._roll()
        group, self._pending = self._pending, Group(self._next_position)
        return group

    def write(self, group: Group) -> None:
        """Write and sync a group; safe in another thread.

        Raises:
            OSError: nothing of the group may be acknowledged.
        """
        self.before_write()
        if self._tail_in_doubt:
            os.ftruncate(self._fd, group.position)
            self._tail_in_doubt = False
        data, position = memoryview(b"".join(group.records)), group.position
        while data:
            written = os.pwrite(self._fd, data, position)
            data, position = data[written:], position + written
        _sync(self._fd)

    def committed(self, group: Group) -> None:
        """The group is on disk: readers may see it, senders are told."""
        active = self._active
        for mark in group.marks:
            active.index.note(*mark)
        active.took(*group.last)
        for done in group.done:
            done(None)
        self.on_commit()

    def failed(self, group: Group, reason: OSError) -> None:
        """The group is not on disk: its senders, and those that came behind it, are told so."""
        _log.error("%s: could not store events: %s", self._folder, reason)
        self._refuse(group, AmqpError(INTERNAL_ERROR, f"The events could not be stored: {reason.strerror}"))

    def _refuse(self, group: Group, problem: AmqpError) -> None:
        waiting = [*group.done, *self._pending.done]
        self._next_sequence, self._next_position = self._active.next_sequence, self._active.size
        self._last_time_ms = self._active.last_time_ms
        self._next_mark = 0
        self._pending = Group(self._next_position)
        try:
            os.ftruncate(self._fd, self._active.size)
        except OSError:
            self._tail_in_doubt = True
        for done in waiting:
            done(problem)

    def close(self) -> None:
        """Stop; appends that wait are refused."""
        if self.closed:
            return
        self.closed = True
        self._refuse(Group(self._next_position), AmqpError(INTERNAL_ERROR, "The partition was closed."))
        os.close(self._fd)

    # Segments and retention -------------------------------------------------------------------------------------

    def _roll(self) -> None:
        """Begin a new segment; on a full disk the old one simply grows on."""
        try:
            self._begin_segment()
        except OSError as reason:
            _log.warning("%s: could not begin a new segment: %s", self._folder, reason)

    def _begin_segment(self) -> None:
        full = self._active
        segment.save_index(full)
        begun = segment.create(self._folder, full.next_sequence, full.end_offset, full.last_time_ms)
        fd = os.open(begun.path, os.O_RDWR)
        self._segments.append(begun)
        os.close(self._fd)
        self._fd = fd
        moved = begun.size - full.size
        self._pending.move(moved)
        self._next_position += moved
        self._next_mark = 0

    def expire(self) -> int:
        """Drop what is older or more than the limits allow; returns the number of segments dropped."""
        oldest_ms = self._clock_ms() - self._limits.retention_ms
        idle = not self._pending.done and not self.commit_wanted
        if idle and not self._active.is_empty and self._active.last_time_ms < oldest_ms:
            self._roll()
        dropped = 0
        while len(self._segments) > 1 and self._is_expired(self._segments[0], oldest_ms):
            self._drop_oldest()
            dropped += 1
        return dropped

    def _is_expired(self, oldest: Segment, oldest_ms: int) -> bool:
        limit = self._limits.retention_bytes
        return oldest.last_time_ms < oldest_ms or (limit is not None and self.size_bytes > limit)

    def _drop_oldest(self) -> None:
        oldest = self._segments.pop(0)
        oldest.path.unlink()
        segment.index_path(oldest).unlink(missing_ok=True)
        segment.sync_folder(self._folder)


def _open_segments(folder: Path) -> list[Segment]:
    folder.mkdir(parents=True, exist_ok=True)
    for unfinished in (*folder.glob("*.new"), *folder.glob("*.idxnew")):
        unfinished.unlink()
    paths = sorted(folder.glob("*.log"))
    if not paths:
        return [segment.create(folder, 0, 0, 0)]
    segments = [segment.open_closed(path) for path in paths[:-1]]
    segments.append(segment.open_last(paths[-1]))
    for before, after in itertools.pairwise(segments):
        if before.next_sequence != after.first_sequence:
            raise DamagedLog(f"{folder}: events {before.next_sequence} to {after.first_sequence - 1} are missing")
    return segments


def _sync(fd: int) -> None:
    if hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:  # macOS
        os.fsync(fd)


def remove(folder: Path) -> None:
    """Delete a log that is closed."""
    shutil.rmtree(folder, ignore_errors=False)
