"""Rules about who can reach a resource, and by what: encryption, keys, public access, firewalls, private endpoints."""

import re
from collections.abc import Iterator

from .exactly import (
    APPLICATION_GATEWAY,
    BLOBS,
    CLUSTER,
    COLLECTION_ENDPOINT,
    CONTAINER,
    COSMOS,
    DOMAIN,
    ENDPOINT,
    ENDPOINT_ZONES,
    HUBS,
    HUBS_NETWORK,
    INSIGHTS,
    METRICS,
    NETWORK,
    NETWORK_RULES,
    PUBLIC_ADDRESS,
    REGISTRY,
    STORAGE,
    VAULT,
    WORKSPACE,
    ZONE,
    ZONE_LINK,
    Table,
    exactly,
)
from .snapshots import Estate, Json, Part, Rule, above, at, below, group_of, properties, short

RULES: list[Rule] = []

ENCRYPTION: Table = {
    STORAGE: {"minimumTlsVersion": "TLS1_2", "supportsHttpsTrafficOnly": True},
    COSMOS: {"minimalTlsVersion": "Tls12"},
    HUBS: {"minimumTlsVersion": "1.2"},
    DOMAIN: {"tlsSettings.minimumTlsVersion": "TLS12", "tlsSettings.certificateType": "CustomerCertificate"},
}
KEYS: Table = {
    STORAGE: {
        "allowSharedKeyAccess": False,
        "isLocalUserEnabled": False,
        "defaultToOAuthAuthentication": True,
        "allowCrossTenantReplication": False,
    },
    COSMOS: {"disableLocalAuth": True, "disableKeyBasedMetadataWriteAccess": True},
    HUBS: {"disableLocalAuth": True},
    # Images leave it by a pull of our own nodes only.
    REGISTRY: {"adminUserEnabled": False, "anonymousPullEnabled": False, "policies.exportPolicy.status": "disabled"},
    VAULT: {"enableRbacAuthorization": True},
    WORKSPACE: {"features.disableLocalAuth": True},
    INSIGHTS: {"DisableLocalAuth": True},
    CLUSTER: {
        "disableLocalAccounts": True,
        "enableRBAC": True,
        "aadProfile.managed": True,
        "aadProfile.enableAzureRBAC": True,
        "oidcIssuerProfile.enabled": True,
        "securityProfile.workloadIdentity.enabled": True,
    },
}
PRIVATE: Table = {
    STORAGE: {"publicNetworkAccess": "Disabled"},
    COSMOS: {"publicNetworkAccess": "Disabled", "networkAclBypass": "None"},
    HUBS: {"publicNetworkAccess": "Disabled"},
    HUBS_NETWORK: {"publicNetworkAccess": "Disabled"},
    REGISTRY: {"publicNetworkAccess": "Disabled", "networkRuleBypassOptions": "None"},
    VAULT: {"publicNetworkAccess": "Disabled"},
    CLUSTER: {
        "apiServerAccessProfile.enablePrivateCluster": True,
        "apiServerAccessProfile.enablePrivateClusterPublicFQDN": False,
    },
}
# People and agents of Azure Monitor come from anywhere, each with a token of Entra: KEYS says that nothing else opens.
PUBLIC_BY_DESIGN: Table = {
    WORKSPACE: {"publicNetworkAccessForIngestion": "Enabled", "publicNetworkAccessForQuery": "Enabled"},
    INSIGHTS: {"publicNetworkAccessForIngestion": "Enabled", "publicNetworkAccessForQuery": "Enabled"},
    METRICS: {"publicNetworkAccess": "Enabled"},
    COLLECTION_ENDPOINT: {"networkAcls.publicNetworkAccess": "Enabled"},
}
CLOSED: Table = {
    STORAGE: {"networkAcls.defaultAction": "Deny"},
    VAULT: {"networkAcls.defaultAction": "Deny"},
    HUBS_NETWORK: {"defaultAction": "Deny", "trustedServiceAccessEnabled": False},
}
SWITCH = re.compile(r"publicNetworkAccess|disableLocal|localAuth|min\w+TlsVersion|sharedKey|anonymous|adminUser", re.I)
# Whom Azure's own services reach past the firewall, by their identities: nobody else needs it.
TRUSTS_AZURE = {
    "capture": "Event Hubs Capture and the export of logs write into the archive",
    "certificate": "Front Door reads its certificate from the global vault",
}
DENIAL = {
    "access": "Deny",
    "protocol": "*",
    "sourceAddressPrefix": "*",
    "sourcePortRange": "*",
    "destinationAddressPrefix": "*",
    "destinationPortRange": "*",
}
ZONES = {
    "Sql": "privatelink.documents.azure.com",
    "blob": "privatelink.blob.core.windows.net",
    "namespace": "privatelink.servicebus.windows.net",
    "registry": "privatelink.azurecr.io",
    "vault": "privatelink.vaultcore.azure.net",
    "web": "privatelink.web.core.windows.net",
}
KIND_OF_LINK = {COSMOS: "Sql", STORAGE: "blob", HUBS: "namespace", REGISTRY: "registry", VAULT: "vault"}


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


