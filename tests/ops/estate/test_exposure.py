"""What the internet reaches."""

from pathlib import Path
from typing import Any

import pytest

from ops.estate.exposure import reaches
from ops.estate.naming import Names
from ops.estate.snapshots import Estate
from tests.ops.estate.small import Body, a_cluster, a_hub, a_resource, an_account, an_estate, stamp_group

_STAMP = stamp_group("westeurope")


def _told(estate: Estate) -> dict[str, tuple[str, str]]:
    return {one.name: (one.access, one.detail) for one in reaches(estate, Names(estate))}


@pytest.mark.parametrize(
    ("properties", "access"),
    [
        ({"publicNetworkAccess": "Disabled"}, "private"),
        ({"publicNetworkAccess": "Enabled"}, "public"),
        ({"publicNetworkAccess": "SecuredByPerimeter"}, "public"),
        ({"publicNetworkAccess": None}, "not said"),
    ],
)
def test_an_account_says_who_reaches_it(tmp_path: Path, properties: dict[str, Any], access: str) -> None:
    estate = an_estate(tmp_path, global_=[an_account("st", **properties)])

    assert _told(estate)["st"][0] == access


def test_a_private_resource_that_nobody_reaches_says_so(tmp_path: Path) -> None:
    estate = an_estate(tmp_path, global_=[an_account("st")])

    assert _told(estate)["st"] == ("private", "no private endpoint: nobody reaches it")


def test_private_endpoints_and_front_door_are_found_by_their_target(tmp_path: Path) -> None:
    account, other = an_account("st"), an_account("other")
    endpoint = a_resource(
        "Microsoft.Network/privateEndpoints",
        "pep",
        _STAMP,
        properties={"privateLinkServiceConnections": [{"properties": {"privateLinkServiceId": account["id"]}}]},
    )
    origin = a_resource(
        "Microsoft.Cdn/profiles/originGroups/origins",
        "afd/images/primary",
        properties={"sharedPrivateLinkResource": {"privateLink": {"id": str(account["id"]).upper()}}},
    )
    estate = an_estate(tmp_path, global_=[account, other], edge=[origin], stamp_westeurope=[endpoint])

    told = _told(estate)
    assert told["st"] == ("private", "private endpoint from 1 stamp; Front Door's private link (images)")
    assert told["other"][1].startswith("no private endpoint")


def test_telemetry_open_on_one_side_is_open_in_part(tmp_path: Path) -> None:
    logs = a_resource(
        "Microsoft.OperationalInsights/workspaces",
        "log",
        properties={"publicNetworkAccessForIngestion": "Disabled", "publicNetworkAccessForQuery": "Enabled"},
    )
    estate = an_estate(tmp_path, global_=[logs])

    assert _told(estate)["log"] == ("in part", "queries from the internet")


def test_a_cluster_is_as_open_as_its_api_server(tmp_path: Path) -> None:
    closed, opened = a_cluster(), a_cluster("northeurope")
    opened["properties"]["apiServerAccessProfile"] = {}
    estate = an_estate(tmp_path, stamp_westeurope=[closed], stamp_northeurope=[opened])

    access = sorted(one.access for one in reaches(estate, Names(estate)))
    assert access == ["private", "public"]


def _gateway_behind(*rules: Body) -> list[Body]:
    group = a_resource(
        "Microsoft.Network/networkSecurityGroups", "nsg", _STAMP, properties={"securityRules": list(rules)}
    )
    network = a_resource(
        "Microsoft.Network/virtualNetworks",
        "vnet",
        _STAMP,
        properties={"subnets": [{"name": "front", "properties": {"networkSecurityGroup": {"id": group["id"]}}}]},
    )
    subnet = {"properties": {"subnet": {"id": f"{network['id']}/subnets/front"}}}
    gateway = a_resource(
        "Microsoft.Network/applicationGateways",
        "agw",
        _STAMP,
        properties={"sku": {"tier": "WAF_v2"}, "gatewayIPConfigurations": [subnet]},
    )
    return [group, network, gateway]


def _rule(priority: int, access: str, source: str, port: str = "443") -> Body:
    return {
        "name": f"rule-{priority}",
        "properties": {
            "priority": priority,
            "direction": "Inbound",
            "access": access,
            "sourceAddressPrefix": source,
            "destinationPortRange": port,
        },
    }


@pytest.mark.parametrize(
    ("rules", "access"),
    [
        ([_rule(4096, "Deny", "*", "*")], "private"),
        ([_rule(100, "Allow", "Internet"), _rule(4096, "Deny", "*", "*")], "public"),
        ([_rule(200, "Allow", "*"), _rule(100, "Deny", "*", "*")], "private"),
        ([_rule(100, "Allow", "10.0.0.0/8"), _rule(4096, "Deny", "*", "*")], "private"),
    ],
)
def test_a_gateway_is_as_open_as_the_rules_of_its_subnet(tmp_path: Path, rules: list[Body], access: str) -> None:
    estate = an_estate(tmp_path, stamp_westeurope=_gateway_behind(*rules))

    told = _told(estate)
    assert told["agw"][0] == access
    assert ("nsg" in told) == (access == "public")


def test_a_gateway_without_a_security_group_is_open(tmp_path: Path) -> None:
    gateway = _gateway_behind()[-1]
    estate = an_estate(tmp_path, stamp_westeurope=[gateway])

    assert _told(estate)["agw"] == ("public", "WAF_v2; no security group on its subnet")


def test_alike_resources_of_all_regions_are_one_line(tmp_path: Path) -> None:
    estate = an_estate(tmp_path, stamp_westeurope=[a_hub()], stamp_northeurope=[a_hub("northeurope", "neu")])

    assert [(one.name, one.count) for one in reaches(estate, Names(estate))] == [("evhns-shop-test-{code}-ab1cd", 2)]
