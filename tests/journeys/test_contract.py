"""Schemathesis against the running stack: no 5xx, no answer that the OpenAPI document does not describe."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.conftest import RunningStack

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
# `EXAMPLES=200 pytest tests/journeys/test_contract.py` looks longer.
EXAMPLES = os.environ.get("EXAMPLES", "12")


@pytest.mark.timeout(600)
def test_every_answer_is_one_that_the_contract_describes(stack: RunningStack, tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "schemathesis"
    command = [
        str(program),
        *("run", f"{stack.base_url}/api/openapi.json", "--url", stack.base_url),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--continue-on-failure"),
        *("--max-examples", EXAMPLES, "--seed", "1", "--no-color", "-H", f"X-API-KEY: {stack.api_key}"),
    ]

    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=550)

    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    cases = re.search(r"([0-9]+) generated", result.stdout)
    assert cases is not None
    assert int(cases.group(1)) > 100
