"""What survives which loss, judged from properties."""

from pathlib import Path
from typing import Any

import pytest

from ops.estate.naming import Names
from ops.estate.snapshots import Estate
from ops.estate.survival import fates
from tests.ops.estate.small import (
    Body,
    a_cluster,
    a_database,
    a_hub,
    a_resource,
    an_account,
    an_estate,
    stamp_group,
)


def _word(estate: Estate, name: str, loss: str) -> str:
    (found,) = [one for one in fates(estate, Names(estate)) if one.loss == loss and one.name.startswith(name)]
    return found.verdict.word


@pytest.mark.parametrize(
    ("cluster", "word"),
    [
        (a_cluster(), "survives"),
        (a_cluster(fewest=1), "in part"),
        (a_cluster(zones=[]), "lost"),
        (a_cluster(zones=["1"]), "lost"),
    ],
)
def test_a_cluster_survives_a_zone_by_zones_and_nodes(tmp_path: Path, cluster: Body, word: str) -> None:
    assert _word(an_estate(tmp_path, stamp_westeurope=[cluster]), "aks", "zone") == word


def test_with_other_stamps_the_loss_of_one_is_a_loss_in_part(tmp_path: Path) -> None:
    alone = an_estate(tmp_path, "test", stamp_westeurope=[a_cluster()])
    two = an_estate(tmp_path, "two", stamp_westeurope=[a_cluster()], stamp_northeurope=[a_cluster("northeurope")])

    assert _word(alone, "aks", "region") == _word(alone, "aks", "stamp") == "lost"
    assert _word(two, "aks", "region") == _word(two, "aks", "stamp") == "in part"


@pytest.mark.parametrize(
    ("database", "loss", "word"),
    [
        (a_database("West Europe"), "zone", "survives"),
        (a_database("West Europe", zones=False), "zone", "lost"),
        (a_database("West Europe"), "region", "lost"),
        (a_database("West Europe", "North Europe"), "region", "survives"),
        (a_database("West Europe", "North Europe", multi_write=False), "region", "in part"),
        (a_database("West Europe"), "stamp", "survives"),
    ],
)
def test_a_database_survives_by_its_regions(tmp_path: Path, database: Body, loss: str, word: str) -> None:
    assert _word(an_estate(tmp_path, global_=[database]), "cosmos", loss) == word


@pytest.mark.parametrize(
    ("sku", "zone", "region"),
    [
        ("Standard_LRS", "lost", "waits"),
        ("Standard_ZRS", "survives", "waits"),
        ("Standard_GRS", "lost", "in part"),
        ("Standard_GZRS", "survives", "in part"),
        ("Standard_RAGZRS", "survives", "in part"),
    ],
)
def test_an_account_survives_by_its_replication(tmp_path: Path, sku: str, zone: str, region: str) -> None:
    estate = an_estate(tmp_path, global_=[an_account("st", sku)])

    assert (_word(estate, "st", "zone"), _word(estate, "st", "region")) == (zone, region)


def _captured(into: Body | None) -> list[Body]:
    to = {"properties": {"storageAccountResourceId": into["id"]}} if into else {}
    hub = a_resource(
        "Microsoft.EventHub/namespaces/eventhubs",
        "evhns-shop-test-weu-ab1cd/commands",
        stamp_group("westeurope"),
        properties={"captureDescription": {"enabled": into is not None, "intervalInSeconds": 60, "destination": to}},
    )
    return [a_hub(), hub]


def test_events_outlive_their_stamp_only_where_capture_writes_outside(tmp_path: Path) -> None:
    archive = an_account("star", group="rg-shop-test-westeurope")
    inside = an_account("st", group=stamp_group("westeurope"))
    kept = an_estate(tmp_path, "a", region_westeurope=[archive], stamp_westeurope=_captured(archive))
    within = an_estate(tmp_path, "b", stamp_westeurope=[inside, *_captured(inside)])
    off = an_estate(tmp_path, "c", stamp_westeurope=_captured(None))

    assert [_word(one, "evhns", "stamp") for one in (kept, within, off)] == ["in part", "lost", "lost"]


def test_accepted_events_wait_for_their_region(tmp_path: Path) -> None:
    estate = an_estate(tmp_path, stamp_westeurope=[a_hub()])

    assert _word(estate, "evhns", "region") == "waits"


def test_a_hub_without_zones_does_not_survive_one(tmp_path: Path) -> None:
    estate = an_estate(tmp_path, stamp_westeurope=[a_hub(zoneRedundant=False)])

    assert _word(estate, "evhns", "zone") == "lost"


def _registry(**properties: Any) -> Body:
    return a_resource("Microsoft.ContainerRegistry/registries", "cr", properties=properties)


def test_one_flat_replica_takes_the_registry_down_with_its_zone(tmp_path: Path) -> None:
    flat = a_resource(
        "Microsoft.ContainerRegistry/registries/replications",
        "cr/northeurope",
        properties={"zoneRedundancy": "Disabled"},
    )
    alone = an_estate(tmp_path, "a", global_=[_registry(zoneRedundancy="Enabled")])
    copied = an_estate(tmp_path, "b", global_=[_registry(zoneRedundancy="Enabled"), flat])

    assert (_word(alone, "cr", "zone"), _word(copied, "cr", "zone")) == ("survives", "lost")
    assert (_word(alone, "cr", "region"), _word(copied, "cr", "region")) == ("waits", "survives")


def test_what_no_property_decides_is_not_said(tmp_path: Path) -> None:
    estate = an_estate(tmp_path, global_=[a_resource("Microsoft.KeyVault/vaults", "kv")])

    assert _word(estate, "kv", "zone") == _word(estate, "kv", "region") == "not said"
