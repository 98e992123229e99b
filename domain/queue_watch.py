"""The components `queue-lag` and `checkpoints`: read in the background, at most every 15 s a process, and judged.

A reading takes a request for each partition, which may outlast the report's own time-out. So it runs beside the report,
and the report says what the last one found.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.backlog import Backlog, Observer, PartitionState, QueueProgress, listed
from domain.errors import CatalogError, QueueUnavailable
from domain.health import HEALTHY, IN_ROTATION, Finding, share_score

# Beyond either, the lag is degraded.
LAG_LIMIT_EVENTS = 5_000
LAG_LIMIT_S = 60.0
MEND = "python -m ops queue reset-checkpoints --beyond-log"
SHOW = "python -m ops queue"
_NOT_YET = Finding(1.0, detail="not read yet")


def lag_score(events: int, oldest_s: float) -> float:
    """1 up to both limits, then from 0.8 down to `IN_ROTATION` at four times the worse of them.

    Never lower: a backlog is no reason to lose the region. What was accepted is safe in the hub, reads work, and other
    regions would get the load on top. A processor that stands still is seen by its heartbeats.
    """
    times = max(events / LAG_LIMIT_EVENTS, oldest_s / LAG_LIMIT_S)
    return 1.0 if times <= 1 else max(IN_ROTATION, HEALTHY - 0.1 * times)


@dataclass
class QueueWatch:
    """Keeps the last backlog."""

    progress: QueueProgress
    now: Callable[[], datetime]
    every: timedelta = timedelta(seconds=15)
    first_after: timedelta = timedelta()
    """How long after the first question it begins."""
    timeout_s: float = 12.0
    expires_after: timedelta = timedelta(seconds=60)
    _observer: Observer = field(default_factory=Observer)
    _backlog: Backlog | None = None
    _failure: CatalogError | None = None
    _begun: datetime | None = None
    _task: asyncio.Task[None] | None = field(default=None, repr=False)

    def backlog(self) -> Backlog | None:
        """The last one; None before the first, and when it is too old to be believed."""
        backlog = self._backlog
        return None if backlog is None or self.now() - backlog.taken_at > self.expires_after else backlog

    async def lag(self) -> Finding:
        """Judge the events that wait; raises the error of the last reading when there is none to be believed."""
        backlog = self._latest()
        if backlog is None:
            return _NOT_YET
        oldest = backlog.oldest_waiting_s or 0.0
        score = lag_score(backlog.lag, oldest)
        if score >= HEALTHY:
            return Finding(score)
        return Finding(score, detail=f"{backlog.lag} events wait, the oldest for {oldest:.0f} s or more", mend=SHOW)

    async def checkpoints(self) -> Finding:
        """Red with the first checkpoint beyond its log; raises like `lag`.

        What enters the flow is the share of partitions that are read: the stamp leaves rotation when more than half of
        them stand still, as it does for heartbeats that stay away.
        """
        backlog = self._latest()
        if backlog is None:
            return _NOT_YET
        beyond = backlog.in_state(PartitionState.BEYOND_LOG)
        if not beyond:
            return Finding(1.0)
        total = len(backlog.partitions)
        detail = f"beyond the log, and read no more: {listed(beyond)}"
        return Finding(0.0, counts=share_score(total - len(beyond), total), detail=detail, mend=MEND)

    async def stop(self) -> None:
        """End a reading that is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _latest(self) -> Backlog | None:
        self._tend()
        backlog = self.backlog()
        if backlog is None and self._failure is not None:
            raise self._failure
        return backlog

    def _tend(self) -> None:
        """Begin a reading when one is due; what is no error of ours comes out here and ends the monitor's loop."""
        if self._task is not None and self._task.done():
            task, self._task = self._task, None
            if not task.cancelled():
                task.result()
        now = self.now()
        if self._begun is None:
            self._begun = now - self.every + self.first_after
        if self._task is None and now - self._begun >= self.every:
            self._begun = now
            self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(self.timeout_s):
                reading = await self.progress.read()
        except TimeoutError:
            self._failure = QueueUnavailable("The queue's progress could not be read in time.")
        except CatalogError as error:
            self._failure = error
        else:
            self._failure = None
            self._backlog = self._observer.backlog(reading)
