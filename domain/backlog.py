"""How far the processor is behind the log, per partition of the hub, and checkpoints that no longer fit their log.

A checkpoint is the sequence number of the last event that was handed to the processor. A hub that was made anew under
its old name counts from 0 again, while the checkpoints of the old one are still there: a reader that begins beyond the
log's end gets nothing, for ever, and once the log has grown past it has silently left out what came before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from domain.times import iso

# What the host hands over at once (host.json, maxEventBatchSize): up to so many are in work, and nobody waits.
ONE_BATCH = 100
BEHIND_AFTER = timedelta(seconds=30)
# The broker's clock and the storage account's may differ by less; no hub is deleted and made again that fast.
CLOCKS_DIFFER = timedelta(seconds=30)
MARKS_KEPT = 64


@dataclass(frozen=True)
class LogEnds:
    """What the broker says of one partition's log."""

    first: int
    """Sequence number of the oldest event that retention has left."""
    last: int
    """Of the newest one; -1 where there never was any."""
    last_enqueued: datetime
    is_empty: bool
    """Whether retention has left none."""


@dataclass(frozen=True)
class Checkpoint:
    """How far the processor has read a partition."""

    sequence: int
    written: datetime
    tag: str
    """The store's own tag of exactly this write."""


@dataclass(frozen=True)
class Reading:
    """Log and checkpoints of every partition at one moment."""

    taken_at: datetime
    hub_created: datetime
    logs: Mapping[str, LogEnds]
    checkpoints: Mapping[str, Checkpoint]
    """Of the partitions that have one."""


class QueueProgress(Protocol):
    """Tells where the log ends and how far it was read. Contract: tests/contracts/test_queue_progress.py."""

    async def read(self) -> Reading:
        """Look at every partition.

        Logs and checkpoints cannot be read at one moment. What the logs held when they were read and is still unread
        when the checkpoints are counts as waiting: so a busy processor that keeps up has no lag. A checkpoint that was
        written meanwhile proves that its log reaches at least so far.

        Raises:
            QueueUnavailable, StoreUnavailable: one of the two sides cannot be read.
        """


class PartitionState(StrEnum):
    """How one partition is."""

    OK = "ok"
    BEHIND = "behind"
    """More waits than one batch, or something has waited for half a minute."""
    BEYOND_LOG = "beyond-log"
    """Its checkpoint belongs to a log that is no more; nothing is read until an operator removes it."""
    NEVER_READ = "never-read"
    """It has no checkpoint: the processor begins at the oldest event."""


def is_beyond(log: LogEnds, checkpoint: Checkpoint | None, hub_created: datetime) -> bool:
    """Whether a checkpoint belongs to an older hub of the same name.

    Its number tells while the new log is shorter; its age tells always, even when the new log has grown past it.
    """
    if checkpoint is None:
        return False
    return checkpoint.sequence > log.last or checkpoint.written < hub_created - CLOCKS_DIFFER


def waiting(log: LogEnds, checkpoint: Checkpoint | None, *, beyond: bool = False) -> int:
    """How many events of a log wait to be read.

    KEDA's azure-eventhub scaler counts otherwise (every row is in tests/domain/test_backlog.py), and here the number is
    the true one: of an event that retention has left alone and nobody has read KEDA says 0; events that retention took
    before they were read count for it for ever; behind a checkpoint beyond the log it sees nothing, or, from 10,000 on,
    as much as its cap allows; and it caps the sum at partitions × threshold.
    """
    if log.is_empty or log.last < 0:
        return 0
    before_first = log.first - 1
    read = before_first if checkpoint is None or beyond else max(checkpoint.sequence, before_first)
    return log.last - read


@dataclass(frozen=True)
class PartitionBacklog:
    """What waits in one partition."""

    partition: str
    lag: int
    last: int
    checkpoint: int | None
    waits_since: datetime | None
    """The oldest event that waits is at least so old; None when none waits."""
    state: PartitionState

    def as_json(self) -> dict[str, object]:
        """Its row of the report."""
        return {
            "partition": self.partition,
            "lagEvents": self.lag,
            "checkpoint": self.checkpoint,
            "last": self.last,
            "state": self.state.value,
        }


