"""Faults planted into the manifests: the server refuses them, or the state shows them. None passes in silence."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.kubernetes import manifests
from local.kubernetes.cluster import Cluster, Document, Refused

from .conftest import add_secrets, condition, document, pods, ready, until


def _container(given: Document) -> Document:
    found: Document = given["spec"]["template"]["spec"]["containers"][0]
    return found


def _trigger(given: Document) -> Document:
    found: Document = given["spec"]["triggers"][0]
    return found


REFUSED: dict[str, tuple[str, str, Callable[[Document], Any], str]] = {
    "misspelt probe": (
        *("Deployment", "api"),
        lambda d: _container(d).update(readynessProbe=_container(d).pop("readinessProbe")),
        "readynessProbe: field not declared in schema",
    ),
    "text for a number": (
        *("Deployment", "api"),
        lambda d: d["spec"].update(minReadySeconds="five"),
        "expected numeric (int or float), got string",
    ),
    "selector beside the labels": (
        *("Deployment", "api"),
        lambda d: d["spec"]["template"]["metadata"]["labels"].update({"app.kubernetes.io/name": "other"}),
        "does not match template `labels`",
    ),
    "limit below the request": (
        *("Deployment", "api"),
        lambda d: _container(d)["resources"]["limits"].update(memory="1Mi"),
        "must be less than or equal to memory limit",
    ),
    "a pod that dies before its preStop ends": (
        *("Deployment", "api"),
        lambda d: d["spec"]["template"]["spec"].update(terminationGracePeriodSeconds=10),
        "must be non-negative and less than terminationGracePeriodSeconds",
    ),
    "number in a trigger": (
        *("ScaledObject", "processor"),
        lambda d: _trigger(d)["metadata"].update(unprocessedEventThreshold=256),
        "expected string",
    ),
    "misspelt maximum": (
        *("ScaledObject", "processor"),
        lambda d: d["spec"].update(maxReplicas=32),
        "field not declared in schema",
    ),
    "minimum above the maximum": (
        *("ScaledObject", "processor"),
        lambda d: d["spec"].update(minReplicaCount=40),
        "minReplicaCount",
    ),
    "fallback without a threshold": (
        *("ScaledObject", "processor"),
        lambda d: d["spec"]["fallback"].pop("failureThreshold"),
        "failureThreshold",
    ),
    "fallback behaviour that does not exist": (
        *("ScaledObject", "processor"),
        lambda d: d["spec"]["fallback"].update(behavior="currentReplicasIfMore"),
        "Unsupported value",
    ),
    "a second ScaledObject": (
        *("ScaledObject", "processor"),
        lambda d: d["metadata"].update(name="processor-too"),
        "already managed",
    ),
    "route without a slash": (
        *("HTTPRoute", "api"),
        lambda d: d["spec"]["rules"][0]["matches"][0]["path"].update(value="api"),
        "value must be an absolute path and start with '/'",
    ),
    "host with an underscore": (
        *("Gateway", "catalog"),
        lambda d: d["spec"]["listeners"][0].update(hostname="origin_1.example.com"),
        "should match",
    ),
    "budget without a unit": (
        *("PodDisruptionBudget", "api"),
        lambda d: d["spec"].update(maxUnavailable="25"),
        "a valid percent string must be a numeric string",
    ),
    "policy for a port that does not exist": (
        *("NetworkPolicy", "api-from-gateway"),
        lambda d: d["spec"]["ingress"][0]["ports"][0].update(port=80800),
        "must be between 1 and 65535",
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_the_server_refuses(cluster: Cluster, rehearsal: list[str], fault: str) -> None:
    kind, name, plant, words = REFUSED[fault]
    given = document(kind, name)
    plant(given)

    with pytest.raises(Refused) as refusal:
        cluster.apply(given, force=True)

    assert words in refusal.value.message


@pytest.fixture
def scratch(cluster: Cluster, stand_ins: dict[str, str]) -> Iterator[Callable[..., str]]:
    """A namespace of the test's own with all of the rehearsal in it, changed as the test says."""
    suffix = "-scratch"
    namespace = f"catalog{suffix}"
    created: list[str] = []

    def make(change: Callable[[Document], None]) -> str:
        until(lambda: _is_gone(cluster, namespace), "the last test's namespace gone", seconds=90)
        for one in manifests.built("rehearsal", suffix):
            if one["kind"] == "Namespace":
                cluster.apply(one)
                created.append(one["metadata"]["name"])
        add_secrets(cluster, namespace, stand_ins)
        for one in manifests.built("rehearsal", suffix):
            if one["kind"] in ("ServiceAccount", "Deployment", "TriggerAuthentication", "ScaledObject"):
                change(one)
                cluster.apply(one)
        return namespace

    yield make
    for name in created:
        cluster.delete("Namespace", name)


