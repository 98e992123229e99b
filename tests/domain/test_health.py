"""A stamp's health: scores, expiry, and who is taken out of rotation for what."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from domain.errors import QueueUnavailable, StoreUnavailable, TransientError
from domain.health import Canaries, Check, Monitor, Probe, Report, share_score, status_of
from tests.builders import HUB, NOON
from tests.fakes import InMemoryHeartbeats


def a_report(*checks: Check) -> Report:
    return Report("West Europe", "westeurope", NOON, checks)


def a_monitor(clock: list[datetime], *probes: Probe) -> Monitor:
    return Monitor("West Europe", "westeurope", probes, now=lambda: clock[0], monotonic=lambda: 0.0)


def answers(score: float) -> Callable[[], Awaitable[float]]:
    async def ask() -> float:
        return score

    return ask


def is_away(error: type[TransientError] = StoreUnavailable) -> Callable[[], Awaitable[float]]:
    async def ask() -> float:
        raise error("away")

    return ask


def test_the_weakest_flow_is_the_stamps_score() -> None:
    report = a_report(Check("database-read", 1.0), Check("queue-send", 0.7), Check("processor-heartbeat", 0.95))

    assert report.flow_scores() == {"browse": 1.0, "write": 0.7, "process": 0.95}
    assert (report.score, status_of(report.score), report.serves) == (0.7, "degraded", True)


def test_a_fault_of_this_stamp_takes_it_out() -> None:
    assert not a_report(Check("queue-send", 0.0)).serves


def test_a_fault_that_all_regions_share_takes_nobody_out() -> None:
    report = a_report(Check("database-read", 0.0, shared=True), Check("database-write", 0.0, shared=True))

    assert (report.serves, status_of(report.score)) == (True, "degraded")


def test_hearts_that_cannot_beat_for_a_shared_fault_take_nobody_out() -> None:
    broken = Check("database-write", 0.0, shared=True)

    assert a_report(broken, Check("processor-heartbeat", 0.0)).serves
    assert not a_report(Check("database-write", 1.0, shared=True), Check("processor-heartbeat", 0.0)).serves


async def test_a_component_that_is_away_gets_the_score_of_its_absence() -> None:
    monitor = a_monitor(
        [NOON],
        Probe("queue-send", is_away(QueueUnavailable)),
        Probe("operator", is_away(), score_when_away=1.0),
        Probe("database-read", answers(0.95)),
    )

    report = await monitor.refresh()

    assert {check.component: check.score for check in report.checks} == {
        "queue-send": 0.0,
        "operator": 1.0,
        "database-read": 0.95,
    }
    assert [check.detail for check in report.checks] == ["away", "away", ""]


async def test_a_fault_of_our_own_is_not_taken_for_a_components() -> None:
    async def ask() -> float:
        raise TypeError("ours")

    with pytest.raises(TypeError):
        await a_monitor([NOON], Probe("queue-send", ask)).refresh()


async def test_a_report_expires_when_nobody_refreshes_it() -> None:
    clock = [NOON]
    monitor = a_monitor(clock, Probe("queue-send", answers(1.0)))
    assert monitor.report() is None
    await monitor.refresh()

    clock[0] = NOON + monitor.expires_after
    assert monitor.report() is not None
    clock[0] += timedelta(seconds=1)
    assert monitor.report() is None


async def test_a_component_that_hangs_does_not_hang_the_report() -> None:
    async def ask() -> float:
        await asyncio.sleep(3600)
        return 1.0

    monitor = Monitor("r", "s", [Probe("queue-send", ask)], now=lambda: NOON, monotonic=lambda: 0.0, timeout_s=0.01)

    [check] = (await monitor.refresh()).checks

    assert (check.score, check.detail) == (0.0, "no answer within 0.01 s")


async def test_the_loop_begins_once_and_again_when_it_died() -> None:
    monitor = a_monitor([NOON], Probe("queue-send", answers(1.0)))
    monitor.start()
    monitor.start()
    for _ in range(5):
        await asyncio.sleep(0)
    assert monitor.report() is not None

    await monitor.stop()
    monitor.start()
    await monitor.stop()


@pytest.mark.parametrize(("good", "status"), [(32, "healthy"), (31, "degraded"), (16, "degraded"), (15, "unhealthy")])
def test_one_still_partition_of_32_is_seen_and_half_of_them_is_enough_to_go(good: int, status: str) -> None:
    assert status_of(share_score(good, 32)) == status


class Lanes:
    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.sent: list[str] = []

    async def send(self, partition: str) -> None:
        if partition in self.broken:
            raise QueueUnavailable("stopped")
        self.sent.append(partition)


def some_canaries(clock: list[datetime], lanes: Lanes, heartbeats: InMemoryHeartbeats) -> Canaries:
    return Canaries(["0", "1"], lanes.send, heartbeats, now=lambda: clock[0])


async def test_canaries_go_when_they_are_due_and_a_broken_lane_is_tried_again() -> None:
    clock, lanes = [NOON], Lanes()
    canaries = some_canaries(clock, lanes, InMemoryHeartbeats())
    lanes.broken = {"1"}

    first = await canaries.send_score()
    lanes.broken = set()
    second = await canaries.send_score()
    clock[0] += canaries.every
    third = await canaries.send_score()

    assert (first < 0.9, second, third) == (True, 1.0, 1.0)
    assert lanes.sent == ["0", "1", "0", "1"]


async def test_a_partition_that_stands_still_is_late_after_a_minute() -> None:
    clock, heartbeats = [NOON], InMemoryHeartbeats()
    canaries = some_canaries(clock, Lanes(), heartbeats)
    assert await canaries.heartbeat_score() == 1.0

    for second in range(0, 120, 30):
        clock[0] = NOON + timedelta(seconds=second)
        heartbeats.times["0"] = clock[0]
    scored = await canaries.heartbeat_score()

    assert status_of(scored) == "degraded"
    assert HUB
