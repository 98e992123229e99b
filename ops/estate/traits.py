"""What a resource promises by its SKU, zones and regions: the words that tables of SLAs and prices are looked up by."""

from collections.abc import Callable

from ops.estate.snapshots import Resource

Traits = dict[str, str | bool]


def traits_of(one: Resource) -> Traits:
    """`tier`, `zones`, `severalRegions`, `multiWrite`, `replication`, as far as they apply to the type."""
    read = _READERS.get(one.type.lower())
    return {} if read is None else read(one)


def replication(one: Resource) -> str:
    """`RAGZRS` of a storage account."""
    return str(one.get("sku.name", "")).rpartition("_")[2]


def tier(one: Resource) -> str:
    """`Standard`, `Premium` …, wherever the type says it."""
    return str(one.get("sku.tier") or one.get("sku.name") or "")


def _cluster(one: Resource) -> Traits:
    pools = one.get("properties.agentPoolProfiles", [])
    zoned = bool(pools) and all(len(pool.get("availabilityZones") or []) > 1 for pool in pools)
    return {"tier": tier(one) or "Free", "zones": zoned}


def _database(one: Resource) -> Traits:
    places = one.get("properties.locations", [])
    return {
        "severalRegions": len(places) > 1,
        "multiWrite": bool(one.get("properties.enableMultipleWriteLocations")),
        "zones": bool(places) and all(bool(place.get("isZoneRedundant")) for place in places),
    }


def _hub(one: Resource) -> Traits:
    return {"tier": tier(one), "zones": bool(one.get("properties.zoneRedundant"))}


def _storage(one: Resource) -> Traits:
    return {"replication": replication(one)}


_READERS: dict[str, Callable[[Resource], Traits]] = {
    "microsoft.containerservice/managedclusters": _cluster,
    "microsoft.documentdb/databaseaccounts": _database,
    "microsoft.eventhub/namespaces": _hub,
    "microsoft.storage/storageaccounts": _storage,
}
