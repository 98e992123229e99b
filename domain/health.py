"""A stamp's health: computed in the background, cached, cheap to ask.

Components get a score from 0 to 1, flows the score of their weakest component, the stamp that of its weakest flow. A
fault that all regions share (the database's account spans them) lowers the score but never below `IN_ROTATION`: taking
every region out of rotation helps nobody. A fault of this stamp alone may take it out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from domain.backlog import Backlog
from domain.errors import CatalogError
from domain.ordering import EventStamp
from domain.times import iso

HEALTHY = 0.9
IN_ROTATION = 0.5

FLOWS = {
    "browse": ("database-read",),
    "write": ("queue-send", "operator"),
    "process": (
        *("database-write", "processor-heartbeat", "checkpoint-storage"),
        *("queue-lag", "checkpoints", "dead-letters"),
    ),
}


class Heartbeats(Protocol):
    """Where a canary that has gone through the whole path leaves its time.

    Contract: tests/contracts/test_heartbeats.py. Every method may raise StoreUnavailable.
    """

    async def beat(self, stamp: EventStamp) -> None:
        """Remember that the processor saw this event of a partition."""

    async def latest(self) -> dict[str, datetime]:
        """The enqueued time of the newest canary of each partition that has had one."""


@dataclass(frozen=True)
class Finding:
    """A component's score, with what an operator should know."""

    score: float
    counts: float | None = None
    """What enters the flows, where that is not the score itself."""
    detail: str = ""
    mend: str = ""
    """The command that shows or mends it."""


@dataclass(frozen=True)
class Check:
    """What one look at one component found."""

    component: str
    score: float
    duration_ms: float = 0.0
    shared: bool = False
    """Whether a fault of this component is the same in every region."""
    counts: float | None = None
    detail: str = ""
    mend: str = ""

    @property
    def counted(self) -> float:
        """The score that enters the flows."""
        score = self.score if self.counts is None else self.counts
        return max(score, IN_ROTATION) if self.shared else score

    def as_json(self) -> dict[str, object]:
        """Its row of the report; `detail` and `mend` only where there is something to say."""
        row: dict[str, object] = {
            "component": self.component,
            "status": status_of(self.score),
            "score": round(self.score, 3),
            "durationMs": round(self.duration_ms, 1),
        }
        return row | {name: text for name, text in (("detail", self.detail), ("mend", self.mend)) if text}


@dataclass(frozen=True)
class Report:
    """The stamp's health at one moment."""

    region: str
    stamp: str
    checked_at: datetime
    checks: tuple[Check, ...]
    queue: Backlog | None = None

    def flow_scores(self) -> dict[str, float]:
        """Each flow's score: that of its weakest component."""
        scores = {check.component: check.counted for check in self.checks}
        if any(check.component == "database-write" and check.score < HEALTHY for check in self.checks):
            # No heart beats where nothing can be written: that is the shared fault, not one of this stamp.
            scores["processor-heartbeat"] = max(scores.get("processor-heartbeat", 1.0), IN_ROTATION)
        return {flow: min(scores.get(one, 1.0) for one in components) for flow, components in FLOWS.items()}

    @property
    def score(self) -> float:
        """The stamp's score: that of its weakest flow."""
        return min(self.flow_scores().values())

    @property
    def serves(self) -> bool:
        """Whether the stamp belongs into rotation."""
        return self.score >= IN_ROTATION

    def as_json(self) -> dict[str, object]:
        """The body of `/health/stamp`."""
        report: dict[str, object] = {
            "status": status_of(self.score),
            "score": round(self.score, 3),
            "lastExecution": iso(self.checked_at),
            "region": self.region,
            "stamp": self.stamp,
            "checks": [check.as_json() for check in self.checks],
            "flows": [
                {"flow": flow, "status": status_of(score), "score": round(score, 3)}
                for flow, score in self.flow_scores().items()
            ],
        }
        return report if self.queue is None else report | {"queue": self.queue.as_json()}


def status_of(score: float) -> str:
    """The traffic light of a score."""
    return "healthy" if score >= HEALTHY else "degraded" if score >= IN_ROTATION else "unhealthy"


