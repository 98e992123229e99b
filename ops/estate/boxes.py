"""What each drawn resource says in the picture: its size, what is folded into it, and who does what with it."""

from collections.abc import Callable, Iterable, Sequence

from ops.estate.access import Grant, grants
from ops.estate.exposure import reach_of
from ops.estate.kinds import kind_name
from ops.estate.naming import Names
from ops.estate.snapshots import Estate, Resource
from ops.estate.svg import Box
from ops.estate.text import many
from ops.estate.traits import replication, tier

_VERBS = {
    "AcrPull": "pull",
    "Azure Event Hubs Data Receiver": "receive",
    "Azure Event Hubs Data Sender": "send",
    "Cosmos DB Built-in Data Contributor": "write",
    "Cosmos DB Built-in Data Reader": "read",
    "Key Vault Secrets User": "read",
    "Monitoring Metrics Publisher": "report",
    "Storage Blob Data Contributor": "write",
    "Storage Blob Data Reader": "read",
}
_NO_BREAK = "\N{NO-BREAK SPACE}"
# Types with a box of their own, and those that are named inside one.
BOXED = (
    "Microsoft.Cdn/profiles",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.ContainerService/managedClusters",
    "Microsoft.DocumentDB/databaseAccounts",
    "Microsoft.EventHub/namespaces",
    "Microsoft.Insights/actionGroups",
    "Microsoft.Insights/components",
    "Microsoft.KeyVault/vaults",
    "Microsoft.Monitor/accounts",
    "Microsoft.Network/applicationGateways",
    "Microsoft.Network/FrontDoorWebApplicationFirewallPolicies",
    "Microsoft.Network/trafficManagerProfiles",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.OperationalInsights/workspaces",
    "Microsoft.Storage/storageAccounts",
)
FOLDED = (
    "Microsoft.Cdn/profiles/afdEndpoints",
    "Microsoft.Cdn/profiles/afdEndpoints/routes",
    "Microsoft.Cdn/profiles/customDomains",
    "Microsoft.ContainerRegistry/registries/replications",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers",
    "Microsoft.EventHub/namespaces/eventhubs",
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/privateEndpoints",
    "Microsoft.Network/publicIPAddresses",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
)


