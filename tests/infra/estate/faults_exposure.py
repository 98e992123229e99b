"""Faults in what a part is made of, and in what is exposed."""

from typing import Any

from .exactly import (
    CLUSTER,
    CONTAINER,
    COSMOS,
    DOMAIN,
    ENDPOINT,
    ENDPOINT_ZONES,
    HUBS,
    HUBS_NETWORK,
    INSIGHTS,
    NETWORK,
    NETWORK_RULES,
    ORIGIN,
    PUBLIC_ADDRESS,
    REGISTRY,
    STORAGE,
    VAULT,
    WORKSPACE,
    ZONE,
    ZONE_LINK,
)
from .planting import GONE, Fault, added, lost, moved, of_name, prop, resource
from .snapshots import Estate

FROM_INTERNET = {
    "name": "clients",
    "properties": {
        "priority": 101,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourceAddressPrefix": "Internet",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRanges": ["443"],
    },
}


def _stamp(given: Estate) -> Any:
    return given.parts["stamp-northeurope"]


SHAPE = [
    Fault("every_region_has_its_parts", "a stamp is not computed", lambda g: g.parts.pop("stamp-northeurope")),
    Fault(
        "everything_was_evaluated",
        "a module vanished",
        lambda g: _stamp(g).diagnostics.append({"code": "NestedDeploymentShortCircuited"}),
    ),
    Fault("everything_was_evaluated", "an id is an expression", resource(STORAGE, "id", "[resourceId('x')]")),
    Fault("every_resource_is_made_once", "two templates make it", added(VAULT)),
    Fault(
        "no_secret_is_in_a_snapshot",
        "a key in an output",
        lambda g: _stamp(g).outputs.update(key="[listKeys('/subscriptions/1', '2026-04-01').keys[0].value]"),
    ),
    Fault(
        "no_secret_is_in_a_snapshot",
        "a connection string in a setting",
        prop(CLUSTER, "linux", "Endpoint=sb://x;SharedAccessKey=abc"),
    ),
    Fault("every_type_is_known", "a new type", resource(VAULT, "type", "Microsoft.Cache/redis")),
    Fault("names_are_within_their_limits", "a capital in an account", resource(STORAGE, "name", "stCatalog")),
    Fault("names_are_within_their_limits", "a vault of 25 letters", resource(VAULT, "name", "k" * 25)),
    Fault("names_are_within_their_limits", "a long nodes' group", prop(CLUSTER, "nodeResourceGroup", "r" * 81)),
    Fault("worldwide_names_carry_the_environment", "no environment", resource(REGISTRY, "name", "crcatalogw5vmy")),
    Fault("regions_are_those_of_the_parameters", "a region in a module", resource(VAULT, "location", "eastus2", 1)),
    Fault(
        "regions_are_those_of_the_parameters", "a stamp's vault elsewhere", resource(VAULT, "location", "westeurope", 1)
    ),
    Fault(
        "regions_are_those_of_the_parameters",
        "a private link elsewhere",
        prop(ORIGIN, "sharedPrivateLinkResource.privateLinkLocation", "eastus2"),
    ),
    Fault("tags_say_whose_it_is", "another environment's tag", resource(HUBS, "tags.environment", "int")),
    Fault("tags_say_whose_it_is", "no tags", resource(PUBLIC_ADDRESS, "tags", GONE)),
    Fault(
        "each_part_keeps_to_its_own",
        "a stamp uses another one's network",
        moved(
            ENDPOINT,
            "northeurope-vault",
            "stamp-northeurope/providers/Microsoft.KeyVault",
            "stamp-westeurope/providers/Microsoft.KeyVault",
        ),
    ),
    Fault(
        "each_part_keeps_to_its_own",
        "a region's workspace knows a stamp",
        prop(WORKSPACE, "x", "/subscriptions/1/resourceGroups/rg-catalog-prod-stamp-westeurope", 1),
    ),
    Fault("ids_lead_to_what_exists", "what it names is not made", lost(NETWORK_RULES, "westeurope-gateway")),
]
EXPOSURE = [
    Fault("traffic_is_encrypted_by_tls_1_2", "storage TLS 1.0", prop(STORAGE, "minimumTlsVersion", "TLS1_0")),
    Fault(
        "traffic_is_encrypted_by_tls_1_2",
        "a slip that Azure's types allow",
        prop(STORAGE, "minimumTlsVersion", "TLS1_9", 3),
    ),
    Fault("traffic_is_encrypted_by_tls_1_2", "http to storage", prop(STORAGE, "supportsHttpsTrafficOnly", False)),
    Fault("traffic_is_encrypted_by_tls_1_2", "Cosmos DB says nothing", prop(COSMOS, "minimalTlsVersion", GONE)),
    Fault("traffic_is_encrypted_by_tls_1_2", "Event Hubs TLS 1.0", prop(HUBS, "minimumTlsVersion", "1.0", 2)),
    Fault(
        "traffic_is_encrypted_by_tls_1_2", "the domain's TLS", prop(DOMAIN, "tlsSettings.minimumTlsVersion", "TLS10")
    ),
    Fault("no_key_opens_anything", "storage keys", prop(STORAGE, "allowSharedKeyAccess", True)),
    Fault("no_key_opens_anything", "Cosmos DB keys", prop(COSMOS, "disableLocalAuth", False)),
    Fault("no_key_opens_anything", "Event Hubs keys", prop(HUBS, "disableLocalAuth", GONE, 1)),
    Fault("no_key_opens_anything", "telemetry by key", prop(INSIGHTS, "DisableLocalAuth", False)),
    Fault("no_key_opens_anything", "the registry's administrator", prop(REGISTRY, "adminUserEnabled", True)),
    Fault("no_key_opens_anything", "access policies in a vault", prop(VAULT, "enableRbacAuthorization", False)),
    Fault("no_key_opens_anything", "local accounts of a cluster", prop(CLUSTER, "disableLocalAccounts", False)),
    Fault("nothing_is_public", "a public account", prop(STORAGE, "publicNetworkAccess", "Enabled", 5)),
    Fault("nothing_is_public", "a misspelt Disabled", prop(COSMOS, "publicNetworkAccess", "Disabledx")),
    Fault(
        "nothing_is_public", "a public API server", prop(CLUSTER, "apiServerAccessProfile.enablePrivateCluster", False)
    ),
    Fault(
        "nothing_is_public",
        "Azure's services reach the registry",
        prop(REGISTRY, "networkRuleBypassOptions", "AzureServices"),
    ),
    Fault("every_switch_has_its_line", "a new switch", prop(WORKSPACE, "publicNetworkAccess", "Enabled")),
    Fault("every_switch_has_its_line", "a slip in the switch's name", prop(HUBS, "disableLocalAuths", True)),
    Fault("firewalls_deny_by_default", "a vault lets in", prop(VAULT, "networkAcls.defaultAction", "Allow")),
    Fault(
        "firewalls_deny_by_default", "an address lets in", prop(STORAGE, "networkAcls.ipRules", [{"value": "1.2.3.4"}])
    ),
    Fault(
        "firewalls_deny_by_default",
        "Azure reaches a stamp's vault",
        prop(VAULT, "networkAcls.bypass", "AzureServices", 1),
    ),
    Fault("firewalls_deny_by_default", "no rules for a namespace", lost(HUBS_NETWORK)),
    Fault("no_blob_is_anonymous", "anonymous allowed", prop(STORAGE, "allowBlobPublicAccess", True, 1)),
    Fault("no_blob_is_anonymous", "a public container", of_name(CONTAINER, "$web", "publicAccess", "Blob")),
    Fault(
        "subnets_are_closed_to_the_internet",
        "443 from anywhere",
        lambda g: g.of(NETWORK_RULES)[0]["properties"]["securityRules"].append(FROM_INTERNET),
    ),
    Fault(
        "subnets_are_closed_to_the_internet",
        "the stand-by way is open, while it is to be closed",
        lambda g: next(one for one in g.of(NETWORK_RULES) if one["name"].endswith("stand-by"))["properties"][
            "securityRules"
        ].append(FROM_INTERNET),
    ),
    Fault("subnets_are_closed_to_the_internet", "no last denial", prop(NETWORK_RULES, "securityRules", [])),
    Fault(
        "subnets_are_closed_to_the_internet",
        "a subnet without rules",
        prop(NETWORK, "subnets.1.properties.networkSecurityGroup", GONE),
    ),
    Fault(
        "each_stamp_has_a_private_endpoint_to_what_it_uses", "none to the vault", lost(ENDPOINT, "northeurope-vault")
    ),
    Fault(
        "each_stamp_has_a_private_endpoint_to_what_it_uses",
        "none to the database",
        of_name(ENDPOINT, "westeurope-database", "privateLinkServiceConnections.0.properties.groupIds", ["Gremlin"]),
    ),
    Fault(
        "private_names_resolve_in_each_stamp",
        "an endpoint without a zone",
        lost(ENDPOINT_ZONES, "westeurope-events/default"),
    ),
    Fault("private_names_resolve_in_each_stamp", "a zone that no network asks", lost(ZONE_LINK)),
    Fault("private_names_resolve_in_each_stamp", "a zone is missing", lost(ZONE, "privatelink.servicebus.windows.net")),
    Fault(
        "public_addresses_belong_to_the_stand_by_way_in",
        "one more public address",
        added(PUBLIC_ADDRESS, id="/subscriptions/1/resourceGroups/x/providers/y/z/other", name="other"),
    ),
    Fault(
        "public_addresses_belong_to_the_stand_by_way_in",
        "nodes with public addresses",
        prop(CLUSTER, "agentPoolProfiles.1.enableNodePublicIP", True),
    ),
]
FAULTS = [*SHAPE, *EXPOSURE]
