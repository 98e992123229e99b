"""Tables of settings: type of resource → dotted path → the one value it may have.

Compared by equality. Most of Azure's enumerations are open to the compiler, so "not the bad value" would let
`TLS1_9` or `Disabledx` through; and a path that is missing has no value at all.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from .snapshots import Estate, at, properties, short

type Table = Mapping[str, Mapping[str, Any]]

STORAGE = "Microsoft.Storage/storageAccounts"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices"
CONTAINER = "Microsoft.Storage/storageAccounts/blobServices/containers"
AGING = "Microsoft.Storage/storageAccounts/managementPolicies"
COSMOS = "Microsoft.DocumentDB/databaseAccounts"
COSMOS_DATABASE = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases"
COSMOS_CONTAINER = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers"
COSMOS_ROLE = "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments"
HUBS = "Microsoft.EventHub/namespaces"
HUBS_NETWORK = "Microsoft.EventHub/namespaces/networkRuleSets"
HUB = "Microsoft.EventHub/namespaces/eventhubs"
HUB_GROUP = "Microsoft.EventHub/namespaces/eventhubs/consumergroups"
REGISTRY = "Microsoft.ContainerRegistry/registries"
REPLICA = "Microsoft.ContainerRegistry/registries/replications"
VAULT = "Microsoft.KeyVault/vaults"
CLUSTER = "Microsoft.ContainerService/managedClusters"
MAINTENANCE = "Microsoft.ContainerService/managedClusters/maintenanceConfigurations"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
FEDERATION = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
ROLE = "Microsoft.Authorization/roleAssignments"
POLICY = "Microsoft.Authorization/policyAssignments"
WORKSPACE = "Microsoft.OperationalInsights/workspaces"
EXPORT = "Microsoft.OperationalInsights/workspaces/dataExports"
INSIGHTS = "Microsoft.Insights/components"
DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"
ACTION_GROUP = "Microsoft.Insights/actionGroups"
COLLECTION_RULE = "Microsoft.Insights/dataCollectionRules"
COLLECTION_ENDPOINT = "Microsoft.Insights/dataCollectionEndpoints"
COLLECTION = "Microsoft.Insights/dataCollectionRuleAssociations"
METRICS = "Microsoft.Monitor/accounts"
GROUP = "Microsoft.Resources/resourceGroups"
NETWORK = "Microsoft.Network/virtualNetworks"
NETWORK_RULES = "Microsoft.Network/networkSecurityGroups"
ENDPOINT = "Microsoft.Network/privateEndpoints"
ENDPOINT_ZONES = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups"
ZONE = "Microsoft.Network/privateDnsZones"
ZONE_LINK = "Microsoft.Network/privateDnsZones/virtualNetworkLinks"
TRAFFIC = "Microsoft.Network/trafficManagerProfiles"
PUBLIC_ADDRESS = "Microsoft.Network/publicIPAddresses"
APPLICATION_GATEWAY = "Microsoft.Network/applicationGateways"
GATEWAY_FIREWALL = "Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies"
FIREWALL = "Microsoft.Network/frontDoorWebApplicationFirewallPolicies"
PROFILE = "Microsoft.Cdn/profiles"
ENTRY = "Microsoft.Cdn/profiles/afdEndpoints"
ROUTE = "Microsoft.Cdn/profiles/afdEndpoints/routes"
DOMAIN = "Microsoft.Cdn/profiles/customDomains"
CERTIFICATE = "Microsoft.Cdn/profiles/secrets"
BINDING = "Microsoft.Cdn/profiles/securityPolicies"
ORIGIN_GROUP = "Microsoft.Cdn/profiles/originGroups"
ORIGIN = "Microsoft.Cdn/profiles/originGroups/origins"
RULE_SET = "Microsoft.Cdn/profiles/ruleSets"
EDGE_RULE = "Microsoft.Cdn/profiles/ruleSets/rules"


def exactly(given: Estate, table: Table) -> Iterator[str]:
    """What differs from the table, of every resource of its types."""
    for kind, wanted in table.items():
        for one in given.of(kind):
            for path, value in wanted.items():
                found = at(properties(one), path)
                # By type too: 1 is no True, and a text "true" is no switch.
                if found != value or type(found) is not type(value):
                    yield f"{short(one)}: {path} is {found!r}, not {value!r}"
