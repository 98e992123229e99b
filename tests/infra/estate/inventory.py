"""Every type that the estate may hold: whether Azure has logs of it, and what its names may be.

A type that is not here fails a test: whoever adds one says so, and which rules it must keep.
"""

from . import exactly as kinds

_LOGGED = (
    kinds.WORKSPACE,
    kinds.COSMOS,
    kinds.REGISTRY,
    kinds.BLOBS,  # logs of an account are those of its services
    kinds.PROFILE,
    kinds.VAULT,
    kinds.HUBS,
    kinds.CLUSTER,
    kinds.NETWORK,
    kinds.NETWORK_RULES,
    kinds.TRAFFIC,
    kinds.PUBLIC_ADDRESS,
    kinds.APPLICATION_GATEWAY,
)
NOT_LOGGED = {
    kinds.GROUP: "the activity log has what is done to it",
    kinds.STORAGE: "its blob service has the logs; the other services hold nothing",
    kinds.CONTAINER: "logged by the blob service",
    kinds.AGING: "a setting of the account",
    kinds.COSMOS_DATABASE: "logged by the account",
    kinds.COSMOS_CONTAINER: "logged by the account",
    kinds.COSMOS_ROLE: "logged by the account",
    kinds.HUBS_NETWORK: "logged by the namespace",
    kinds.HUB: "logged by the namespace",
    kinds.HUB_GROUP: "logged by the namespace",
    kinds.REPLICA: "logged by the registry",
    kinds.MAINTENANCE: "logged by the cluster",
    kinds.IDENTITY: "Entra's sign-in logs have its use",
    kinds.FEDERATION: "Entra's sign-in logs have its use",
    kinds.ROLE: "the activity log has it",
    kinds.POLICY: "the activity log has it",
    kinds.EXPORT: "a setting of the workspace",
    kinds.INSIGHTS: "it writes into its workspace by itself; a setting would write everything twice",
    kinds.DIAGNOSTICS: "the setting itself",
    kinds.ACTION_GROUP: "the activity log has it",
    kinds.COLLECTION_RULE: "its own errors go to the workspace it feeds",
    kinds.COLLECTION_ENDPOINT: "has no logs",
    kinds.COLLECTION: "a setting of the cluster",
    kinds.METRICS: "has metrics of its own, and no logs",
    kinds.ENDPOINT: "has no logs",
    kinds.ENDPOINT_ZONES: "has no logs",
    kinds.ZONE: "has no logs",
    kinds.ZONE_LINK: "has no logs",
    kinds.FIREWALL: "logged by the profile that it protects",
    kinds.GATEWAY_FIREWALL: "logged by the gateway that it protects",
    kinds.ENTRY: "logged by the profile",
    kinds.ROUTE: "logged by the profile",
    kinds.DOMAIN: "logged by the profile",
    kinds.CERTIFICATE: "logged by the profile",
    kinds.BINDING: "logged by the profile",
    kinds.ORIGIN_GROUP: "logged by the profile",
    kinds.ORIGIN: "logged by the profile",
    kinds.RULE_SET: "logged by the profile",
    kinds.EDGE_RULE: "logged by the profile",
    "Microsoft.Insights/metricAlerts": "the activity log has when it fires",
    "Microsoft.Insights/scheduledQueryRules": "the activity log has when it fires",
    "Microsoft.AlertsManagement/prometheusRuleGroups": "the activity log has when it fires",
}
LOGGED = {kind.lower(): True for kind in _LOGGED} | {kind.lower(): False for kind in NOT_LOGGED}

# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules, of the name's last part.
_USUAL = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,78}[A-Za-z0-9_]"
NAMES = {
    kinds.STORAGE: r"[a-z0-9]{3,24}",
    kinds.CONTAINER: r"\$web|[a-z0-9](-?[a-z0-9]){2,62}",
    kinds.VAULT: r"[A-Za-z](-?[A-Za-z0-9]){2,23}",
    kinds.REGISTRY: r"[a-zA-Z0-9]{5,50}",
    kinds.COSMOS: r"[a-z0-9][a-z0-9-]{1,42}[a-z0-9]",
    kinds.HUBS: r"[a-z][a-z0-9-]{4,48}[a-z0-9]",  # lower case: it becomes part of the checkpoints' paths
    kinds.HUB: r"[a-z0-9][a-z0-9._-]{0,48}[a-z0-9]",
    kinds.HUB_GROUP: r"[a-z0-9][a-z0-9._-]{0,48}[a-z0-9]",
    kinds.CLUSTER: r"[A-Za-z0-9][A-Za-z0-9_-]{0,61}[A-Za-z0-9]",
    kinds.IDENTITY: r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}",
    kinds.FEDERATION: r"[A-Za-z0-9][A-Za-z0-9_-]{2,119}",
    kinds.WORKSPACE: r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    kinds.INSIGHTS: r"[A-Za-z0-9_.-]{1,254}[A-Za-z0-9_-]",
    kinds.METRICS: r"[A-Za-z0-9][A-Za-z0-9-]{2,42}[A-Za-z0-9]",
    kinds.COLLECTION_RULE: r"[A-Za-z0-9][A-Za-z0-9_.-]{1,62}[A-Za-z0-9]",
    kinds.COLLECTION_ENDPOINT: r"[A-Za-z0-9][A-Za-z0-9-]{1,42}[A-Za-z0-9]",
    kinds.GROUP: r"[A-Za-z0-9_().-]{0,89}[A-Za-z0-9_()-]",
    kinds.NETWORK: r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]",
    kinds.NETWORK_RULES: _USUAL,
    kinds.ENDPOINT: r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]",
    kinds.PUBLIC_ADDRESS: _USUAL,
    kinds.APPLICATION_GATEWAY: _USUAL,
    kinds.PROFILE: r"[A-Za-z0-9][A-Za-z0-9-]{0,258}[A-Za-z0-9]",
    kinds.ENTRY: r"[A-Za-z0-9][A-Za-z0-9-]{0,44}[A-Za-z0-9]",
    kinds.RULE_SET: r"[A-Za-z][A-Za-z0-9]{0,259}",
    kinds.EDGE_RULE: r"[A-Za-z][A-Za-z0-9]{0,259}",
    kinds.ORIGIN_GROUP: r"[A-Za-z0-9][A-Za-z0-9-]{0,88}[A-Za-z0-9]",
    kinds.ROUTE: r"[A-Za-z0-9][A-Za-z0-9-]{0,88}[A-Za-z0-9]",
    kinds.FIREWALL: r"[A-Za-z][A-Za-z0-9]{0,127}",
    kinds.TRAFFIC: r"[A-Za-z0-9][A-Za-z0-9.-]{0,61}[A-Za-z0-9]",
}
# Their names must be nobody else's in the world.
WORLDWIDE = (
    kinds.STORAGE,
    kinds.VAULT,
    kinds.REGISTRY,
    kinds.COSMOS,
    kinds.HUBS,
    kinds.ENTRY,
    kinds.TRAFFIC,
)
EVERYWHERE = {
    kind.lower() for kind in (kinds.PROFILE, kinds.ENTRY, kinds.FIREWALL, kinds.ACTION_GROUP, kinds.TRAFFIC)
} | {kind.lower() for kind in (kinds.ZONE, kinds.ZONE_LINK)}
"""Types whose location is `global`, whatever the environment's regions are."""
