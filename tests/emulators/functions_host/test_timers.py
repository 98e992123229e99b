"""Timer triggers: who fires, when, and what a missed time becomes."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from local.functions_host.host_json import HostOptions, SingletonOptions
from local.functions_host.invoker import Invocation
from local.functions_host.listeners import ListenerContext
from local.functions_host.logs import HostLog
from local.functions_host.timers import ScheduleStatus, TimerListener
from local.functions_host.worker import Function, Outcome

from .conftest import StartHost
from .processes import wait_until


def _fired(folder: Path) -> list[dict[str, Any]]:
    file = folder / "record.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_one_of_two_hosts_fires_each_timer(start_host: StartHost, storage: str, tmp_path: Path) -> None:
    environ = {
        "AzureWebJobsStorage": storage,
        "AzureFunctionsWebHost__hostid": "two-hosts",
        "CONTROL": str(tmp_path),
        "NIGHTLY": "0 0 3 * * *",
    }
    first = start_host("timers", **environ)
    second = start_host("timers", **environ)

    wait_until(lambda: len([entry for entry in _fired(tmp_path) if entry["name"] == "every_second"]) >= 3)
    fired = _fired(tmp_path)
    by_timer = {name: {e["pid"] for e in fired if e["name"] == name} for name in ("every_second", "on_startup")}
    assert all(len(pids) == 1 for pids in by_timer.values())
    assert not any(entry["past_due"] for entry in fired)
    assert "nightly" not in {entry["name"] for entry in fired}

    assert second.call("/admin/functions/nightly", "POST", b'{"input": ""}').status == 202
    wait_until(lambda: any(entry["name"] == "nightly" for entry in _fired(tmp_path)))
    assert (first.process.stop(), second.process.stop()) == (0, 0)


class RecordingInvoker:
    """Takes the place of the worker: notes what was fired; `hold` keeps runs from ending."""

    def __init__(self) -> None:
        self.past_due: list[bool] = []
        self.hold = asyncio.Event()
        self.hold.set()

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Note one run."""
        self.past_due.append(json.loads(invocation.attempt.inputs[0][1].value)["IsPastDue"])
        await self.hold.wait()
        return Outcome(True)


class Clock:
    """The wall clock, moved at will."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
async def service(storage: str) -> AsyncIterator[BlobServiceClient]:
    async with BlobServiceClient.from_connection_string(storage) as client:
        yield client


def _timer(
    storage: str, host_id: str, schedule: str, clock: Clock, **binding: object
) -> tuple[TimerListener, RecordingInvoker]:
    trigger = {"type": "timerTrigger", "name": "timer", "schedule": schedule, **binding}
    invoker: Any = RecordingInvoker()
    options = replace(HostOptions(), singleton=SingletonOptions(lock_period_s=15.0, recovery_polling_s=0.1))
    context = ListenerContext(options, {"AzureWebJobsStorage": storage}, HostLog(), invoker, host_id)
    return TimerListener(Function("nightly", "id", (trigger,)), context, clock), invoker


async def _until(condition: Any) -> None:
    await asyncio.to_thread(wait_until, condition)


class StatusBlob:
    """The status blob of a monitored timer."""

    def __init__(self, service: BlobServiceClient, host_id: str) -> None:
        name = f"timers/{host_id}/Host.Functions.nightly/status"
        self._blob = service.get_blob_client("azure-webjobs-hosts", name)

    async def written_after(self, moment: datetime) -> ScheduleStatus:
        """The status, once its next time is later than `moment`."""
        for _ in range(600):
            try:
                status = ScheduleStatus.from_json(await (await self._blob.download_blob()).readall())
            except ResourceNotFoundError:
                status = None
            if status is not None and status.next > moment:
                return status
            await asyncio.sleep(0.05)
        raise AssertionError("no status was written")


async def test_a_time_missed_while_no_host_ran_is_made_up_for_once(storage: str, service: BlobServiceClient) -> None:
    clock = Clock()
    status = StatusBlob(service, "past-due")
    listener, invoker = _timer(storage, "past-due", "0 0 3 * * *", clock)
    await listener.start()
    first = await status.written_after(clock())
    await listener.stop()
    await listener.close()
    assert invoker.past_due == []

    too_early, invoker = _timer(storage, "past-due", "0 0 3 * * *", clock)
    await too_early.start()
    await asyncio.sleep(0.5)
    await too_early.stop()
    await too_early.close()
    assert invoker.past_due == []

    clock.ahead = timedelta(days=2)
    late, invoker = _timer(storage, "past-due", "0 0 3 * * *", clock)
    await late.start()
    await _until(lambda: invoker.past_due == [True])
    second = await status.written_after(clock())
    await late.stop()
    await late.close()
    assert second.next - first.next == timedelta(days=2)

    again, invoker = _timer(storage, "past-due", "0 0 3 * * *", clock)
    await again.start()
    await asyncio.sleep(0.5)
    await again.stop()
    await again.close()
    assert invoker.past_due == []


async def test_a_timer_passes_to_another_host_when_its_host_stops(storage: str) -> None:
    clock = Clock()
    first, first_runs = _timer(storage, "handover", "* * * * * *", clock)
    second, second_runs = _timer(storage, "handover", "* * * * * *", clock)
    await first.start()
    await _until(lambda: first_runs.past_due)
    await second.start()
    await asyncio.sleep(1.2)
    assert second_runs.past_due == []

    await first.stop()
    await _until(lambda: second_runs.past_due)
    await second.stop()
    await asyncio.gather(first.close(), second.close())


async def test_a_run_that_takes_longer_than_its_schedule_is_not_overtaken(storage: str) -> None:
    listener, invoker = _timer(storage, "overrun", "* * * * * *", Clock())
    invoker.hold.clear()
    await listener.start()
    await _until(lambda: invoker.past_due)
    await asyncio.sleep(1.5)
    assert len(invoker.past_due) == 1
    invoker.hold.set()
    await _until(lambda: len(invoker.past_due) >= 2)
    await listener.stop()
    await listener.close()
