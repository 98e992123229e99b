"""Composite SLA: the arithmetic, and what happens where a figure is missing."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ops.estate.availability import Factor, Flow, flows, minutes_away
from ops.estate.tables import Promise, SlaTable, read_sla
from tests.ops.estate.small import a_cluster, a_database, a_hub, a_resource, an_account, an_estate, stamp_group


def _factor(percent: float | None, name: str = "x") -> Factor:
    return Factor(name, "", percent, "", "", "")


def _flow(shared: list[float | None], *stamps: list[float | None], together: bool = True) -> Flow:
    return Flow(
        "flow",
        "",
        tuple(_factor(one, f"shared {at}") for at, one in enumerate(shared)),
        tuple(tuple(_factor(one, f"stamp {at}") for at, one in enumerate(stamp)) for stamp in stamps),
        together,
    )


def test_what_is_needed_together_multiplies() -> None:
    assert _flow([99.0, 90.0], [50.0]).alone == pytest.approx(44.55)


def test_stamps_that_take_over_fail_only_together() -> None:
    flow = _flow([99.0], [90.0], [90.0], [90.0])

    assert flow.alone == pytest.approx(89.1)
    assert flow.combined == pytest.approx(99.0 * (1 - 0.1**3))


def test_unlike_stamps_each_count_with_their_own() -> None:
    flow = _flow([], [90.0], [80.0])

    assert flow.alone == pytest.approx(80.0)  # the weakest alone
    assert flow.combined == pytest.approx(98.0)


def test_stamps_that_do_not_take_over_help_nothing() -> None:
    flow = _flow([], [90.0], [90.0], together=False)

    assert flow.combined == flow.alone


def test_a_gap_is_named_and_left_out_of_the_product() -> None:
    flow = _flow([None], [90.0, None])

    assert flow.alone == pytest.approx(90.0)
    assert [one.name for one in flow.gaps] == ["shared 0", "stamp 1"]


def test_minutes_are_those_of_a_month() -> None:
    assert minutes_away(99.99) == pytest.approx(4.38)
    assert minutes_away(100) == 0


def _estate(
    folder: Path, name: str = "test", *regions: str, multi_write: bool = True, tier: str = "Standard"
) -> list[Flow]:
    clusters = {region: a_cluster(region) for region in regions or ("westeurope",)}
    for one in clusters.values():
        one["sku"]["tier"] = tier
    shown = [{"westeurope": "West Europe", "northeurope": "North Europe"}[region] for region in clusters]
    door = a_resource("Microsoft.Cdn/profiles", "afd")
    stamps = {
        f"stamp_{region}": [cluster, a_hub(region), an_account(f"st{region}", group=stamp_group(region))]
        for region, cluster in clusters.items()
    }
    database = a_database(*shown, multi_write=multi_write)
    return flows(an_estate(folder, name, global_=[door, database, an_account("images")], **stamps), read_sla())


def _named(found: list[Flow], name: str) -> Flow:
    return next(one for one in found if one.name == name)


def test_the_read_path_needs_the_database_and_the_write_path_the_hub(tmp_path: Path) -> None:
    found = _estate(tmp_path)
    read, write = _named(found, "read"), _named(found, "write")

    assert "Cosmos DB" in {one.name for one in read.shared}
    assert "Event Hubs" not in {one.name for one in read.stamps[0]}
    assert "Event Hubs" in {one.name for one in write.stamps[0]}
    assert "Cosmos DB" not in {one.name for one in (*write.shared, *write.stamps[0])}


def test_an_accepted_event_waits_for_its_own_stamp(tmp_path: Path) -> None:
    process = _named(_estate(tmp_path, "test", "westeurope", "northeurope"), "process")

    assert process.combined == process.alone
    assert {"Event Hubs", "Blob Storage", "Cosmos DB"} <= {one.name for one in (*process.shared, *process.stamps[0])}


def test_a_second_stamp_helps_reads(tmp_path: Path) -> None:
    one = _named(_estate(tmp_path, "one"), "read")
    two = _named(_estate(tmp_path, "two", "westeurope", "northeurope"), "read")

    assert one.combined == one.alone
    assert two.combined > two.alone


def test_reads_have_their_own_promise_where_there_is_one(tmp_path: Path) -> None:
    found = _estate(tmp_path, "test", "westeurope", "northeurope", multi_write=False)

    def percent(flow: str) -> float | None:
        return next(one.percent for one in _named(found, flow).shared if one.name == "Cosmos DB")

    assert (percent("read"), percent("process")) == (99.999, 99.99)


def test_a_tier_without_a_promise_is_a_gap(tmp_path: Path) -> None:
    read = _named(_estate(tmp_path, tier="Free"), "read")

    assert "AKS" in {one.name for one in read.gaps}


def test_what_the_snapshots_lack_is_a_gap(tmp_path: Path) -> None:
    estate = an_estate(tmp_path, stamp_westeurope=[a_cluster()])

    read = _named(flows(estate, read_sla()), "read")
    assert "not in the snapshots" in {one.condition for one in read.gaps}


def test_a_type_without_a_row_is_a_gap(tmp_path: Path) -> None:
    table = read_sla()
    without = replace(table, rows=tuple(row for row in table.rows if row.name != "Event Hubs"))
    estate = an_estate(tmp_path, stamp_westeurope=[a_cluster(), a_hub()])

    write = _named(flows(estate, without), "write")
    assert any("no row of the table" in one.condition for one in write.gaps)


def test_the_first_row_whose_condition_is_met_is_taken() -> None:
    def row(percent: float, **when: Sequence[str | bool]) -> Promise:
        return Promise("T/x", "x", percent, percent, "", "", when, "", "")

    table = SlaTable("", {}, (row(99.9, tier=["A"], zones=[True]), row(99.0, tier=["A", "B"]), row(90.0)))

    def percent(**traits: str | bool) -> float | None:
        found = table.find("t/X", traits)
        return found.percent if found else None

    assert percent(tier="A", zones=True) == 99.9
    assert percent(tier="A", zones=False) == 99.0
    assert percent(tier="B") == 99.0
    assert percent(tier="C") == 90.0
    assert table.find("T/y", {}) is None
