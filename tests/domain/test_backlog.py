"""What waits in the hub: the arithmetic beside KEDA's, checkpoints of another log, and since when events wait."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from domain.backlog import (
    BEHIND_AFTER,
    CLOCKS_DIFFER,
    MARKS_KEPT,
    ONE_BATCH,
    Backlog,
    Checkpoint,
    LogEnds,
    Observer,
    PartitionBacklog,
    PartitionState,
    Reading,
    is_beyond,
    listed,
    waiting,
)
from tests.builders import NOON
from tests.queue_fakes import HUB_CREATED, a_log

STALE_PARTITION_INFO_THRESHOLD = 10_000
# What KEDA adds where a checkpoint is further beyond the log: up to the largest 64-bit number, and around.
ENORMOUS = 2**63 - 1


def a_checkpoint(sequence: int, written: datetime = NOON) -> Checkpoint:
    return Checkpoint(sequence, written, "tag")


def keda_counts(log: LogEnds, checkpoint: int | None) -> int:
    """The azure-eventhub scaler's arithmetic for one partition, as it was observed; it does not ask for `is_empty`."""
    if log.last == -1:
        return 0
    if checkpoint is None:
        return 0 if log.first == log.last != 0 else log.last - log.first + 1
    if checkpoint <= log.last:
        return log.last - checkpoint
    return 0 if checkpoint - log.last < STALE_PARTITION_INFO_THRESHOLD else ENORMOUS - checkpoint + log.last


def ours(log: LogEnds, checkpoint: int | None) -> int:
    made = None if checkpoint is None else a_checkpoint(checkpoint)
    return waiting(log, made, beyond=is_beyond(log, made, HUB_CREATED))


@pytest.mark.parametrize(
    ("log", "checkpoint", "count"),
    [
        (a_log(-1), None, 0),
        (a_log(9), None, 10),
        (a_log(9, first=4), None, 6),
        (a_log(0), None, 1),
        (a_log(9), 4, 5),
        (a_log(9), 9, 0),
        (a_log(9), 8, 1),
        (a_log(9, first=4), 3, 6),
        (a_log(9, first=4), 6, 3),
    ],
    ids=[
        "never used",
        "never read",
        "never read, retention took some",
        "one event in a fresh partition",
        "some read",
        "all read",
        "one waits",
        "read up to where retention begins",
        "read further than retention took",
    ],
)
def test_where_keda_counts_rightly_we_count_the_same(log: LogEnds, checkpoint: int | None, count: int) -> None:
    assert (ours(log, checkpoint), keda_counts(log, checkpoint)) == (count, count)


@pytest.mark.parametrize(
    ("log", "checkpoint", "true", "kedas"),
    [
        (a_log(9, first=9), None, 1, 0),
        (a_log(9, first=10), None, 0, 0),
        (a_log(9, first=10), 3, 0, 6),
        (a_log(9, first=6), 3, 4, 6),
        (a_log(9), 10, 10, 0),
        (a_log(9), 9 + STALE_PARTITION_INFO_THRESHOLD - 1, 10, 0),
        (a_log(9), 9 + STALE_PARTITION_INFO_THRESHOLD, 10, ENORMOUS - STALE_PARTITION_INFO_THRESHOLD),
        (a_log(-1), 5, 0, 0),
    ],
    ids=[
        "retention left one event that nobody read",
        "retention left none, never read",
        "retention left none, read in part",
        "retention took some before they were read",
        "checkpoint just beyond the log",
        "checkpoint beyond the log, below the threshold",
        "checkpoint far beyond the log",
        "hub made anew, still empty",
    ],
)
def test_where_keda_errs_we_say_the_true_number(log: LogEnds, checkpoint: int | None, true: int, kedas: int) -> None:
    assert (ours(log, checkpoint), keda_counts(log, checkpoint)) == (true, kedas)


def test_the_sum_has_no_cap() -> None:
    """KEDA's ends at partitions × threshold, and is no measure of a backlog."""
    backlog = Observer().backlog(a_reading({str(number): a_log(9_999) for number in range(4)}, {}))

    assert backlog.lag == 40_000


def a_reading(
    logs: dict[str, LogEnds],
    checkpoints: dict[str, int],
    *,
    at: datetime = NOON,
    written: datetime = NOON,
    created: datetime = HUB_CREATED,
) -> Reading:
    return Reading(at, created, logs, {one: a_checkpoint(number, written) for one, number in checkpoints.items()})


def test_each_partition_has_its_state() -> None:
    logs = {
        "0": a_log(9),
        "1": a_log(500),
        "2": a_log(9),
        "3": a_log(9),
        "4": a_log(9, enqueued=NOON - BEHIND_AFTER),
        "5": a_log(9 + ONE_BATCH),
        "10": a_log(-1),
    }
    checkpoints = {"0": 9, "1": 10, "2": 10, "4": 8, "5": 9}

    backlog = Observer().backlog(a_reading(logs, checkpoints))

    assert {one.partition: one.state.value for one in backlog.partitions} == {
        "0": "ok",
        "1": "behind",
        "2": "beyond-log",
        "3": "never-read",
        "4": "behind",
        "5": "ok",
        "10": "never-read",
    }
    assert [one.partition for one in backlog.partitions] == ["0", "1", "2", "3", "4", "5", "10"]


