"""Faults in rights, and where resources and code no longer mean the same."""

import copy
from typing import Any

from tests.infra.kubernetes.manifests import Manifests

from .exactly import (
    BLOBS,
    CONTAINER,
    COSMOS_CONTAINER,
    COSMOS_DATABASE,
    COSMOS_ROLE,
    ENDPOINT,
    FEDERATION,
    HUB,
    HUB_GROUP,
    HUBS,
    IDENTITY,
    ROLE,
)
from .planting import GONE, Fault, added, all_of, every, lost, of_name, part_with, place, prop, resource
from .snapshots import Estate, Json, properties

CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"


def _grant(given: Estate, program: str, place_ending: str = "") -> Json:
    """A role assignment to a program on what ends so."""
    return next(
        one
        for one in given.of(ROLE)
        if f"-{program}'" in properties(one)["principalId"]
        and one["id"].rpartition("/providers/")[0].endswith(place_ending)
    )


def _becomes(program: str, place_ending: str, role: str) -> Any:
    def plant(given: Estate) -> None:
        one = properties(_grant(given, program, place_ending))
        one["roleDefinitionId"] = one["roleDefinitionId"].rpartition("/")[0] + f"/{role}"

    return plant


def _widened(given: Estate) -> None:
    """From one container to its whole resource group."""
    one = _grant(given, "processor", "/dead-letters")
    one["id"] = one["id"].partition("/providers/")[0] + "/providers/Microsoft.Authorization/roleAssignments/1"


def _swapped(given: Estate) -> None:
    """Processor and KEDA have each other's identity on the hub."""
    first, second = _grant(given, "api", "/commands"), _grant(given, "keda", "/commands")
    for one, other in ((first, second), (second, first)):
        one["swapped"] = properties(other)["principalId"]
    for one in (first, second):
        properties(one)["principalId"] = one.pop("swapped")


def _given_by_another(given: Estate) -> None:
    one = _grant(given, "keda", "/commands")
    part = part_with(given, one)
    part.resources.remove(one)
    next(other for other in given.stamps if other is not part).resources.append(one)


def _again(given: Estate) -> None:
    one = _grant(given, "kubelet")
    part_with(given, one).resources.append(copy.deepcopy(one) | {"id": one["id"][:-1] + "x"})


def _cosmos_role(path: str, value: str) -> Any:
    return lambda given: place(given.of(COSMOS_ROLE)[0], f"properties.{path}", value)


