"""The templates: nothing to complain about, in standard form, and their snapshots say what they would make today.

Three checks need the Bicep CLI, in $BICEP or on PATH, and say so where it is missing. What only reads the committed
snapshots always runs.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
ENVIRONMENTS = sorted(folder.name for folder in (INFRA / "environments").iterdir() if folder.is_dir())
SNAPSHOTS = sorted((INFRA / "snapshots").glob("*/*.json"))


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.fixture(scope="module")
def bicep() -> str:
    program = os.environ.get("BICEP") or "bicep"
    found = shutil.which(program)
    if found is None:
        where = f"BICEP names {program}, which is no program" if "BICEP" in os.environ else "bicep is not on PATH"
        pytest.skip(
            f"{where}{'' if 'BICEP' in os.environ else ' and BICEP not set'}: install the Bicep CLI 0.49 or newer"
        )
    return found


def snapshot(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def estate(environment: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(
        (INFRA / "environments" / environment / "estate.json").read_text(encoding="utf-8")
    )
    return read


def findings(text: str) -> list[str]:
    """The results of SARIF logs, of which the linter prints one after another."""
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(text):
        log, end = decoder.raw_decode(text, at)
        for result in (result for run in log["runs"] for result in run["results"]):
            place = result["locations"][0]["physicalLocation"]
            line = place.get("region", {}).get("startLine", "?")
            found.append(f"{place['artifactLocation']['uri']}:{line}: {result['ruleId']}: {result['message']['text']}")
        at = end + len(text[end:]) - len(text[end:].lstrip())
    return sorted(set(found))


# Parameter files of one environment stand for all: they are alike (below).
@pytest.mark.parametrize("files", ["**/*.bicep", "environments/prod/*.bicepparam"])
def test_the_linter_finds_nothing(bicep: str, files: str) -> None:
    # Wrong property names are only warnings to the compiler, and its exit code is 0: so every finding counts.
    command = [bicep, "lint", "--pattern", files, "--diagnostics-format", "sarif"]
    result = subprocess.run(command, cwd=INFRA, capture_output=True, text=True, check=False)
    assert result.stdout.strip(), result.stderr
    assert findings(result.stdout) == []


def test_files_are_in_standard_form(bicep: str, tmp_path: Path) -> None:
    sources = sorted([*INFRA.rglob("*.bicep"), *INFRA.rglob("*.bicepparam")])
    assert sources
    for source in [*sources, INFRA / "bicepconfig.json", INFRA / "front-door.json", INFRA / "resources.json"]:
        copy = tmp_path / source.relative_to(INFRA)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)
    for kind in ("bicep", "bicepparam"):
        subprocess.run([bicep, "format", "--pattern", f"**/*.{kind}"], cwd=tmp_path, check=True, capture_output=True)
    changed = [
        str(source.relative_to(ROOT))
        for source in sources
        if (tmp_path / source.relative_to(INFRA)).read_bytes() != source.read_bytes()
    ]
    assert changed == [], "put into standard form by: cd infra && bicep format --pattern '**/*.bicep*'"


@pytest.mark.timeout(600)
def test_snapshots_are_up_to_date(bicep: str) -> None:
    check = [sys.executable, str(ROOT / "scripts" / "estate-snapshots"), "--check"]
    result = subprocess.run(check, env=os.environ | {"BICEP": bicep}, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_route_comes_before_its_origins_and_the_firewall(bicep: str) -> None:
    # Front Door refuses a route to a group without an origin; the template alone can say that one waits for the other.
    build = [bicep, "build", str(INFRA / "edge" / "routes.bicep"), "--stdout"]
    template = json.loads(subprocess.run(build, check=True, capture_output=True, text=True).stdout)["resources"]

    def of(kind: str) -> set[str]:
        return {name for name, one in template.items() if one["type"].endswith(kind)}

    origins, routes = of("/originGroups/origins"), of("/afdEndpoints/routes")
    assert origins
    assert routes
    waited_for = {name: set(template[name]["dependsOn"]) for name in routes}
    assert all("security" in names for names in waited_for.values())
    assert origins <= set().union(*waited_for.values())
    assert origins - {"toSingleGateways"} <= waited_for["routes"]
    assert "toSingleGateways" in waited_for["singleStampRoutes"]


def test_without_a_compiler_the_command_says_what_to_do(tmp_path: Path) -> None:
    check = [sys.executable, str(ROOT / "scripts" / "estate-snapshots"), "--check"]
    environment = {name: value for name, value in os.environ.items() if name != "BICEP"} | {"PATH": str(tmp_path)}
    result = subprocess.run(check, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "BICEP is not set" in result.stderr


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_region_of_an_environment_has_its_templates_and_snapshots(environment: str) -> None:
    regions = estate(environment)["estate"]["regions"]
    wanted = {"global", "edge"} | {f"{lifetime}-{region}" for lifetime in ("region", "stamp") for region in regions}
    assert {path.stem for path in (INFRA / "environments" / environment).glob("*.bicepparam")} == wanted
    assert {path.stem for path in (INFRA / "snapshots" / environment).glob("*.json")} == wanted


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_parameter_file_is_of_the_region_in_its_name(environment: str) -> None:
    for path in (INFRA / "environments" / environment).glob("*-*.bicepparam"):
        lifetime, region = path.stem.split("-")
        text = path.read_text(encoding="utf-8")
        assert f"using '../../{lifetime}/main.bicep'" in text
        assert f"param location = '{region}'" in text


@pytest.mark.parametrize("path", SNAPSHOTS, ids=named)
def test_everything_could_be_evaluated(path: Path) -> None:
    # A module whose parameters only Azure knows vanishes from the snapshot, and the compiler's exit code stays 0.
    read = snapshot(path)
    assert read["diagnostics"] == []
    ids = [resource["id"] for resource in read["predictedResources"]]
    assert [one for one in ids if not one.startswith("/subscriptions/")] == []
    assert [one for one, times in Counter(ids).items() if times > 1] == []


@pytest.mark.parametrize("path", SNAPSHOTS, ids=named)
def test_no_secret_leaves_a_deployment(path: Path) -> None:
    text = json.dumps(snapshot(path).get("outputs", {}))
    assert re.findall(r"list[A-Z]\w*\(|getSecret|AccountKey=|SharedAccessKey=", text) == []


@pytest.mark.parametrize("path", SNAPSHOTS, ids=named)
def test_what_can_carry_tags_says_whose_it_is(path: Path) -> None:
    environment = path.parent.name
    tagged = [resource for resource in snapshot(path)["predictedResources"] if "tags" in resource]
    lifetime = path.stem.partition("-")[0]
    expected = {"edge": "global"}.get(lifetime, lifetime)
    assert {(one["tags"]["environment"], one["tags"]["lifetime"]) for one in tagged} <= {(environment, expected)}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_stamp_gives_every_value_that_its_manifests_want(environment: str) -> None:
    manifest = yaml.safe_load((INFRA / "kubernetes" / "overlays" / environment / "stamp.yaml").read_text("utf-8"))
    # The image comes from the build.
    wanted = set(manifest["data"]) - {"image"}
    for path in (INFRA / "snapshots" / environment).glob("stamp-*.json"):
        assert wanted - set(snapshot(path)["outputs"]) == set(), named(path)


def test_every_module_is_used() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in INFRA.rglob("*.bicep")}
    used = {
        (path.parent / name).resolve()
        for path, text in sources.items()
        for name in re.findall(r"'([^'\s]+\.bicep)'", text)
    }
    assert [str(path.relative_to(ROOT)) for path in sources if path.name != "main.bicep" and path not in used] == []


def test_parameter_files_differ_in_their_region_only() -> None:
    texts: dict[str, set[str]] = {}
    for path in (INFRA / "environments").glob("*/*.bicepparam"):
        lifetime, _, region = path.stem.partition("-")
        text = path.read_text(encoding="utf-8")
        texts.setdefault(lifetime, set()).add(text.replace(region, "REGION") if region else text)
    assert {lifetime: len(different) for lifetime, different in texts.items() if len(different) > 1} == {}


def test_environments_share_their_templates() -> None:
    # One environment may have fewer regions and smaller sizes than another, never other templates.
    def shape(environment: str) -> set[str]:
        return set(_keys(estate(environment)))

    assert {environment for environment in ENVIRONMENTS if shape(environment) != shape("prod")} == set()


def _keys(value: Any, prefix: str = "") -> list[str]:
    if not isinstance(value, dict):
        return [prefix]
    return [key for name, inner in value.items() for key in _keys(inner, f"{prefix}/{name}")]
