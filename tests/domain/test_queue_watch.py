"""The components that watch the queue's backlog: judged from the last reading, which runs beside the report."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from domain.backlog import Reading
from domain.errors import QueueUnavailable
from domain.health import IN_ROTATION, Check, Finding, Monitor, Probe, Report, share_score, status_of
from domain.queue_watch import LAG_LIMIT_EVENTS, LAG_LIMIT_S, MEND, QueueWatch, lag_score
from tests.builders import NOON
from tests.queue_fakes import InMemoryQueueProgress, a_log


@dataclass
class Watch:
    """A watch whose clock a test moves."""

    clock: list[datetime] = field(default_factory=lambda: [NOON])
    progress: InMemoryQueueProgress = field(default_factory=InMemoryQueueProgress)

    def __post_init__(self) -> None:
        self.progress.now = self.progress.box.now = lambda: self.clock[0]
        self.watch = QueueWatch(self.progress, lambda: self.clock[0])

    async def later(self, seconds: float) -> None:
        """Move the clock, ask, and let a reading that this begins end."""
        self.clock[0] += timedelta(seconds=seconds)
        with contextlib.suppress(QueueUnavailable):
            await self.watch.lag()
        for _ in range(10):
            await asyncio.sleep(0)


@pytest.fixture
def queue() -> Watch:
    return Watch()


async def test_before_the_first_reading_nothing_is_wrong(queue: Watch) -> None:
    assert (await queue.watch.lag()).score == (await queue.watch.checkpoints()).score == 1.0
    assert queue.watch.backlog() is None


async def test_a_hub_that_was_never_used_is_healthy(queue: Watch) -> None:
    await queue.later(0)

    assert (await queue.watch.lag()) == (await queue.watch.checkpoints()) == Finding(1.0)
    backlog = queue.watch.backlog()
    assert backlog is not None
    assert (backlog.lag, backlog.oldest_waiting_s) == (0, None)


async def test_it_reads_no_more_often_than_every_fifteen_seconds(queue: Watch) -> None:
    for _ in range(7):
        await queue.later(5)
        await queue.watch.checkpoints()

    assert queue.progress.reads == 3


async def test_the_first_reading_leaves_the_first_report_alone(queue: Watch) -> None:
    queue.watch.first_after = timedelta(seconds=5)

    await queue.later(0)
    assert queue.progress.reads == 0
    await queue.later(5)
    assert queue.progress.reads == 1
    await queue.later(10)
    assert queue.progress.reads == 1


async def test_a_lag_beyond_the_limit_is_degraded_and_named(queue: Watch) -> None:
    queue.progress.append("1", LAG_LIMIT_EVENTS + 1)
    await queue.later(0)

    found = await queue.watch.lag()

    assert status_of(found.score) == "degraded"
    assert f"{LAG_LIMIT_EVENTS + 1} events wait" in found.detail
    assert found.mend == "python -m ops queue"


async def test_a_few_events_that_wait_too_long_are_degraded(queue: Watch) -> None:
    queue.progress.append("0")
    await queue.later(LAG_LIMIT_S)
    assert status_of((await queue.watch.lag()).score) == "healthy"

    await queue.later(15)
    assert status_of((await queue.watch.lag()).score) == "degraded"

    queue.progress.box.write_checkpoint("0", 0)
    await queue.later(15)
    assert (await queue.watch.lag()) == Finding(1.0)


@pytest.mark.parametrize("events", [0, 5_001, 50_000, 10**9])
@pytest.mark.parametrize("seconds", [0.0, 61.0, 3e5])
def test_no_lag_takes_a_stamp_out(events: int, seconds: float) -> None:
    score = lag_score(events, seconds)
    report = Report("West Europe", "westeurope", NOON, (Check("queue-lag", score),))

    assert report.serves
    assert (score == 1.0) == (events <= LAG_LIMIT_EVENTS and seconds <= LAG_LIMIT_S)
    assert score >= IN_ROTATION


async def test_a_checkpoint_beyond_the_log_is_red_and_says_what_mends_it(queue: Watch) -> None:
    queue.progress.logs = {str(number): a_log(9) for number in range(4)}
    for number in range(4):
        queue.progress.box.write_checkpoint(str(number), 9)
    queue.progress.box.write_checkpoint("2", 500)
    await queue.later(0)

    found = await queue.watch.checkpoints()

    assert (status_of(found.score), found.mend) == ("unhealthy", MEND)
    assert "partition 2" in found.detail
    assert found.counts == share_score(3, 4)


@pytest.mark.parametrize(("beyond", "serves"), [(1, True), (16, True), (17, False), (32, False)])
async def test_a_stamp_leaves_rotation_when_most_of_its_partitions_are_read_no_more(beyond: int, serves: bool) -> None:
    queue = Watch()
    queue.progress.logs = {str(number): a_log(9) for number in range(32)}
    for number in range(32):
        queue.progress.box.write_checkpoint(str(number), 500 if number < beyond else 9)
    await queue.later(0)
    monitor = Monitor(
        "West Europe",
        "westeurope",
        [Probe("checkpoints", queue.watch.checkpoints)],
        now=lambda: NOON,
        monotonic=lambda: 0.0,
        queue=queue.watch.backlog,
    )

    report = await monitor.refresh()

    assert report.serves is serves
    row = report.checks[0].as_json()
    assert (row["status"], row["mend"]) == ("unhealthy", MEND)
    assert report.queue is queue.watch.backlog()


async def test_a_reading_that_fails_keeps_the_last_backlog_until_it_is_too_old(queue: Watch) -> None:
    await queue.later(0)
    before = queue.watch.backlog()
    queue.progress.outage.failures = 99

    await queue.later(30)
    assert queue.watch.backlog() is before
    assert (await queue.watch.lag()).score == 1.0

    await queue.later(45)
    assert queue.watch.backlog() is None
    with pytest.raises(QueueUnavailable):
        await queue.watch.lag()

    queue.progress.outage.failures = 0
    await queue.later(15)
    assert (await queue.watch.lag()) == Finding(1.0)


async def test_a_reading_that_hangs_ends_and_is_tried_again(queue: Watch) -> None:
    queue.progress.held = asyncio.Event()
    queue.watch.timeout_s = 0.01
    await queue.later(0)
    await asyncio.sleep(0.05)

    with pytest.raises(QueueUnavailable):
        await queue.watch.lag()

    queue.progress.held = None
    await queue.later(15)
    assert (await queue.watch.lag()) == Finding(1.0)


async def test_a_fault_of_our_own_is_not_taken_for_the_queues(queue: Watch) -> None:
    class Broken(InMemoryQueueProgress):
        async def read(self) -> Reading:
            raise TypeError("ours")

    queue.watch.progress = Broken()
    await queue.later(0)

    with pytest.raises(TypeError):
        await queue.watch.lag()


async def test_stopping_ends_a_reading_under_way(queue: Watch) -> None:
    await queue.watch.lag()
    await queue.watch.stop()

    assert queue.watch._task is not None
    assert queue.watch._task.cancelled()