ACCESS = [
    Fault("identities_have_the_roles_that_their_code_needs", "Contributor", _becomes("api", "/commands", CONTRIBUTOR)),
    Fault("identities_have_the_roles_that_their_code_needs", "Owner", _becomes("kubelet", "", OWNER)),
    Fault(
        "identities_have_the_roles_that_their_code_needs",
        "a reader writes",
        _becomes("api", "/azure-webjobs-eventhub", BLOB_CONTRIBUTOR),
    ),
    Fault("identities_have_the_roles_that_their_code_needs", "a right is gone", lost(ROLE)),
    Fault("identities_have_the_roles_that_their_code_needs", "the scope is a group", _widened),
    Fault("identities_have_the_roles_that_their_code_needs", "two identities changed places", _swapped),
    Fault(
        "identities_have_the_roles_that_their_code_needs",
        "a stranger",
        prop(ROLE, "principalId", "99999999-9999-9999-9999-999999999999"),
    ),
    Fault(
        "identities_have_the_roles_that_their_code_needs",
        "the API may write all data",
        lambda g: place(
            next(one for one in g.of(COSMOS_ROLE) if properties(one)["roleDefinitionId"].endswith("1")),
            "properties.roleDefinitionId",
            "/sqlRoleDefinitions/00000000-0000-0000-0000-000000000002",
        ),
    ),
    Fault("no_right_is_given_twice", "under another name", _again),
    Fault("a_stamp_gives_rights_to_its_own_only", "given by another stamp", _given_by_another),
    Fault(
        "principals_are_what_they_are_called",
        "an identity called group",
        lambda g: place(_grant(g, "api"), "properties.principalType", "Group"),
    ),
    Fault(
        "pods_become_identities_by_their_service_accounts",
        "another service account",
        of_name(FEDERATION, "/api", "subject", "system:serviceaccount:catalog:default"),
    ),
    Fault(
        "pods_become_identities_by_their_service_accounts",
        "another namespace",
        of_name(FEDERATION, "/keda", "subject", "system:serviceaccount:keda:keda-operator"),
    ),
    Fault("pods_become_identities_by_their_service_accounts", "any audience", prop(FEDERATION, "audiences", ["x"])),
    Fault(
        "pods_become_identities_by_their_service_accounts",
        "another cluster's pods",
        lambda g: place(
            g.parts["stamp-northeurope"].of(FEDERATION)[0],
            "properties.issuer",
            properties(g.parts["stamp-westeurope"].of(FEDERATION)[0])["issuer"],
        ),
    ),
    Fault("every_identity_is_somebody", "one that nobody is", added(IDENTITY, id="/x/y/spare", name="spare")),
    Fault("every_identity_is_somebody", "nobody after all", resource(HUBS, "identity.type", "None")),
    Fault("every_identity_is_somebody", "the pods are gone", lost(FEDERATION, "/processor")),
    Fault(
        "who_may_change_a_private_thing_can_reach_it",
        "nobody reaches the letters",
        all_of(*(lost(ENDPOINT, f"{region}-letters") for region in ("westeurope", "northeurope", "swedencentral"))),
    ),
    Fault(
        "the_database_knows_built_in_roles_only",
        "a role of our own",
        _cosmos_role("roleDefinitionId", "/sqlRoleDefinitions/12345678-0000-0000-0000-000000000002"),
    ),
    Fault("the_database_knows_built_in_roles_only", "the whole account", _cosmos_role("scope", "/databaseAccounts/x")),
]
DATA = "resource"
TRUTHS = [
    Fault("each_stamp_has_the_hub_that_the_code_uses", "31 partitions", prop(HUB, "partitionCount", 31)),
    Fault(
        "each_stamp_has_the_hub_that_the_code_uses",
        "a day of retention",
        prop(HUB, "retentionDescription.retentionTimeInHours", 24, 1),
    ),
    Fault(
        "each_stamp_has_the_hub_that_the_code_uses",
        "events outlive tombstones",
        every(HUB, "retentionDescription.retentionTimeInHours", 24 * 9),
    ),
    Fault("each_stamp_has_the_hub_that_the_code_uses", "another group", lost(HUB_GROUP)),
    Fault("what_travels_through_a_hub_is_captured", "off", prop(HUB, "captureDescription.enabled", False)),
    Fault(
        "what_travels_through_a_hub_is_captured",
        "one name for all hubs",
        prop(HUB, "captureDescription.destination.properties.archiveNameFormat", "{PartitionId}/{Year}"),
    ),
    Fault(
        "what_travels_through_a_hub_is_captured",
        "another container",
        prop(HUB, "captureDescription.destination.properties.blobContainer", "dead-letters"),
    ),
    Fault(
        "the_database_has_the_containers_that_the_code_uses",
        "no composite index",
        of_name(COSMOS_CONTAINER, "/activity", f"{DATA}.indexingPolicy.compositeIndexes", []),
    ),
    Fault(
        "the_database_has_the_containers_that_the_code_uses", "a container less", lost(COSMOS_CONTAINER, "/outcomes")
    ),
    Fault(
        "the_database_has_the_containers_that_the_code_uses",
        "another database",
        lambda g: g.of(COSMOS_DATABASE)[0].update(name="account/catalogue"),
    ),
    Fault(
        "containers_are_keyed_as_documents_are",
        "partition key",
        of_name(COSMOS_CONTAINER, "/items", f"{DATA}.partitionKey.paths", ["/id"]),
    ),
    Fault(
        "containers_are_keyed_as_documents_are",
        "failures stay for ever",
        of_name(COSMOS_CONTAINER, "/outcomes", f"{DATA}.defaultTtl", -1),
    ),
    Fault(
        "containers_are_keyed_as_documents_are",
        "tombstones stay for ever",
        of_name(COSMOS_CONTAINER, "/items", f"{DATA}.defaultTtl", GONE),
    ),
    Fault(
        "containers_are_keyed_as_documents_are",
        "the newer write loses",
        of_name(COSMOS_CONTAINER, "/items", f"{DATA}.conflictResolutionPolicy.conflictResolutionPath", "/_ts"),
    ),
    Fault(
        "queries_have_their_indexes",
        "the other order",
        of_name(COSMOS_CONTAINER, "/activity", f"{DATA}.indexingPolicy.compositeIndexes.0.0.order", "ascending"),
    ),
    Fault(
        "queries_have_their_indexes",
        "a path that queries ask for is left out",
        of_name(COSMOS_CONTAINER, "/items", f"{DATA}.indexingPolicy.excludedPaths.0.path", "/kind/?"),
    ),
    Fault(
        "accounts_have_the_containers_that_code_and_host_use",
        "no checkpoints",
        lost(CONTAINER, "azure-webjobs-eventhub"),
    ),
    Fault(
        "accounts_have_the_containers_that_code_and_host_use",
        "a container that nobody uses",
        added(CONTAINER, "/dead-letters", id="/x", name="a/b/c"),
    ),
    Fault("accounts_with_a_page_are_websites", "no website", prop(BLOBS, "staticWebsite.enabled", False)),
    Fault("hubs_speak_amqp_only", "Kafka", prop(HUBS, "kafkaEnabled", True)),
    Fault(
        "the_local_cloud_can_have_the_environments_regions",
        "a region that the local cloud does not have",
        lambda g: place(
            g.of("Microsoft.DocumentDB/databaseAccounts")[0], "properties.locations.2.locationName", "UK South"
        ),
    ),
    Fault("local_hubs_are_the_hubs", "other partitions", prop(HUB, "partitionCount", 16, 2)),
    Fault("local_hubs_are_the_hubs", "another group", lost(HUB_GROUP)),
    Fault(
        "local_apps_prefer_the_regions_that_pods_prefer",
        "another region first",
        lambda g: g.parts["stamp-northeurope"].outputs.update(cosmosRegions="West Europe,North Europe,Sweden Central"),
    ),
]
FAULTS = [*ACCESS, *TRUTHS]

