"""The manifests against the computed Azure estate: one stamp's values are what its deployment gives out."""

import json
import re
import subprocess
from typing import Any

import pytest
import yaml

from .manifests import IN_AZURE, KUBERNETES, ROOT, built

SNAPSHOTS = ROOT / "infra" / "snapshots"
ZEROS = re.compile(r"0{8}(-0{4}){3}-0{12}")
# What only Azure knows; the rest is known to the templates.
BY_AZURE = {"frontDoorId", "apiClientId", "processorClientId", "kedaClientId", "tenantId"}
SUFFIXES = {
    "cosmosEndpoint": "https://{}.documents.azure.com/",
    "eventHubsHost": "{}.servicebus.windows.net",
    "stampBlobHost": "{}.blob.core.windows.net",
    "regionBlobHost": "{}.blob.core.windows.net",
    "globalBlobHost": "{}.blob.core.windows.net",
}


def _stamp(overlay: str) -> dict[str, str]:
    values: dict[str, str] = yaml.safe_load((KUBERNETES / "overlays" / overlay / "stamp.yaml").read_text())["data"]
    return values


def _snapshot(overlay: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SNAPSHOTS / overlay / f"{name}.json").read_text())
    return found


@pytest.mark.parametrize("overlay", IN_AZURE)
def test_a_stamps_values_are_the_outputs_of_its_deployment(overlay: str) -> None:
    values = _stamp(overlay)
    outputs = _snapshot(overlay, "stamp-westeurope")["outputs"]

    # So that a pipeline writes this file from the outputs without knowing any of them.
    assert set(values) - {"image"} == set(outputs) - {"cluster", "resourceGroup"}
    for name, value in values.items():
        if name in BY_AZURE:
            assert ZEROS.fullmatch(value)
        elif name in SUFFIXES:
            resource = re.search(r"/([^/']+)', '20", outputs[name])
            assert resource
            assert value == SUFFIXES[name].format(resource[1])
        elif name != "image":
            assert value == outputs[name]


@pytest.mark.parametrize("overlay", IN_AZURE)
def test_the_image_comes_from_the_environments_registry(overlay: str) -> None:
    resources = _snapshot(overlay, "global")["predictedResources"]
    registries = [one["name"] for one in resources if one["type"] == "Microsoft.ContainerRegistry/registries"]

    assert [_stamp(overlay)["image"].partition("/")[0]] == [f"{name}.azurecr.io" for name in registries]


@pytest.mark.parametrize("overlay", IN_AZURE)
def test_federated_identities_are_those_of_our_service_accounts(overlay: str) -> None:
    resources = _snapshot(overlay, "stamp-westeurope")["predictedResources"]
    subjects = {
        one["properties"]["subject"] for one in resources if one["type"].endswith("/federatedIdentityCredentials")
    }
    accounts = {
        f"system:serviceaccount:{one['metadata']['namespace']}:{one['metadata']['name']}"
        for one in built(overlay).all("ServiceAccount")
    }

    # KEDA asks as its operator, whose account comes with the add-on.
    assert subjects == accounts | {"system:serviceaccount:kube-system:keda-operator"}


@pytest.mark.parametrize("overlay", IN_AZURE)
def test_the_clusters_run_the_version_that_the_schemas_are_of(overlay: str) -> None:
    resources = _snapshot(overlay, "stamp-westeurope")["predictedResources"]
    versions = {
        one["properties"]["kubernetesVersion"]
        for one in resources
        if one["type"] == "Microsoft.ContainerService/managedClusters"
    }

    assert {version[:4] for version in versions} == {"1.36"}


def test_a_deployments_outputs_become_a_stamps_values() -> None:
    outputs = _snapshot("prod", "stamp-northeurope")["outputs"]
    image = f"registry.azurecr.io/catalog@sha256:{'a' * 64}"
    done = subprocess.run(
        ["scripts/stamp-values", image],
        cwd=ROOT,
        input=json.dumps({name: {"type": "String", "value": value} for name, value in outputs.items()}),
        capture_output=True,
        text=True,
        check=True,
    )

    written = yaml.safe_load(done.stdout)
    assert written["metadata"] == yaml.safe_load((KUBERNETES / "overlays/prod/stamp.yaml").read_text())["metadata"]
    assert set(written["data"]) == set(_stamp("prod"))
    assert written["data"]["region"] == "North Europe"
    assert written["data"]["image"] == image


@pytest.mark.parametrize(
    ("image", "given", "words"),
    [
        ("registry.azurecr.io/catalog:latest", "{}", "only a digest"),
        (f"r.azurecr.io/c@sha256:{'a' * 64}", "[]", "outputs"),
        (f"r.azurecr.io/c@sha256:{'a' * 64}", "", "outputs"),
    ],
)
def test_values_that_cannot_be_are_refused(image: str, given: str, words: str) -> None:
    done = subprocess.run(
        ["scripts/stamp-values", image], cwd=ROOT, input=given, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
