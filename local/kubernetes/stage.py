"""Sets the stage of a rehearsal: stand-ins for Azure, the manifests applied, and a node agent under them."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from local import provision
from local.kubernetes import manifests
from local.kubernetes.agent import Agent, running
from local.kubernetes.cluster import Cluster, Document
from local.kubernetes.image import our_image
from local.kubernetes.nodes import Nodes
from local.kubernetes.pods import PodLife
from local.stack import API_KEY, FRONT_DOOR_ID, REGIONS, Stack
from local.supervisor import Supervisor

HUB_PORT = 5672
"""The only one that KEDA can use: it cannot parse a checkpoint's path with a port in it."""
NAMESPACE = "catalog"
NODES = 6
_BELOW_HUB = 30  # where Stack puts the first hub above its first port
# What an identity serves in Azure, and a connection string here.
_BY_IDENTITY = (
    "EVENT_HUBS__fullyQualifiedNamespace",
    "DEAD_LETTERS__blobServiceUri",
    "IMAGES__blobServiceUri",
    "AzureWebJobsStorage__blobServiceUri",
)


class NotPossible(Exception):
    """The rehearsal cannot be held here; the message says what to do."""


@dataclass
class Stage:
    """Everything that runs."""

    cluster: Cluster
    stack: Stack
    supervisor: Supervisor
    agent: Agent

    @property
    def hub(self) -> str:
        """The hub's process."""
        return f"eventhubs-{REGIONS[0].lower().replace(' ', '')}"

    @property
    def hub_control(self) -> str:
        """Where the hub's stand-in says how far its partitions are."""
        return f"http://127.0.0.1:{HUB_PORT + 1}/_control/hubs/commands"

    def ready(self, app: str) -> list[PodLife]:
        """The pods of a Deployment whose host listens and whose probe passes."""
        return [one for one in self.agent.named(app) if one.is_ready and one.address]

    def scaled(self, name: str) -> Document:
        """A Deployment as the API server has it."""
        return self.cluster.get("Deployment", name, NAMESPACE)

    def autoscaler(self, name: str) -> Document | None:
        """KEDA's autoscaler for a Deployment; None while there is none."""
        found = [
            one
            for one in self.cluster.all("HorizontalPodAutoscaler", NAMESPACE)
            if one["metadata"]["name"] == f"keda-hpa-{name}"
        ]
        return found[0] if found else None

    def pause(self, replicas: int | None) -> None:
        """Hold the processor at a number of pods by KEDA's own means; None lets it scale again."""
        value = None if replicas is None else str(replicas)
        change = {"metadata": {"annotations": {"autoscaling.keda.sh/paused-replicas": value}}}
        self.cluster.patch("ScaledObject", "processor", change, NAMESPACE)


@contextlib.asynccontextmanager
async def set_up(
    cluster: Cluster, data: Path, change: Callable[[Document], None], say: Callable[[str], None]
) -> AsyncIterator[Stage]:
    """Start the stand-ins, apply the rehearsal's manifests (each document after `change`), and play the nodes.

    Raises:
        NotPossible: port 5672 is taken, or Azurite or Node is missing.
    """
    check_ports()
    stack = Stack(HUB_PORT - _BELOW_HUB, data, REGIONS[:1])
    supervisor = Supervisor(data, say)
    try:
        stores = stack.stages[0]
        await asyncio.gather(*(supervisor.start(one) for one in stores))
        await provision.provision(stack)
        nodes = Nodes(cluster, [f"rehearsal-{number}" for number in range(NODES)])
        async with running(
            cluster,
            nodes,
            our_image(),
            data / "pods",
            replaced=_replaced(stack),
            said=lambda _, name, words: say(f"{name} {words}"),
        ) as agent:
            await asyncio.to_thread(_apply, cluster, stack, change)
            try:
                yield Stage(cluster, stack, supervisor, agent)
            finally:
                await asyncio.to_thread(_remove, cluster)
    finally:
        await supervisor.stop_all()


def check_ports() -> None:
    """See that the ports which cannot be others are free.

    Raises:
        NotPossible: one is taken.
    """
    for port in (HUB_PORT, HUB_PORT + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise NotPossible(
                    f"port {port} of 127.0.0.1 is in use, and KEDA can ask a hub on {HUB_PORT} only: stop what "
                    "listens there, or rehearse in a network namespace of its own (unshare --net)"
                ) from error


def connection(stack: Stack) -> str:
    """How pods, KEDA and operators reach the hub."""
    # Without the port, which is the default one: KEDA and the host must make the same path of it.
    return stack.hub_connection(0).replace(f":{HUB_PORT}", "")


def _replaced(stack: Stack) -> dict[str, str | None]:
    """The variables that only Azure could serve, and what serves here."""
    return {
        **dict.fromkeys(_BY_IDENTITY),
        **{name: value for name, value in stack.app_settings(0).items() if not name.startswith(("API_KEY", "FRONT_"))},
        "EVENT_HUBS": connection(stack),
        "FRONT_DOOR_ID": FRONT_DOOR_ID,
    }


def _apply(cluster: Cluster, stack: Stack, change: Callable[[Document], None]) -> None:
    manifests.install_definitions(cluster)
    _until_gone(cluster)
    documents = manifests.built("rehearsal")
    namespaces = [one for one in documents if one["kind"] == "Namespace"]
    manifests.apply_all(cluster, namespaces)
    cluster.apply(manifests.api_keys(NAMESPACE, API_KEY), force=True)
    connections = {
        "event-hubs": f"{connection(stack)};EntityPath=commands",
        "storage": stack.storage_connection(stack.stamp_account(0)),
    }
    cluster.apply(manifests.secret("rehearsal-connections", NAMESPACE, connections), force=True)
    manifests.apply_all(cluster, [one for one in documents if one["kind"] != "Namespace"], change)


def _until_gone(cluster: Cluster) -> None:
    """Wait for the namespaces of an earlier rehearsal to vanish: nothing can be made in one that is on its way out."""
    deadline = time.monotonic() + 90
    while left := {one["metadata"]["name"] for one in cluster.all("Namespace")} & set(manifests.NAMESPACES):
        if time.monotonic() > deadline:
            raise NotPossible(f"namespace {', '.join(sorted(left))} is there already: is this a throw-away cluster?")
        time.sleep(0.5)


def _remove(cluster: Cluster) -> None:
    for name in manifests.NAMESPACES:
        cluster.delete("Namespace", name)
    # Their nodes go with the agent, and nobody else would end them.
    for pod in cluster.all("Pod", NAMESPACE):
        cluster.delete("Pod", pod["metadata"]["name"], NAMESPACE, grace_s=0)


def memory_mib(pids: list[int]) -> float:
    """The memory that processes have for themselves, each with its children's; shared pages count once for each."""
    total = 0.0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError):
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            total += pages * os.sysconf("SC_PAGE_SIZE") / 1048576
    return total