@dataclass(frozen=True)
class Backlog:
    """What waits in the hub."""

    taken_at: datetime
    partitions: tuple[PartitionBacklog, ...]

    @property
    def lag(self) -> int:
        """Events that wait, over all partitions."""
        return sum(one.lag for one in self.partitions)

    @property
    def oldest_waiting_s(self) -> float | None:
        """At least so long the oldest of them had waited; None when none waits. Exact to the interval of readings."""
        moments = [one.waits_since for one in self.partitions if one.waits_since is not None]
        return max(0.0, (self.taken_at - min(moments)).total_seconds()) if moments else None

    def in_state(self, state: PartitionState) -> list[str]:
        """The partitions in a state."""
        return [one.partition for one in self.partitions if one.state is state]

    def as_json(self) -> dict[str, object]:
        """`queue` of the stamp's report."""
        oldest = self.oldest_waiting_s
        return {
            "lagEvents": self.lag,
            "oldestWaitingS": None if oldest is None else round(oldest, 1),
            "readAt": iso(self.taken_at),
            "partitions": [one.as_json() for one in self.partitions],
        }


@dataclass
class Observer:
    """Turns readings into backlogs; remembers how the log grew, for the broker tells the newest event's time alone.

    An event that was the newest in an earlier reading and is unread now has waited since its own time, and what stands
    before it longer. A process that has just begun knows only the newest event's time: it says too little, never too
    much.
    """

    _marks: dict[str, list[tuple[int, datetime]]] = field(default_factory=dict)

    def backlog(self, reading: Reading) -> Backlog:
        """What waits, by this reading and those before it."""
        return Backlog(reading.taken_at, tuple(self._partitions(reading)))

    def _partitions(self, reading: Reading) -> Iterator[PartitionBacklog]:
        for partition in sorted(reading.logs, key=_in_order):
            log, checkpoint = reading.logs[partition], reading.checkpoints.get(partition)
            beyond = is_beyond(log, checkpoint, reading.hub_created)
            lag = waiting(log, checkpoint, beyond=beyond)
            since = self._waits_since(partition, log, lag)
            yield PartitionBacklog(
                partition=partition,
                lag=lag,
                last=log.last,
                checkpoint=None if checkpoint is None else checkpoint.sequence,
                waits_since=since,
                state=_state(lag, since, reading.taken_at, never_read=checkpoint is None, beyond=beyond),
            )

    def _waits_since(self, partition: str, log: LogEnds, lag: int) -> datetime | None:
        read = log.last - lag
        marks = [(number, time) for number, time in self._marks.get(partition, []) if read < number <= log.last]
        if lag and (not marks or marks[-1][0] < log.last):
            marks.append((log.last, log.last_enqueued))
        if len(marks) > MARKS_KEPT:
            del marks[1::2]
        self._marks[partition] = marks
        return marks[0][1] if marks else None


def _state(lag: int, since: datetime | None, now: datetime, *, never_read: bool, beyond: bool) -> PartitionState:
    if beyond:
        return PartitionState.BEYOND_LOG
    if never_read:
        return PartitionState.NEVER_READ
    if lag > ONE_BATCH or (since is not None and now - since >= BEHIND_AFTER):
        return PartitionState.BEHIND
    return PartitionState.OK


def _in_order(partition: str) -> tuple[int, str]:
    return (int(partition), "") if partition.isdecimal() else (1 << 31, partition)


def listed(partitions: Sequence[str]) -> str:
    """`partition 3`, `partitions 3, 5, 7`, `partitions 3, 5, 7, 9, … (32 in all)`."""
    if len(partitions) == 1:
        return f"partition {partitions[0]}"
    if len(partitions) <= 8:
        return f"partitions {', '.join(partitions)}"
    return f"partitions {', '.join(partitions[:4])}, … ({len(partitions)} in all)"
