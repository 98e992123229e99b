"""The checklist through @azure/cosmos from npm; `js/checks.mjs` holds the checks."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.cosmos.process import CosmosProcess
from tests.emulators.cosmos.conftest import NORTH, WEST

FOLDER = Path(__file__).parent / "js"
SOURCE = (FOLDER / "checks.mjs").read_text()
CHECKS = re.findall(r'^  "(\d+ [^"]+)": async', SOURCE, re.MULTILINE)


@pytest.fixture(scope="module")
def outcomes(account_process: CosmosProcess) -> dict[str, Any]:
    """All checks' outcomes, from one run of Node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node and npm are not installed")
    if not (FOLDER / "node_modules").exists():
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=FOLDER, check=True, timeout=300)
    command = [node, "checks.mjs", account_process.endpoint, account_process.key, WEST, NORTH]
    ran = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=110, check=False)
    account_process.control.clear_faults()
    found = {line["name"]: line for line in map(json.loads, ran.stdout.splitlines())}
    assert set(found) == set(CHECKS), ran.stderr
    return found


def _cases() -> list[Any]:
    return [
        pytest.param(name, id=name, marks=pytest.mark.conformance(int(name.split()[0]), _behaviour(name), sdk="js"))
        for name in CHECKS
    ]


def _behaviour(name: str) -> str:
    return f"JavaScript: {name.split(' ', 1)[1]}"


@pytest.mark.parametrize("name", _cases())
def test_javascript(outcomes: dict[str, Any], name: str) -> None:
    assert outcomes[name]["ok"], outcomes[name]["error"]
