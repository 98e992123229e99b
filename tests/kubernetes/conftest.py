"""A throw-away cluster with KEDA and the Gateway API, given by REHEARSAL_KUBECONFIG; without one all is skipped.

The nodes must be fake ones that run every pod at once (kwok), in three zones; docs/operations/scaling.md says how to
get such a cluster. Hub and blobs that KEDA asks are stand-ins of ours, so it must reach 127.0.0.1 of this machine.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.kubernetes import manifests
from local.kubernetes.cluster import Cluster, Document, NoCluster
from local.stack import HUB_KEY, STORAGE_KEY, azurite_command, resources
from tests.processes import StandIn, free_port, python, start

WHY_SKIPPED = (
    "REHEARSAL_KUBECONFIG names no throw-away cluster with KEDA and the Gateway API (docs/operations/scaling.md)"
)
HUB_PORT = 5672  # KEDA cannot use a connection string with a port
NAMESPACE = "catalog-rehearsal"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(folder):
            needs_cluster = "cluster" in getattr(item, "fixturenames", ())
            if needs_cluster:
                item.add_marker(pytest.mark.timeout(180))
            if needs_cluster and not os.environ.get("REHEARSAL_KUBECONFIG"):
                item.add_marker(pytest.mark.skip(reason=WHY_SKIPPED))


def until(true: Callable[[], object], what: str, seconds: float = 60, every: float = 0.25) -> Any:
    """The first answer that counts as true."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(every)
    return found


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    try:
        found = Cluster(Path(os.environ["REHEARSAL_KUBECONFIG"]))
        found.check()
    except NoCluster as error:
        pytest.fail(str(error))
    manifests.install_definitions(found)
    manifests.give_nodes_storage(found)
    return found


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Hub and blobs that KEDA can ask; their connection strings, as the Secret of the rehearsal's overlay has them."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", HUB_PORT)) == 0:
            pytest.fail(f"port {HUB_PORT} of 127.0.0.1 is in use, and KEDA can use no other: stop what listens there")
    data = tmp_path_factory.mktemp("stand-ins")
    blob_port, control_port = free_port(), free_port()
    running: list[StandIn] = []
    hub = resources()["eventHubs"]
    try:
        running.append(
            start(
                python(
                    *("local.eventhubs", "--port", str(HUB_PORT), "--control-port", str(control_port)),
                    *("--data", str(data / "hub")),
                    *("--hub", f"{hub['hub']}={hub['partitions']}:{hub['consumerGroup']}"),
                ),
                data / "hub.log",
            )
        )
        running.append(
            start(
                azurite_command(blob_port, data / "blobs"),
                data / "blobs.log",
                ready="successfully listens",
                AZURITE_ACCOUNTS=f"stamp:{STORAGE_KEY}",
            )
        )
        yield {
            "event-hubs": (
                f"Endpoint=sb://127.0.0.1;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={HUB_KEY};"
                f"UseDevelopmentEmulator=true;EntityPath={hub['hub']}"
            ),
            "storage": (
                f"DefaultEndpointsProtocol=http;AccountName=stamp;AccountKey={STORAGE_KEY};"
                f"BlobEndpoint=http://127.0.0.1:{blob_port}/stamp;"
            ),
            "control": f"http://127.0.0.1:{control_port}/_control",
        }
    finally:
        for one in running:
            one.stop()


@pytest.fixture(scope="session")
def rehearsal(cluster: Cluster, stand_ins: dict[str, str]) -> Iterator[list[str]]:
    """The rehearsal's overlay, applied for the whole session; the warnings that came with it."""
    documents = manifests.built("rehearsal", NAMESPACE.removeprefix("catalog"))
    namespaces = [one for one in documents if one["kind"] == "Namespace"]
    warnings = manifests.apply_all(cluster, namespaces)
    add_secrets(cluster, NAMESPACE, stand_ins)
    warnings += manifests.apply_all(cluster, [one for one in documents if one["kind"] != "Namespace"])
    yield warnings
    for one in namespaces:
        cluster.delete("Namespace", one["metadata"]["name"])


def add_secrets(cluster: Cluster, namespace: str, stand_ins: dict[str, str]) -> None:
    """What Azure's secrets driver and the rehearsal itself bring."""
    cluster.apply(manifests.api_keys(namespace, "a-key-of-16-characters"))
    connections = {key: stand_ins[key] for key in ("event-hubs", "storage")}
    cluster.apply(manifests.secret("rehearsal-connections", namespace, connections))


def pods(cluster: Cluster, deployment: str, namespace: str = NAMESPACE) -> list[Document]:
    """A Deployment's pods that are not on their way out."""
    found = cluster.all("Pod", namespace, labels=f"app.kubernetes.io/name={deployment}")
    return [one for one in found if "deletionTimestamp" not in one["metadata"]]


def is_ready(pod: Document) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def ready(cluster: Cluster, deployment: str, namespace: str = NAMESPACE) -> int:
    return sum(map(is_ready, pods(cluster, deployment, namespace)))


def document(kind: str, name: str, overlay: str = "rehearsal") -> Document:
    """One built document, in the session's namespace."""
    suffix = NAMESPACE.removeprefix("catalog")
    return next(
        one for one in manifests.built(overlay, suffix) if (one["kind"], one["metadata"]["name"]) == (kind, name)
    )


def condition(found: Document, kind: str) -> str:
    """The state of one of a document's conditions; empty while it has none."""
    conditions = found.get("status", {}).get("conditions", [])
    return next((str(one["status"]) for one in conditions if one["type"] == kind), "")
