"""KEDA's number and ours, asked of the same hub and the same checkpoints: equal, or differing as we say."""

import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from azure.eventhub import EventData, EventHubProducerClient
from azure.storage.blob import BlobServiceClient, ContainerClient

from domain.backlog import Observer, PartitionState
from local.kubernetes.cluster import Cluster, Refused
from local.stack import resources
from wiring import Parts

from .conftest import NAMESPACE, until

CAP = 32 * 256
PREFIX = "127.0.0.1/commands/processor/checkpoint"


@dataclass
class Hub:
    """The hub and its checkpoints, made anew for each row."""

    stand_ins: dict[str, str]
    checkpoints: ContainerClient

    def renew(self) -> None:
        self._post("hubs/commands/recreate")
        for name in list(self.checkpoints.list_blob_names()):
            self.checkpoints.delete_blob(name)

    def send(self, count: int, partition: str) -> None:
        with EventHubProducerClient.from_connection_string(self.stand_ins["event-hubs"]) as producer:
            sent = 0
            while sent < count:
                batch = producer.create_batch(partition_id=partition)
                for _ in range(min(2000, count - sent)):
                    batch.add(EventData(b"x"))
                producer.send_batch(batch)
                sent += min(2000, count - sent)

    def read_up_to(self, sequence: int, partition: str) -> None:
        values = {"sequencenumber": str(sequence), "offset": "0", "clientidentifier": "test"}
        self.checkpoints.upload_blob(f"{PREFIX}/{partition}", b"", metadata=values, overwrite=True)

    def _post(self, path: str) -> None:
        asked = urllib.request.Request(f"{self.stand_ins['control']}/{path}", method="POST")
        with urllib.request.urlopen(asked) as answer:
            assert answer.status == 200


@pytest.fixture
def hub(stand_ins: dict[str, str], cluster: Cluster, rehearsal: list[str]) -> Iterator[Hub]:
    with BlobServiceClient.from_connection_string(stand_ins["storage"]) as service:
        container = service.get_container_client(resources()["storage"]["hostContainer"])
        if not container.exists():
            container.create_container()
        made = Hub(stand_ins, container)
        made.renew()
        yield made
        made.renew()


@dataclass(frozen=True)
class Row:
    """Events sent and checkpoints written, by partition; what KEDA and what we count."""

    sent: dict[str, int]
    read: dict[str, int]
    kedas: int
    ours: int


ROWS = {
    "never used": Row({}, {}, 0, 0),
    "one event, never read": Row({"0": 1}, {}, 1, 1),
    "some events, never read": Row({"0": 5}, {}, 5, 5),
    "read to the end": Row({"0": 5}, {"0": 4}, 0, 0),
    "read in part": Row({"0": 5}, {"0": 1}, 3, 3),
    "several partitions": Row({"0": 5, "31": 7}, {"31": 2}, 9, 9),
    "above the cap": Row({"0": CAP + 512}, {}, CAP, CAP + 512),
    "just above the cap, which lets it through": Row({"0": CAP + 100}, {}, CAP + 100, CAP + 100),
    "beyond the log": Row({"0": 5}, {"0": 5_000}, 0, 5),
    "far beyond the log": Row({"0": 5}, {"0": 50_000}, CAP, 5),
}


@pytest.mark.parametrize("row", ROWS)
async def test_kedas_lag_and_ours(cluster: Cluster, hub: Hub, row: str) -> None:
    given = ROWS[row]
    for partition, count in given.sent.items():
        hub.send(count, partition)
    for partition, sequence in given.read.items():
        hub.read_up_to(sequence, partition)

    until(lambda: _kedas(cluster) == given.kedas, f"KEDA's lag to be {given.kedas}", seconds=30)
    parts = Parts(
        {
            "REGION": "West Europe",
            "EVENT_HUBS": hub.stand_ins["event-hubs"].partition(";EntityPath")[0],
            "COSMOS_ENDPOINT": "http://127.0.0.1:1/",
            "COSMOS_REGIONS": "West Europe",
            "AzureWebJobsStorage": hub.stand_ins["storage"],
            "DEAD_LETTERS": hub.stand_ins["storage"],
            "IMAGES": hub.stand_ins["storage"],
            "API_KEY_1": "a-key-of-16-characters",
        }
    )
    try:
        backlog = Observer().backlog(await parts.queue_progress.read())
    finally:
        await parts.close()

    assert backlog.lag == given.ours
    beyond = any(one.state is PartitionState.BEYOND_LOG for one in backlog.partitions)
    assert beyond == row.endswith("beyond the log")


def _kedas(cluster: Cluster) -> int | None:
    """The number that the autoscaler gets; None while KEDA cannot say."""
    try:
        found = cluster.raw(
            f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{NAMESPACE}/s0-azure-eventhub-processor",
            {"labelSelector": "scaledobject.keda.sh/name=processor"},
        )
    except Refused:
        time.sleep(0.5)
        return None
    value = str(found["items"][0]["value"]) if found["items"] else ""
    return int(value.removesuffix("k")) * (1000 if value.endswith("k") else 1) if value else None