type ManifestFault = tuple[str, str, Any]


def _account(given: Manifests, name: str) -> Any:
    return given.one("ServiceAccount", name)["metadata"]


def _variable(given: Manifests, deployment: str, name: str, value: str) -> None:
    next(one for one in given.container(deployment)["env"] if one["name"] == name)["value"] = value


# Rule, what is wrong, and how it comes into the manifests.
MANIFEST_FAULTS: list[ManifestFault] = [
    (
        "the_clusters_hold_what_autoscalers_may_ask_for",
        "more replicas than fit",
        lambda m: m.one("ScaledObject", "api")["spec"].update(maxReplicaCount=90),
    ),
    (
        "the_clusters_hold_what_autoscalers_may_ask_for",
        "larger pods",
        lambda m: m.container("processor")["resources"]["requests"].update(memory="8Gi"),
    ),
    (
        "pods_are_told_what_exists",
        "another namespace",
        lambda m: _variable(
            m, "processor", "EVENT_HUBS__fullyQualifiedNamespace", "evhns-other.servicebus.windows.net"
        ),
    ),
    (
        "pods_are_told_what_exists",
        "letters into the stamp's account",
        lambda m: _variable(
            m,
            "processor",
            "DEAD_LETTERS__blobServiceUri",
            m.environment("processor")["AzureWebJobsStorage__blobServiceUri"],
        ),
    ),
    ("pods_are_told_what_exists", "a region less", lambda m: _variable(m, "api", "COSMOS_REGIONS", "West Europe")),
    (
        "pods_are_told_what_exists",
        "another registry",
        lambda m: m.container("api").update(image="x.azurecr.io/catalog"),
    ),
    (
        "secrets_come_from_the_stamps_vault",
        "another vault",
        lambda m: m.one("SecretProviderClass", "api")["spec"]["parameters"].update(keyvaultName="kv-other"),
    ),
    ("service_accounts_are_those_federated", "another account", lambda m: _account(m, "api").update(name="web")),
    (
        "service_accounts_are_those_federated",
        "another namespace",
        lambda m: _account(m, "processor").update(namespace="x"),
    ),
    (
        "client_ids_are_left_to_the_deployment_or_agree",
        "somebody's id",
        lambda m: _account(m, "api")["annotations"].update(
            {"azure.workload.identity/client-id": "12345678-0000-0000-0000-000000000000"}
        ),
    ),
    (
        "the_gateway_is_where_front_door_looks",
        "another private link service",
        lambda m: m.one("Gateway", "catalog")["spec"]["infrastructure"]["annotations"].update(
            {"service.beta.kubernetes.io/azure-pls-name": "pls"}
        ),
    ),
    (
        "the_gateway_is_where_front_door_looks",
        "any address",
        lambda m: m.one("Gateway", "catalog")["spec"]["infrastructure"]["annotations"].pop(
            "service.beta.kubernetes.io/azure-load-balancer-ipv4"
        ),
    ),
    (
        "the_gateway_is_where_front_door_looks",
        "another host",
        lambda m: m.one("Gateway", "catalog")["spec"]["listeners"][0].update(hostname="x.example.com"),
    ),
    (
        "the_processor_is_scaled_by_its_own_hub",
        "another account",
        lambda m: m.trigger("processor")["metadata"].update(storageAccountName="stother"),
    ),
]
