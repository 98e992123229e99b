"""The one description of Front Door, and what is refused in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.edge.description import Description, DescriptionError, read_description
from local.stack import ROOT

FILE = ROOT / "infra" / "front-door.json"


def described(*stamps: str) -> Description:
    return read_description(FILE, stamps)


def test_each_path_has_the_route_that_production_gives_it() -> None:
    description = described("westeurope", "northeurope")

    for path, route, rest in (
        ("/", "site", ""),
        ("/index.html", "site", "index.html"),
        ("/apiary", "site", "apiary"),
        ("/api", "api", ""),
        ("/API/1.0/catalogitem", "api", "1.0/catalogitem"),
        ("/health/stamp", "health", "stamp"),
        ("/images/x", "images", "x"),
        ("/health/stamps/northeurope/stamp", "health-northeurope", "stamp"),
        ("/health/stamps/elsewhere/stamp", "health", "stamps/elsewhere/stamp"),
    ):
        found = description.route_of(path)
        assert found is not None
        assert (found[0].name, found[1]) == (route, rest), path


def test_only_the_static_routes_cache() -> None:
    caching = {route.name for route in described().routes if route.caches}

    assert caching == {"site", "images"}


def test_a_stamps_own_route_knows_one_origin_and_no_probe() -> None:
    own = {group.name: group for group in described("westeurope").groups}["health-westeurope"]

    assert (own.only, own.probe) == ("westeurope", None)


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        (("originResponseTimeoutSeconds",), 5, "16 to 240"),
        (("originGroups", 0, "loadBalancingSettings", "successfulSamplesRequired"), 5, "successfulSamplesRequired"),
        (("originGroups", 0, "healthProbeSettings", "probeRequestType"), "POST", "GET or HEAD"),
        (("routes", 0, "originGroup"), "apy", "no origin group apy"),
        (("routes", 0, "patternsToMatch"), ["api*"], "must start with /"),
    ],
)
def test_what_front_door_would_refuse_is_refused(
    where: tuple[str | int, ...], value: object, complaint: str, tmp_path: Path
) -> None:
    read: Any = json.loads(FILE.read_text())
    part = read
    for step in where[:-1]:
        part = part[step]
    part[where[-1]] = value
    file = tmp_path / "front-door.json"
    file.write_text(json.dumps(read))

    with pytest.raises(DescriptionError, match=complaint):
        read_description(file, [])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"originGroups": 3}'])
def test_something_else_is_no_description(text: str, tmp_path: Path) -> None:
    file = tmp_path / "front-door.json"
    file.write_text(text)

    with pytest.raises(DescriptionError, match="does not describe"):
        read_description(file, [])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match=r"cannot read .*gone"):
        read_description(tmp_path / "gone", [])
