"""The committed snapshots: whatever they hold, nothing in them is left unexplained."""

import re

import pytest

from ops.estate.access import grants
from ops.estate.availability import flows
from ops.estate.cost import Traffic, bill, usages
from ops.estate.exposure import reaches
from ops.estate.kinds import is_top_level, kind_name
from ops.estate.naming import Names
from ops.estate.snapshots import REPOSITORY, Estate, environments, read_estate
from ops.estate.survival import LOSSES, fates
from ops.estate.tables import read_prices, read_sla


@pytest.fixture(params=environments())
def estate(request: pytest.FixtureRequest) -> Estate:
    return read_estate(request.param)


def test_there_are_environments() -> None:
    assert "prod" in environments()


def test_every_principal_is_followed_and_every_role_and_scope_is_known(estate: Estate) -> None:
    found = grants(estate, Names(estate))

    assert found
    assert [one.who for one in found if one.kind == "unknown"] == []
    assert [one.role for one in found if one.role.startswith("role ")] == []  # add it to ops/estate/access.py
    assert [one.scope for one in found if not one.lifetime] == []


def test_grants_stand_for_all_assignments(estate: Estate) -> None:
    assigned = [one for one in estate.resources if one.type.lower().endswith("roleassignments")]

    assert sum(len(one.regions) or 1 for one in grants(estate, Names(estate))) == len(assigned)


def test_every_type_has_a_word(estate: Estate) -> None:
    assert {one.type for one in estate.resources if kind_name(one.type) == one.type} == set()  # ops/estate/kinds.py


def test_every_service_says_whether_the_internet_reaches_it(estate: Estate) -> None:
    assert [one.name for one in reaches(estate, Names(estate)) if one.access == "not said"] == []


def test_every_loss_is_judged(estate: Estate) -> None:
    found = fates(estate, Names(estate))

    assert {one.loss for one in found} == set(LOSSES)
    assert all(one.verdict.reason for one in found)


def test_production_survives_a_zone_and_loses_nothing_for_good_with_a_region() -> None:
    estate = read_estate("prod")
    words = {(one.loss, one.verdict.word) for one in fates(estate, Names(estate))}

    assert ("zone", "lost") not in words
    assert ("region", "lost") not in words


def test_every_resource_of_its_own_is_billed_or_known_not_to_be(estate: Estate) -> None:
    found = bill(estate, read_prices(), Traffic())

    assert found.unknown == ()  # give it a meter in ops/estate/cost.py, or say that it has none
    assert any(is_top_level(one.type) for one in estate.resources)


def test_every_usage_has_a_row_in_the_price_table(estate: Estate) -> None:
    keys = {row.key for row in read_prices().rows}
    used = {usage.key for one in estate.resources for usage in usages(estate, one, Traffic())}

    assert used - keys == set()  # add a row to infra/data/azure-prices.json, with `null` where no source is known


def test_the_range_of_the_bill_is_one(estate: Estate) -> None:
    found = bill(estate, read_prices(), Traffic())

    assert 0 < found.low <= found.high


def test_flows_have_figures_and_no_flow_is_better_alone(estate: Estate) -> None:
    for flow in flows(estate, read_sla()):
        assert 90 < flow.alone <= flow.combined < 100
        assert all("not in the snapshots" not in one.condition for one in (*flow.shared, *sum(flow.stamps, ())))


def test_codes_of_regions_are_those_of_the_templates(estate: Estate) -> None:
    text = (REPOSITORY / "infra" / "naming.bicep").read_text(encoding="utf-8")
    written = dict(re.findall(r"(\w+): \{ code: '(\w+)'", text))
    names = Names(estate)

    assert names.codes == {region: written[region] for region in estate.regions}
    assert all(names.suffix in one.name for one in estate.of("Microsoft.DocumentDB/databaseAccounts"))