def _is_gone(cluster: Cluster, namespace: str) -> bool:
    return namespace not in {one["metadata"]["name"] for one in cluster.all("Namespace")}


def _only(kind: str, name: str, plant: Callable[[Document], object]) -> Callable[[Document], None]:
    def change(given: Document) -> None:
        if (given["kind"], given["metadata"]["name"]) == (kind, name):
            plant(given)

    return change


def test_a_misspelt_trigger_shows_as_a_scaled_object_that_is_not_ready(
    cluster: Cluster, scratch: Callable[..., str]
) -> None:
    """KEDA's admission looks at no metadata: whoever deploys must wait for Ready."""

    def plant(given: Document) -> None:
        metadata = _trigger(given)["metadata"]
        metadata["blobcontainer"] = metadata.pop("blobContainer")
        metadata["checkpointStrategie"] = metadata.pop("checkpointStrategy")
        metadata["unprocessedEventTreshold"] = metadata.pop("unprocessedEventThreshold")
        metadata["activationUnprocessedEventThreshold"] = "none"

    namespace = scratch(_only("ScaledObject", "processor", plant))

    until(
        lambda: condition(cluster.get("ScaledObject", "processor", namespace), "Ready") == "False",
        "the ScaledObject found not ready",
    )


def test_a_lost_cpu_request_is_refused_to_its_autoscaler(cluster: Cluster, scratch: Callable[..., str]) -> None:
    def plant(given: Document) -> None:
        del _container(given)["resources"]["requests"]["cpu"]
        del _container(given)["resources"]["limits"]["cpu"]

    with pytest.raises(Refused, match="cpu"):
        scratch(_only("Deployment", "api", plant))


def test_a_sidecar_without_seccomp_or_an_open_root_gets_no_pod(cluster: Cluster, scratch: Callable[..., str]) -> None:
    """The Deployment is accepted; only the warning, and the pods that never come, tell."""

    def plant(given: Document) -> None:
        spec = given["spec"]["template"]["spec"]
        del spec["securityContext"]["seccompProfile"]
        sidecar = {"name": "logs", "image": "logs:1", "securityContext": {"allowPrivilegeEscalation": False}}
        spec["containers"].append(sidecar)

    warned: list[str] = []

    def change(given: Document) -> None:
        _only("Deployment", "processor", plant)(given)
        if given["kind"] == "Deployment" and given["metadata"]["name"] == "processor":
            warned.extend(cluster.apply(given)[1])

    namespace = scratch(change)

    assert any("would violate PodSecurity" in one and "seccompProfile" in one for one in warned)
    until(
        lambda: condition(cluster.get("Deployment", "processor", namespace), "ReplicaFailure") == "True",
        "the Deployment's failure",
    )
    assert pods(cluster, "processor", namespace) == []


def test_replicas_beside_the_autoscaler_are_taken_and_take_pods_away(cluster: Cluster, rehearsal: list[str]) -> None:
    """Nothing refuses them, so a rule over the built manifests must (tests/infra/kubernetes/promises.py)."""
    until(lambda: len(pods(cluster, "api")) == 6, "six API pods", seconds=90)
    given = document("Deployment", "api")
    given["spec"]["replicas"] = 2

    applied, warnings = cluster.apply(given, force=True)

    assert (applied["spec"]["replicas"], warnings) == (2, [])
    until(lambda: ready(cluster, "api") == 6, "the autoscaler's six again")
    cluster.apply(document("Deployment", "api"))
    until(lambda: ready(cluster, "api") == 6, "six API pods")
