"""`azd up`: what azure.yaml names is there, and the app would start with the settings that it gets."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import Settings

ROOT = Path(__file__).parents[2]
TRY_OUT = ROOT / "infra" / "try-out"
# What azd accepts beyond these, its published schema does too; these are the spellings that it knows.
HOSTS = {"function", "staticwebapp"}
LANGUAGES = {"python", "js"}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="module")
def app_settings() -> set[str]:
    text = (TRY_OUT / "app.bicep").read_text(encoding="utf-8")
    block = re.search(r"name: 'appsettings'.*?properties: \{(.*?)\n    \}", text, re.DOTALL)
    assert block is not None
    return set(re.findall(r"^\s+([A-Za-z0-9_]+):", block[1], re.MULTILINE))


def test_what_azure_yaml_names_is_there(project: dict[str, Any]) -> None:
    module = ROOT / project["infra"]["path"] / project["infra"]["module"]
    assert project["infra"]["provider"] == "bicep"
    assert module.with_suffix(".bicep").is_file()
    assert module.with_suffix(".bicepparam").is_file()
    for service in project["services"].values():
        assert service["host"] in HOSTS
        assert service["language"] in LANGUAGES
        assert (ROOT / service["project"]).is_dir()
    assert (ROOT / project["services"]["app"]["project"] / "requirements.txt").is_file()


def test_azd_finds_each_service_by_its_tag(project: dict[str, Any]) -> None:
    templates = (TRY_OUT / "app.bicep").read_text(encoding="utf-8")
    assert set(re.findall(r"'azd-service-name': '(\w+)'", templates)) == set(project["services"])
    assert "'azd-env-name': name" in (TRY_OUT / "main.bicep").read_text(encoding="utf-8")


def test_the_app_starts_with_these_settings(app_settings: set[str]) -> None:
    values = {"EVENT_HUB_PARTITIONS": "32"}
    read = Settings.read({name: values.get(name, "x" * 16) for name in app_settings})
    assert read.event_hubs__fullyqualifiednamespace
    assert not read.event_hubs
    assert not read.cosmos_key


def test_no_setting_is_misspelt(app_settings: set[str]) -> None:
    known = {name.upper() for name in Settings.__dataclass_fields__}
    of_the_host = {
        "EVENT_HUBS__CREDENTIAL",
        "AZUREWEBJOBSSTORAGE__CREDENTIAL",
        "AZUREWEBJOBSSTORAGE__QUEUESERVICEURI",
        "AZUREWEBJOBSSTORAGE__TABLESERVICEURI",
        "AZURE_COSMOS_ENABLE_CIRCUIT_BREAKER",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    }
    assert {name for name in app_settings if name.upper() not in known | of_the_host} == set()


def test_the_same_files_are_packed_as_in_the_image() -> None:
    packed = {
        line[2:] for line in (ROOT / ".funcignore").read_text(encoding="utf-8").splitlines() if line.startswith("!/")
    }
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = {
        source
        for line in re.findall(r"^COPY (.*)$", dockerfile, re.MULTILINE)
        for source in line.split()[:-1]
        if not source.startswith(("--", "docker/"))
    }
    assert packed == copied


def test_everything_can_be_evaluated(tmp_path: Path) -> None:
    bicep = shutil.which(os.environ.get("BICEP") or "bicep")
    if bicep is None:
        pytest.skip("bicep is not on PATH, or BICEP names no program: install the Bicep CLI 0.49 or newer")
    shutil.copytree(ROOT / "infra", tmp_path / "infra", ignore=shutil.ignore_patterns("snapshots", "kubernetes"))
    parameters = tmp_path / "infra" / "try-out" / "main.bicepparam"
    nobody = "00000000-0000-0000-0000-000000000001"
    evaluate = [bicep, "snapshot", str(parameters), "--subscription-id", nobody, "--tenant-id", nobody]
    subprocess.run([*evaluate, "--location", "westeurope"], check=True, capture_output=True)
    snapshot = json.loads(parameters.with_suffix(".snapshot.json").read_text(encoding="utf-8"))
    assert snapshot["diagnostics"] == []
    types = [resource["type"] for resource in snapshot["predictedResources"]]
    described = json.loads((ROOT / "infra" / "resources.json").read_text(encoding="utf-8"))
    assert types.count("Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers") == len(
        described["cosmos"]["containers"]
    )
    assert not [one["id"] for one in snapshot["predictedResources"] if one["id"].startswith("[")]
