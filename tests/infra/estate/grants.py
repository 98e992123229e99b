"""The table of rights: who needs which role where, the call that needs it, and nothing else.

`code` names what makes the call, so that a right outlives its reason by no day: a test looks it up.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

# Built-in roles by their ids: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
ROLES = {
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
    "8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "4abbcc35-e782-43d8-92c5-2d3f1bd2253f": "Azure Kubernetes Service Cluster User Role",
    "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b": "Azure Kubernetes Service RBAC Cluster Admin",
    "7f6c6a51-bcf8-42ba-9220-52d62157d7db": "Azure Kubernetes Service RBAC Reader",
    "a638d3c7-ab3a-418d-83e6-5f17a39d4fde": "Azure Event Hubs Data Receiver",
    "2b629674-e913-4c01-ae53-ef4638d8f975": "Azure Event Hubs Data Sender",
    "a4417e6f-fecd-4de8-b567-7b0420556985": "Key Vault Certificates Officer",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "f1a07417-d97a-45cb-824c-7a7467783830": "Managed Identity Operator",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "4d97b98b-1d4f-4787-a291-c67834d212e7": "Network Contributor",
    # Never to be seen in a snapshot; here, a message names them.
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "f526a384-b230-433a-b45c-95f59c4a2dec": "Azure Event Hubs Data Owner",
}
COSMOS_ROLES = {
    "00000000-0000-0000-0000-000000000001": "Cosmos DB Built-in Data Reader",
    "00000000-0000-0000-0000-000000000002": "Cosmos DB Built-in Data Contributor",
}
READER, CONTRIBUTOR = "Storage Blob Data Reader", "Storage Blob Data Contributor"
SENDER, RECEIVER = "Azure Event Hubs Data Sender", "Azure Event Hubs Data Receiver"
DATA_READER, DATA_CONTRIBUTOR = COSMOS_ROLES.values()


class Grant(NamedTuple):
    """One right, as found or as wanted."""

    who: str
    region: str
    """Of whose stamp; empty for people and what is global."""
    role: str
    where: str
    place_region: str
    """Of the part that the scope lies in; empty for what is global."""

    def __str__(self) -> str:
        return f"{self.who} {self.region} may: {self.role} on {self.where} {self.place_region}".replace("  ", " ")


class Need(NamedTuple):
    """One right, and why."""

    who: str
    role: str
    where: str
    why: str
    code: str = ""
    """`module:attribute` of the call; empty where Azure's own programs make it."""
    each_stamp: bool = True
    only: str = ""
    """Where not every environment has it: `stand-by`, `certificate`."""


def applies(need: Need, parameters: Mapping[str, Any]) -> bool:
    """Whether an environment needs it."""
    return need.only != "stand-by" or parameters["standBy"] != "none"


