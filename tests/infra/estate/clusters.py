"""Rules about what runs the workload: clusters with all they must have, hubs and containers with room to grow."""

from collections.abc import Iterator

from .exactly import CLUSTER, COSMOS_CONTAINER, HUBS, POLICY, Table, exactly
from .snapshots import Estate, Rule, at, properties, short

RULES: list[Rule] = []
FEATURES: Table = {
    CLUSTER: {
        "workloadAutoScalerProfile.keda.enabled": True,
        "addonProfiles.azureKeyvaultSecretsProvider.enabled": True,
        # A text, as ARM wants it; new API keys reach the pods' files in two minutes.
        "addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation": "true",
        "addonProfiles.azureKeyvaultSecretsProvider.config.rotationPollInterval": "2m",
        "addonProfiles.azurepolicy.enabled": True,
        "addonProfiles.omsagent.enabled": True,
        "addonProfiles.omsagent.config.useAADAuth": "true",
        "azureMonitorProfile.metrics.enabled": True,
        "networkProfile.networkPlugin": "azure",
        "networkProfile.networkPluginMode": "overlay",
        "networkProfile.networkDataplane": "cilium",
        "networkProfile.networkPolicy": "cilium",
        "networkProfile.loadBalancerSku": "standard",
        # A private link service needs it.
        "networkProfile.loadBalancerProfile.backendPoolType": "nodeIPConfiguration",
        "ingressProfile.gatewayAPI.installation": "Standard",
        "ingressProfile.webAppRouting.enabled": True,
        "ingressProfile.webAppRouting.nginx.defaultIngressControllerType": "None",
        "ingressProfile.webAppRouting.gatewayAPIImplementations.appRoutingIstio.mode": "Enabled",
        "securityProfile.imageCleaner.enabled": True,
    }
}
RESTRICTED_PODS = "/providers/Microsoft.Authorization/policySetDefinitions/42b8ef37-b724-4e24-bbc8-7a7708edfe00"


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


@rule
def clusters_have_what_the_workload_relies_on(given: Estate) -> Iterator[str]:
    yield from exactly(given, FEATURES)
    version = at(given.parameters, "stamp.cluster.kubernetesVersion")
    yield from exactly(given, {CLUSTER: {"kubernetesVersion": version}})
    for one in given.of(CLUSTER):
        if one.get("sku") != {"name": "Base", "tier": "Standard"}:
            yield f"{short(one)}: without an SLA: {one.get('sku')}"
    if len(given.of(CLUSTER)) != len(given.regions):
        yield f"{len(given.of(CLUSTER))} clusters in {len(given.regions)} regions"


@rule
def nodes_come_and_go_with_the_load(given: Estate) -> Iterator[str]:
    sizes = given.parameters["stamp"]["cluster"]
    wanted = {"system": ("System", sizes["systemNodes"]), "work": ("User", sizes["workNodes"])}
    for one in given.of(CLUSTER):
        pools = {pool["name"]: pool for pool in properties(one)["agentPoolProfiles"]}
        if set(pools) != set(wanted):
            yield f"{short(one)}: has the pools {sorted(pools)}"
        for name, pool in pools.items():
            mode, size = wanted.get(name, ("User", {"fewest": 3, "most": 3, "vmSize": ""}))
            found = {key: pool.get(key) for key in ("mode", "vmSize", "minCount", "maxCount", "enableAutoScaling")}
            if found != {
                "mode": mode,
                "vmSize": size["vmSize"],
                "minCount": size["fewest"],
                "maxCount": size["most"],
                "enableAutoScaling": True,
            }:
                yield f"{short(one)}: pool {name} is {found}"
            if (pool.get("osSKU"), pool.get("osDiskType"), pool.get("enableEncryptionAtHost")) != (
                "AzureLinux3",
                "Ephemeral",
                True,
            ):
                yield f"{short(one)}: pool {name} runs {pool.get('osSKU')} from {pool.get('osDiskType')} disks"
            if given.environment in ("int", "prod") and pool.get("minCount", 0) < 3:
                yield f"{short(one)}: pool {name} has no node in some zone"


@rule
def pods_are_held_to_the_restricted_standard(given: Estate) -> Iterator[str]:
    for stamp in given.stamps:
        found = [properties(one) for one in stamp.of(POLICY)]
        if [one.get("policyDefinitionId") for one in found] != [RESTRICTED_PODS]:
            yield f"{stamp.name}: no policy for pods"
        for one in found:
            if at(one, "parameters.effect.value") != "Deny" or one.get("enforcementMode", "Default") != "Default":
                yield f"{stamp.name}: the policy for pods denies nothing"
            if "catalog" in (at(one, "parameters.excludedNamespaces.value") or []):
                yield f"{stamp.name}: the policy leaves out the workload's namespace"


@rule
def throughput_grows_by_itself(given: Estate) -> Iterator[str]:
    """Units and request units as the environment's parameters say; neither stands still."""
    units = given.parameters["stamp"]["throughputUnits"]
    for one in given.of(HUBS):
        if one.get("sku") != {"name": "Standard", "tier": "Standard", "capacity": units["initial"]}:
            yield f"{short(one)}: is {one.get('sku')}"
    yield from exactly(given, {HUBS: {"isAutoInflateEnabled": True, "maximumThroughputUnits": units["highest"]}})
    for one in given.of(COSMOS_CONTAINER):
        wanted = given.parameters["global"]["throughput"].get(one["name"].rpartition("/")[2])
        if properties(one).get("options") != {"autoscaleSettings": {"maxThroughput": wanted}}:
            yield f"{short(one)}: {properties(one).get('options')}"
