"""The three commands as they are called, in process."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ops.__main__ import main
from ops.estate.snapshots import REPOSITORY
from tests.ops.estate.small import a_cluster, a_container, a_database, a_hub, a_resource, an_account, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two small environments: `test` with two regions, `small` with one."""
    database = a_database("West Europe", "North Europe")
    write(
        tmp_path,
        "test",
        global_=[
            database,
            a_container("items", 1000),
            an_account("stimages", "Standard_RAGZRS"),
            a_resource("Microsoft.Cdn/profiles", "afd-shop-test", sku={"name": "Premium_AzureFrontDoor"}),
        ],
        stamp_westeurope=[a_cluster(), a_hub()],
        stamp_northeurope=[a_cluster("northeurope"), a_hub("northeurope", "neu")],
    )
    write(tmp_path, "small", global_=[a_database("West Europe")], stamp_westeurope=[a_cluster(fewest=1)])
    return tmp_path


def _out(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main([str(one) for one in arguments]) == 0
    return capsys.readouterr().out


def _json(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Any:
    return json.loads(_out(capsys, *arguments, "--json"))


def test_the_estate_is_printed_section_by_section(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = _out(capsys, "estate", "test", "--snapshots", folder)

    assert text.startswith("test: 8 resources in 0 resource groups, 2 regions\n")
    for title in ("by type and lifetime", "the internet reaches", "do what where", "a zone", "a region", "a stamp"):
        assert re.search(rf"^\S.*{title}", text, re.MULTILINE), title
    assert "\x1b" not in text


def test_the_estate_for_programs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = _json(capsys, "estate", "test", "--snapshots", folder)

    assert data["regions"] == ["westeurope", "northeurope"]
    assert data["resources"] == sum(
        sum(one[part] for part in ("global", "edge", "region", "stamp")) for one in data["counts"]
    )
    assert {one["loss"] for one in data["survival"]} == {"zone", "region", "stamp"}


def test_two_environments_are_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = _out(capsys, "estate", "test", "--diff", "small", "--snapshots", folder)
    data = _json(capsys, "estate", "test", "--diff", "small", "--snapshots", folder)

    assert "regions only in test: northeurope" in text
    assert "agentPoolProfiles[work].minCount" in text
    assert data["regions_here"] == ["northeurope"]


def test_the_same_environment_twice_has_no_difference(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = _json(capsys, "estate", "test", "--diff", "test", "--snapshots", folder)

    assert (data["only_here"], data["only_there"], data["changes"]) == ([], [], [])


def test_it_draws_where_it_is_told_to(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new" / "picture.svg"

    assert _out(capsys, "estate", "test", "--snapshots", folder, "--svg", file) == ""
    assert file.read_text(encoding="utf-8").startswith("<svg ")


def test_the_sla_shows_formula_sources_and_dates(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = _out(capsys, "sla", "test", "--snapshots", folder)

    assert re.search(r"^  write +\d\d\.\d{4} % +\d", text, re.MULTILINE)
    assert re.search(r"one stamp: 0\.9\d+ × .* = \d\d\.\d{4} %", text)
    assert re.search(r"99\.95 % +21\.9 min +Event Hubs .* azqr 20\d\d-\d\d-\d\d", text)
    assert "no figure" in text
    assert "azqr: https://" in text


def test_the_objective_is_an_argument(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strict = _json(capsys, "sla", "test", "--snapshots", folder, "--objective", "99.9999")
    lax = _json(capsys, "sla", "test", "--snapshots", folder, "--objective", "90")

    assert {one["met"] for one in strict["flows"]} == {False}
    assert {one["name"]: one["met"] for one in lax["flows"]}["images"] is True


def test_nothing_is_met_where_a_figure_is_missing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lax = _json(capsys, "sla", "test", "--snapshots", folder, "--objective", "90")

    read = next(one for one in lax["flows"] if one["name"] == "read")
    assert read["gaps"]
    assert read["met"] is None


def test_the_bill_shows_date_and_region_of_each_price(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = _out(capsys, "cost", "test", "--snapshots", folder)

    assert re.search(r"^test: USD [\d,]+ to [\d,]+ a month, without \d+ positions? that ha", text)
    assert re.search(r"Event Hubs namespace .* 2024-07-01 +eastus +infracost", text)
    assert re.search(r"missing +storage account +images \(RAGZRS\)", text)


def test_traffic_and_own_prices_change_the_bill(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual = _json(capsys, "cost", "test", "--snapshots", folder)
    more = _json(capsys, "cost", "test", "--snapshots", folder, "--data-gb", "1000")
    filled = _json(capsys, "cost", "test", "--snapshots", folder, "--price", "blob.RAGZRS.storage=0.1")

    assert more["low"] > usual["low"]
    assert len(filled["missing"]) == len(usual["missing"]) - 1
    assert filled["low"] == pytest.approx(usual["low"] + 10)


@pytest.mark.parametrize("command", ["estate", "sla", "cost"])
def test_an_unknown_environment_lists_the_known_ones(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "live", "--snapshots", str(folder)]) == 1
    assert "known: small, test" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sla", "test", "--objective", "101"], "percentage"),
        (["sla", "test", "--objective", "four nines"], "percentage"),
        (["cost", "test", "--requests", "-1"], "from 0 on"),
        (["cost", "test", "--requests", "nan"], "from 0 on"),
        (["cost", "test", "--write-share", "5"], "from 0 to 1"),
        (["cost", "test", "--price", "3"], "KEY=USD"),
        (["cost", "test", "--price", "key=cheap"], "from 0 on"),
        (["estate"], "ENV"),
    ],
)
def test_what_makes_no_sense_is_refused_with_advice(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_price_that_nothing_has_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "test", "--snapshots", str(folder), "--price", "gold=1"]) == 1
    assert "no price is called 'gold'" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["estate", "sla", "cost"])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    assert ended.value.code == 0
    assert f"python -m ops {command} prod" in capsys.readouterr().out


def test_neither_settings_nor_adapters_are_needed() -> None:
    """It must run where only the snapshots are: without SDKs and without an environment."""
    unwanted = ("settings", "adapters", "azure", "aiohttp", "wiring")
    look = f"import sys, ops.estate.cli; print([n for n in sys.modules if n.split('.')[0] in {unwanted}])"
    ran = subprocess.run(
        [sys.executable, "-c", look], cwd=REPOSITORY, env={"PATH": ""}, check=True, capture_output=True, text=True
    )

    assert ran.stdout == "[]\n"
