"""A generic scanner as a second opinion: checkov's `arm` checks over the computed resources, wrapped as templates."""

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .exactly import REGISTRY, STORAGE
from .planting import prop
from .snapshots import ROOT, Estate, changed, estate

CHECKOV = ROOT / ".venv-checkov" / "bin" / "checkov"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
# Each with the reason why it does not hold for us.
SUPPRESSED = {
    "CKV_AZURE_6": "wants address ranges for the API server; ours has no public address",
    "CKV_AZURE_8": "wants the dashboard add-on off, which AKS no longer has",
    "CKV_AZURE_36": "wants Azure's services let in; only Capture and exports come that way, into the archive",
    "CKV_AZURE_43": "account names carry a number here, so that no two resources of a file are taken for one",
    "CKV_AZURE_99": "wants network rules, and does not see that publicNetworkAccess is Disabled",
    "CKV_AZURE_135": "looks for the OWASP rule sets; ours succeeds them, and edge.py says what of it is off",
    "CKV_AZURE_166": "wants pushed images in quarantine, a preview; ours are named by digest",
    "CKV_AZURE_172": "wants a true where ARM wants the text 'true'; clusters.py demands it",
    "CKV_AZURE_206": "takes zone-redundant storage for a single copy",
}


def wrapped(given: Estate, part: str) -> dict[str, Any]:
    """A part as a template, with numbers in names: checkov takes resources of one name in two groups for one."""
    resources = [
        copy.deepcopy(one) | {"name": f"{number}~{one['name']}"}
        for number, one in enumerate(given.parts[part].resources)
    ]
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": resources}


def checkov(folder: Path, estates: dict[str, Estate], parts: list[str]) -> list[dict[str, Any]]:
    """The findings over some parts of some environments; every resource of them was looked at."""
    if not CHECKOV.exists():
        pytest.skip("checkov is not installed (.venv-checkov): make test installs it")
    resources = 0
    for name, given in estates.items():
        for part in parts:
            template = wrapped(given, part)
            resources += len(template["resources"])
            (folder / f"{name}-{part}.json").write_text(json.dumps(template))
    flags = ["--framework", "arm", "--skip-download", "--compact", "--quiet", "-o", "json"]
    done = subprocess.run([CHECKOV, "-d", folder, *flags], capture_output=True, text=True, check=False, timeout=110)
    assert done.stdout.strip(), done.stderr
    report = json.loads(done.stdout)
    # What it cannot read it leaves out, and says so here only.
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["resource_count"] == resources
    failed: list[dict[str, Any]] = report["results"]["failed_checks"]
    return failed


def test_it_finds_nothing_that_is_not_agreed(tmp_path: Path) -> None:
    parts = ["global", "edge", "region-westeurope", "stamp-westeurope"]
    failed = checkov(tmp_path, {name: estate(name) for name in ("prod", "dev")}, parts)

    assert [(one["check_id"], one["resource"]) for one in failed if one["check_id"] not in SUPPRESSED] == []
    assert set(SUPPRESSED) == {one["check_id"] for one in failed}, "a suppression that suppresses nothing"


def test_it_sees_planted_faults(tmp_path: Path) -> None:
    """As it sees nothing in what it does not read, these show that it reads."""
    faulty = changed("prod", lambda given: None)
    for plant in (
        prop(STORAGE, "minimumTlsVersion", "TLS1_0"),
        prop(STORAGE, "publicNetworkAccess", "Enabled"),
        prop(REGISTRY, "adminUserEnabled", True),
    ):
        plant(faulty)
    failed = checkov(tmp_path, {"prod": faulty}, ["global"])

    assert {"CKV_AZURE_44", "CKV_AZURE_59", "CKV_AZURE_137"} <= {one["check_id"] for one in failed}