def test_a_checkpoint_older_than_its_hub_is_another_hubs_whatever_its_number() -> None:
    """The new log has grown past it: a reader would begin there, and leave out what came before."""
    log = {"0": a_log(1_000, first=0)}
    created = NOON + timedelta(days=1)

    [stale] = Observer().backlog(a_reading(log, {"0": 700}, created=created)).partitions
    [own] = Observer().backlog(a_reading(log, {"0": 700}, created=created, written=created)).partitions

    assert (stale.state, stale.lag) == (PartitionState.BEYOND_LOG, 1_001)
    assert (own.state, own.lag) == (PartitionState.BEHIND, 300)


def test_clocks_that_differ_a_little_make_no_checkpoint_foreign() -> None:
    log = a_log(9)
    written = HUB_CREATED - CLOCKS_DIFFER

    assert not is_beyond(log, a_checkpoint(9, written), HUB_CREATED)
    assert is_beyond(log, a_checkpoint(9, written - timedelta(seconds=1)), HUB_CREATED)


@dataclass
class Watched:
    """One partition, looked at again and again."""

    observer: Observer
    last: int = -1
    read: int = -1
    enqueued: datetime = NOON

    def look(self, at_s: float, *, last: int, read: int, enqueued_s: float | None = None) -> float | None:
        at = NOON + timedelta(seconds=at_s)
        enqueued = NOON + timedelta(seconds=at_s if enqueued_s is None else enqueued_s)
        log = {"0": a_log(last, enqueued=enqueued)}
        return self.observer.backlog(a_reading(log, {"0": read}, at=at)).oldest_waiting_s


@pytest.fixture
def watched() -> Watched:
    return Watched(Observer())


def test_the_only_event_that_waits_is_as_old_as_the_broker_says(watched: Watched) -> None:
    assert watched.look(20, last=0, read=-1, enqueued_s=5) == 15
    assert watched.look(35, last=0, read=-1, enqueued_s=5) == 30
    assert watched.look(50, last=0, read=0, enqueued_s=5) is None


def test_while_events_go_on_coming_the_oldest_is_remembered(watched: Watched) -> None:
    """The broker tells the time of the newest event alone."""
    ages = [watched.look(15 * number, last=10 * number, read=-1) for number in range(5)]

    assert ages == [0, 15, 30, 45, 60]


def test_what_was_read_waits_no_longer(watched: Watched) -> None:
    for number in range(5):
        watched.look(15 * number, last=10 * number, read=-1)

    assert watched.look(75, last=50, read=15) == 75 - 30
    assert watched.look(90, last=50, read=49, enqueued_s=75) == 15


def test_a_busy_partition_that_is_read_all_the_time_looks_young(watched: Watched) -> None:
    assert [watched.look(15 * number, last=1_000 * number + 3, read=1_000 * number) for number in range(9)] == [0] * 9


def test_a_hub_made_anew_forgets_when_its_old_events_came(watched: Watched) -> None:
    watched.look(0, last=1_000, read=0)

    assert watched.look(600, last=3, read=0) == 0


def test_long_watching_needs_little_memory_and_still_knows_the_oldest(watched: Watched) -> None:
    for number in range(1_000):
        age = watched.look(15 * number, last=number, read=-1)

    assert age == 15 * 999
    assert len(watched.observer._marks["0"]) <= MARKS_KEPT


def test_the_reports_rows_say_what_a_page_draws() -> None:
    rows = (
        PartitionBacklog("0", 0, 12, 12, None, PartitionState.OK),
        PartitionBacklog("1", 3, 2, None, NOON - timedelta(seconds=4.25), PartitionState.NEVER_READ),
    )

    assert Backlog(NOON, rows).as_json() == {
        "lagEvents": 3,
        "oldestWaitingS": 4.2,
        "readAt": "2026-11-25T12:00:00.000000Z",
        "partitions": [
            {"partition": "0", "lagEvents": 0, "checkpoint": 12, "last": 12, "state": "ok"},
            {"partition": "1", "lagEvents": 3, "checkpoint": None, "last": 2, "state": "never-read"},
        ],
    }


@pytest.mark.parametrize(
    ("partitions", "text"),
    [
        (["3"], "partition 3"),
        (["3", "5"], "partitions 3, 5"),
        ([str(number) for number in range(32)], "partitions 0, 1, 2, 3, … (32 in all)"),
    ],
)
def test_many_partitions_are_named_in_one_line(partitions: list[str], text: str) -> None:
    assert listed(partitions) == text
