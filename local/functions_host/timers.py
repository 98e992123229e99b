"""The timer trigger: one host at a time runs a timer, and a time missed while none did is made up for."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, ContainerClient

from .blob_lease import BlobLease, LeaseLost
from .blob_store import HOST_CONTAINER, BlobAccount, BlobFailure
from .environment import resolve, setting
from .errors import IndexingError
from .host_io import host_context
from .invoker import Invocation, attempt_of
from .listeners import ListenerContext
from .ncrontab import Schedule, parse_schedule
from .worker import Function, Outcome, json_datum

REASON = "Timer fired at {}"
START_RETRY_S = 2.0
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class ScheduleStatus:
    """What the status blob of a monitored timer remembers."""

    last: datetime
    next: datetime
    last_updated: datetime

    def as_json(self) -> dict[str, str]:
        """As the extension writes it."""
        return {
            "Last": self.last.isoformat(),
            "Next": self.next.isoformat(),
            "LastUpdated": self.last_updated.isoformat(),
        }

    @classmethod
    def from_json(cls, text: bytes) -> "ScheduleStatus":
        """Read a status blob.

        Raises:
            ValueError: it holds no status.
        """
        values = json.loads(text)
        try:
            times = [datetime.fromisoformat(values[name]) for name in ("Last", "Next", "LastUpdated")]
        except (KeyError, TypeError) as error:
            raise ValueError("no schedule status") from error
        return cls(*(time if time.tzinfo else time.replace(tzinfo=UTC) for time in times))


class TimerListener:
    """One timer function: waits for its lock, then for its times."""

    def __init__(
        self, function: Function, context: ListenerContext, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._function = function
        self._context = context
        self._clock = clock or (lambda: datetime.now(UTC))
        binding = function.trigger
        self._zone = _zone(context)
        self._schedule: Schedule = parse_schedule(resolve(str(binding["schedule"]), context.environ), self._zone)
        self._run_on_startup = bool(binding.get("runOnStartup"))
        self._monitored = binding.get("useMonitor") is not False and not self._is_frequent()
        self._account = BlobAccount(context.environ)
        self._full_name = f"Host.Functions.{function.name}"
        self._status_blob: BlobClient | None = None
        self._lease: BlobLease | None = None
        self._task: asyncio.Task[None] | None = None
        self._runs: set[asyncio.Task[ScheduleStatus | None] | asyncio.Task[Outcome | None]] = set()
        self._abandoned = asyncio.Event()

    async def start(self) -> None:
        """Begin to wait for the lock and the first time."""
        self._task = asyncio.get_running_loop().create_task(self._run(), context=host_context())

    async def stop(self) -> None:
        """Fire no more and give the lock back; a run in flight goes on."""
        self._abandoned.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._lease is not None:
            await self._lease.release()

    async def close(self) -> None:
        """Close the connection to the blobs."""
        await self._account.close()

    def run_by_hand(self, text: str) -> bool:
        """Run the function now, outside its schedule and lock, as the admin API does."""
        run = asyncio.get_running_loop().create_task(self._invoke(self._clock(), past_due=False, status=None))
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        return True

    def _is_frequent(self) -> bool:
        """Schedules of less than a minute are not monitored: the blob would be written all the time."""
        first = self._schedule.next_after(self._clock())
        return self._schedule.next_after(first) - first < timedelta(minutes=1)

    async def _run(self) -> None:
        container = await self._container()
        self._status_blob = container.get_blob_client(f"timers/{self._context.host_id}/{self._full_name}/status")
        lock = container.get_blob_client(f"locks/{self._context.host_id}/{self._full_name}.Listener")
        options = self._context.options.singleton
        self._lease = BlobLease(lock, options.lock_period_s)
        while True:
            try:
                held = await self._lease.acquire()
            except BlobFailure as error:
                self._say(f"the lock is out of reach: {error}")
                held = False
            if held:
                await self._fire_while_held(self._lease)
            await asyncio.sleep(options.recovery_polling_s)

    async def _container(self) -> ContainerClient:
        while True:
            try:
                return await self._account.container(HOST_CONTAINER)
            except BlobFailure as error:
                self._say(f"the listener was unable to start: {error}; trying again")
                await asyncio.sleep(START_RETRY_S)

    async def _fire_while_held(self, lease: BlobLease) -> None:
        """Run the timer until the lock is lost."""
        loop = asyncio.get_running_loop()
        firing = loop.create_task(self._fire())
        holding = loop.create_task(lease.keep())
        try:
            await asyncio.wait({firing, holding}, return_when=asyncio.FIRST_COMPLETED)
            if firing.done():
                firing.result()
            holding.result()
        except (LeaseLost, BlobFailure) as error:
            self._say(f"another host may run this timer now: {error}")
            await lease.release()
        finally:
            firing.cancel()
            holding.cancel()

    async def _fire(self) -> None:
        status = await self._read_status()
        now = self._clock()
        past_due = self._monitored and status is not None and now > status.next
        if self._monitored and status is None:
            status = ScheduleStatus(_NEVER, self._schedule.next_after(now), now)
            await self._write_status(status)
        if past_due or self._run_on_startup:
            status = await self._invoke(now, past_due, status)
        while True:
            due = self._schedule.next_after(self._clock())
            await self._sleep_until(due)
            status = await self._invoke(due, False, status)

    async def _sleep_until(self, due: datetime) -> None:
        left = (due - self._clock()).total_seconds()
        while left > 0:
            await asyncio.sleep(min(left, 60.0))  # in steps, for wall clocks move
            left = (due - self._clock()).total_seconds()

    async def _invoke(self, due: datetime, past_due: bool, status: ScheduleStatus | None) -> ScheduleStatus | None:
        info = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": status.as_json() if status is not None else None,
            "IsPastDue": past_due,
        }
        attempt = attempt_of([(str(self._function.trigger["name"]), json_datum(info))], {})
        reason = REASON.format(self._clock().astimezone(self._zone).isoformat())
        invocation = Invocation(self._function, attempt, reason, "", self._abandoned)
        # Shielded: a run in flight outlives the lock and the listener, as in production.
        run = asyncio.get_running_loop().create_task(self._context.invoker.invoke(invocation))
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        await asyncio.shield(run)
        if not self._monitored or self._status_blob is None:
            return status
        now = self._clock()
        status = ScheduleStatus(due, self._schedule.next_after(max(now, due)), now)
        await self._write_status(status)
        return status

    async def _read_status(self) -> ScheduleStatus | None:
        if not self._monitored or self._status_blob is None:
            return None
        try:
            download = await self._status_blob.download_blob()
            status = ScheduleStatus.from_json(await download.readall())
        except (ResourceNotFoundError, ValueError):
            return None
        expected = self._schedule.next_after(max(status.last, status.last_updated))
        if status.next != expected:  # the schedule was changed meanwhile
            status = ScheduleStatus(status.last, expected, status.last_updated)
        return status

    async def _write_status(self, status: ScheduleStatus) -> None:
        if self._status_blob is not None:
            await self._status_blob.upload_blob(json.dumps(status.as_json()).encode(), overwrite=True)

    def _say(self, text: str) -> None:
        self._context.console.warning(f"timer {self._function.name}: {text}", "Host.Triggers.Timer")


def _zone(context: ListenerContext) -> tzinfo:
    name: Any = setting(context.environ, "WEBSITE_TIME_ZONE")
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise IndexingError(f"WEBSITE_TIME_ZONE: {name!r} is no time zone such as Europe/Berlin") from error
