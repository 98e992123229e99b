"""Every environment is taken by a real API server without a warning, and its pods really come to life."""

import pytest

from local.kubernetes import manifests
from local.kubernetes.cluster import Cluster, Document

from .conftest import NAMESPACE, condition, ready, until

IN_AZURE = ("dev", "e2e", "int", "prod")


@pytest.mark.parametrize("overlay", IN_AZURE)
def test_an_environment_is_admitted_and_gets_its_pods(cluster: Cluster, overlay: str) -> None:
    """An accepted Deployment proves nothing: what Pod Security refuses are its pods."""
    namespace = f"catalog-{overlay}"
    documents = manifests.built(overlay, f"-{overlay}")
    try:
        namespaces = [one for one in documents if one["kind"] == "Namespace"]
        warnings = manifests.apply_all(cluster, namespaces)
        cluster.apply(manifests.api_keys(namespace, "a-key-of-16-characters"))
        warnings += manifests.apply_all(cluster, [one for one in documents if one["kind"] != "Namespace"])
        least = next(
            one["spec"]["minReplicaCount"]
            for one in documents
            if one["kind"] == "ScaledObject" and one["metadata"]["name"] == "api"
        )
        until(lambda: ready(cluster, "api", namespace) >= least, f"{least} API pods in {overlay}")
        # KEDA has no Entra to ask for a token here, so the processor keeps the one pod that a Deployment starts with.
        until(lambda: ready(cluster, "processor", namespace) >= 1, f"a processor in {overlay}")
    finally:
        for one in documents:
            if one["kind"] == "Namespace":
                cluster.delete("Namespace", one["metadata"]["name"])

    assert warnings == []


def test_the_rehearsal_is_admitted_without_a_warning(rehearsal: list[str]) -> None:
    assert rehearsal == []


def test_both_deployments_reach_their_least_number_of_pods(cluster: Cluster, rehearsal: list[str]) -> None:
    until(lambda: ready(cluster, "api") == 6, "six API pods")
    until(lambda: ready(cluster, "processor") == 3, "three processors")


def test_keda_reads_the_lag_by_the_metadata_of_the_manifests(cluster: Cluster, rehearsal: list[str]) -> None:
    """Admission looks at no trigger metadata: only this state tells that KEDA understands it."""
    until(lambda: condition(_scaled(cluster), "Ready") == "True", "the ScaledObject ready")
    found = _scaled(cluster)
    assert found["status"]["externalMetricNames"] == ["s0-azure-eventhub-processor"]
    metric = until(lambda: _metric(cluster), "a metric")
    assert metric == "0"


def _scaled(cluster: Cluster) -> Document:
    return cluster.get("ScaledObject", "processor", NAMESPACE)


def _metric(cluster: Cluster) -> str | None:
    found = cluster.raw(
        f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{NAMESPACE}/s0-azure-eventhub-processor",
        {"labelSelector": "scaledobject.keda.sh/name=processor"},
    )
    return str(found["items"][0]["value"]) if found["items"] else None


def test_gateway_and_routes_are_stored_as_written(cluster: Cluster, rehearsal: list[str]) -> None:
    for name in ("api", "health"):
        route = cluster.get("HTTPRoute", name, NAMESPACE)
        assert route["spec"]["parentRefs"][0]["namespace"] == "catalog-gateway-rehearsal"
