"""Generic scanners as a second opinion: checkov over manifests and Dockerfile, hadolint over the Dockerfile."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .manifests import KUBERNETES, OVERLAYS, ROOT

CHECKOV = ROOT / ".venv-checkov" / "bin" / "checkov"
# Each with the reason why it does not hold for us.
SUPPRESSED = {
    "CKV_K8S_35": "the API keys come as variables: the app reads settings nowhere else, and they are no identity's key",
    "CKV_DOCKER_7": "takes FROM ${BASE}@${DIGEST} for a tag; a build without a digest is refused",
}


def _checkov(framework: str, target: Path) -> list[dict[str, Any]]:
    if not CHECKOV.exists():
        pytest.skip("checkov is not installed (.venv-checkov): make test installs it")
    flags = ["--framework", framework, "--skip-download", "--compact", "--quiet", "-o", "json"]
    where = ["-d" if target.is_dir() else "-f", str(target)]
    done = subprocess.run([CHECKOV, *where, *flags], cwd=ROOT, capture_output=True, text=True, check=False, timeout=110)
    assert done.stdout.strip(), done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 0, "checkov looked at nothing"
    failed: list[dict[str, Any]] = report["results"]["failed_checks"]
    return failed


def test_checkov_finds_nothing_in_the_manifests() -> None:
    failed = _checkov("kubernetes", KUBERNETES / "rendered")

    assert [(one["check_id"], one["resource"]) for one in failed if one["check_id"] not in SUPPRESSED] == []
    scanned = {Path(one["file_path"]).stem for one in failed}
    assert scanned == set(OVERLAYS), "a file in which not even the suppressed finding turns up was not read"


def test_checkov_finds_nothing_in_the_dockerfile() -> None:
    failed = _checkov("dockerfile", ROOT / "Dockerfile")

    assert [one["check_id"] for one in failed if one["check_id"] not in SUPPRESSED] == []


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    program = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([program, "--no-color", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")
