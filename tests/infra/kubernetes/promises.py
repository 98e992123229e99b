"""What design and operation rely on in the manifests, as rules: each names what is wrong, or nothing.

Generic scanners notice none of it. Values are compared with what is wanted, never with what is known to be bad.
"""

from collections.abc import Callable, Iterator

from .manifests import DEPLOYMENTS, Document, Manifests

type Rule = Callable[[Manifests], Iterator[str]]

RULES: list[Rule] = []
RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "v1.36",
    "pod-security.kubernetes.io/audit": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
}


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


@rule
def pods_have_no_privileges(given: Manifests) -> Iterator[str]:
    """The account, the root, the profile: for the pod and for every container in it."""
    for name in DEPLOYMENTS:
        pod = given.pod(name)
        security = pod["securityContext"]
        if security.get("runAsNonRoot") is not True or security.get("runAsUser") != 10001:
            yield f"{name}: the pod may run as root"
        if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{name}: no seccomp profile"
        for one in pod["containers"] + pod.get("initContainers", []):
            mine = one.get("securityContext", {})
            wanted = {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            }
            if mine != wanted:
                yield f"{name}: container {one['name']} has security context {mine}"
        if any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{name}: shares the node's namespaces"


@rule
def pods_have_the_identity_of_their_deployment_and_no_token_for_the_cluster(given: Manifests) -> Iterator[str]:
    for name in DEPLOYMENTS:
        template = given.one("Deployment", name)["spec"]["template"]
        pod = template["spec"]
        account = given.one("ServiceAccount", name)
        if pod.get("serviceAccountName") != name:
            yield f"{name}: runs as service account {pod.get('serviceAccountName')}"
        if template["metadata"]["labels"].get("azure.workload.identity/use") != "true":
            yield f"{name}: no workload identity"
        if not account["metadata"].get("annotations", {}).get("azure.workload.identity/client-id"):
            yield f"{name}: its service account names no identity"
        if pod.get("automountServiceAccountToken") is not False or account.get("automountServiceAccountToken"):
            yield f"{name}: gets a token for the API server"


@rule
def namespaces_enforce_pod_security(given: Manifests) -> Iterator[str]:
    if given.one("Namespace", "catalog")["metadata"]["labels"] != RESTRICTED:
        yield "namespace catalog is not restricted"
    gateway = given.one("Namespace", "catalog-gateway")["metadata"]["labels"]
    if (
        gateway.get("pod-security.kubernetes.io/enforce"),
        gateway.get("pod-security.kubernetes.io/enforce-version"),
    ) != (
        "baseline",
        "v1.36",
    ):
        yield "namespace catalog-gateway is not baseline"


@rule
def images_are_pinned(given: Manifests) -> Iterator[str]:
    images = {one["image"] for name in DEPLOYMENTS for one in given.pod(name)["containers"]}
    if len(images) != 1:
        yield f"more than one image: {images}"
    for image in images:
        repository, _, digest = image.partition("@sha256:")
        if len(digest) != 64 or ":" in repository:
            yield f"{image} is not pinned by digest alone"


@rule
def no_deployment_fights_its_autoscaler(given: Manifests) -> Iterator[str]:
    scaled = [one["spec"]["scaleTargetRef"]["name"] for one in given.all("ScaledObject")]
    if sorted(scaled) != sorted(DEPLOYMENTS):
        yield f"autoscalers are for {scaled}"
    if given.all("HorizontalPodAutoscaler"):
        yield "an autoscaler beside KEDA's"
    for name in DEPLOYMENTS:
        if "replicas" in given.one("Deployment", name)["spec"]:
            yield f"{name}: replicas set beside an autoscaler"


@rule
def replicas_stay_within_bounds(given: Manifests) -> Iterator[str]:
    partitions = int(given.environment("processor")["EVENT_HUB_PARTITIONS"])
    production = given.overlay in ("prod", "rehearsal", "int")
    for name in DEPLOYMENTS:
        spec = given.one("ScaledObject", name)["spec"]
        least, most = spec.get("minReplicaCount", 0), spec.get("maxReplicaCount", 100)
        if least < (3 if production else 1):
            yield f"{name}: at least {least} replicas are too few for {given.overlay}"
        if most < 2 * least:
            yield f"{name}: no room between {least} and {most} replicas"
        if name == "processor" and most != partitions:
            yield f"processor: up to {most} replicas for {partitions} partitions"
        if "idleReplicaCount" in spec:
            yield f"{name}: may go to zero"


