"""The data files keep the form that their README promises."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ops.estate.tables import PRICE_FILE, SLA_FILE, BrokenTable, read_prices, read_sla
from ops.estate.traits import traits_of

_DATE = re.compile(r"20\d\d(-\d\d(-\d\d)?)?")
_TRAITS = {"tier", "zones", "severalRegions", "multiWrite", "replication"}


def _content(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", [SLA_FILE, PRICE_FILE])
def test_sources_have_address_date_and_confidence(file: Path) -> None:
    content = _content(file)

    assert _DATE.fullmatch(content["seen"])
    for source in content["sources"].values():
        assert source["address"].startswith("https://")
        assert source["dated"] is None or _DATE.fullmatch(source["dated"])
        assert source["confidence"] in ("vendor", "tool", "third")
    rows = content["sla" if "sla" in content else "prices"]
    assert {row["source"] for row in rows} - {None} == content["sources"].keys()


def test_every_price_has_source_and_date_or_says_that_it_is_missing() -> None:
    for row in _content(PRICE_FILE)["prices"]:
        if row["usd"] is None:
            assert row["source"] is None, row
            assert row["note"], row
        else:
            assert row["usd"] > 0, row
            assert _DATE.fullmatch(row["dated"]), row


def test_only_prices_of_several_regions_share_a_key() -> None:
    seen = [(row.key, row.region) for row in read_prices().rows]

    assert len(seen) == len(set(seen))


def test_promises_are_percentages_of_known_traits() -> None:
    for row in _content(SLA_FILE)["sla"]:
        assert row["percent"] is None or 90 <= row["percent"] <= 100, row
        assert set(row["when"]) <= _TRAITS, row
        assert row["percent"] is None or row["source"], row


def test_reads_are_promised_no_less_than_writes() -> None:
    for row in read_sla().rows:
        assert row.percent is None or (row.read_percent or 0) >= row.percent


def test_the_traits_are_those_that_resources_have(tmp_path: Path) -> None:
    from tests.ops.estate.small import a_cluster, a_database, a_hub, an_account, an_estate

    estate = an_estate(tmp_path, stamp_westeurope=[a_cluster(), a_database("West Europe"), a_hub(), an_account()])

    assert {name for one in estate.resources for name in traits_of(one)} == _TRAITS


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"sla": [{}], "prices": [{}], "sources": {}, "seen": "2026"}'])
def test_a_broken_table_is_refused_with_its_name(tmp_path: Path, content: str) -> None:
    file = tmp_path / "table.json"
    file.write_text(content)

    for read in (read_sla, read_prices):
        with pytest.raises(BrokenTable, match=r"table\.json"):
            read(file)
    with pytest.raises(BrokenTable, match="cannot be read"):
        read_sla(tmp_path / "none.json")
