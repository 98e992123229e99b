"""Two environments compared: like with like."""

from pathlib import Path
from typing import Any

from ops.estate.difference import Difference, difference
from tests.ops.estate.small import (
    Body,
    a_cluster,
    a_database,
    a_hub,
    a_resource,
    an_account,
    an_assignment,
    an_estate,
    an_identity,
    principal_of,
)


def _renamed(value: Any, environment: str, suffix: str) -> Any:
    """The same resource in another environment: other names, other suffix."""
    if isinstance(value, dict):
        return {_renamed(key, environment, suffix): _renamed(one, environment, suffix) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, environment, suffix) for one in value]
    if isinstance(value, str):
        return (
            value.replace("shop-test", f"shop-{environment}")
            .replace("shoptest", f"shop{environment}")
            .replace("ab1cd", suffix)
        )
    return value


def _twin(*resources: Body) -> list[Body]:
    twins = [_renamed(one, "live", "zz9yx") for one in resources]
    for one in twins:
        if "tags" in one:
            one["tags"] = {"workload": "shop", "environment": "live"}
    return twins


def _compared(folder: Path, here: dict[str, list[Body]], there: dict[str, list[Body]]) -> Difference:
    return difference(an_estate(folder, "test", **here), an_estate(folder, "live", **there))


def test_environments_that_differ_in_names_alone_are_alike(tmp_path: Path) -> None:
    account, identity = an_account("stshoptestweuab1cd"), an_identity("api")
    assigned = an_assignment(str(account["id"]), principal_of(identity))
    stamp = [a_cluster(), a_hub(), identity, assigned]
    twin = _twin(*stamp)
    twin[-1]["id"] = twin[-1]["id"].replace("aaaaaaaa", "bbbbbbbb")  # names of assignments are hashes

    found = _compared(
        tmp_path,
        {"global_": [account], "stamp_westeurope": stamp},
        {"global_": _twin(account), "stamp_westeurope": twin},
    )

    assert (found.only_here, found.only_there, found.changes) == ((), (), ())


def test_a_property_that_differs_is_told_by_its_path(tmp_path: Path) -> None:
    found = _compared(
        tmp_path, {"stamp_westeurope": [a_hub()]}, {"stamp_westeurope": _twin(a_hub(maximumThroughputUnits=2))}
    )

    (change,) = found.changes
    assert (change.path, change.here, change.there) == ("properties.maximumThroughputUnits", "8", "2")
    assert change.name == "evhns-shop-{env}-{code}-{unique}"


def test_entries_of_lists_are_found_by_name_and_told_once(tmp_path: Path) -> None:
    two = a_database("West Europe", "North Europe")
    found = _compared(tmp_path, {"global_": [two]}, {"global_": _twin(a_database("West Europe"))})

    assert [(one.path, one.here, one.there) for one in found.changes] == [
        ("properties.locations[North Europe]", "there", "–")
    ]


def test_resources_of_one_environment_alone_are_listed(tmp_path: Path) -> None:
    vault = a_resource("Microsoft.KeyVault/vaults", "kv-shop-test")
    found = _compared(
        tmp_path, {"global_": [vault, a_database("West Europe")]}, {"global_": _twin(a_database("West Europe"))}
    )

    assert found.only_here == (("Key Vault", "kv-shop-{env}", 1),)
    assert found.only_there == ()


def test_a_right_that_only_one_gives_is_told_in_words(tmp_path: Path) -> None:
    account, identity = an_account("stshoptest"), an_identity("api")
    assigned = an_assignment(str(account["id"]), principal_of(identity))
    found = _compared(
        tmp_path,
        {"global_": [account], "stamp_westeurope": [identity, assigned]},
        {"global_": _twin(account), "stamp_westeurope": _twin(identity)},
    )

    assert found.only_here == (("role assignment", "api: Storage Blob Data Reader on stshop{env}", 1),)


def test_a_region_that_one_lacks_is_told_once(tmp_path: Path) -> None:
    found = _compared(
        tmp_path,
        {
            "stamp_westeurope": [a_hub(), a_cluster()],
            "stamp_northeurope": [a_hub("northeurope", "neu"), a_cluster("northeurope", fewest=9)],
        },
        {"stamp_westeurope": _twin(a_hub(), a_cluster())},
    )

    assert found.regions_here == ("northeurope",)
    assert (found.only_here, found.changes) == ((), ())


def test_without_a_common_region_the_first_ones_are_compared(tmp_path: Path) -> None:
    found = _compared(
        tmp_path,
        {"stamp_westeurope": [a_hub()]},
        {"stamp_northeurope": _twin(a_hub("northeurope", "neu", maximumThroughputUnits=2))},
    )

    assert (found.regions_here, found.regions_there) == (("westeurope",), ("northeurope",))
    assert [one.path for one in found.changes] == ["properties.maximumThroughputUnits"]


def test_entries_named_after_regions_are_found_again(tmp_path: Path) -> None:
    def names(region: str) -> Body:
        ends = [{"name": region, "properties": {"endpointStatus": "Enabled", "weight": 50}}]
        return a_resource("Microsoft.Network/trafficManagerProfiles", "tm-shop-test", properties={"endpoints": ends})

    found = _compared(
        tmp_path,
        {"global_": [names("westeurope")], "stamp_westeurope": [a_hub()]},
        {"global_": _twin(names("northeurope")), "stamp_northeurope": _twin(a_hub("northeurope", "neu"))},
    )

    assert found.changes == ()