@rule
def traffic_is_encrypted_by_tls_1_2(given: Estate) -> Iterator[str]:
    yield from exactly(given, ENCRYPTION)


@rule
def no_key_opens_anything(given: Estate) -> Iterator[str]:
    yield from exactly(given, KEYS)


@rule
def nothing_is_public(given: Estate) -> Iterator[str]:
    yield from exactly(given, PRIVATE)
    yield from exactly(given, PUBLIC_BY_DESIGN)


@rule
def every_switch_has_its_line(given: Estate) -> Iterator[str]:
    """A type that is new here, with a switch for keys or public access that no table above states."""
    stated = {
        (kind.lower(), path)
        for table in (ENCRYPTION, KEYS, PRIVATE, PUBLIC_BY_DESIGN)
        for kind, wanted in table.items()
        for path in wanted
    }
    for _, one in given.each():
        for path, value in below(properties(one)):
            if SWITCH.search(path.rpartition(".")[2]) and (one["type"].lower(), path) not in stated:
                yield f"{short(one)}: nobody states what {path} must be (it is {value!r})"


@rule
def firewalls_deny_by_default(given: Estate) -> Iterator[str]:
    yield from exactly(given, CLOSED)
    for kind in (STORAGE, VAULT):
        for one in given.of(kind):
            rules = properties(one).get("networkAcls", {})
            wanted = "AzureServices" if _trusts_azure(given, one) else "None"
            if rules.get("bypass") != wanted:
                yield f"{short(one)}: {rules.get('bypass')} pass the firewall, not {wanted}"
            if opened := {"ipRules", "virtualNetworkRules", "resourceAccessRules"} & set(rules):
                yield f"{short(one)}: opened by {sorted(opened)}"
    for one in given.of(HUBS):
        if [rules["name"] for rules in given.children(one, HUBS_NETWORK)] != [f"{one['name']}/default"]:
            yield f"{short(one)}: no network rules"


def _trusts_azure(given: Estate, one: Json) -> bool:
    part = given.part_of(one["id"])
    if one["type"] == VAULT:
        return part is not None and part.lifetime == "global"
    return _is_archive(given, one)


def _is_archive(given: Estate, one: Json) -> bool:
    return any(inner["id"].startswith(one["id"] + "/") for inner in given.of(CONTAINER) if _is(inner, "capture"))


def _is(container: Json, name: str) -> bool:
    return bool(container["name"].rpartition("/")[2] == name)


@rule
def no_blob_is_anonymous(given: Estate) -> Iterator[str]:
    yield from exactly(given, {STORAGE: {"allowBlobPublicAccess": False}, CONTAINER: {"publicAccess": "None"}})


@rule
def subnets_are_closed_to_the_internet(given: Estate) -> Iterator[str]:
    """Every subnet has rules, and they end in a denial; clients come in only where the stand-by way is open."""
    opened = given.parameters["standBy"] == "open"
    for network in given.of(NETWORK):
        for subnet in properties(network)["subnets"]:
            wanted = properties(subnet)
            rules = given.named(at(wanted, "networkSecurityGroup.id") or "")
            if rules is None or wanted.get("defaultOutboundAccess") is not False:
                yield f"{short(network)}: subnet {subnet['name']} is open"
    for rules in given.of(NETWORK_RULES):
        yield from _openings(rules, clients=opened and rules["name"].endswith("-stand-by"))


def _openings(rules: Json, *, clients: bool) -> Iterator[str]:
    inbound = [one for one in properties(rules)["securityRules"] if properties(one)["direction"] == "Inbound"]
    inbound.sort(key=lambda one: int(properties(one)["priority"]))
    last = properties(inbound[-1]) if inbound else {}
    if {key: last.get(key) for key in DENIAL} != DENIAL:
        yield f"{short(rules)}: does not end in a denial of everything"
    for one in inbound:
        found = properties(one)
        if found["access"] != "Allow":
            continue
        ports = found.get("destinationPortRanges", [found.get("destinationPortRange")])
        for source in found.get("sourceAddressPrefixes", [found.get("sourceAddressPrefix")]):
            if re.fullmatch(r"10\.[\d.]+/\d+|192\.168\.[\d.]+/\d+|AzureLoadBalancer|GatewayManager", str(source)):
                continue
            if clients and source in ("Internet", "AzureFrontDoor.Backend") and ports == ["443"]:
                continue
            yield f"{short(rules)}: {one['name']} lets in {source} on {ports}"