@dataclass(frozen=True)
class Probe:
    """One component to look at: `ask` returns what it found, or raises one of our errors when the component is away."""

    component: str
    ask: Callable[[], Awaitable[float | Finding]]
    shared: bool = False
    score_when_away: float = 0.0


@dataclass
class Monitor:
    """Looks at every component again and again, and keeps the last report."""

    region: str
    stamp: str
    probes: Sequence[Probe]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    queue: Callable[[], Backlog | None] = lambda: None
    """What waits in the hub, as far as it is known."""
    every_s: float = 5.0
    timeout_s: float = 3.0
    _report: Report | None = None
    _task: asyncio.Task[None] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Begin in the background, once; later calls change nothing, and a loop that died begins anew."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End the loop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def report(self) -> Report | None:
        """The last report; None before the first, and when the last is too old to be believed."""
        report = self._report
        if report is None or self.now() - report.checked_at > self.expires_after:
            return None
        return report

    @property
    def expires_after(self) -> timedelta:
        """A refresh that hangs must not look like health."""
        return timedelta(seconds=3 * self.every_s + self.timeout_s)

    async def _run(self) -> None:
        while True:
            await self.refresh()
            await asyncio.sleep(self.every_s)

    async def refresh(self) -> Report:
        """Look at every component now, side by side."""
        checks = await asyncio.gather(*(self._look(probe) for probe in self.probes))
        self._report = Report(self.region, self.stamp, self.now(), tuple(checks), self.queue())
        return self._report

    async def _look(self, probe: Probe) -> Check:
        begun = self.monotonic()
        try:
            async with asyncio.timeout(self.timeout_s):
                answer = await probe.ask()
        except CatalogError as error:
            answer = Finding(probe.score_when_away, detail=str(error))
        except TimeoutError:
            answer = Finding(probe.score_when_away, detail=f"no answer within {self.timeout_s:g} s")
        found = answer if isinstance(answer, Finding) else Finding(answer)
        duration_ms = (self.monotonic() - begun) * 1000
        return Check(probe.component, found.score, duration_ms, probe.shared, found.counts, found.detail, found.mend)


@dataclass
class Canaries:
    """Sends a canary through every partition and judges what came back.

    One of 32 partitions can stand still while everything else is green: the worst ones decide.
    """

    partitions: Sequence[str]
    send: Callable[[str], Awaitable[None]]
    heartbeats: Heartbeats
    now: Callable[[], datetime]
    every: timedelta = timedelta(seconds=15)
    late_after: timedelta = timedelta(seconds=60)
    _sent: dict[str, datetime] = field(default_factory=dict)
    _since: datetime | None = None

    async def send_score(self) -> float:
        """Send what is due; the share of partitions that took one lately.

        Raises:
            QueueUnavailable: none of them takes any.
        """
        now = self.now()
        due = [
            one
            for one in self.partitions
            if now - self._sent.get(one, datetime.min.replace(tzinfo=now.tzinfo)) >= self.every
        ]
        results = await asyncio.gather(*(self.send(one) for one in due), return_exceptions=True)
        for one, result in zip(due, results, strict=True):
            if result is None:
                self._sent[one] = now
            elif not isinstance(result, CatalogError):
                raise result
        fresh = [one for one in self.partitions if one in self._sent and now - self._sent[one] < self.late_after]
        return share_score(len(fresh), len(self.partitions))

    async def heartbeat_score(self) -> float:
        """The share of partitions whose canary came out at the other end lately."""
        now = self.now()
        self._since = self._since or now
        latest = await self.heartbeats.latest()
        # What has not had the time to arrive is not late.
        newcomer = now - self._since < self.late_after
        on_time = [
            one
            for one in self.partitions
            if (one in latest and now - latest[one] < self.late_after) or (one not in latest and newcomer)
        ]
        return share_score(len(on_time), len(self.partitions))


def share_score(good: int, of: int) -> float:
    """All: 1. A few missing: degraded, from 0.89 down. More than half missing: out of rotation."""
    if good == of:
        return 1.0
    missing = (of - good) / of
    return 0.85 - 0.7 * missing if missing <= 0.5 else 0.5 - missing / 2
