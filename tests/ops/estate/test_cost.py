"""The monthly bill: quantities, ranges, and what is missing."""

from pathlib import Path

import pytest

from ops.estate.cost import Bill, Line, Traffic, bill
from ops.estate.tables import Price, PriceTable, UnknownPrice, read_prices
from tests.ops.estate.small import (
    Body,
    a_cluster,
    a_container,
    a_database,
    a_hub,
    a_resource,
    an_account,
    an_estate,
)


def _price(key: str, usd: float | None, region: str = "eastus") -> Price:
    return Price(key, "", "", "hour", usd, region, "somebody" if usd is not None else "", "2024", "")


def _table(**prices: float | None) -> PriceTable:
    return PriceTable("2026", "USD", 730, {}, tuple(_price(key.replace("_", "."), usd) for key, usd in prices.items()))


def _bill(folder: Path, table: PriceTable, *resources: Body, traffic: Traffic | None = None) -> Bill:
    return bill(an_estate(folder, stamp_westeurope=list(resources)), table, traffic or Traffic())


def _line(lines: tuple[Line, ...], key: str) -> Line:
    (found,) = [one for one in lines if one.key == key]
    return found


def test_sizes_that_scale_make_a_range(tmp_path: Path) -> None:
    found = _bill(tmp_path, _table(eventHubs_standard_unit=0.03), a_hub())

    units = _line(found.priced, "eventHubs.standard.unit")
    assert units.low == pytest.approx(2 * 730 * 0.03)
    assert units.high == pytest.approx(8 * 730 * 0.03)


def test_a_hub_that_does_not_inflate_has_one_price(tmp_path: Path) -> None:
    found = _bill(tmp_path, _table(eventHubs_standard_unit=0.03), a_hub(isAutoInflateEnabled=False))

    units = _line(found.priced, "eventHubs.standard.unit")
    assert units.low == units.high == pytest.approx(2 * 730 * 0.03)


def test_what_has_no_price_is_missing_and_not_zero(tmp_path: Path) -> None:
    found = _bill(tmp_path, _table(aks_standard_hour=0.1, vm_Standard_D2_v3_hour=None), a_cluster())

    nodes = next(one for one in found.missing if one.key.startswith("vm."))
    assert (nodes.low, nodes.high) == (None, None)
    assert (nodes.least, nodes.most) == (3 * 730, 6 * 730)
    assert found.low == found.high == pytest.approx(73)


def test_a_key_that_the_table_lacks_is_missing_too(tmp_path: Path) -> None:
    found = _bill(tmp_path, _table(), a_cluster())

    assert found.priced == ()
    assert {one.key for one in found.missing} == {"aks.standard.hour", "vm.Standard_D2_v3.hour"}


def test_autoscale_costs_a_tenth_at_least_in_each_region(tmp_path: Path) -> None:
    estate = an_estate(tmp_path, global_=[a_database("West Europe", "North Europe"), a_container("items", 4000)])
    key = "cosmos.autoscale.multiWrite.throughput"
    table = PriceTable("", "USD", 730, {}, (_price(key, 0.016),))

    line = _line(bill(estate, table, Traffic()).priced, key)
    assert line.high == pytest.approx(40 * 2 * 730 * 0.016)
    assert line.low == pytest.approx(4 * 2 * 730 * 0.016)


@pytest.mark.parametrize(
    ("database", "key"),
    [
        (a_database("West Europe", "North Europe", multi_write=False), "cosmos.autoscale.throughput"),
        (a_database("West Europe", multi_write=False), "cosmos.autoscale.throughput"),
        (a_database("West Europe"), "cosmos.autoscale.multiWriteOneRegion.throughput"),
    ],
)
def test_the_price_of_throughput_depends_on_regions_and_writes(tmp_path: Path, database: Body, key: str) -> None:
    estate = an_estate(tmp_path, global_=[database, a_container("items", 1000)])

    found = bill(estate, read_prices(), Traffic())
    assert key in {one.key for one in (*found.priced, *found.missing)}


def test_alike_resources_are_summed(tmp_path: Path) -> None:
    estate = an_estate(tmp_path, stamp_westeurope=[a_hub()], stamp_northeurope=[a_hub("northeurope", "neu")])

    line = _line(bill(estate, _table(eventHubs_standard_unit=1.0), Traffic()).priced, "eventHubs.standard.unit")
    assert (line.count, line.low) == (2, 2 * 2 * 730)


def test_a_workspace_takes_no_more_than_its_quota(tmp_path: Path) -> None:
    def logs(quota: int) -> Body:
        return a_resource(
            "Microsoft.OperationalInsights/workspaces",
            f"log{quota}",
            properties={"workspaceCapping": {"dailyQuotaGb": quota}},
        )

    found = _bill(tmp_path, _table(logs_analytics_in=1.0), logs(2), logs(-1), traffic=Traffic(logs_gb_per_day=5))

    assert sorted(one.low or 0 for one in found.priced) == [pytest.approx(2 * 730 / 24), pytest.approx(5 * 730 / 24)]


def test_telemetry_of_a_workspace_is_billed_once(tmp_path: Path) -> None:
    insights = "Microsoft.Insights/components"
    based = a_resource(insights, "a", properties={"WorkspaceResourceId": "/x"})
    classic = a_resource(insights, "b", properties={})
    found = _bill(tmp_path, _table(insights_in=1.0), based, classic)

    assert _line(found.priced, "insights.in").count == 1


def test_traffic_is_what_was_asked_for(tmp_path: Path) -> None:
    door = a_resource("Microsoft.Cdn/profiles", "afd", sku={"name": "Premium_AzureFrontDoor"})
    estate = an_estate(tmp_path, global_=[door])
    table = _table(frontDoor_premium_requests=1.0, frontDoor_premium_egress=1.0, frontDoor_premium_base=1.0)

    found = bill(estate, table, Traffic(requests=2e6, response_kb=10))
    assert _line(found.priced, "frontDoor.premium.requests").low == pytest.approx(200)
    assert _line(found.priced, "frontDoor.premium.egress").low == pytest.approx(20)


def test_a_price_of_ones_own_fills_a_gap(tmp_path: Path) -> None:
    table = read_prices()
    (gap,) = [row for row in table.rows if row.key == "vm.Standard_D4ds_v5.hour"]
    assert gap.usd is None

    own = table.with_own({gap.key: 0.5}).find(gap.key)
    assert own is not None
    assert (own.usd, own.source) == (0.5, "command line")
    with pytest.raises(UnknownPrice, match="nonsense"):
        table.with_own({"nonsense": 1.0})


def test_the_price_of_the_same_region_goes_first() -> None:
    table = PriceTable("", "USD", 730, {}, (_price("k", 1.0, "westus"), _price("k", 2.0, "westeurope")))

    assert [getattr(table.find("k", region), "usd", None) for region in ("West Europe", "northeurope")] == [2.0, 1.0]


def test_an_unknown_type_is_said_not_to_have_been_looked_at(tmp_path: Path) -> None:
    found = _bill(tmp_path, _table(), a_resource("Microsoft.New/things", "one"), an_account())

    assert found.unknown == ("Microsoft.New/things",)
