"""What people call the types of resources."""

_NAMES = {
    "Microsoft.Authorization/policyAssignments": "policy assignment",
    "Microsoft.Authorization/roleAssignments": "role assignment",
    "Microsoft.Cdn/profiles": "Front Door",
    "Microsoft.Cdn/profiles/afdEndpoints": "Front Door endpoint",
    "Microsoft.Cdn/profiles/afdEndpoints/routes": "Front Door route",
    "Microsoft.Cdn/profiles/customDomains": "Front Door domain",
    "Microsoft.Cdn/profiles/originGroups": "Front Door origin group",
    "Microsoft.Cdn/profiles/originGroups/origins": "Front Door origin",
    "Microsoft.Cdn/profiles/ruleSets": "Front Door rule set",
    "Microsoft.Cdn/profiles/ruleSets/rules": "Front Door rule",
    "Microsoft.Cdn/profiles/secrets": "Front Door certificate",
    "Microsoft.Cdn/profiles/securityPolicies": "Front Door security policy",
    "Microsoft.ContainerRegistry/registries": "container registry",
    "Microsoft.ContainerRegistry/registries/replications": "registry replica",
    "Microsoft.ContainerService/managedClusters": "AKS cluster",
    "Microsoft.ContainerService/managedClusters/maintenanceConfigurations": "AKS maintenance window",
    "Microsoft.DocumentDB/databaseAccounts": "Cosmos DB account",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases": "Cosmos DB database",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers": "Cosmos DB container",
    "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments": "Cosmos DB role assignment",
    "Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions": "Cosmos DB role",
    "Microsoft.EventHub/namespaces": "Event Hubs namespace",
    "Microsoft.EventHub/namespaces/eventhubs": "event hub",
    "Microsoft.EventHub/namespaces/eventhubs/consumergroups": "consumer group",
    "Microsoft.EventHub/namespaces/networkRuleSets": "Event Hubs network rules",
    "Microsoft.Insights/actionGroups": "action group",
    "Microsoft.Insights/components": "Application Insights",
    "Microsoft.Insights/dataCollectionEndpoints": "data collection endpoint",
    "Microsoft.Insights/dataCollectionRuleAssociations": "data collection association",
    "Microsoft.Insights/dataCollectionRules": "data collection rule",
    "Microsoft.Insights/diagnosticSettings": "diagnostic setting",
    "Microsoft.Insights/metricAlerts": "metric alert",
    "Microsoft.Insights/scheduledQueryRules": "log alert",
    "Microsoft.KeyVault/vaults": "Key Vault",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "identity",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials": "federated credential",
    "Microsoft.Monitor/accounts": "Azure Monitor workspace",
    "Microsoft.Network/applicationGateways": "application gateway",
    "Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies": "gateway firewall",
    "Microsoft.Network/FrontDoorWebApplicationFirewallPolicies": "web application firewall",
    "Microsoft.Network/natGateways": "NAT gateway",
    "Microsoft.Network/networkSecurityGroups": "network security group",
    "Microsoft.Network/privateDnsZones": "private DNS zone",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": "private DNS link",
    "Microsoft.Network/privateEndpoints": "private endpoint",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": "private endpoint DNS group",
    "Microsoft.Network/publicIPAddresses": "public address",
    "Microsoft.Network/trafficManagerProfiles": "Traffic Manager",
    "Microsoft.Network/virtualNetworks": "virtual network",
    "Microsoft.OperationalInsights/workspaces": "Log Analytics workspace",
    "Microsoft.OperationalInsights/workspaces/dataExports": "log export",
    "Microsoft.Resources/resourceGroups": "resource group",
    "Microsoft.Storage/storageAccounts": "storage account",
    "Microsoft.Storage/storageAccounts/blobServices": "blob service",
    "Microsoft.Storage/storageAccounts/blobServices/containers": "blob container",
    "Microsoft.Storage/storageAccounts/managementPolicies": "blob lifecycle policy",
}
_BY_LOWER = {name.lower(): word for name, word in _NAMES.items()}


def kind_name(kind: str) -> str:
    """`AKS cluster` for its type; the type itself where we have no word for it."""
    return _BY_LOWER.get(kind.lower(), kind)


def is_top_level(kind: str) -> bool:
    """Whether a type stands alone: no child of another resource, and nothing that is attached to one."""
    attached = ("microsoft.authorization/", "microsoft.insights/diagnosticsettings")
    associations = "microsoft.insights/datacollectionruleassociations"
    lower = kind.lower()
    return lower.count("/") == 1 and not lower.startswith(attached) and lower != associations
