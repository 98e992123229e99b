"""Rules about each stamp's network: which subnets there are, who gets into which, and that nothing overlaps."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from .exactly import CLUSTER, NETWORK, NETWORK_RULES, ZONE_LINK, exactly
from .snapshots import Estate, Json, Part, Rule, at, properties, short

RULES: list[Rule] = []
ANY = "0-65535"
# Who is let into a subnet, on which ports. Names are those of subnets; `pods` are the cluster's.
LET_IN = {
    "nodes": {
        "nodes": "*",
        "pods": "*",
        "gateway": "443",
        "stand-by": "443",
        "agents": "443",
        "AzureLoadBalancer": ANY,
    },
    # 5671: AMQP. The database's ports of direct mode are missing: the Python client does not use it.
    "endpoints": {"nodes": "443 5671", "agents": "443 5671", "stand-by": "443"},
    "gateway": {"gateway": "443", "stand-by": "443", "AzureLoadBalancer": ANY},
    "agents": {},
    # Without the first two an application gateway does not run.
    "stand-by": {"GatewayManager": "65200-65535", "AzureLoadBalancer": ANY},
}
SUBNET = {
    "defaultOutboundAccess": False,
    # Rules hold for private endpoints too, which Azure leaves out unless told.
    "privateEndpointNetworkPolicies": "NetworkSecurityGroupEnabled",
}


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


def subnets_of(part: Part) -> dict[str, Json]:
    """A stamp's subnets by name."""
    return {one["name"]: properties(one) for network in part.of(NETWORK) for one in properties(network)["subnets"]}


def wanted_here(given: Estate) -> dict[str, dict[str, str]]:
    """Who is let in where, in this environment."""
    if given.parameters["standBy"] == "none":
        return {
            name: {source: ports for source, ports in sources.items() if source != "stand-by"}
            for name, sources in LET_IN.items()
            if name != "stand-by"
        }
    clients = {"Internet": "443"} if given.parameters["standBy"] == "open" else {}
    return LET_IN | {"stand-by": LET_IN["stand-by"] | clients}


@rule
def subnets_let_in_who_needs_it(given: Estate) -> Iterator[str]:
    wanted = wanted_here(given)
    for stamp in given.stamps:
        subnets = subnets_of(stamp)
        if set(subnets) != set(wanted):
            yield f"{stamp.name}: has the subnets {sorted(subnets)}"
        ranges = {str(subnet.get("addressPrefix")): name for name, subnet in subnets.items()}
        for cluster in stamp.of(CLUSTER):
            ranges[str(at(properties(cluster), "networkProfile.podCidr"))] = "pods"
        groups = {one["id"]: one for one in stamp.of(NETWORK_RULES)}
        for name in set(subnets) & set(wanted):
            rules = groups.get(str(at(subnets[name], "networkSecurityGroup.id")))
            found = _let_in(rules, ranges) if rules else {}
            if found != wanted[name]:
                yield f"{stamp.name}: into {name} come {found}, not {wanted[name]}"


def _let_in(rules: Json, ranges: dict[str, str]) -> dict[str, str]:
    """Sources and ports that are let in; what is odd about a rule shows as an odd source."""
    found = {}
    for one in map(properties, properties(rules)["securityRules"]):
        if one.get("access") == "Deny" and one.get("priority") == 4096:
            continue
        source = str(one.get("sourceAddressPrefix"))
        ports = " ".join(one.get("destinationPortRanges") or [str(one.get("destinationPortRange"))])
        usual = (one.get("direction"), one.get("sourcePortRange"), one.get("destinationAddressPrefix"))
        protocol = "*" if ports in ("*", ANY) else "Tcp"
        if usual != ("Inbound", "*", "*") or one.get("protocol") != protocol or one.get("access") != "Allow":
            source = f"{one}"
        found[ranges.get(source, source)] = ports
    return found


@rule
def subnets_are_set_up_for_private_links(given: Estate) -> Iterator[str]:
    """Only the gateway's gives addresses to a private link service, and must be told so."""
    for stamp in given.stamps:
        for name, subnet in subnets_of(stamp).items():
            link = "Disabled" if name == "gateway" else "Enabled"
            wanted = SUBNET | {"privateLinkServiceNetworkPolicies": link}
            if {key: subnet.get(key) for key in wanted} != wanted:
                yield f"{stamp.name}: subnet {name} is {subnet}"
    yield from exactly(given, {ZONE_LINK: {"registrationEnabled": False, "resolutionPolicy": "Default"}})


@rule
def addresses_do_not_overlap(given: Estate) -> Iterator[str]:
    """Networks of stamps never meet, but people compare their addresses; and inside one, routing would break."""
    spaces: dict[IPv4Network, str] = {}
    for stamp in given.stamps:
        for network in stamp.of(NETWORK):
            prefixes = at(properties(network), "addressSpace.addressPrefixes")
            if len(prefixes) != 1 or not prefixes[0].endswith("/16"):
                yield f"{short(network)}: has {prefixes}"
            for prefix in prefixes:
                mine = IPv4Network(prefix)
                for other, name in spaces.items():
                    if mine.overlaps(other):
                        yield f"{stamp.name} and {name} share {prefix}"
                spaces[mine] = stamp.name
                yield from _inside(stamp, mine)


def _inside(stamp: Part, space: IPv4Network) -> Iterator[str]:
    subnets = {name: IPv4Network(one["addressPrefix"]) for name, one in subnets_of(stamp).items()}
    for cluster in stamp.of(CLUSTER):
        profile = properties(cluster)["networkProfile"]
        apart = [space, *(IPv4Network(profile[key]) for key in ("podCidr", "serviceCidr"))]
        if any(one.overlaps(other) for place, one in enumerate(apart) for other in apart[:place]):
            yield f"{short(cluster)}: pods, services and network overlap"
        if IPv4Address(profile["dnsServiceIP"]) not in IPv4Network(profile["serviceCidr"]):
            yield f"{short(cluster)}: its DNS is at {profile['dnsServiceIP']}"
    names = list(subnets)
    for place, name in enumerate(names):
        if not subnets[name].subnet_of(space):
            yield f"{stamp.name}: {name} lies outside the network"
        for other in names[:place]:
            if subnets[name].overlaps(subnets[other]):
                yield f"{stamp.name}: {name} and {other} overlap"
    gateway, address = subnets.get("gateway"), IPv4Address(stamp.outputs["gatewayAddress"])
    # Azure keeps the first four addresses of a subnet and the last.
    if gateway is None or address not in list(gateway.hosts())[3:]:
        yield f"{stamp.name}: the gateway's address {address} is not one of its subnet {gateway}"