_HOST = "The Functions host keeps its leases there: one process fires a timer"
_API = (
    Need(
        "api",
        SENDER,
        "stamp eventhubs commands",
        "sends commands and canaries",
        "adapters.event_hubs:EventHubsCommandQueue",
    ),
    Need(
        "api",
        DATA_READER,
        "database /dbs/catalog",
        "reads items, comments, outcomes",
        "adapters.cosmos_items:CosmosItemStore.page",
    ),
    Need(
        "api",
        DATA_CONTRIBUTOR,
        "database /dbs/catalog/colls/activity",
        "its health writes, to know that this region can write",
        "adapters.cosmos_heartbeats:CosmosHeartbeats.beat",
    ),
    Need(
        "api",
        CONTRIBUTOR,
        "global containers image-uploads",
        "stages images",
        "adapters.blob_images:BlobImageStore.stage",
    ),
    Need(
        "api",
        READER,
        "stamp containers azure-webjobs-eventhub",
        "how far the processor is",
        "adapters.blob_checkpoints:BlobCheckpoints.checkpoints",
    ),
    Need(
        "api",
        READER,
        "stamp containers health",
        "whether an operator has closed the stamp",
        "adapters.stamp_storage:StampStorage.switch_score",
    ),
    Need(
        "api", READER, "region containers dead-letters", "its health counts them", "adapters.blobs:BlobLetterBox.lines"
    ),
    Need("api", CONTRIBUTOR, "stamp containers azure-webjobs-hosts", _HOST),
    Need(
        "api", "Key Vault Secrets User", "stamp vaults", "its pods mount the API's keys and the gateway's certificate"
    ),
    Need("api", "Monitoring Metrics Publisher", "region components", "the host sends telemetry without a key"),
)
_PROCESSOR = (
    Need(
        "processor", RECEIVER, "stamp eventhubs commands", "its trigger receives", "triggers.processor:process_commands"
    ),
    Need(
        "processor",
        DATA_CONTRIBUTOR,
        "database /dbs/catalog",
        "applies commands to all containers",
        "adapters.cosmos_outcomes:CosmosOutcomes.record",
    ),
    Need(
        "processor",
        CONTRIBUTOR,
        "stamp containers azure-webjobs-eventhub",
        "its host writes checkpoints and ownerships",
    ),
    Need("processor", CONTRIBUTOR, "stamp containers azure-webjobs-hosts", _HOST, "triggers.timers:sweep"),
    Need(
        "processor",
        CONTRIBUTOR,
        "region containers dead-letters",
        "parks events",
        "adapters.blobs:BlobDeadLetters.park",
    ),
    Need(
        "processor",
        READER,
        "global containers image-uploads",
        "fetches staged images",
        "adapters.blob_images:BlobImageStore.publish",
    ),
    Need(
        "processor",
        CONTRIBUTOR,
        "global containers $web",
        "publishes and withdraws images",
        "adapters.blob_images:BlobImageStore.withdraw",
    ),
    Need("processor", "Monitoring Metrics Publisher", "region components", "the host sends telemetry without a key"),
)
_PLATFORM = (
    Need("keda", RECEIVER, "stamp eventhubs commands", "KEDA asks the hub for its partitions' ends"),
    Need("keda", READER, "stamp containers azure-webjobs-eventhub", "KEDA reads checkpoints"),
    Need("capture", CONTRIBUTOR, "region containers capture", "Event Hubs writes what it captures"),
    Need("kubelet", "AcrPull", "global registries", "nodes pull the image"),
    Need(
        "cluster",
        "Network Contributor",
        "stamp virtualNetworks",
        "AKS joins nodes and makes the gateway's private link service",
    ),
    Need(
        "cluster", "Managed Identity Operator", "stamp userAssignedIdentities kubelet", "AKS gives nodes their identity"
    ),
    Need(
        "stand-by",
        "Key Vault Secrets User",
        "stamp vaults",
        "the stand-by gateway reads its certificate",
        only="stand-by",
    ),
    Need("front-door", "Key Vault Secrets User", "global vaults", "Front Door reads its certificate", each_stamp=False),
)
_OPERATORS = (
    Need("operators", SENDER, "stamp eventhubs commands", "replay parked events", "ops.dead_letters:replay"),
    Need("operators", CONTRIBUTOR, "region containers dead-letters", "take letters out", "ops.dead_letters:discard"),
    Need(
        "operators",
        DATA_CONTRIBUTOR,
        "database /dbs/catalog/colls/outcomes",
        "tell senders of discarded letters",
        "ops.dead_letters:discard",
        each_stamp=False,
    ),
    Need("operators", CONTRIBUTOR, "stamp containers azure-webjobs-eventhub", "mend checkpoints", "ops.queue:reset"),
    Need(
        "operators",
        CONTRIBUTOR,
        "stamp containers health",
        "take the stamp out of rotation",
        "adapters.stamp_storage:SWITCH",
    ),
    Need("operators", "Azure Kubernetes Service Cluster User Role", "stamp managedClusters", "reach the cluster"),
    Need("operators", "Azure Kubernetes Service RBAC Reader", "stamp managedClusters", "look at pods"),
)
_DEPLOYERS = (
    Need("deployers", CONTRIBUTOR, "stamp containers $web", "publish the page", "ops.site:publish"),
    Need(
        "deployers",
        CONTRIBUTOR,
        "global containers $web",
        "publish what Front Door's probe asks for",
        "ops.site:publish_probe",
        each_stamp=False,
    ),
    Need("deployers", "AcrPush", "global registries", "push the image", each_stamp=False),
    Need(
        "deployers",
        "Key Vault Certificates Officer",
        "global vaults",
        "renew the domain's certificate",
        each_stamp=False,
    ),
    Need("deployers", "Key Vault Certificates Officer", "stamp vaults", "renew the gateway's certificate"),
    Need("deployers", "Key Vault Secrets Officer", "stamp vaults", "rotate the API's keys"),
    Need("deployers", "Azure Kubernetes Service Cluster User Role", "stamp managedClusters", "reach the cluster"),
    Need(
        "deployers",
        "Azure Kubernetes Service RBAC Cluster Admin",
        "stamp managedClusters",
        "apply the manifests, namespaces included",
    ),
)
NEEDED = (*_API, *_PROCESSOR, *_PLATFORM, *_OPERATORS, *_DEPLOYERS)
