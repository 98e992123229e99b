"""What probes and the page are answered, from the monitor's last report."""

import asyncio
from datetime import datetime

import pytest

import wiring
from domain.health import Monitor, Probe
from domain.queue_watch import MEND, QueueWatch
from tests.builders import NOON
from tests.queue_fakes import InMemoryQueueProgress, a_log
from tests.triggers.conftest import App, json_of


@pytest.fixture
def progress() -> InMemoryQueueProgress:
    return InMemoryQueueProgress({"0": a_log(12), "1": a_log(-1)})


@pytest.fixture
async def monitor(app: App, progress: InMemoryQueueProgress) -> Monitor:
    """One that looks only when a test says so."""
    progress.box.write_checkpoint("0", 12)
    watch = QueueWatch(progress, now)

    class Still(Monitor):
        def start(self) -> None:
            pass

    probes = [Probe("queue-lag", watch.lag), Probe("checkpoints", watch.checkpoints)]
    parts = wiring.parts()
    parts.monitor = Still("West Europe", "westeurope", probes, now, lambda: 0.0, queue=watch.backlog)
    return parts.monitor


def now() -> datetime:
    return NOON


async def look(monitor: Monitor) -> None:
    """Twice: the first begins the reading that the second judges."""
    await monitor.refresh()
    for _ in range(3):
        await monitor.refresh()


async def test_before_the_first_look_nobody_knows(app: App, monitor: Monitor) -> None:
    answer = await app.call("health_stamp")

    assert (answer.status_code, json_of(answer)["status"]) == (503, "unknown")
    assert (await app.call("health_ready")).status_code == 503
    assert (await app.call("health_live")).status_code == 200


async def test_a_stamp_just_started_is_healthy_and_has_no_queue_to_show_yet(
    app: App, monitor: Monitor, progress: InMemoryQueueProgress
) -> None:
    progress.held = asyncio.Event()
    await monitor.refresh()

    answer = await app.call("health_stamp")

    assert (answer.status_code, json_of(answer)["status"]) == (200, "healthy")
    assert "queue" not in json_of(answer)
    assert (await app.call("health_ready")).status_code == 200


async def test_the_report_shows_what_waits_in_each_partition(app: App, monitor: Monitor) -> None:
    await look(monitor)

    report = json_of(await app.call("health_stamp"))

    assert report["queue"] == {
        "lagEvents": 0,
        "oldestWaitingS": None,
        "readAt": "2026-11-25T12:00:00.000000Z",
        "partitions": [
            {"partition": "0", "lagEvents": 0, "checkpoint": 12, "last": 12, "state": "ok"},
            {"partition": "1", "lagEvents": 0, "checkpoint": None, "last": -1, "state": "never-read"},
        ],
    }
    assert {row["component"]: row["status"] for row in report["checks"]} == {
        "queue-lag": "healthy",
        "checkpoints": "healthy",
    }


async def test_a_checkpoint_beyond_the_log_is_shown_red_with_the_command_that_mends_it(
    app: App, monitor: Monitor, progress: InMemoryQueueProgress
) -> None:
    progress.logs["0"] = a_log(3)
    await look(monitor)

    answer = await app.call("health_stamp")
    report = json_of(answer)

    assert answer.status_code == 200  # one of two: half of the stamp still works
    assert report["queue"]["partitions"][0]["state"] == "beyond-log"
    [row] = [one for one in report["checks"] if one["component"] == "checkpoints"]
    assert (row["status"], row["mend"]) == ("unhealthy", MEND)
    assert "partition 0" in row["detail"]


async def test_the_endpoint_asks_nobody(app: App, monitor: Monitor, progress: InMemoryQueueProgress) -> None:
    await look(monitor)
    before = progress.reads

    for _ in range(10):
        await app.call("health_stamp")

    assert progress.reads == before == 1