class Boxes:
    """Makes the box of a resource."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._names = Names(estate)
        self._grants = [one for one in grants(estate, self._names) if one.kind in ("identity", "system")]

    def of(self, one: Resource) -> Box:
        """The box of a resource of a boxed type."""
        details, tells = _TELLERS[one.type.lower()](self, one)
        reach = reach_of(self._estate, one)
        return Box(
            _title(one),
            (one.short,),
            tuple(details),
            tuple(filter(None, ["; ".join(self._who(one))])),
            reach[0] if reach and reach[0] in ("public", "private") else "",
            tuple(tells),
            main=one.type.lower() in _MAIN,
        )

    def together(self, kind: str, found: Sequence[Resource]) -> Box:
        """One box for several resources that are looked at as one."""
        parts = [self.of(one) for one in found]
        return Box(
            kind,
            tuple(name for part in parts for name in part.names),
            tuple(detail for part in parts for detail in part.details),
            tuple(dict.fromkeys(who for part in parts for who in part.who)),
            "public" if any(part.access == "public" for part in parts) else parts[0].access,
            tuple(tell for part in parts for tell in part.tells),
        )

    def _who(self, one: Resource) -> list[str]:
        """`api: send` and `keda, processor: receive`, from the grants on a resource and on what is in it."""
        verbs: dict[str, set[str]] = {}
        like = self._names.across_regions(one.id).lower()
        for grant in self._grants:
            scope = self._names.across_regions(grant.scope).lower()
            if grant.role in _VERBS and (scope == like or scope.startswith(f"{like}/")):
                part = f" {grant.scope.rsplit('/', 1)[-1]}" if "/colls/" in grant.scope else ""
                verbs.setdefault(_short_who(grant), set()).add(_VERBS[grant.role] + part)
        alike: dict[str, list[str]] = {}
        for who, done in sorted(verbs.items()):
            alike.setdefault(" and ".join(sorted(done)), []).append(who)
        told = sorted(f"{', '.join(those)}: {done}" for done, those in alike.items())
        return [one.replace(" ", _NO_BREAK) for one in told]

    def _short(self, one: Resource) -> str:
        """A name without what all names share."""
        for region in self._estate.regions:
            _, found, rest = one.short.partition(f"-{region}-")
            if found:
                return rest
        return one.short

    def _under(self, one: Resource, kind: str) -> list[Resource]:
        return self._estate.under(one, kind)

    def cluster(self, one: Resource) -> tuple[list[str], list[str]]:
        """Node pools, and the identities of the stamp."""
        details = []
        for pool in one.get("properties.agentPoolProfiles", []):
            least, most = pool.get("minCount", pool.get("count")), pool.get("maxCount", pool.get("count"))
            size = str(pool.get("vmSize", "")).removeprefix("Standard_")
            details.append(
                f"{pool.get('name')}: {least}–{most} × {size}, {many(len(pool.get('availabilityZones') or []), 'zone')}"
            )
        identities = self._estate.of("Microsoft.ManagedIdentity/userAssignedIdentities", region=one.region)
        accounts = [
            self._names.identity(identity)
            for identity in identities
            if self._under(identity, f"{identity.type}/federatedIdentityCredentials")
        ]
        details.append(f"pods: {', '.join(accounts)}")
        return details, [f"identity {identity.short}" for identity in identities]

    def database(self, one: Resource) -> tuple[list[str], list[str]]:
        """Regions and containers."""
        places = one.get("properties.locations", [])
        flat = [place for place in places if not place.get("isZoneRedundant")]
        writes = "all of them write" if one.get("properties.enableMultipleWriteLocations") else "one writes"
        details = [
            f"{many(len(places), 'region')}, {writes}" if len(places) > 1 else "1 region",
            "not zone redundant everywhere" if flat else "zone redundant",
        ]
        containers = self._under(one, "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers")
        for each in containers:
            most = each.get("properties.options.autoscaleSettings.maxThroughput")
            fixed = each.get("properties.options.throughput")
            amount = f"{most / 10:,.0f}–{most:,} RU/s" if most else f"{fixed:,} RU/s" if fixed else "shared"
            details.append(f"{each.short}: {amount}")
        return details, [f"container {each.name}" for each in containers]

    def hub(self, one: Resource) -> tuple[list[str], list[str]]:
        """Units and hubs."""
        least = one.get("sku.capacity", 1)
        most = max(one.get("properties.maximumThroughputUnits") or 0, least)
        zones = "zone redundant" if one.get("properties.zoneRedundant") else "not zone redundant"
        details = [f"{tier(one)}, {zones}", f"{least}–{most} units"]
        hubs = self._under(one, "Microsoft.EventHub/namespaces/eventhubs")
        for each in hubs:
            days = each.get("properties.retentionDescription.retentionTimeInHours", 0) // 24
            details.append(f"{each.short}: {each.get('properties.partitionCount')} partitions, {days} days")
        return details, [f"hub {each.name}" for each in hubs]

    def storage(self, one: Resource) -> tuple[list[str], list[str]]:
        """Replication and containers."""
        containers = self._under(one, "Microsoft.Storage/storageAccounts/blobServices/containers")
        return [f"{replication(one)}: {', '.join(each.short for each in containers)}"], [
            f"container {each.name}" for each in containers
        ]

    def network(self, one: Resource) -> tuple[list[str], list[str]]:
        """Addresses, private endpoints, security groups."""
        prefixes = ", ".join(one.get("properties.addressSpace.addressPrefixes", []))
        ends = self._estate.of("Microsoft.Network/privateEndpoints", lifetime=one.lifetime, region=one.region)
        groups = self._estate.of("Microsoft.Network/networkSecurityGroups", lifetime=one.lifetime, region=one.region)
        subnets = many(len(one.get("properties.subnets", [])), "subnet")
        details = [
            f"{prefixes}, {subnets}, {many(len(groups), 'security group')}",
            f"private endpoints: {', '.join(self._short(end) for end in ends)}" if ends else "no private endpoints",
        ]
        return details, [
            *(f"private endpoint {end.short}" for end in ends),
            *(f"security group {group.short}" for group in groups),
        ]

    def gateway(self, one: Resource) -> tuple[list[str], list[str]]:
        """Size, zones, address."""
        scale = one.get("properties.autoscaleConfiguration", {})
        zones = one.get("zones", [])
        addresses = self._estate.of("Microsoft.Network/publicIPAddresses", lifetime=one.lifetime, region=one.region)
        reach = reach_of(self._estate, one)
        shut = "closed by its subnet's rules" if reach and reach[0] == "private" else "open"
        return (
            [
                f"{one.get('properties.sku.tier')} in {many(len(zones), 'zone')}",
                f"{scale.get('minCapacity', '?')}–{scale.get('maxCapacity', '?')} instances",
                shut,
            ],
            [f"public address {each.short}" for each in addresses],
        )

    def front_door(self, one: Resource) -> tuple[list[str], list[str]]:
        """Domain and routes."""
        domains = self._under(one, "Microsoft.Cdn/profiles/customDomains")
        routes = self._under(one, "Microsoft.Cdn/profiles/afdEndpoints/routes")
        details = [str(tier(one)).partition("_")[0], *(str(each.get("properties.hostName")) for each in domains)]
        for group, patterns in self._patterns(routes).items():
            details.append(f"{', '.join(patterns)} → {group}: {self._origins(one, group)}")
        origins = self._under(one, "Microsoft.Cdn/profiles/originGroups/origins")
        if origins and all(each.get("properties.sharedPrivateLinkResource") for each in origins):
            details.append("every origin by private link")
        ends = self._under(one, "Microsoft.Cdn/profiles/afdEndpoints")
        return details, [
            *(f"endpoint {each.short}" for each in ends),
            *(f"domain {each.short}" for each in domains),
            *(f"route {each.short}" for each in routes),
        ]

    def _origins(self, profile: Resource, group: str) -> str:
        """`3 stamps` for the origins of a group."""
        found = [
            each
            for each in self._under(profile, "Microsoft.Cdn/profiles/originGroups/origins")
            if each.name.split("/")[-2] == group
        ]
        if not found:
            return "no origin"
        stamps = all(each.short in self._estate.regions for each in found)
        return many(len(found), "stamp") if stamps else ", ".join(each.short for each in found)

    def _patterns(self, routes: Iterable[Resource]) -> dict[str, list[str]]:
        """Paths by the origin group they go to; those to one stamp alone are left to the tooltip."""
        found: dict[str, list[str]] = {}
        for route in routes:
            if not any(route.short.endswith(f"-{region}") for region in self._estate.regions):
                group = str(route.get("properties.originGroup.id", "?")).rsplit("/", 1)[-1]
                found.setdefault(group, []).extend(route.get("properties.patternsToMatch", []))
        return found

    def firewall(self, one: Resource) -> tuple[list[str], list[str]]:
        """Mode and rule sets."""
        sets = [str(each.get("ruleSetType")) for each in one.get("properties.managedRules.managedRuleSets", [])]
        own = one.get("properties.customRules.rules", [])
        return [
            f"{str(one.get('properties.policySettings.mode')).lower()} mode",
            f"{', '.join(sets)}; {many(len(own), 'rule')} of our own",
        ], []

    def traffic(self, one: Resource) -> tuple[list[str], list[str]]:
        """Where it sends clients."""
        reach = reach_of(self._estate, one)
        text = reach[1].partition("answers with ")[2] if reach else ""
        return [f"{one.get('properties.trafficRoutingMethod')}: {text}"], []

    def registry(self, one: Resource) -> tuple[list[str], list[str]]:
        """Tier and replicas."""
        copies = self._under(one, "Microsoft.ContainerRegistry/registries/replications")
        return [f"{tier(one)}, {many(len(copies), 'replica')}"], [f"replica {each.short}" for each in copies]

    def logs(self, one: Resource) -> tuple[list[str], list[str]]:
        """How long it keeps what it gets."""
        quota = one.get("properties.workspaceCapping.dailyQuotaGb", -1)
        limit = f", at most {quota} GB a day" if quota and quota > 0 else ""
        return [f"kept {one.get('properties.retentionInDays', '?')} days{limit}"], []

    def vault(self, one: Resource) -> tuple[list[str], list[str]]:
        """How long it can be brought back."""
        size = tier(one) or one.get("properties.sku.name", "")
        return [f"{size}, soft delete {one.get('properties.softDeleteRetentionInDays', '?')} days"], []

    def plain(self, _: Resource) -> tuple[list[str], list[str]]:
        """Nothing beyond its name."""
        return [], []


_MAIN = frozenset(
    {
        "microsoft.cdn/profiles",
        "microsoft.containerservice/managedclusters",
        "microsoft.documentdb/databaseaccounts",
        "microsoft.eventhub/namespaces",
    }
)
_TELLERS: dict[str, Callable[[Boxes, Resource], tuple[Sequence[str], Sequence[str]]]] = {
    "microsoft.cdn/profiles": Boxes.front_door,
    "microsoft.containerregistry/registries": Boxes.registry,
    "microsoft.containerservice/managedclusters": Boxes.cluster,
    "microsoft.documentdb/databaseaccounts": Boxes.database,
    "microsoft.eventhub/namespaces": Boxes.hub,
    "microsoft.insights/actiongroups": Boxes.plain,
    "microsoft.insights/components": Boxes.plain,
    "microsoft.keyvault/vaults": Boxes.vault,
    "microsoft.monitor/accounts": Boxes.plain,
    "microsoft.network/applicationgateways": Boxes.gateway,
    "microsoft.network/frontdoorwebapplicationfirewallpolicies": Boxes.firewall,
    "microsoft.network/trafficmanagerprofiles": Boxes.traffic,
    "microsoft.network/virtualnetworks": Boxes.network,
    "microsoft.operationalinsights/workspaces": Boxes.logs,
    "microsoft.storage/storageaccounts": Boxes.storage,
}


def _title(one: Resource) -> str:
    """A kind's name, short enough to leave room for the word beside it."""
    short = {
        "application gateway": "App gateway",
        "container registry": "Registry",
        "Event Hubs namespace": "Event Hubs",
        "Log Analytics workspace": "Log Analytics",
    }
    name = short.get(kind_name(one.type), kind_name(one.type))
    return name[0].upper() + name[1:]


def _short_who(grant: Grant) -> str:
    return grant.who if grant.kind == "identity" else "Front Door" if grant.who.startswith("afd-") else grant.who
