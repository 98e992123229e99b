"""Fake nodes of our own: what stands in the API server for a machine, and the heartbeat that keeps it there."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from local.kubernetes.cluster import Cluster, Document, Refused

ZONE = "topology.kubernetes.io/zone"
_LEASES = "kube-node-lease"
_HOLDER = "rehearsal-node-agent"
BEAT_S = 10.0


@dataclass(frozen=True)
class NodeSize:
    """What a node offers to the scheduler; nothing enforces it."""

    cpu: str = "8"
    memory: str = "32Gi"
    storage: str = "100Gi"
    pods: str = "110"


@dataclass
class Nodes:
    """Nodes spread over zones. A simulator of other nodes leaves these alone, for their leases are held."""

    cluster: Cluster
    names: Sequence[str]
    zones: int = 3
    size: NodeSize = NodeSize()

    def zone_of(self, name: str) -> str:
        """The zone of a node of ours."""
        return f"zone-{list(self.names).index(name) % self.zones + 1}"

    def in_zone(self, zone: str) -> list[str]:
        """Our nodes of a zone."""
        return [name for name in self.names if self.zone_of(name) == zone]

    def join(self, names: Sequence[str] | None = None) -> None:
        """Make leases, then nodes (in this order, or a simulator of nodes would take them for its own)."""
        for name in names or self.names:
            self.leave([name])
            self.cluster.create(
                {
                    "apiVersion": "coordination.k8s.io/v1",
                    "kind": "Lease",
                    "metadata": {"name": name, "namespace": _LEASES},
                    "spec": {"holderIdentity": _HOLDER, "leaseDurationSeconds": 40, "renewTime": _micro()},
                }
            )
            self.cluster.create(self._node(name))
            # Creation takes the status as it is only from some servers; a patch makes sure.
            self.cluster.patch("Node", name, {"status": self._status()}, part="status")

    def beat(self) -> None:
        """Say that all nodes that are there still live."""
        for name in self.names:
            try:
                self.cluster.patch("Lease", name, {"spec": {"renewTime": _micro()}}, _LEASES)
            except Refused as error:
                if error.status != 404:
                    raise

    def leave(self, names: Sequence[str] | None = None) -> None:
        """Take nodes away, as when their machines are deleted."""
        for name in names or self.names:
            self.cluster.delete("Node", name)
            self.cluster.delete("Lease", name, _LEASES)

    def cordon_others(self) -> list[str]:
        """Keep pods off every other node; the names of those that were open before."""
        closed = []
        for node in self.cluster.all("Node"):
            name = node["metadata"]["name"]
            if name not in self.names and not node["spec"].get("unschedulable"):
                self.cluster.patch("Node", name, {"spec": {"unschedulable": True}})
                closed.append(name)
        return closed

    def uncordon(self, names: Sequence[str]) -> None:
        """Open nodes again."""
        for name in names:
            self.cluster.patch("Node", name, {"spec": {"unschedulable": None}})

    def _node(self, name: str) -> Document:
        labels = {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "topology.kubernetes.io/region": "rehearsal",
            ZONE: self.zone_of(name),
        }
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "status": self._status(),
        }

    def _status(self) -> Document:
        room = {
            "cpu": self.size.cpu,
            "memory": self.size.memory,
            "ephemeral-storage": self.size.storage,
            "pods": self.size.pods,
        }
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        ready = {"type": "Ready", "status": "True", "reason": "AgentRuns", "message": "the rehearsal's node agent runs"}
        return {
            "allocatable": room,
            "capacity": room,
            "conditions": [{**ready, "lastHeartbeatTime": now, "lastTransitionTime": now}],
        }


def _micro() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
