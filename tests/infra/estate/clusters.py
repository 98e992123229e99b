"""Rules about what runs the workload: clusters with all they must have, hubs and containers with room to grow."""

from collections.abc import Iterator

from .exactly import CLUSTER, COSMOS_CONTAINER, HUBS, NETWORK, POLICY, VAULT, Table, exactly
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
        "securityProfile.imageCleaner": {"enabled": True, "intervalHours": 168},
        "networkProfile.outboundType": "loadBalancer",
        "networkProfile.loadBalancerProfile.managedOutboundIPs": {"count": 2},
        # Pipelines come in by it, with a token, as nothing of theirs is inside the network.
        "apiServerAccessProfile.disableRunCommand": False,
        "apiServerAccessProfile.privateDNSZone": "system",
        # The gateway's private link service lies there, and somebody must approve Front Door's connection to it.
        "nodeResourceGroupProfile.restrictionLevel": "Unrestricted",
        # The workload keeps nothing on disks.
        "storageProfile.diskCSIDriver.enabled": False,
        "storageProfile.fileCSIDriver.enabled": False,
        "storageProfile.snapshotController.enabled": False,
        "autoScalerProfile.balance-similar-node-groups": "true",
    }
}
RESTRICTED_PODS = "/providers/Microsoft.Authorization/policySetDefinitions/42b8ef37-b724-4e24-bbc8-7a7708edfe00"


NODES = {
    "osType": "Linux",
    "osSKU": "AzureLinux3",
    "osDiskType": "Ephemeral",
    "enableEncryptionAtHost": True,
    "maxPods": 110,
    # A third more nodes at a time; a pod that nobody can evict stops an upgrade for half an hour, not for ever.
    "upgradeSettings": {"maxSurge": "33%", "drainTimeoutInMinutes": 30, "nodeSoakDurationInMinutes": 5},
}
# What AKS makes itself, the gateway's proxies included.
LEFT_OUT = {"kube-system", "gatekeeper-system", "aks-istio-system", "app-routing-system", "catalog-gateway"}


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
def clusters_lie_in_their_stamps(given: Estate) -> Iterator[str]:
    """Nodes in their own subnet, as their own identity, of the one tenant that everything belongs to."""
    for stamp in given.stamps:
        for one in stamp.of(CLUSTER):
            found = properties(one)
            subnets = {pool.get("vnetSubnetID") for pool in found["agentPoolProfiles"]}
            if subnets != {f"{network['id']}/subnets/nodes" for network in stamp.of(NETWORK)}:
                yield f"{short(one)}: nodes are in {subnets}"
            identity = at(found, "identityProfile.kubeletidentity") or {}
            for key, what in (("clientId", "clientId"), ("objectId", "principalId")):
                text = str(identity.get(key))
                if f"'{identity.get('resourceId')}'" not in text or not text.endswith(f").{what}]"):
                    yield f"{short(one)}: nodes are {text}"
    tenants = {stamp.outputs.get("tenantId") for stamp in given.stamps}
    tenants |= {at(properties(one), "aadProfile.tenantID") for one in given.of(CLUSTER)}
    tenants |= {properties(one).get("tenantId") for one in given.of(VAULT)}
    if len(tenants) != 1:
        yield f"there are {len(tenants)} tenants: {tenants}"


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
            if {key: pool.get(key) for key in NODES} != NODES or pool.get("count") != pool.get("minCount"):
                yield f"{short(one)}: pool {name} is {pool}"
            # Only what runs the cluster runs on its nodes.
            taints = ["CriticalAddonsOnly=true:NoSchedule"] if name == "system" else []
            if pool.get("nodeTaints", []) != taints:
                yield f"{short(one)}: pool {name} has the taints {pool.get('nodeTaints')}"
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
            if set(at(one, "parameters.excludedNamespaces.value") or []) != LEFT_OUT:
                yield f"{stamp.name}: the policy leaves out {at(one, 'parameters.excludedNamespaces.value')}"


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
