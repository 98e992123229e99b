"""Origins and groups: what the probes saw, and which origin a request goes to. No HTTP, no clock of its own."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from local.edge.description import OriginGroup
from local.edge.traffic import Traffic

PROBES_KEPT = 60
# A new measurement counts this much against the average of the earlier ones.
LATENCY_WEIGHT = 0.3


@dataclass(frozen=True)
class Sample:
    """One probe and its answer."""

    at: float
    """Seconds since 1970."""
    status: int | None
    ms: float
    error: str | None = None

    @property
    def good(self) -> bool:
        """Only 200 is healthy: a redirect or a 404 is not."""
        return self.status == 200


@dataclass(eq=False)
class Origin:
    """One address that can answer, and what is known of it."""

    name: str
    address: str
    priority: int = 1
    weight: int = 50
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=PROBES_KEPT))
    latency_ms: float | None = None
    traffic: Traffic = field(default_factory=Traffic)
    turn: float = 0

    def saw(self, sample: Sample) -> None:
        """Take a probe's answer into account."""
        self.samples.append(sample)
        if sample.good:
            before = sample.ms if self.latency_ms is None else self.latency_ms
            self.latency_ms = before + LATENCY_WEIGHT * (sample.ms - before)


@dataclass(eq=False)
class Group:
    """The origins of one group."""

    settings: OriginGroup
    origins: Sequence[Origin]

    def is_healthy(self, origin: Origin) -> bool:
        """Whether enough of its last samples were good; samples that are not there yet count as good."""
        size, required = self.settings.sample_size, self.settings.successful_samples_required
        last = islice(reversed(origin.samples), size)
        return sum(not sample.good for sample in last) <= size - required

    @property
    def all_unhealthy(self) -> bool:
        """Then every origin is used: a wrong probe must not take everything away."""
        return not any(self.is_healthy(origin) for origin in self.origins)

    def choose(self, without: Origin | None = None) -> Origin | None:
        """The origin for the next request: healthy, best priority, near the fastest, by weight.

        `without` is one that has just failed; None when there is no other.
        """
        left = [origin for origin in self.origins if origin is not without]
        usable = [origin for origin in left if self.is_healthy(origin)] or left
        if not usable:
            return None
        best = min(origin.priority for origin in usable)
        return _by_weight(self._nearest([origin for origin in usable if origin.priority == best]))

    def _nearest(self, origins: list[Origin]) -> list[Origin]:
        known = [origin.latency_ms for origin in origins if origin.latency_ms is not None]
        if not known:
            return origins
        fastest = min(known)
        if self.settings.additional_latency_ms == 0:
            return [origin for origin in origins if origin.latency_ms == fastest][:1]
        limit = fastest + self.settings.additional_latency_ms
        return [origin for origin in origins if origin.latency_ms is None or origin.latency_ms <= limit]


def _by_weight(origins: list[Origin]) -> Origin:
    """In turn, each as often as its weight says, and evenly spread."""
    for origin in origins:
        origin.turn += origin.weight
    chosen = max(origins, key=lambda origin: origin.turn)
    chosen.turn -= sum(origin.weight for origin in origins)
    return chosen
