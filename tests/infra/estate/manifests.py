"""Rules that compare an environment's built manifests with its resources: pods are told names that exist."""

from collections.abc import Callable, Iterator

import yaml

from tests.infra.kubernetes.manifests import DEPLOYMENTS, KUBERNETES, Manifests

from .exactly import COSMOS, HUBS, NETWORK, REGISTRY, STORAGE, VAULT
from .resilience import containers_of
from .snapshots import DISPLAY, Estate, Part, properties, resources

type ManifestRule = Callable[[Estate, Manifests], Iterator[str]]
PLS = "service.beta.kubernetes.io/azure-pls"
LB = "service.beta.kubernetes.io/azure-load-balancer"
# What a node has for pods: less what AKS reserves (https://learn.microsoft.com/azure/aks/node-resource-reservations)
# and half a processor and 1 GiB for the add-ons' own pods on each node, an estimate.
NODE_ROOM = {
    "Standard_D2ds_v5": {"cpu": 2 - 0.1 - 0.5, "memory": (8 - 2.1 - 1) * 1024},
    "Standard_D4ds_v5": {"cpu": 4 - 0.14 - 0.5, "memory": (16 - 2.3 - 1) * 1024},
}
NOBODY = "00000000-0000-0000-0000-000000000000"
"""Stands in the committed manifests for what Azure gives."""


def first_stamp(given: Estate) -> Part:
    """The stamp that the committed manifests describe."""
    return given.parts[f"stamp-{given.regions[0]}"]


def name_of(part: Part, kind: str) -> str:
    """The name of the part's one resource of a type; empty when it is not one."""
    found = [str(one["name"]) for one in part.of(kind)]
    return found[0] if len(found) == 1 else ""


def account_of(given: Estate, part: Part, container: str) -> str:
    """The name of the part's storage account that has a container."""
    found = [str(one["name"]) for one in part.of(STORAGE) if container in containers_of(given, one)]
    return found[0] if len(found) == 1 else ""


def pods_are_told_what_exists(given: Estate, manifests: Manifests) -> Iterator[str]:
    """Every address in the settings is that of the stamp, its region or the environment."""
    stamp, names = first_stamp(given), resources()["storage"]
    region, world = given.parts[f"region-{stamp.region}"], given.parts["global"]
    order = [stamp.region, *(one for one in given.regions if one != stamp.region)]
    blob = "https://{}.blob.core.windows.net/"
    wanted = {
        "REGION": DISPLAY[stamp.region],
        "COSMOS_REGIONS": ",".join(DISPLAY[one] for one in order),
        "COSMOS_ENDPOINT": f"https://{name_of(world, COSMOS)}.documents.azure.com/",
        "EVENT_HUBS__fullyQualifiedNamespace": f"{name_of(stamp, HUBS)}.servicebus.windows.net",
        "AzureWebJobsStorage__blobServiceUri": blob.format(account_of(given, stamp, names["hostContainer"])),
        "DEAD_LETTERS__blobServiceUri": blob.format(account_of(given, region, names["deadLetterContainer"])),
        "IMAGES__blobServiceUri": blob.format(account_of(given, world, names["imageUploadContainer"])),
    }
    for name in DEPLOYMENTS:
        found = manifests.environment(name)
        for key, value in wanted.items():
            if found.get(key) != value:
                yield f"{name}: {key} is {found.get(key)}, not {value}"
        image = manifests.container(name)["image"]
        if not image.startswith(f"{name_of(world, REGISTRY)}.azurecr.io/"):
            yield f"{name}: its image comes from {image.partition('/')[0]}"


def secrets_come_from_the_stamps_vault(given: Estate, manifests: Manifests) -> Iterator[str]:
    found = manifests.one("SecretProviderClass", "api")["spec"]["parameters"]["keyvaultName"]
    if found != name_of(first_stamp(given), VAULT):
        yield f"secrets come from {found}, not {name_of(first_stamp(given), VAULT)}"


def service_accounts_are_those_federated(given: Estate, manifests: Manifests) -> Iterator[str]:
    """Each account that says whose identity it is, is one that the identity believes, and the other way round."""
    accounts = {
        f"{one['metadata']['namespace']}:{one['metadata']['name']}"
        for one in manifests.all("ServiceAccount")
        if "azure.workload.identity/client-id" in one["metadata"].get("annotations", {})
    }
    if any(one["spec"].get("podIdentity") for one in manifests.all("TriggerAuthentication")):
        accounts.add("kube-system:keda-operator")  # KEDA asks as its own operator, whatever it scales
    subjects = {
        str(properties(one)["subject"]).removeprefix("system:serviceaccount:")
        for one in first_stamp(given).of(
            "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
        )
    }
    if accounts != subjects:
        yield f"service accounts are {sorted(accounts)}, federated are {sorted(subjects)}"


