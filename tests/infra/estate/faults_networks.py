"""Faults in networks, and in smaller things that only an exact comparison sees."""

from .exactly import (
    AGING,
    CLUSTER,
    COLLECTION_RULE,
    DIAGNOSTICS,
    EXPORT,
    HUB,
    MAINTENANCE,
    NETWORK,
    NETWORK_RULES,
    REGISTRY,
    VAULT,
    ZONE_LINK,
)
from .planting import GONE, Fault, of_name, prop
from .snapshots import Estate, properties


def _more_ports(given: Estate) -> None:
    """The stand-by subnet's gateway manager may come on every port."""
    rules = next(one for one in given.of(NETWORK_RULES) if one["name"].endswith("-stand-by"))
    properties(rules)["securityRules"][0]["properties"]["destinationPortRanges"] = ["0-65535"]


def _an_agent_anywhere(given: Estate) -> None:
    rules = next(one for one in given.of(NETWORK_RULES) if one["name"].endswith("-agents"))
    other = next(one for one in given.of(NETWORK_RULES) if one["name"].endswith("-endpoints"))
    properties(rules)["securityRules"].insert(0, properties(other)["securityRules"][0])


FAULTS = [
    Fault("logs_that_must_last_are_exported", "no audit of vaults", prop(EXPORT, "tableNames.4", GONE)),
    Fault(
        "subnets_are_closed_to_the_internet",
        "a denial of TCP alone",
        prop(NETWORK_RULES, "securityRules.6.properties.protocol", "Tcp"),
    ),
    Fault("subnets_let_in_who_needs_it", "all ports from a service", _more_ports),
    Fault("subnets_let_in_who_needs_it", "nodes reach agents", _an_agent_anywhere),
    Fault("subnets_let_in_who_needs_it", "a subnet more", prop(NETWORK, "subnets.3.name", "jump")),
    Fault("subnets_let_in_who_needs_it", "UDP", prop(NETWORK_RULES, "securityRules.2.properties.protocol", "Udp")),
    Fault(
        "subnets_are_set_up_for_private_links",
        "rules do not hold for private endpoints",
        prop(NETWORK, "subnets.1.properties.privateEndpointNetworkPolicies", "Disabled"),
    ),
    Fault(
        "subnets_are_set_up_for_private_links",
        "no private link service can be made",
        prop(NETWORK, "subnets.2.properties.privateLinkServiceNetworkPolicies", "Enabled"),
    ),
    Fault(
        "subnets_are_set_up_for_private_links", "names of nodes in a zone", prop(ZONE_LINK, "registrationEnabled", True)
    ),
    Fault(
        "addresses_do_not_overlap",
        "one range twice",
        prop(NETWORK, "addressSpace.addressPrefixes", ["10.11.0.0/16"], 1),
    ),
    Fault(
        "addresses_do_not_overlap",
        "a subnet in another",
        prop(NETWORK, "subnets.2.properties.addressPrefix", "10.10.0.0/24", 2),
    ),
    Fault(
        "addresses_do_not_overlap",
        "services in the network",
        prop(CLUSTER, "networkProfile.serviceCidr", "10.11.0.0/16"),
    ),
    Fault(
        "addresses_do_not_overlap",
        "an address that Azure keeps",
        lambda g: g.parts["stamp-westeurope"].outputs.update(gatewayAddress="10.10.17.3"),
    ),
    Fault(
        "clusters_lie_in_their_stamps",
        "nodes among private endpoints",
        lambda g: properties(g.of(CLUSTER)[0])["agentPoolProfiles"][0].update(vnetSubnetID="/subnets/endpoints"),
    ),
    Fault("clusters_lie_in_their_stamps", "another tenant", prop(VAULT, "tenantId", "another", 1)),
    Fault(
        "clusters_lie_in_their_stamps",
        "nodes are somebody",
        prop(CLUSTER, "identityProfile.kubeletidentity.objectId", "x"),
    ),
    Fault(
        "clusters_have_what_the_workload_relies_on",
        "one address out",
        prop(CLUSTER, "networkProfile.loadBalancerProfile.managedOutboundIPs.count", 1),
    ),
    Fault(
        "nodes_come_and_go_with_the_load",
        "pods among the system's",
        prop(CLUSTER, "agentPoolProfiles.0.nodeTaints", GONE),
    ),
    Fault(
        "nodes_come_and_go_with_the_load",
        "an endless drain",
        prop(CLUSTER, "agentPoolProfiles.1.upgradeSettings.drainTimeoutInMinutes", 1440),
    ),
    Fault("what_pods_say_is_collected", "logs end nowhere", prop(COLLECTION_RULE, "dataFlows.0.streams", [])),
    Fault(
        "what_pods_say_is_collected",
        "not the workload's",
        prop(
            COLLECTION_RULE, "dataSources.extensions.0.extensionSettings.dataCollectionSettings.namespaces", ["catalog"]
        ),
    ),
    Fault(
        "everything_that_can_be_logged_is_logged",
        "the old common table",
        prop(DIAGNOSTICS, "logAnalyticsDestinationType", GONE),
    ),
    Fault("no_key_opens_anything", "images may be exported", prop(REGISTRY, "policies.exportPolicy.status", "enabled")),
    Fault(
        "blobs_go_when_promised",
        "versions stay",
        prop(AGING, "policy.rules.0.definition.actions.version.delete.daysAfterCreationGreaterThan", 365),
    ),
    Fault(
        "regions_are_maintained_on_different_days", "by day", prop(MAINTENANCE, "maintenanceWindow.startTime", "12:00")
    ),
    Fault(
        "what_travels_through_a_hub_is_captured", "once an hour", prop(HUB, "captureDescription.intervalInSeconds", 900)
    ),
    Fault(
        "subnets_are_closed_to_the_internet",
        "a network without rules",
        of_name(NETWORK, "northeurope", "subnets.0.properties.networkSecurityGroup", GONE),
    ),
]