@rule
def a_blind_autoscaler_never_shrinks_the_processor(given: Manifests) -> Iterator[str]:
    wanted = {"failureThreshold": 1, "replicas": 6, "behavior": "currentReplicasIfHigher"}
    if given.one("ScaledObject", "processor")["spec"].get("fallback") != wanted:
        yield "processor: fallback may shrink it"
    behavior = given.one("ScaledObject", "processor")["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    if behavior["scaleDown"]["stabilizationWindowSeconds"] < 300:
        yield "processor: shrinks too soon, partitions wander"


@rule
def pods_are_spread_over_zones(given: Manifests) -> Iterator[str]:
    for name in DEPLOYMENTS:
        labels = {"app.kubernetes.io/name": name}
        zones = [
            one
            for one in given.pod(name).get("topologySpreadConstraints", [])
            if one["topologyKey"] == "topology.kubernetes.io/zone"
        ]
        wanted = {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "DoNotSchedule",
            "nodeTaintsPolicy": "Honor",
            "matchLabelKeys": ["pod-template-hash"],
            "labelSelector": {"matchLabels": labels},
        }
        if zones != [wanted]:
            yield f"{name}: not spread over zones"


@rule
def disruption_and_rollout_take_a_quarter_at_most(given: Manifests) -> Iterator[str]:
    for name in DEPLOYMENTS:
        spec = given.one("PodDisruptionBudget", name)["spec"]
        if (spec.get("maxUnavailable"), spec.get("minAvailable")) != ("25%", None):
            yield f"{name}: disruption budget {spec.get('maxUnavailable')}, {spec.get('minAvailable')}"
        if spec["selector"]["matchLabels"] != {"app.kubernetes.io/name": name}:
            yield f"{name}: disruption budget for other pods"
        update = given.one("Deployment", name)["spec"]["strategy"]
        if update != {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}}:
            yield f"{name}: rollout {update}"


@rule
def a_lost_node_is_given_up_in_half_a_minute(given: Manifests) -> Iterator[str]:
    for name in DEPLOYMENTS:
        seconds = {one["key"]: one["tolerationSeconds"] for one in given.pod(name).get("tolerations", [])}
        if seconds != {"node.kubernetes.io/not-ready": 30, "node.kubernetes.io/unreachable": 30}:
            yield f"{name}: tolerates {seconds}"


@rule
def stops_leave_time_for_what_is_in_hand(given: Manifests) -> Iterator[str]:
    api, processor = given.pod("api"), given.pod("processor")
    if given.container("api").get("lifecycle") != {"preStop": {"sleep": {"seconds": 15}}}:
        yield "api: no pause before its stop"
    if api["terminationGracePeriodSeconds"] < 15 + 10 + 10:
        yield "api: killed before what is in flight is answered"
    drain = given.container("processor").get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [])
    if drain != ["/usr/local/bin/drain-host", "90"]:
        yield f"processor: preStop {drain}"
    if processor["terminationGracePeriodSeconds"] < 90 + 10 + 10:
        yield "processor: killed while it drains"


@rule
def resources_are_stated(given: Manifests) -> Iterator[str]:
    for name in DEPLOYMENTS:
        for one in given.pod(name)["containers"]:
            for kind in ("requests", "limits"):
                stated = one.get("resources", {}).get(kind, {})
                if set(stated) != {"cpu", "memory", "ephemeral-storage"}:
                    yield f"{name}: {kind} of container {one['name']} are {sorted(stated)}"
        for volume in given.pod(name)["volumes"]:
            if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
                yield f"{name}: volume {volume['name']} has no limit"


@rule
def nothing_is_open_but_what_is_needed(given: Manifests) -> Iterator[str]:
    policies = {
        (one["metadata"]["namespace"], one["metadata"]["name"]): one["spec"] for one in given.all("NetworkPolicy")
    }
    deny = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for namespace in ("catalog", "catalog-gateway"):
        if policies.pop((namespace, "default-deny"), None) != deny:
            yield f"{namespace}: not closed by default"
    if (found := {key: _openings(spec) for key, spec in policies.items()}) != _OPENINGS:
        yield f"network openings are {found}"


