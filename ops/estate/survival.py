"""What survives the loss of a zone, of a region, of a stamp: judged from what the snapshots say, class by class."""

from collections.abc import Callable
from dataclasses import dataclass

from ops.estate.exposure import origins_to
from ops.estate.kinds import kind_name
from ops.estate.naming import Names
from ops.estate.snapshots import Estate, Resource
from ops.estate.text import many

LOSSES = ("zone", "region", "stamp")


@dataclass(frozen=True)
class Verdict:
    """`survives`, `in part`, `waits` (nothing lost, but nothing happens until it is back), `lost` or `not said`."""

    word: str
    reason: str


@dataclass(frozen=True)
class Fate:
    """What becomes of one resource, or one per region that are alike."""

    kind: str
    name: str
    count: int
    loss: str
    verdict: Verdict


def fates(estate: Estate, names: Names) -> list[Fate]:
    """A verdict for each resource of the judged classes and each loss; those alike in all regions are one."""
    together: dict[tuple[str, str, str, Verdict], int] = {}
    for one in estate.resources:
        judge = _JUDGES.get(one.type.lower())
        if judge is None:
            continue
        for loss in LOSSES:
            key = (kind_name(one.type), names.across_regions(one.name), loss, judge(estate, one, loss))
            together[key] = together.get(key, 0) + 1
    return [Fate(kind, name, count, loss, verdict) for (kind, name, loss, verdict), count in together.items()]


def judged_types() -> frozenset[str]:
    """Types, in lower case, that a verdict is given for."""
    return frozenset(_JUDGES)


def _survives(reason: str) -> Verdict:
    return Verdict("survives", reason)


def _lost(reason: str) -> Verdict:
    return Verdict("lost", reason)


def _others(estate: Estate) -> str:
    count = len(estate.regions) - 1
    return f"the other {many(count, 'stamp')} serve" + ("s" if count == 1 else "")


def _outlives(one: Resource) -> Verdict:
    return _survives("its group outlives stamps") if one.lifetime == "region" else _survives("it is no part of a stamp")


def _cluster(estate: Estate, one: Resource, loss: str) -> Verdict:
    if loss == "zone":
        pools = one.get("properties.agentPoolProfiles", [])
        flat = [pool["name"] for pool in pools if len(pool.get("availabilityZones") or []) < 2]
        thin = [pool["name"] for pool in pools if pool.get("minCount", pool.get("count", 0)) < 2]
        if flat or not pools:
            return _lost(f"no zones for nodes of {', '.join(flat) or 'any pool'}")
        if thin:
            return Verdict(
                "in part", f"zones, but one node of {', '.join(thin)} may be all there is: pods wait for the next"
            )
        fewest = min(pool.get("minCount", pool.get("count", 0)) for pool in pools)
        return _survives(
            f"{many(len(pools), 'node pool')} in {len(pools[0]['availabilityZones'])} zones, {fewest} nodes at least"
        )
    if len(estate.regions) > 1:
        return Verdict("in part", f"gone with its {loss}; {_others(estate)}")
    return _lost(f"gone with its {loss}, and there is no other stamp")


def _database(estate: Estate, one: Resource, loss: str) -> Verdict:
    places = one.get("properties.locations", [])
    if loss == "stamp":
        return _outlives(one)
    if loss == "zone":
        flat = [str(place["locationName"]) for place in places if not place.get("isZoneRedundant")]
        return (
            _lost(f"not zone redundant: {', '.join(flat)}")
            if flat
            else _survives(f"zone redundant in {many(len(places), 'region')}")
        )
    if len(places) < 2:
        return _lost(
            "one region; restored from continuous backup elsewhere, by hand" if _continuous(one) else "one region"
        )
    if one.get("properties.enableMultipleWriteLocations"):
        others = many(len(places) - 1, "other region")
        return _survives(f"{others} read and write; writes not yet replicated are there when it is back")
    if one.get("properties.enableAutomaticFailover"):
        return Verdict("in part", "reads go on; writes after the failover of the only region that writes")
    return Verdict("in part", "reads go on; writes wait for a failover by hand")


def _continuous(one: Resource) -> bool:
    return bool(one.get("properties.backupPolicy.type") == "Continuous")


def _hub(estate: Estate, one: Resource, loss: str) -> Verdict:
    if loss == "zone":
        return _survives("zone redundant") if one.get("properties.zoneRedundant") else _lost("not zone redundant")
    if loss == "region":
        copied = one.get("properties.geoDataReplication.locations")
        if copied and len(copied) > 1:
            return _survives(f"copied to {many(len(copied) - 1, 'other region')}")
        serves = f"; {_others(estate)} new writes" if len(estate.regions) > 1 else "; nobody takes writes meanwhile"
        return Verdict("waits", f"accepted events stay in its log until the region is back{serves}")
    hubs = estate.under(one, "Microsoft.EventHub/namespaces/eventhubs")
    if hubs and all(_captured_elsewhere(estate, hub) for hub in hubs):
        pause = max(hub.get("properties.captureDescription.intervalInSeconds", 0) for hub in hubs)
        return Verdict(
            "in part",
            f"deleted with the stamp: drain first; up to the last {pause} s it is captured in the region's archive",
        )
    return _lost("deleted with the stamp with every event not yet processed: drain first")


