"""A partition's log on disk: what a crash leaves, what retention drops, what a full disk does."""

import errno
import os
from pathlib import Path

import pytest

from local.eventhubs import reader, segment
from local.eventhubs.errors import AmqpError, DamagedLog
from local.eventhubs.log import LogLimits, PartitionLog
from local.eventhubs.reader import LogReader
from local.eventhubs.sections import Event

SMALL_SEGMENTS = LogLimits(segment_bytes=2000)


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def time() -> Time:
    return Time()


def log_in(folder: Path, time: Time, limits: LogLimits = SMALL_SEGMENTS) -> PartitionLog:
    return PartitionLog(folder, limits, time)


def commit(log: PartitionLog, *bodies: bytes) -> list[AmqpError | None]:
    """Append each body and commit them together; what the senders were told."""
    told: list[AmqpError | None] = []
    for body in bodies:
        log.append([Event(b"", 0, b"", body, None)], told.append)
    write(log)
    return told


def write(log: PartitionLog) -> None:
    group = log.take_group()
    assert group is not None
    try:
        log.write(group)
    except OSError as reason:
        log.failed(group, reason)
    else:
        log.committed(group)


def sequences(log: PartitionLog, start: int = 0) -> list[int]:
    cursor, found = LogReader(log, start), []
    while not cursor.at_end:
        found += [event.sequence for event in cursor.read(7)]
    cursor.close()
    return found


def test_events_survive_reopening_over_many_segments(tmp_path: Path, time: Time) -> None:
    log = log_in(tmp_path, time)
    for n in range(200):
        commit(log, b"%d" % n * 20)
    before = (log.last_offset, log.last_time_ms, log.size_bytes, len(log.segments))
    log.close()

    log = log_in(tmp_path, time)

    assert before[3] > 10
    assert (log.last_offset, log.last_time_ms, log.size_bytes, len(log.segments)) == before
    assert sequences(log) == list(range(200))
    assert sequences(log, 137) == list(range(137, 200))
    commit(log, b"more")
    assert log.last_sequence == 200


def test_an_event_that_spans_many_chunks_is_read_whole(tmp_path: Path, time: Time) -> None:
    log = log_in(tmp_path, time)
    commit(log, b"small", b"x" * 1_000_000, b"small")

    assert sequences(log) == [0, 1, 2]


@pytest.mark.parametrize("cut", [1, 10, 30, 100])
def test_a_torn_tail_is_cut_and_the_next_event_takes_its_number(tmp_path: Path, time: Time, cut: int) -> None:
    log = log_in(tmp_path, time, LogLimits())
    commit(log, b"first", b"second", b"x" * 200)
    path = log.segments[-1].path
    log.close()
    os.truncate(path, path.stat().st_size - cut)

    log = log_in(tmp_path, time, LogLimits())

    assert log.last_sequence == 1
    assert path.stat().st_size == log.segments[-1].size
    commit(log, b"third again")
    assert sequences(log) == [0, 1, 2]


def test_a_tail_of_garbage_is_cut(tmp_path: Path, time: Time) -> None:
    log = log_in(tmp_path, time, LogLimits())
    commit(log, b"first")
    path = log.segments[-1].path
    log.close()
    with path.open("ab") as file:
        file.write(b"\x00\x00\x00\x20" + bytes(100))

    log = log_in(tmp_path, time, LogLimits())

    assert sequences(log) == [0]
    assert path.stat().st_size == log.segments[-1].size


def test_a_half_made_segment_is_no_obstacle(tmp_path: Path, time: Time) -> None:
    log = log_in(tmp_path, time)
    commit(log, b"first")
    log.close()
    (tmp_path / f"{1:020d}.new").write_bytes(b"EH")

    assert sequences(log_in(tmp_path, time)) == [0]


