"""Composite SLA of each user flow: the product of what it depends on, one stamp against several."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ops.estate.exposure import endpoints_to
from ops.estate.kinds import kind_name
from ops.estate.snapshots import Estate, Resource
from ops.estate.tables import SlaTable
from ops.estate.traits import tier, traits_of

MINUTES_PER_MONTH = 730 * 60
_DATABASE = "Microsoft.DocumentDB/databaseAccounts"
_CLUSTER = "Microsoft.ContainerService/managedClusters"
_HUB = "Microsoft.EventHub/namespaces"
_STORAGE = "Microsoft.Storage/storageAccounts"
_VAULT = "Microsoft.KeyVault/vaults"
_REGISTRY = "Microsoft.ContainerRegistry/registries"
_ENDPOINT = "Microsoft.Network/privateEndpoints"
_FRONT_DOOR = "Microsoft.Cdn/profiles"
_TRAFFIC = "Microsoft.Network/trafficManagerProfiles"


@dataclass(frozen=True)
class Factor:
    """One thing that a flow needs, and what is promised of it; `percent` is None where no figure was found."""

    name: str
    role: str
    percent: float | None
    condition: str
    source: str
    dated: str

    @property
    def minutes(self) -> float:
        """Minutes of a month in which it may be away."""
        return 0.0 if self.percent is None else (1 - self.percent / 100) * MINUTES_PER_MONTH


@dataclass(frozen=True)
class Flow:
    """What one kind of request needs: once for all stamps, and in each stamp."""

    name: str
    tells: str
    shared: tuple[Factor, ...]
    stamps: tuple[tuple[Factor, ...], ...]
    together: bool  # whether another stamp takes over
    notes: tuple[str, ...] = ()

    @property
    def alone(self) -> float:
        """Percent with the weakest stamp alone."""
        return 100 * _product(self.shared) * min(map(_product, self.stamps), default=1.0)

    @property
    def combined(self) -> float:
        """Percent with all stamps, where one that is away is replaced by another, independently of each other."""
        if not self.together or not self.stamps:
            return self.alone
        return 100 * _product(self.shared) * (1 - math.prod(1 - _product(stamp) for stamp in self.stamps))

    @property
    def gaps(self) -> tuple[Factor, ...]:
        """What has no figure: the composite is then an upper bound."""
        found = {factor.name: factor for factor in (*self.shared, *(one for stamp in self.stamps for one in stamp))}
        return tuple(factor for factor in found.values() if factor.percent is None)


def minutes_away(percent: float) -> float:
    """Minutes of a month of 730 hours."""
    return (1 - percent / 100) * MINUTES_PER_MONTH


def flows(estate: Estate, table: SlaTable) -> list[Flow]:
    """The user flows, from what the snapshots hold."""
    look = _Look(estate, table)
    edge, by_hand = tuple(look.edge()), look.stand_by()
    gate = look.each(look.gate)
    database = look.one(_DATABASE, "global", "documents")
    hubs = look.each(lambda region: look.within(_HUB, region, "the commands"))
    reads = _named(database, reads=look.reads(_DATABASE, "global"))
    to_database = look.each(lambda region: look.private(region, _DATABASE, "global"))
    late = look.each(
        lambda region: (
            *look.pods(region),
            *look.within(_HUB, region, "the commands"),
            *look.within(_STORAGE, region, "checkpoints"),
            *look.private(region, _DATABASE, "global"),
        )
    )
    pages = look.each(lambda region: (*look.front_link(), *look.site(region)))
    images = (*look.front_link(), *_named(look.one(_STORAGE, "global", "images"), reads=look.reads(_STORAGE, "global")))
    return [
        Flow("read", "GET of the API", (*edge, *reads), _joined(gate, to_database), True, by_hand),
        Flow("write", "a write answered 202", edge, _joined(gate, hubs), True,
             (*by_hand, "the database is asked before accepting, but a write is accepted when it does not answer")),
        Flow("process", "an accepted write takes effect", database, late, False,
             ("an event is processed where it was accepted: while its stamp is away it waits, and nothing is lost",)),
        Flow("pages", "the page itself", edge, pages, True, by_hand),
        Flow("images", "pictures of items, not in the edge's cache", (*edge, *images), (), True, by_hand),
    ]  # fmt: skip


def start_only(estate: Estate, table: SlaTable) -> list[Factor]:
    """What pods need to start or to renew a token, and no request waits for."""
    look = _Look(estate, table)
    found = [
        *look.one("Microsoft.ManagedIdentity/userAssignedIdentities", "stamp", "tokens, renewed ahead"),
        *look.one(_REGISTRY, "global", "images, pulled by new nodes"),
        *look.one(_VAULT, "stamp", "API keys, read at the start and polled"),
    ]
    return list(dict.fromkeys(found))


class _Look:
    """Turns resources into factors."""

    def __init__(self, estate: Estate, table: SlaTable) -> None:
        self._estate, self._table = estate, table

    def each(self, make: Callable[[str], Sequence[Factor]]) -> tuple[tuple[Factor, ...], ...]:
        """Factors of every stamp."""
        return tuple(tuple(make(region)) for region in self._estate.regions if self._estate.of(_CLUSTER, region=region))

    def edge(self) -> Iterator[Factor]:
        yield from self.one(_FRONT_DOOR, "global", "edge")
        if self._estate.of(_TRAFFIC):
            yield self._factor(
                self._estate.of(_TRAFFIC)[0], "answers for the domain; clients keep its answer for minutes"
            )

    def stand_by(self) -> tuple[str, ...]:
        ends = [end for one in self._estate.of(_TRAFFIC) for end in one.get("properties.endpoints", [])]
        nested = [end for end in ends if str(end.get("type", "")).lower().endswith("nestedendpoints")]
        if not nested:
            return ()
        off = all(end.get("properties", {}).get("endpointStatus") == "Disabled" for end in nested)
        state = "switched on by hand" if off else "which takes over by itself after failed probes"
        return (f"the way past Front Door ({state}) is not counted",)

    def gate(self, region: str) -> tuple[Factor, ...]:
        """From Front Door into the pods."""
        linked = any(
            one.get("properties.sharedPrivateLinkResource.privateLinkLocation") == region
            for one in self._estate.of("Microsoft.Cdn/profiles/originGroups/origins")
        )
        return (*(self.front_link() if linked else ()), *self._balancer(region), *self.pods(region))

    def front_link(self) -> tuple[Factor, ...]:
        return (self._by_kind(_ENDPOINT, {}, "from Front Door to the stamp"),)

    def _balancer(self, region: str) -> Iterator[Factor]:
        for cluster in self._estate.of(_CLUSTER, region=region):
            if cluster.get("properties.networkProfile.loadBalancerSku") == "standard":
                yield self._by_kind(
                    "Microsoft.Network/loadBalancers",
                    {"tier": "Standard"},
                    "in front of the gateway; the cluster makes it",
                )

    def pods(self, region: str) -> tuple[Factor, ...]:
        found = []
        for cluster in self._estate.of(_CLUSTER, region=region):
            found.append(
                self._factor(cluster, "promised for its API server; counted, since without it no pod is replaced")
            )
            found.append(
                self._by_kind("Microsoft.Compute/virtualMachineScaleSets", {}, "the machines that pods run on")
            )
        return tuple(found)

    def private(self, region: str, kind: str, lifetime: str) -> tuple[Factor, ...]:
        """The private endpoint of a stamp to something, where it has one."""
        there = self._estate.of(kind, lifetime=lifetime, region=region if lifetime == "stamp" else None)
        ends = [end for one in there for end in endpoints_to(self._estate, one) if end.region == region]
        return (self._factor(ends[0], f"private endpoint to the {kind_name(kind)}"),) if ends else ()

    def within(self, kind: str, region: str, role: str) -> tuple[Factor, ...]:
        """A stamp's own resource behind its private endpoint."""
        found = self._estate.of(kind, lifetime="stamp", region=region)
        return (
            *self.private(region, kind, "stamp"),
            self._factor(found[0], role) if found else self._missing(kind, role),
        )

    def site(self, region: str) -> tuple[Factor, ...]:
        found = self._estate.of(_STORAGE, lifetime="stamp", region=region)
        if not found:
            return (self._missing(_STORAGE, "static website"),)
        return _named((self._factor(found[0], "static website"),), reads=self._reads(found[0]))

    def one(self, kind: str, lifetime: str, role: str) -> tuple[Factor, ...]:
        found = self._estate.of(kind, lifetime=lifetime)
        return (self._factor(found[0], role),) if found else (self._missing(kind, role),)

    def reads(self, kind: str, lifetime: str) -> float | None:
        found = self._estate.of(kind, lifetime=lifetime)
        return self._reads(found[0]) if found else None

    def _reads(self, one: Resource) -> float | None:
        row = self._table.find(one.type, traits_of(one))
        return row.read_percent if row else None

    def _factor(self, one: Resource, role: str) -> Factor:
        traits = traits_of(one) or {"tier": tier(one)}
        return self._by_kind(one.type, traits, role)

    def _by_kind(self, kind: str, traits: dict[str, str | bool], role: str) -> Factor:
        row = self._table.find(kind, traits)
        if row is None:
            said = ", ".join(f"{name} {value}" for name, value in traits.items() if value != "")
            return Factor(kind, role, None, f"no row of the table for {said or 'it'}", "", "")
        return Factor(row.name, role, row.percent, row.condition, row.source, row.dated)

    def _missing(self, kind: str, role: str) -> Factor:
        return Factor(kind, role, None, "not in the snapshots", "", "")


def _named(factors: tuple[Factor, ...], *, reads: float | None) -> tuple[Factor, ...]:
    """The same, with what is promised for reads."""
    return tuple(replace(one, percent=reads) if reads is not None else one for one in factors)


def _joined(
    left: tuple[tuple[Factor, ...], ...], right: tuple[tuple[Factor, ...], ...]
) -> tuple[tuple[Factor, ...], ...]:
    return tuple((*one, *other) for one, other in zip(left, right, strict=True))


def _product(factors: Sequence[Factor]) -> float:
    return math.prod(one.percent / 100 for one in factors if one.percent is not None)
