"""What went through to one origin: per second, for the last two minutes."""

from collections import deque
from dataclasses import dataclass, field

SECONDS_KEPT = 120
# Beyond this many in one second, percentiles are of the first ones.
LATENCIES_KEPT = 2_000


@dataclass
class Second:
    """The requests that ended in one second."""

    at: int
    requests: int = 0
    failed: int = 0
    latencies_ms: list[float] = field(default_factory=list)

    def as_row(self) -> list[float]:
        """[second since 1970, requests, failed, median ms, 95th percentile ms]."""
        ordered = sorted(self.latencies_ms)
        return [self.at, self.requests, self.failed, _at(ordered, 0.5), _at(ordered, 0.95)]


@dataclass
class Traffic:
    """Counts since the start, and the last seconds one by one."""

    requests: int = 0
    failed: int = 0
    in_flight: int = 0
    seconds: deque[Second] = field(default_factory=lambda: deque(maxlen=SECONDS_KEPT))

    def ended(self, at: float, ms: float, *, failed: bool) -> None:
        """Count a request that ended at `at` (seconds since 1970); failed: the origin's fault, not the client's."""
        if not self.seconds or self.seconds[-1].at != int(at):
            self.seconds.append(Second(int(at)))
        second = self.seconds[-1]
        self.requests += 1
        second.requests += 1
        if failed:
            self.failed += 1
            second.failed += 1
        if len(second.latencies_ms) < LATENCIES_KEPT:
            second.latencies_ms.append(ms)

    def since(self, earliest: float) -> list[Second]:
        """The seconds that are not older."""
        return [second for second in self.seconds if second.at >= earliest]


def _at(ordered: list[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1) if ordered else 0.0
