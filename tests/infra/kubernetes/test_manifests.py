"""Every environment's built manifests against every rule; and the rules against faults planted into production's."""

import shutil
import subprocess
from collections.abc import Callable

import pytest
import yaml

from . import promises, schemas, truths
from .manifests import KUBERNETES, OVERLAYS, ROOT, Document, Manifests, built

RULES = promises.RULES + truths.RULES
KINDS = {
    *("Namespace", "PriorityClass", "ServiceAccount", "Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"),
    *schemas.CUSTOM,
    *schemas.WITHOUT_SCHEMA,
}


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_promise(rule: promises.Rule, overlay: str) -> None:
    assert list(rule(built(overlay))) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_schemas_are_obeyed(overlay: str) -> None:
    given = built(overlay)

    assert {one["kind"] for one in given.documents} == KINDS
    assert [fault for one in given.documents for fault in schemas.faults(one)] == []


def test_what_is_committed_is_what_the_parts_build() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on PATH: cannot tell whether infra/kubernetes/rendered is up to date")
    done = subprocess.run(
        ["scripts/render-manifests", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stamp_file_fills_every_place() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on PATH: cannot build manifests")
    stamp = KUBERNETES / "overlays" / "dev" / "stamp.yaml"
    done = subprocess.run(
        ["scripts/render-manifests", "prod", str(stamp)], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert ".stamps.dev.catalog" in done.stdout
    assert "catalogprod" not in done.stdout
    assert "filled" not in done.stdout


def test_every_environment_builds_without_a_gap() -> None:
    for overlay in OVERLAYS:
        assert "filled" not in (KUBERNETES / "rendered" / f"{overlay}.yaml").read_text()


def test_environments_differ_only_in_sizes_and_names() -> None:
    production = _without_sizes(built("prod"))
    for overlay in ("dev", "e2e", "int"):
        assert _without_sizes(built(overlay)) == production


def test_the_rehearsal_is_production_but_for_what_it_must_replace() -> None:
    production, rehearsal = built("prod"), built("rehearsal")
    for name in ("api", "processor"):
        for given in (production, rehearsal):
            image = given.container(name)
            image["image"] = image["image"].rpartition("/")[2]
    for given in (production, rehearsal):
        metadata = given.trigger("processor")["metadata"]
        for name in ("eventHubNamespace", "eventHubName", "storageAccountName"):
            assert (name in metadata) == (given is production)
            metadata.pop(name, None)
        authentication = given.one("TriggerAuthentication", "processor-lag")
        del authentication["spec"]

    assert rehearsal.documents == production.documents


def _without_sizes(given: Manifests) -> list[Document]:
    for name in ("api", "processor"):
        spec = given.one("ScaledObject", name)["spec"]
        del spec["minReplicaCount"], spec["maxReplicaCount"]
    stamp = yaml.safe_load((KUBERNETES / "overlays" / given.overlay / "stamp.yaml").read_text())["data"]
    names = sorted((one for one in stamp.values() if not one.startswith("gateway")), key=len, reverse=True)
    names += [text.partition(".")[0] for text in names if ".blob." in text or ".servicebus." in text]
    return [_blank(one, names) for one in given.documents]


def _blank(value: object, names: list[str]) -> Document:
    if isinstance(value, dict):
        return {key: _blank(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_blank(inner, names) for inner in value]  # type: ignore[return-value]
    if isinstance(value, str):
        for name in names:
            value = value.replace(name, "…")
    return value  # type: ignore[return-value]


def _env(given: Manifests, deployment: str, name: str) -> Document:
    found: Document = next(one for one in given.container(deployment)["env"] if one["name"] == name)
    return found


def _spec(given: Manifests, kind: str, name: str) -> Document:
    found: Document = given.one(kind, name)["spec"]
    return found


FAULTS: dict[str, Callable[[Manifests], object]] = {
    "pod may run as root": lambda g: g.pod("api")["securityContext"].update(runAsNonRoot=False),
    "a sidecar without seccomp": lambda g: g.container("api")["securityContext"].pop("seccompProfile"),
    "a token for the API server": lambda g: g.one("ServiceAccount", "api").update(automountServiceAccountToken=True),
    "another service account": lambda g: g.pod("processor").update(serviceAccountName="api"),
    "no workload identity": lambda g: _spec(g, "Deployment", "api")["template"]["metadata"]["labels"].pop(
        "azure.workload.identity/use"
    ),
    "a namespace that enforces nothing": lambda g: g.one("Namespace", "catalog")["metadata"].update(labels={}),
    "a tag": lambda g: g.container("api").update(image="crcatalogprod.azurecr.io/catalog:1"),
    "replicas": lambda g: _spec(g, "Deployment", "processor").update(replicas=3),
    "one replica": lambda g: _spec(g, "ScaledObject", "api").update(minReplicaCount=1),
    "no replica": lambda g: _spec(g, "ScaledObject", "processor").update(minReplicaCount=0),
    "more replicas than partitions": lambda g: _spec(g, "ScaledObject", "processor").update(maxReplicaCount=33),
    "static fallback": lambda g: _spec(g, "ScaledObject", "processor")["fallback"].update(behavior="static"),
    "another checkpoint strategy": lambda g: g.trigger("processor")["metadata"].update(checkpointStrategy="goSdk"),
    "a capital letter in the hub": lambda g: g.trigger("processor")["metadata"].update(eventHubName="Commands"),
    "another consumer group": lambda g: g.trigger("processor")["metadata"].update(consumerGroup="$Default"),
    "a misspelt trigger key": lambda g: g.trigger("processor")["metadata"].update(eventhubName="commands"),
    "schedule anyway": lambda g: g.pod("api")["topologySpreadConstraints"][0].update(
        whenUnsatisfiable="ScheduleAnyway"
    ),
    "a budget of 100 %": lambda g: _spec(g, "PodDisruptionBudget", "api").update(maxUnavailable="100%"),
    "a short grace period": lambda g: g.pod("processor").update(terminationGracePeriodSeconds=30),
    "no preStop": lambda g: g.container("processor").pop("lifecycle"),
    "no memory request": lambda g: g.container("api")["resources"]["requests"].pop("memory"),
    "a policy that allows all": lambda g: g.documents.append(
        {
            "kind": "NetworkPolicy",
            "metadata": {"name": "all", "namespace": "catalog"},
            "spec": {"podSelector": {}, "ingress": [{}]},
        }
    ),
    "a public gateway": lambda g: _spec(g, "Gateway", "catalog")["infrastructure"]["annotations"].pop(
        "service.beta.kubernetes.io/azure-load-balancer-internal"
    ),
    "a lost route": lambda g: g.documents.remove(g.one("HTTPRoute", "health")),
    "a route to the host's own endpoints": lambda g: _spec(g, "HTTPRoute", "api")["rules"][0]["matches"].append(
        {"path": {"type": "PathPrefix", "value": "/admin"}}
    ),
    "a secret class without identity": lambda g: _spec(g, "SecretProviderClass", "api")["parameters"].pop("clientID"),
    "a probe of another path": lambda g: g.container("api")["readinessProbe"]["httpGet"].update(path="/health/stamp"),
    "a probe of a function that is off": lambda g: g.container("processor")["readinessProbe"]["httpGet"].update(
        path="/health/ready"
    ),
    "a function that does not exist": lambda g: _env(g, "processor", "AzureFunctionsJobHost__functions__1").update(
        value="process_command"
    ),
    "a missing setting": lambda g: g.container("processor")["env"].remove(_env(g, "processor", "COSMOS_ENDPOINT")),
    "a setting nobody reads": lambda g: g.container("api")["env"].append({"name": "COSMOS_DATABASE", "value": "x"}),
    "POD_NAMESPACE": lambda g: g.container("api")["env"].append({"name": "POD_NAMESPACE", "value": "catalog"}),
    "one host id": lambda g: _env(g, "api", "AzureFunctionsWebHost__hostid").update(value="catalog-processor"),
    "a key in place": lambda g: g.container("api")["env"].append(
        {"name": "COSMOS_KEY", "value": "AccountKey=0123456789"}
    ),
    "another number of partitions": lambda g: _env(g, "api", "EVENT_HUB_PARTITIONS").update(value="16"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str) -> None:
    given = built("prod")
    FAULTS[fault](given)

    assert [found for rule in RULES for found in rule(given)] != []


SCHEMA_FAULTS: dict[str, Callable[[Manifests], object]] = {
    "a number in a trigger": lambda g: g.trigger("processor")["metadata"].update(unprocessedEventThreshold=256),
    "a misspelt maximum": lambda g: _spec(g, "ScaledObject", "processor").update(maxReplicas=3),
    "a misspelt probe": lambda g: g.container("api").update(readynessProbe={}),
    "text for a number": lambda g: g.pod("api").update(terminationGracePeriodSeconds="30"),
    "a misspelt secret class": lambda g: _spec(g, "SecretProviderClass", "api").update(secretObject=[]),
    "an unknown kind": lambda g: g.one("Service", "api").update(kind="Servce"),
}


@pytest.mark.parametrize("fault", SCHEMA_FAULTS)
def test_a_planted_slip_is_refused_by_a_schema(fault: str) -> None:
    given = built("prod")
    SCHEMA_FAULTS[fault](given)

    assert [found for one in given.documents for found in schemas.faults(one)] != []