def client_ids_are_left_to_the_deployment_or_agree(given: Estate, manifests: Manifests) -> Iterator[str]:
    """A snapshot knows no client id, so a committed manifest can only leave it open."""
    for one in manifests.all("ServiceAccount"):
        found = one["metadata"].get("annotations", {}).get("azure.workload.identity/client-id", NOBODY)
        if found != NOBODY:
            yield f"service account {one['metadata']['name']} is {found}, which no snapshot can know"


def the_gateway_is_where_front_door_looks(given: Estate, manifests: Manifests) -> Iterator[str]:
    """Its private link service by name and group, its load balancer by subnet and address, its listener by name."""
    stamp = first_stamp(given)
    told = manifests.one("Gateway", "catalog")["spec"]
    notes = told["infrastructure"]["annotations"]
    told_to = stamp.outputs
    wanted = {
        f"{PLS}-name": told_to["privateLinkService"],
        f"{PLS}-resource-group": told_to["privateLinkResourceGroup"],
        f"{LB}-internal-subnet": told_to["privateLinkSubnet"],
        f"{LB}-ipv4": told_to["gatewayAddress"],
    }
    for key, value in wanted.items():
        if notes.get(key) != value:
            yield f"Gateway: {key.rpartition('/')[2]} is {notes.get(key)}, not {value}"
    # Left unsaid, the service takes its addresses from the load balancer's subnet.
    if notes.get(f"{PLS}-ip-configuration-subnet", told_to["privateLinkSubnet"]) != told_to["privateLinkSubnet"]:
        yield f"Gateway: its private link service is in {notes[f'{PLS}-ip-configuration-subnet']}"
    hosts = [one.get("hostname") for one in told["listeners"]]
    if hosts != [f"{stamp.region}.stamps.{given.parameters['estate']['domain']}"]:
        yield f"Gateway: answers for {hosts}"
    subnets = [one["name"] for network in stamp.of(NETWORK) for one in properties(network)["subnets"]]
    if told_to["privateLinkSubnet"] not in subnets:
        yield f"there is no subnet {told_to['privateLinkSubnet']}"


def the_processor_is_scaled_by_its_own_hub(given: Estate, manifests: Manifests) -> Iterator[str]:
    stamp, names = first_stamp(given), resources()["storage"]
    found = manifests.trigger("processor")["metadata"]
    wanted = {
        "eventHubNamespace": name_of(stamp, HUBS),
        "storageAccountName": account_of(given, stamp, names["hostContainer"]),
        "blobContainer": names["hostContainer"],
    }
    for key, value in wanted.items():
        if found.get(key) != value:
            yield f"KEDA: {key} is {found.get(key)}, not {value}"


def outputs_fill_the_stamps_file(given: Estate, manifests: Manifests) -> Iterator[str]:
    """What a deployment fills in is what Bicep gives back: the same names on both sides, the image alone apart."""
    file = KUBERNETES / "overlays" / manifests.overlay / "stamp.yaml"
    asked = set(yaml.safe_load(file.read_text())["data"]) - {"image"}
    for part in given.stamps:
        if missing := asked - set(part.outputs):
            yield f"{part.name}: {file.name} asks for {sorted(missing)}, which is no output"


def the_clusters_hold_what_autoscalers_may_ask_for(given: Estate, manifests: Manifests) -> Iterator[str]:
    """All replicas' requests on all nodes that may be added. In dev and e2e nobody needs the last replica."""
    if given.environment not in ("int", "prod"):
        return
    nodes = given.parameters["stamp"]["cluster"]["workNodes"]
    asked = {"cpu": 0.0, "memory": 0.0}
    for name in DEPLOYMENTS:
        most = manifests.one("ScaledObject", name)["spec"]["maxReplicaCount"]
        for what, amount in manifests.container(name)["resources"]["requests"].items():
            if what in asked:
                asked[what] += most * _amount(amount)
    for what, room in NODE_ROOM[nodes["vmSize"]].items():
        if asked[what] > room * nodes["most"]:
            yield f"pods may ask for {asked[what]:g} of {what}; {nodes['most']} nodes have {room * nodes['most']:g}"


def _amount(text: str) -> float:
    """Processors, or MiB."""
    for unit, size in (("m", 0.001), ("Mi", 1.0), ("Gi", 1024.0)):
        if text.endswith(unit) and text.removesuffix(unit).isdecimal():
            return float(text.removesuffix(unit)) * size
    return float(text)


RULES: list[ManifestRule] = [
    the_clusters_hold_what_autoscalers_may_ask_for,
    pods_are_told_what_exists,
    secrets_come_from_the_stamps_vault,
    service_accounts_are_those_federated,
    client_ids_are_left_to_the_deployment_or_agree,
    the_gateway_is_where_front_door_looks,
    the_processor_is_scaled_by_its_own_hub,
    outputs_fill_the_stamps_file,
]