def _captured_elsewhere(estate: Estate, hub: Resource) -> bool:
    """Whether events are also written to an account that outlives the stamp."""
    path = "properties.captureDescription.destination.properties.storageAccountResourceId"
    archive = estate.find(str(hub.get(path, "")))
    return (
        bool(hub.get("properties.captureDescription.enabled")) and archive is not None and archive.lifetime != "stamp"
    )


def _storage(estate: Estate, one: Resource, loss: str) -> Verdict:
    kept = str(one.get("sku.name", "")).removeprefix("Standard_").removeprefix("Premium_")
    if loss == "zone":
        return _survives(kept) if kept.endswith("ZRS") else _lost(f"{kept or 'no SKU'}: copies in one zone")
    if loss == "stamp":
        return _outlives(one) if one.lifetime != "stamp" else _site_or_lost(estate, "deleted with the stamp")
    if kept.startswith("RA"):
        second = any(
            str(origin.get("properties.sharedPrivateLinkResource.groupId", "")).endswith("_secondary")
            for origin in origins_to(estate, one)
        )
        how = (
            "Front Door reads the copy in the paired region" if second else "the copy in the paired region can be read"
        )
        return Verdict("in part", f"{kept}: {how}; writing waits for the region or an account failover")
    if kept in ("GRS", "GZRS"):
        return Verdict("in part", f"{kept}: a copy in the paired region, readable after an account failover")
    if one.lifetime == "stamp":
        return _site_or_lost(estate, f"{kept}: in its region alone")
    return Verdict("waits", f"{kept}: in its region alone, back with it")


def _site_or_lost(estate: Estate, why: str) -> Verdict:
    if len(estate.regions) > 1:
        return Verdict("in part", f"{why}; pages come from the other stamps' accounts")
    return _lost(f"{why}, and there is no other stamp")


def _registry(estate: Estate, one: Resource, loss: str) -> Verdict:
    copies = estate.under(one, "Microsoft.ContainerRegistry/registries/replications")
    if loss == "stamp":
        return _outlives(one)
    if loss == "region":
        if copies:
            return _survives(
                f"pulls go on from {many(len(copies), 'replica')}; its settings wait when its home region is lost"
            )
        return Verdict("waits", "one region: running pods go on, no new node can pull")
    flat = [copy.short for copy in (one, *copies) if copy.get("properties.zoneRedundancy") != "Enabled"]
    return (
        _lost(f"not zone redundant: {', '.join(flat)}")
        if flat
        else _survives("zone redundant, and so is every replica" if copies else "zone redundant")
    )


def _vault(estate: Estate, one: Resource, loss: str) -> Verdict:
    if loss == "stamp":
        if one.lifetime != "stamp":
            return _outlives(one)
        purge = " and kept from being purged" if one.get("properties.enablePurgeProtection") else ""
        days = one.get("properties.softDeleteRetentionInDays", "?")
        return Verdict("in part", f"deleted with the stamp, recoverable for {days} days{purge}")
    return Verdict(
        "not said", f"no property decides it; Azure promises to carry a vault through the loss of a {loss} itself"
    )


def _observed(_: Estate, one: Resource, loss: str) -> Verdict:
    if loss == "stamp":
        return _outlives(one)
    if loss == "region":
        copied = one.get("properties.replication.enabled")
        return (
            _survives("replicated to another region")
            if copied
            else Verdict("waits", "telemetry of its region alone; nothing is collected meanwhile")
        )
    return Verdict("not said", "no property decides it; depends on the region")


def _global(_: Estate, one: Resource, loss: str) -> Verdict:
    return _survives("no part of a stamp" if loss == "stamp" else f"a global service: bound to no {loss}")


def _regional(estate: Estate, one: Resource, loss: str) -> Verdict:
    if loss == "zone":
        return _survives("a regional service, in no single zone")
    return _gone_with_stamp(estate, loss)


def _gateway(estate: Estate, one: Resource, loss: str) -> Verdict:
    if loss == "zone":
        zones = one.get("zones") or []
        return _survives(f"{len(zones)} zones") if len(zones) > 1 else _lost("no zones")
    return _gone_with_stamp(estate, loss)


def _gone_with_stamp(estate: Estate, loss: str) -> Verdict:
    if len(estate.regions) > 1:
        return Verdict("in part", f"gone with its {loss}; {_others(estate)}")
    return _lost(f"gone with its {loss}, and there is no other stamp")


_JUDGES: dict[str, Callable[[Estate, Resource, str], Verdict]] = {
    "microsoft.cdn/profiles": _global,
    "microsoft.containerregistry/registries": _registry,
    "microsoft.containerservice/managedclusters": _cluster,
    "microsoft.documentdb/databaseaccounts": _database,
    "microsoft.eventhub/namespaces": _hub,
    "microsoft.insights/components": _observed,
    "microsoft.keyvault/vaults": _vault,
    "microsoft.monitor/accounts": _observed,
    "microsoft.network/applicationgateways": _gateway,
    "microsoft.network/frontdoorwebapplicationfirewallpolicies": _global,
    "microsoft.network/privateendpoints": _regional,
    "microsoft.network/publicipaddresses": _gateway,
    "microsoft.network/trafficmanagerprofiles": _global,
    "microsoft.network/virtualnetworks": _regional,
    "microsoft.operationalinsights/workspaces": _observed,
    "microsoft.storage/storageaccounts": _storage,
}