_DNS = [("out", "kube-system", "UDP/53"), ("out", "kube-system", "TCP/53")]
_OPENINGS = {
    ("catalog", "api-from-gateway"): [("in", "catalog-gateway", "TCP/8080")],
    ("catalog", "names"): _DNS,
    ("catalog", "azure"): [
        ("out", "0.0.0.0/0 but 169.254.169.254/32", "TCP/443"),
        ("out", "0.0.0.0/0 but 169.254.169.254/32", "TCP/5671"),
    ],
    ("catalog-gateway", "proxies"): [
        ("in", "anywhere", "TCP/443"),
        ("in", "anywhere", "TCP/15021"),
        ("out", "catalog", "TCP/8080"),
        ("out", "aks-istio-system", "TCP/15012"),
        *_DNS,
    ],
}


def _openings(spec: Document) -> list[tuple[str, str, str]]:
    rules = [("in", "from", one) for one in spec.get("ingress", [])] + [
        ("out", "to", one) for one in spec.get("egress", [])
    ]
    return [
        (way, _peer(peer), f"{port.get('protocol')}/{port.get('port')}")
        for way, side, one in rules
        for peer in one.get(side, [{}])
        for port in one.get("ports", [{}])
    ]


def _peer(peer: Document) -> str:
    if "ipBlock" in peer:
        return f"{peer['ipBlock']['cidr']} but {', '.join(peer['ipBlock'].get('except', []))}"
    names = peer.get("namespaceSelector", {}).get("matchLabels", {})
    return str(names.get("kubernetes.io/metadata.name", "anywhere"))


@rule
def the_gateway_is_private(given: Manifests) -> Iterator[str]:
    gateway = given.one("Gateway", "catalog")["spec"]
    notes = gateway["infrastructure"]["annotations"]
    if gateway["gatewayClassName"] != "approuting-istio":
        yield f"gateway of class {gateway['gatewayClassName']}"
    if notes.get("service.beta.kubernetes.io/azure-load-balancer-internal") != "true":
        yield "gateway: public load balancer"
    if notes.get("service.beta.kubernetes.io/azure-pls-create") != "true":
        yield "gateway: Front Door has no way to it"
    if len(notes) > 8:
        yield "gateway: the API takes eight annotations at most"
    if "service.beta.kubernetes.io/azure-pls-auto-approval" in notes:
        yield "gateway: lets in whoever asks"
    if [(one["protocol"], one["port"]) for one in gateway["listeners"]] != [("HTTPS", 443)]:
        yield "gateway: listens to more than HTTPS"
    if any(one["spec"].get("type") != "ClusterIP" for one in given.all("Service")):
        yield "a service with an address outside the cluster"


@rule
def exactly_the_public_paths_are_routed(given: Manifests) -> Iterator[str]:
    found = {}
    for route in given.all("HTTPRoute"):
        if route["spec"]["parentRefs"] != [{"name": "catalog", "namespace": "catalog-gateway", "sectionName": "https"}]:
            yield f"route {route['metadata']['name']} belongs to no listener of ours"
        for one in route["spec"]["rules"]:
            for match in one["matches"]:
                path = match["path"]
                found[path["value"]] = (path["type"], [(to["name"], to["port"]) for to in one["backendRefs"]])
    wanted = {path: ("PathPrefix", [("api", 80)]) for path in ("/api", "/health")}
    if found != wanted:
        yield f"routes are {found}"


@rule
def secrets_come_from_key_vault_by_the_apis_identity(given: Manifests) -> Iterator[str]:
    parameters = given.one("SecretProviderClass", "api")["spec"]["parameters"]
    client = given.one("ServiceAccount", "api")["metadata"]["annotations"]["azure.workload.identity/client-id"]
    if parameters.get("clientID") != client:
        yield "Key Vault is asked by another identity than the API's"
    if not parameters.get("keyvaultName") or not parameters.get("tenantId"):
        yield "no Key Vault"
    volumes = [one for one in given.pod("api")["volumes"] if "csi" in one]
    if [one["csi"]["volumeAttributes"]["secretProviderClass"] for one in volumes] != ["api"]:
        yield "api: does not mount what fills the Secrets"
    if given.all("Secret") or given.all("ConfigMap"):
        yield "values in a Secret or ConfigMap of the manifests"