def private_targets(given: Estate, stamp: Part) -> set[tuple[str, str]]:
    """What a stamp must reach in private, by id and kind: its own things, its region's letters, what is global."""
    found = set()
    for part, one in given.each():
        kind = KIND_OF_LINK.get(one["type"])
        if kind is None or (part.region and part.region != stamp.region) or _trusts_azure(given, one):
            # Nothing in a stamp uses what is there for Azure's services (archive, Front Door's certificate).
            continue
        found.add((one["id"], kind))
        # Front Door brings its own endpoint to a website; a stamp's stand-by way in needs one of the stamp's.
        if given.parameters["standBy"] != "none" and _is_website(given, one):
            found.add((one["id"], "web"))
    return found


def _is_website(given: Estate, one: Json) -> bool:
    return any(at(properties(blobs), "staticWebsite.enabled") is True for blobs in given.children(one, BLOBS))


def _targets(endpoint: Json) -> list[tuple[str, str]]:
    connections = [properties(one) for one in properties(endpoint)["privateLinkServiceConnections"]]
    return [(one["privateLinkServiceId"], kind) for one in connections for kind in one["groupIds"]]


@rule
def each_stamp_has_a_private_endpoint_to_what_it_uses(given: Estate) -> Iterator[str]:
    for stamp in given.stamps:
        endpoints = stamp.of(ENDPOINT)
        found = [target for one in endpoints for target in _targets(one)]
        if len(set(found)) != len(endpoints):
            yield f"{stamp.name}: {len(endpoints)} private endpoints to {len(set(found))} things"
        for one in endpoints:
            if not str(at(properties(one), "subnet.id")).endswith("/subnets/endpoints"):
                yield f"{short(one)}: lies in another subnet"
        wanted = private_targets(given, stamp)
        for target, kind in wanted - set(found):
            yield f"{stamp.name}: no private endpoint ({kind}) to {target.rpartition('/')[2]}"
        # Whether people need one to Front Door's vault: who_may_change_a_private_thing_can_reach_it.
        certificates = {(one["id"], "vault") for one in given.parts["global"].of(VAULT)}
        for target, kind in set(found) - wanted - certificates:
            yield f"{stamp.name}: a private endpoint ({kind}) to {target.rpartition('/')[2]}, which it does not use"


@rule
def private_names_resolve_in_each_stamp(given: Estate) -> Iterator[str]:
    """An endpoint without its zone, or a zone without its network, and pods ask the public address, which is closed."""
    for stamp in given.stamps:
        zones = {one["name"]: one["id"] for one in stamp.of(ZONE)}
        used = {ZONES[kind] for one in stamp.of(ENDPOINT) for _, kind in _targets(one)}
        if set(zones) != used:
            yield f"{stamp.name}: has the zones {sorted(zones)}, not {sorted(used)}"
        networks = [one["id"] for one in stamp.of(NETWORK)]
        linked = {above(link["id"]): at(properties(link), "virtualNetwork.id") for link in stamp.of(ZONE_LINK)}
        for name, zone in zones.items():
            if [linked.get(zone)] != networks:
                yield f"{stamp.name}: {name} is not linked to its network"
        for endpoint in stamp.of(ENDPOINT):
            configured = [
                properties(one)["privateDnsZoneId"]
                for group in given.children(endpoint, ENDPOINT_ZONES)
                for one in properties(group)["privateDnsZoneConfigs"]
            ]
            if configured != [zones.get(ZONES[kind]) for _, kind in _targets(endpoint)]:
                yield f"{short(endpoint)}: resolves by {configured}"


@rule
def public_addresses_belong_to_the_stand_by_way_in(given: Estate) -> Iterator[str]:
    """Nothing of ours has a public address, but for a stamp's stand-by gateway where the environment has one."""
    stand_by = given.parameters["standBy"] != "none"
    for one in given.of(PUBLIC_ADDRESS):
        users = [
            gateway["id"]
            for gateway in given.of(APPLICATION_GATEWAY)
            if one["id"] in [at(properties(front), "publicIPAddress.id") for front in _fronts(gateway)]
        ]
        if not stand_by or [group_of(user) for user in users] != [group_of(one["id"])]:
            yield f"{short(one)}: public, and no stand-by gateway of its stamp uses it"
    for one in given.of(CLUSTER):
        for pool in properties(one)["agentPoolProfiles"]:
            if pool.get("enableNodePublicIP") is not False:
                yield f"{short(one)}: nodes of pool {pool['name']} have public addresses"


def _fronts(gateway: Json) -> list[Json]:
    found: list[Json] = properties(gateway)["frontendIPConfigurations"]
    return found