def test_damage_in_the_middle_is_an_error_and_not_a_loss(tmp_path: Path, time: Time) -> None:
    log = log_in(tmp_path, time)
    for n in range(50):
        commit(log, b"%d" % n * 20)
    first = log.segments[0]
    log.close()
    with first.path.open("r+b") as file:
        file.seek(first.size // 2)
        file.write(b"\xff\xff\xff")

    damaged = log_in(tmp_path, time)  # the index vouches for the size alone
    with pytest.raises(DamagedLog):
        sequences(damaged)
    damaged.close()
    segment.index_path(first).unlink()
    with pytest.raises(DamagedLog, match="restore the file"):
        log_in(tmp_path, time)


def test_a_missing_segment_is_an_error(tmp_path: Path, time: Time) -> None:
    log = log_in(tmp_path, time)
    for n in range(50):
        commit(log, b"%d" % n * 20)
    middle = log.segments[1].path
    log.close()
    middle.unlink()

    with pytest.raises(DamagedLog, match="missing"):
        log_in(tmp_path, time)


def test_a_lost_index_is_made_anew(tmp_path: Path, time: Time) -> None:
    log = log_in(tmp_path, time)
    for n in range(50):
        commit(log, b"%d" % n * 20)
    log.close()
    indexes = list(tmp_path.glob("*.idx"))
    indexes[0].unlink()
    indexes[1].write_bytes(b"nonsense")

    assert sequences(log_in(tmp_path, time)) == list(range(50))


def test_retention_by_time_drops_old_segments_and_keeps_counting(tmp_path: Path, time: Time) -> None:
    log = log_in(tmp_path, time, LogLimits(retention_ms=60_000, segment_bytes=2000))
    for n in range(50):
        commit(log, b"%d" % n * 20)
        time.now_ms += 2_000
    late_reader = LogReader(log, 0)
    late_reader.read(1)

    assert log.expire() > 0
    begin = log.begin_sequence
    assert 0 < begin < 49
    assert late_reader.read(1)[0].sequence == 1  # what it has open it may finish
    assert sequences(log) == list(range(begin, 50))
    assert reader.first_after_offset(log, 0, inclusive=True) == begin
    time.now_ms += 120_000
    log.expire()
    assert log.is_empty
    assert (log.begin_sequence, log.last_sequence, log.last_offset) == (50, 49, -1)
    log.close()
    log = log_in(tmp_path, time)
    commit(log, b"next")
    assert sequences(log) == [50]


def test_retention_by_size_keeps_the_newest(tmp_path: Path, time: Time) -> None:
    log = log_in(tmp_path, time, LogLimits(retention_bytes=5000, segment_bytes=1000))
    for n in range(100):
        commit(log, b"%d" % n * 20)

    log.expire()

    assert log.size_bytes <= 5000
    assert sequences(log)[-1] == 99


def test_a_clock_that_steps_back_does_not_turn_time_back(tmp_path: Path, time: Time) -> None:
    log = log_in(tmp_path, time)
    commit(log, b"one")
    time.now_ms -= 50_000
    commit(log, b"two")
    log.close()
    log = log_in(tmp_path, time)
    commit(log, b"three")

    cursor = LogReader(log, 0)
    times = [event.time_ms for event in cursor.read(10)]
    assert times == [1_000_000, 1_000_000, 1_000_000]
    assert reader.first_after_time(log, 999_999, inclusive=False) == 0
    assert reader.first_after_time(log, 1_000_000, inclusive=False) == 3


def test_a_failed_write_acknowledges_nothing_and_leaves_no_gap(tmp_path: Path, time: Time) -> None:
    log = log_in(tmp_path, time)
    commit(log, b"kept")

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    log.before_write = full
    told = commit(log, b"lost", b"lost too")
    log.before_write = lambda: None

    assert [problem.condition if problem else None for problem in told] == ["amqp:internal-error"] * 2
    assert commit(log, b"kept too") == [None]
    assert sequences(log) == [0, 1]


def test_a_group_that_was_appended_while_another_was_written_goes_to_a_new_segment(tmp_path: Path, time: Time) -> None:
    log = log_in(tmp_path, time)
    log.append([Event(b"", 0, b"", b"x" * 3000, None)], lambda _: None)
    first = log.take_group()
    assert first is not None
    log.append([Event(b"", 0, b"", b"y" * 100, None)] * 3, lambda _: None)
    log.write(first)
    log.committed(first)
    write(log)
    commit(log, b"z")
    log.close()

    log = log_in(tmp_path, time)

    assert len(log.segments) == 2
    assert sequences(log) == [0, 1, 2, 3, 4]
    for n in range(5):
        event = LogReader(log, n).read(1)[0]
        offset = int(event.message.split(b"x-opt-offset\xa1")[1][1:].split(b"\xa3")[0])
        assert reader.first_after_offset(log, offset, inclusive=True) == n
