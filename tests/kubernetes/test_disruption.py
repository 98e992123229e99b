"""What happens to the pods when zones vanish, nodes are drained, versions change and manifests are applied again."""

import functools
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from local.kubernetes.cluster import Cluster, Document, Refused

from .conftest import NAMESPACE, document, is_ready, pods, ready, until

ZONE = "topology.kubernetes.io/zone"


def _zones(cluster: Cluster, deployment: str) -> list[int]:
    """How many ready pods each zone has, the fewest first."""
    nodes = {one["metadata"]["name"]: one["metadata"]["labels"].get(ZONE, "") for one in cluster.all("Node")}
    living = [one for one in pods(cluster, deployment) if is_ready(one) and one["spec"]["nodeName"] in nodes]
    counted = Counter(nodes[one["spec"]["nodeName"]] for one in living)
    return sorted(counted.values())


@pytest.fixture
def six(cluster: Cluster, rehearsal: list[str]) -> None:
    until(lambda: ready(cluster, "api") == 6, "six API pods")


def test_pods_are_spread_evenly_over_the_zones(cluster: Cluster, six: None) -> None:
    until(lambda: _zones(cluster, "api") == [2, 2, 2], "two API pods a zone")
    until(lambda: _zones(cluster, "processor") == [1, 1, 1], "one processor a zone")


def test_a_drain_never_takes_more_than_the_budget(cluster: Cluster, six: None) -> None:
    """25 % of six, rounded up: two at a time while their replacements cannot start."""
    until(lambda: _zones(cluster, "api") == [2, 2, 2], "two API pods a zone")
    nodes = [one["metadata"]["name"] for one in cluster.all("Node")]
    for name in nodes:
        cluster.patch("Node", name, {"spec": {"unschedulable": True}})
    try:
        victims = [one["metadata"]["name"] for one in pods(cluster, "api")]
        allowed = 0
        refused = ""
        for name in victims:
            try:
                cluster.evict(name, NAMESPACE)
                allowed += 1
            except Refused as error:
                refused = str(error)
        left = ready(cluster, "api")
    finally:
        for name in nodes:
            cluster.patch("Node", name, {"spec": {"unschedulable": None}})
    until(lambda: ready(cluster, "api") == 6, "six API pods again")

    assert (allowed, left) == (2, 4)
    assert refused.startswith("429")
    assert "disruption budget" in refused


def test_a_rollout_never_leaves_fewer_ready_pods_than_before(cluster: Cluster, six: None) -> None:
    """There and back again: the second rollout is what a roll-back is."""
    newer = document("Deployment", "api")
    newer["spec"]["template"]["metadata"]["annotations"] = {"rollout": str(time.time())}
    seen: list[int] = []
    stop = threading.Event()

    def sample() -> None:
        while not stop.wait(0.1):
            seen.append(ready(cluster, "api"))

    watcher = threading.Thread(target=sample)
    watcher.start()
    try:
        for version in (newer, document("Deployment", "api")):
            before = _names(cluster)
            cluster.apply(version)
            until(functools.partial(_replaced, cluster, before), "six pods of the other version", seconds=90)
    finally:
        stop.set()
        watcher.join()

    assert min(seen) >= 6
    assert max(seen) <= 8
    until(lambda: _zones(cluster, "api") == [2, 2, 2], "two API pods of the new version a zone")


def _replaced(cluster: Cluster, before: set[str]) -> bool:
    return ready(cluster, "api") == 6 and not before & _names(cluster)


def _names(cluster: Cluster) -> set[str]:
    return {one["metadata"]["name"] for one in pods(cluster, "api")}


def test_applying_again_leaves_the_number_to_the_autoscaler(cluster: Cluster, rehearsal: list[str]) -> None:
    given = document("ScaledObject", "api")
    given["spec"]["minReplicaCount"] = 12
    cluster.apply(given)
    until(lambda: ready(cluster, "api") == 12, "twelve API pods")

    cluster.apply(document("Deployment", "api"))
    time.sleep(3)

    assert ready(cluster, "api") == 12
    # Without metrics an autoscaler shrinks nothing, except to its maximum.
    given["spec"] |= {"minReplicaCount": 3, "maxReplicaCount": 6}
    cluster.apply(given)
    until(lambda: ready(cluster, "api") == 6, "six API pods again")
    cluster.apply(document("ScaledObject", "api"))


@pytest.fixture
def zone_taken_away(cluster: Cluster) -> Iterator[list[Document]]:
    """The nodes of the first zone, deleted; put back afterwards."""
    taken = [one for one in cluster.all("Node") if one["metadata"]["labels"].get(ZONE) == "zone-1"]
    for one in taken:
        cluster.delete("Node", one["metadata"]["name"])
    yield taken
    for one in taken:
        metadata = {key: one["metadata"][key] for key in ("name", "labels", "annotations")}
        status = {key: one["status"][key] for key in ("allocatable", "capacity")}
        cluster.create({"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": status})


def test_the_pods_of_a_lost_zone_come_back_in_the_others(
    cluster: Cluster, six: None, zone_taken_away: list[Document]
) -> None:
    assert len(zone_taken_away) == 2

    # The control plane looks for pods without a node every 20 s, and waits 40 s before it believes that.
    until(lambda: _zones(cluster, "api") == [3, 3], "three API pods in each zone that is left", seconds=120)
    assert sum(_zones(cluster, "processor")) == 3
