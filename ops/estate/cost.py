"""Monthly cost of an environment: what its resources are billed by, times the table's list prices."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ops.estate.kinds import is_top_level, kind_name
from ops.estate.snapshots import Estate, Resource
from ops.estate.tables import Price, PriceTable
from ops.estate.traits import replication, tier, traits_of

HOURS = 730
DAYS = HOURS / 24
_LEASE_S = 10  # the host renews its lease of each partition about so often; each renewal is a write of a blob


@dataclass(frozen=True)
class Traffic:
    """What is used and not in any snapshot: per month, over all stamps."""

    requests: float = 100e6
    write_share: float = 0.05
    response_kb: float = 8
    data_gb: float = 100  # in the database, in each region
    images_gb: float = 100
    logs_gb_per_day: float = 5  # of each region
    vault_operations: float = 500_000  # of each vault

    @property
    def gb(self) -> float:
        """GB sent to clients."""
        return self.requests * self.response_kb / 1e6


@dataclass(frozen=True)
class Usage:
    """So much of something that is billed: from the least to the most; None where nobody can say."""

    key: str
    what: str
    least: float | None
    most: float | None


@dataclass(frozen=True)
class Line:
    """One usage with its price; `count` resources have the same and are summed."""

    kind: str
    what: str
    key: str
    count: int
    least: float | None
    most: float | None
    price: Price | None

    @property
    def low(self) -> float | None:
        """Dollars at the least; None without a price or a quantity."""
        return _times(self.least, self.price)

    @property
    def high(self) -> float | None:
        """Dollars at the most."""
        return _times(self.most, self.price)


@dataclass(frozen=True)
class Bill:
    """All lines, those that nobody can put a figure on, and what has no meter as far as we know."""

    priced: tuple[Line, ...]
    missing: tuple[Line, ...]
    unmetered: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def low(self) -> float:
        """The priced lines at the least."""
        return sum(line.low or 0 for line in self.priced)

    @property
    def high(self) -> float:
        """The priced lines at the most."""
        return sum(line.high or 0 for line in self.priced)


def bill(estate: Estate, table: PriceTable, traffic: Traffic) -> Bill:
    """Everything that is billed; a price or quantity that is not known stays unknown."""
    together: dict[tuple[str, str, str, Price | None], list[Usage]] = {}
    for one in estate.resources:
        for usage in usages(estate, one, traffic):
            price = table.find(usage.key, str(one.get("location", one.region)))
            together.setdefault((kind_name(one.type), usage.what, usage.key, price), []).append(usage)
    lines = [
        Line(kind, what, key, len(found), _sum(use.least for use in found), _sum(use.most for use in found), price)
        for (kind, what, key, price), found in together.items()
    ]
    kinds = {one.type.lower(): kind_name(one.type) for one in estate.resources if is_top_level(one.type)}
    return Bill(
        tuple(line for line in lines if line.high is not None),
        tuple(line for line in lines if line.high is None),
        tuple(sorted({name for kind, name in kinds.items() if kind in _UNMETERED})),
        tuple(sorted({name for kind, name in kinds.items() if kind not in _UNMETERED and kind not in _METERS})),
    )


def usages(estate: Estate, one: Resource, traffic: Traffic) -> list[Usage]:
    """What one resource is billed by."""
    meter = _METERS.get(one.type.lower())
    return list(meter(estate, one, traffic)) if meter else []


def _front_door(estate: Estate, one: Resource, traffic: Traffic) -> Iterator[Usage]:
    kind = "premium" if "premium" in tier(one).lower() else "standard"
    yield _always(f"frontDoor.{kind}.base", "base fee", 1)
    yield _always(f"frontDoor.{kind}.requests", "requests", traffic.requests / 1e4)
    yield _always(f"frontDoor.{kind}.egress", "to clients", traffic.gb)
    links = {
        str(origin.get("properties.sharedPrivateLinkResource.privateLink.id", ""))
        for origin in estate.under(one, "Microsoft.Cdn/profiles/originGroups/origins")
        if origin.get("properties.sharedPrivateLinkResource")
    }
    if links:
        yield _always(f"frontDoor.{kind}.privateLink", "private links to origins", len(links) * HOURS)


def _firewall(_: Estate, __: Resource, ___: Traffic) -> Iterator[Usage]:
    yield _always("frontDoor.premium.firewall", "policy", 1)


def _traffic_manager(_: Estate, one: Resource, traffic: Traffic) -> Iterator[Usage]:
    ends = one.get("properties.endpoints", [])
    nested = any(str(end.get("type", "")).lower().endswith("nestedendpoints") for end in ends)
    if nested:  # the one that the domain names; its child is only asked through it
        yield _always("trafficManager.queries", "DNS queries, one per 100 requests", traffic.requests / 100 / 1e6)
    yield _always("trafficManager.healthChecks", "health checks", len(ends))


def _cluster(estate: Estate, one: Resource, traffic: Traffic) -> Iterator[Usage]:
    if tier(one) and tier(one) != "Free":
        yield _always(f"aks.{tier(one).lower()}.hour", f"{tier(one)} tier", HOURS)
    for pool in one.get("properties.agentPoolProfiles", []):
        least = pool.get("minCount", pool.get("count", 0))
        most = pool.get("maxCount", pool.get("count", 0))
        size = pool.get("vmSize", "?")
        yield Usage(
            f"vm.{size}.hour", f"nodes {pool.get('name')}: {least} to {most} {size}", least * HOURS, most * HOURS
        )
    profile = one.get("properties.networkProfile", {})
    if profile.get("loadBalancerSku") == "standard":
        yield _always("loadBalancer.rule", "load balancer, 2 rules: gateway and outbound", 2 * HOURS)
        yield _always("loadBalancer.data", "load balancer, data", traffic.gb / _stamps(estate))
    count = profile.get("loadBalancerProfile", {}).get("managedOutboundIPs", {}).get("count")
    if count:
        yield _always("publicAddress.hour", "outbound addresses", count * HOURS)


def _database(_: Estate, one: Resource, traffic: Traffic) -> Iterator[Usage]:
    places = len(one.get("properties.locations", [])) or 1
    yield _always("cosmos.storage", "documents", traffic.data_gb * places)
    backup = one.get("properties.backupPolicy.continuousModeProperties.tier")
    if backup == "Continuous30Days":
        yield _always("cosmos.backup30", "continuous backup", traffic.data_gb * places)
    if places > 1:
        yield Usage("bandwidth.betweenRegions", "replication", None, None)


def _container(estate: Estate, one: Resource, _: Traffic) -> Iterator[Usage]:
    account = next(
        (top for top in estate.of("Microsoft.DocumentDB/databaseAccounts") if one.id.startswith(f"{top.id}/")), None
    )
    if account is None:
        return
    places = len(account.get("properties.locations", [])) or 1
    traits = traits_of(account)
    writes = ""
    if traits.get("multiWrite"):
        writes = ".multiWrite" if traits.get("severalRegions") else ".multiWriteOneRegion"
    most = one.get("properties.options.autoscaleSettings.maxThroughput")
    fixed = one.get("properties.options.throughput")
    if most:
        what = f"{one.short}: {most / 10:,.0f} to {most:,} RU/s in {places} region{'s' if places > 1 else ''}"
        yield Usage(
            f"cosmos.autoscale{writes}.throughput", what, most / 1000 * places * HOURS, most / 100 * places * HOURS
        )
    elif fixed:
        what = f"{one.short}: {fixed:,} RU/s in {places} region{'s' if places > 1 else ''}"
        yield _always(f"cosmos.provisioned{writes}.throughput", what, fixed / 100 * places * HOURS)


def _hub(estate: Estate, one: Resource, traffic: Traffic) -> Iterator[Usage]:
    least = one.get("sku.capacity", 1)
    most = (
        max(one.get("properties.maximumThroughputUnits") or 0, least)
        if one.get("properties.isAutoInflateEnabled")
        else least
    )
    kind = tier(one).lower()
    yield Usage(
        f"eventHubs.{kind}.unit",
        f"{least} to {most} units" if most > least else f"{least} units",
        least * HOURS,
        most * HOURS,
    )
    if kind == "standard":
        yield _always(
            "eventHubs.standard.events", "commands in", traffic.requests * traffic.write_share / _stamps(estate) / 1e6
        )
        hubs = estate.under(one, "Microsoft.EventHub/namespaces/eventhubs")
        if any(hub.get("properties.captureDescription.enabled") for hub in hubs):
            yield Usage("eventHubs.standard.capture", "Capture, each unit", least * HOURS, most * HOURS)


def _storage(estate: Estate, one: Resource, traffic: Traffic) -> Iterator[Usage]:
    kept = replication(one)
    held = traffic.images_gb if one.lifetime == "global" else 10
    what = "images" if one.lifetime == "global" else "pages, checkpoints, letters, archive: 10 GB each"
    yield _always(f"blob.{kept}.storage", f"{what} ({kept})", held)
    if one.lifetime == "stamp":
        partitions = sum(
            hub.get("properties.partitionCount", 0)
            for hub in estate.of("Microsoft.EventHub/namespaces/eventhubs", region=one.region)
        )
        writes = partitions * HOURS * 3600 / _LEASE_S
        yield _always(f"blob.{kept}.writes", f"lease renewals of {partitions} partitions ({kept})", writes / 1e4)


def _vault(_: Estate, __: Resource, traffic: Traffic) -> Iterator[Usage]:
    yield _always("keyVault.standard.operations", "operations", traffic.vault_operations / 1e4)


def _registry(_: Estate, one: Resource, __: Traffic) -> Iterator[Usage]:
    yield _always(f"registry.{tier(one).lower()}.day", tier(one), DAYS)


def _replica(_: Estate, __: Resource, ___: Traffic) -> Iterator[Usage]:
    yield _always("registry.premium.replication", "replica", DAYS)


def _workspace(estate: Estate, one: Resource, traffic: Traffic) -> Iterator[Usage]:
    quota = one.get("properties.workspaceCapping.dailyQuotaGb", -1)
    daily = traffic.logs_gb_per_day if one.lifetime != "global" else traffic.logs_gb_per_day / 10
    daily = min(daily, quota) if quota and quota > 0 else daily
    yield _always("logs.analytics.in", f"logs, {daily:g} GB a day", daily * DAYS)
    if estate.under(one, "Microsoft.OperationalInsights/workspaces/dataExports"):
        yield Usage("logs.export", "export to the archive, of some tables", 0, daily * DAYS)


def _samples(_: Estate, __: Resource, ___: Traffic) -> Iterator[Usage]:
    yield Usage("monitor.workspace.samples", "Prometheus samples", None, None)


def _endpoint(estate: Estate, one: Resource, traffic: Traffic) -> Iterator[Usage]:
    yield _always("privateEndpoint.hour", "endpoints", HOURS)
    if any(to.is_a("Microsoft.DocumentDB/databaseAccounts") for to in _targets(estate, one)):
        yield _always("privateEndpoint.data", "what is read of the database", traffic.gb / _stamps(estate))


def _targets(estate: Estate, endpoint: Resource) -> Iterator[Resource]:
    for link in endpoint.get("properties.privateLinkServiceConnections", []):
        found = estate.find(str(link.get("properties", {}).get("privateLinkServiceId", "")))
        if found is not None:
            yield found


def _zone(_: Estate, __: Resource, ___: Traffic) -> Iterator[Usage]:
    yield _always("privateDns.zone", "zones", 1)


def _address(_: Estate, __: Resource, ___: Traffic) -> Iterator[Usage]:
    yield _always("publicAddress.hour", "addresses", HOURS)


def _gateway(_: Estate, one: Resource, __: Traffic) -> Iterator[Usage]:
    scale = one.get("properties.autoscaleConfiguration", {})
    fixed = one.get("sku.capacity", one.get("properties.sku.capacity", 0))
    least, most = scale.get("minCapacity", fixed), scale.get("maxCapacity", fixed)
    yield _always("applicationGateway.waf.hour", "gateway", HOURS)
    yield Usage(
        "applicationGateway.waf.unit",
        f"capacity units, {least} to {most} instances of 10",
        least * 10 * HOURS,
        most * 10 * HOURS,
    )


def _nat(_: Estate, __: Resource, ___: Traffic) -> Iterator[Usage]:
    yield _always("nat.hour", "gateway", HOURS)
    yield Usage("nat.data", "data", None, None)


def _alert(_: Estate, __: Resource, ___: Traffic) -> Iterator[Usage]:
    yield _always("monitor.metricAlert", "time series", 1)


def _mails(_: Estate, one: Resource, __: Traffic) -> Iterator[Usage]:
    if one.get("properties.emailReceivers"):
        yield Usage("actionGroup.mail", "mails", None, None)


def _insights(_: Estate, one: Resource, traffic: Traffic) -> Iterator[Usage]:
    if not one.get("properties.WorkspaceResourceId"):  # else its workspace is billed for the same bytes
        yield _always("insights.in", "telemetry", traffic.logs_gb_per_day * DAYS)


def _log_alert(_: Estate, __: Resource, ___: Traffic) -> Iterator[Usage]:
    yield _always("monitor.logAlert", "rule", 1)


Meter = Callable[[Estate, Resource, Traffic], Iterable[Usage]]
_METERS: Mapping[str, Meter] = {
    "microsoft.cdn/profiles": _front_door,
    "microsoft.containerregistry/registries": _registry,
    "microsoft.containerregistry/registries/replications": _replica,
    "microsoft.containerservice/managedclusters": _cluster,
    "microsoft.documentdb/databaseaccounts": _database,
    "microsoft.documentdb/databaseaccounts/sqldatabases/containers": _container,
    "microsoft.eventhub/namespaces": _hub,
    "microsoft.insights/actiongroups": _mails,
    "microsoft.insights/components": _insights,
    "microsoft.insights/metricalerts": _alert,
    "microsoft.insights/scheduledqueryrules": _log_alert,
    "microsoft.keyvault/vaults": _vault,
    "microsoft.monitor/accounts": _samples,
    "microsoft.network/applicationgateways": _gateway,
    "microsoft.network/frontdoorwebapplicationfirewallpolicies": _firewall,
    "microsoft.network/natgateways": _nat,
    "microsoft.network/privatednszones": _zone,
    "microsoft.network/privateendpoints": _endpoint,
    "microsoft.network/publicipaddresses": _address,
    "microsoft.network/trafficmanagerprofiles": _traffic_manager,
    "microsoft.operationalinsights/workspaces": _workspace,
    "microsoft.storage/storageaccounts": _storage,
}
# No meter is known to us for these; no source was read that says so.
_UNMETERED = frozenset(
    {
        "microsoft.insights/datacollectionendpoints",
        "microsoft.insights/datacollectionrules",
        "microsoft.managedidentity/userassignedidentities",
        "microsoft.network/applicationgatewaywebapplicationfirewallpolicies",
        "microsoft.network/networksecuritygroups",
        "microsoft.network/virtualnetworks",
        "microsoft.resources/resourcegroups",
    }
)


def _always(key: str, what: str, quantity: float) -> Usage:
    return Usage(key, what, quantity, quantity)


def _stamps(estate: Estate) -> int:
    return len(estate.of("Microsoft.ContainerService/managedClusters")) or 1


def _times(quantity: float | None, price: Price | None) -> float | None:
    return None if quantity is None or price is None or price.usd is None else quantity * price.usd


def _sum(values: Iterable[float | None]) -> float | None:
    known = list(values)
    return None if any(value is None for value in known) else sum(value for value in known if value is not None)
