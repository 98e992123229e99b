"""What is reached from the internet, and what only privately."""

from collections.abc import Iterator
from dataclasses import dataclass

from ops.estate.kinds import kind_name
from ops.estate.naming import Names
from ops.estate.snapshots import Estate, Resource
from ops.estate.text import many

# Services with data or an API behind an address: of these a snapshot must say whether the internet reaches them.
_SERVICES = (
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.DocumentDB/databaseAccounts",
    "Microsoft.EventHub/namespaces",
    "Microsoft.Insights/components",
    "Microsoft.KeyVault/vaults",
    "Microsoft.Monitor/accounts",
    "Microsoft.OperationalInsights/workspaces",
    "Microsoft.Storage/storageAccounts",
)
_SWITCHES = {
    "properties.publicNetworkAccess": "",
    "properties.networkAcls.publicNetworkAccess": "",
    "properties.publicNetworkAccessForIngestion": "ingestion",
    "properties.publicNetworkAccessForQuery": "queries",
}
_ENDPOINT = "Microsoft.Network/privateEndpoints"
_ORIGIN = "Microsoft.Cdn/profiles/originGroups/origins"


@dataclass(frozen=True)
class Reach:
    """Who reaches one resource, or one per region that are alike."""

    kind: str
    name: str
    count: int
    access: str  # public, private, in part, not said
    detail: str


def reaches(estate: Estate, names: Names) -> list[Reach]:
    """One entry per resource that can be reached at all; those alike in all regions are one."""
    together: dict[tuple[str, str, str, str], int] = {}
    for one in estate.resources:
        judged = reach_of(estate, one)
        if judged is not None:
            access, detail = judged
            key = (kind_name(one.type), names.across_regions(one.name), access, names.across_regions(detail))
            together[key] = together.get(key, 0) + 1
    rows = [Reach(*key[:2], count, *key[2:]) for key, count in together.items()]
    order = ("public", "not said", "in part", "private")
    return sorted(rows, key=lambda one: (order.index(one.access), one.kind.lower(), one.name, one.detail))


def endpoints_to(estate: Estate, target: Resource) -> list[Resource]:
    """Private endpoints that lead to a resource."""
    return [
        endpoint
        for endpoint in estate.of(_ENDPOINT)
        if any(
            str(link.get("properties", {}).get("privateLinkServiceId", "")).lower() == target.id.lower()
            for link in endpoint.get("properties.privateLinkServiceConnections", [])
        )
    ]


def origins_to(estate: Estate, target: Resource) -> list[Resource]:
    """Front Door's origins that reach a resource through a private link."""
    return [
        origin
        for origin in estate.of(_ORIGIN)
        if str(origin.get("properties.sharedPrivateLinkResource.privateLink.id", "")).lower() == target.id.lower()
    ]


def reach_of(estate: Estate, one: Resource) -> tuple[str, str] | None:
    """Who reaches one resource: (access, how); None for what has no way in of its own."""
    special = _SPECIAL.get(one.type.lower())
    if special is not None:
        return special(estate, one)
    switches = {what: str(one.get(path)) for path, what in _SWITCHES.items() if one.get(path) is not None}
    if not switches:
        told = any(one.is_a(kind) for kind in _SERVICES)
        return ("not said", "no publicNetworkAccess in the snapshot; Azure's default is public") if told else None
    if one.is_a("Microsoft.EventHub/namespaces/networkRuleSets"):
        return None  # says the same as its namespace, and a test of the policies compares them
    ways = list(_private_ways(estate, one))
    public = [what for what, value in switches.items() if value.lower() != "disabled"]
    if not public:
        return "private", "; ".join(ways) or "no private endpoint: nobody reaches it"
    whole = len(public) == len(switches)
    opened = " and ".join(what for what in public if what)
    detail = [
        f"{opened} from the internet" if opened else "from the internet",
        "with Entra ID alone" if _keyless(one) else "",
    ]
    return ("public" if whole else "in part"), "; ".join(
        part for part in [", ".join(filter(None, detail)), *ways] if part
    )


def _keyless(one: Resource) -> bool:
    return any(
        one.get(f"properties.{path}") is True
        for path in ("disableLocalAuth", "features.disableLocalAuth", "DisableLocalAuth")
    )


def _private_ways(estate: Estate, one: Resource) -> Iterator[str]:
    """Private endpoints, Front Door's private links and trusted services that reach a resource."""
    endpoints = endpoints_to(estate, one)
    if endpoints:
        stamps = len({endpoint.region for endpoint in endpoints})
        each = len(endpoints) // stamps if len(endpoints) % stamps == 0 else 0
        several = f" ({each} in each)" if each > 1 else ""
        own = {endpoint.region for endpoint in endpoints} == {one.region}
        yield f"private endpoint from {'its own stamp' if own else many(stamps, 'stamp')}{several}"
    links = origins_to(estate, one)
    if links:
        yield f"Front Door's private link ({', '.join(sorted({link.name.split('/')[-2] for link in links}))})"
    if "AzureServices" in str(one.get("properties.networkAcls.bypass", "")):
        yield "Azure services that Microsoft trusts"


def _cluster(_: Estate, one: Resource) -> tuple[str, str]:
    profile = one.get("properties.apiServerAccessProfile", {})
    out = one.get("properties.networkProfile.loadBalancerProfile.managedOutboundIPs.count")
    leaving = f"; leaves through {many(out, 'public address')}" if out else ""
    leaving = leaving.replace("addresss", "addresses")
    if not profile.get("enablePrivateCluster"):
        return "public", f"API server from the internet{leaving}"
    command = "" if profile.get("disableRunCommand") else "; `az aks command` through Azure's own API"
    return "private", f"API server inside the virtual network{command}{leaving}"


def _front_door(estate: Estate, one: Resource) -> tuple[str, str]:
    domains = [
        str(domain.get("properties.hostName")) for domain in estate.under(one, "Microsoft.Cdn/profiles/customDomains")
    ]
    endpoints = [end.short for end in estate.under(one, "Microsoft.Cdn/profiles/afdEndpoints")]
    guarded = bool(estate.under(one, "Microsoft.Cdn/profiles/securityPolicies"))
    walls = estate.of("Microsoft.Network/FrontDoorWebApplicationFirewallPolicies")
    mode = ", ".join(sorted({str(wall.get("properties.policySettings.mode", "?")).lower() for wall in walls}))
    wall = f"firewall in {mode} mode" if guarded else "no firewall bound"
    return "public", f"the way in: {', '.join([*domains, *endpoints]) or 'no endpoint'}; {wall}"


def _traffic_manager(estate: Estate, one: Resource) -> tuple[str, str]:
    ends = one.get("properties.endpoints", [])
    if ends and all(end.get("name") in estate.regions for end in ends):
        enabled = sum(end.get("properties", {}).get("endpointStatus") == "Enabled" for end in ends)
        return "public", f"a name in DNS; answers with the stand-by gateways of {many(enabled, 'stamp')}"
    ways = [f"{end.get('name')} {str(end.get('properties', {}).get('endpointStatus', '?')).lower()}" for end in ends]
    return "public", f"a name in DNS; answers with {', '.join(ways)}"


def _address(estate: Estate, one: Resource) -> tuple[str, str]:
    user = next(
        (
            gateway.short
            for gateway in estate.of("Microsoft.Network/applicationGateways")
            for front in gateway.get("properties.frontendIPConfigurations", [])
            if str(front.get("properties", {}).get("publicIPAddress", {}).get("id", "")).lower() == one.id.lower()
        ),
        "",
    )
    label = one.get("properties.dnsSettings.domainNameLabel")
    return "public", "; ".join(
        part for part in (f"of {user}" if user else "", f"name {label}" if label else "") if part
    )


def _gateway(estate: Estate, one: Resource) -> tuple[str, str]:
    subnets = [
        str(part.get("properties", {}).get("subnet", {}).get("id", ""))
        for part in one.get("properties.gatewayIPConfigurations", [])
    ]
    groups = [_group_of_subnet(estate, subnet) for subnet in subnets]
    opened = [name for group in groups if group is not None for name in _from_internet(group)]
    tier = one.get("properties.sku.tier", "?")
    if all(group is not None for group in groups) and groups and not opened:
        return "private", f"{tier}; its subnet's rules let nobody in from the internet: closed"
    return "public", f"{tier}; open by {', '.join(opened)}" if opened else f"{tier}; no security group on its subnet"


def _group(_: Estate, one: Resource) -> tuple[str, str] | None:
    opened = _from_internet(one)
    return ("public", f"lets the internet in by {', '.join(opened)}") if opened else None


def _group_of_subnet(estate: Estate, subnet_id: str) -> Resource | None:
    network = estate.find(subnet_id.rsplit("/subnets/", 1)[0])
    for subnet in network.get("properties.subnets", []) if network else []:
        if subnet.get("name") == subnet_id.rsplit("/", 1)[-1]:
            group = subnet.get("properties", {}).get("networkSecurityGroup", {}).get("id", "")
            return estate.find(str(group))
    return None


def _from_internet(group: Resource) -> list[str]:
    """Names of inbound rules that allow anybody, before a rule that denies everything."""
    found = []
    rules = sorted(group.get("properties.securityRules", []), key=lambda rule: rule["properties"].get("priority", 0))
    for rule in rules:
        what = rule["properties"]
        anybody = str(what.get("sourceAddressPrefix", "")).lower() in (
            "*",
            "internet",
            "0.0.0.0/0",
            "any",
            "azurefrontdoor.backend",
        )
        if what.get("direction") != "Inbound" or not anybody:
            continue
        if what.get("access") == "Allow":
            ports = what.get("destinationPortRanges") or [what.get("destinationPortRange", "*")]
            found.append(f"rule {rule['name']} (port {', '.join(map(str, ports))})")
        elif what.get("destinationPortRange") == "*":
            break
    return found


_SPECIAL = {
    "microsoft.containerservice/managedclusters": _cluster,
    "microsoft.cdn/profiles": _front_door,
    "microsoft.network/applicationgateways": _gateway,
    "microsoft.network/networksecuritygroups": _group,
    "microsoft.network/publicipaddresses": _address,
    "microsoft.network/trafficmanagerprofiles": _traffic_manager,
}
