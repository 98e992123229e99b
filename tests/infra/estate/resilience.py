"""Rules about what survives: zones, copies, what is deleted by mistake, and that no two regions are at work at once."""

from collections.abc import Iterator

from .exactly import (
    AGING,
    APPLICATION_GATEWAY,
    BLOBS,
    CLUSTER,
    CONTAINER,
    COSMOS,
    HUBS,
    MAINTENANCE,
    PUBLIC_ADDRESS,
    REGISTRY,
    REPLICA,
    STORAGE,
    VAULT,
    exactly,
)
from .snapshots import DISPLAY, Estate, Json, Rule, at, properties, resources, short

RULES: list[Rule] = []
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ALL_ZONES = ["1", "2", "3"]
# What people may need back: images and letters for two weeks, what a stamp can make anew for one.
SOFT_DELETE_DAYS = {"global": 14, "region": 14, "stamp": 7}
LETTER_DAYS = 90  # design: a letter is dealt with or gone after 90 days


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


def containers_of(given: Estate, account: Json) -> set[str]:
    """The names of an account's blob containers."""
    prefix = account["id"] + "/"
    return {one["name"].rpartition("/")[2] for one in given.of(CONTAINER) if one["id"].startswith(prefix)}


@rule
def everything_lies_in_three_zones(given: Estate) -> Iterator[str]:
    yield from exactly(given, {HUBS: {"zoneRedundant": True}})
    yield from exactly(given, {REGISTRY: {"zoneRedundancy": "Enabled"}, REPLICA: {"zoneRedundancy": "Enabled"}})
    for one in given.of(COSMOS):
        for place in properties(one)["locations"]:
            if place.get("isZoneRedundant") is not True:
                yield f"{short(one)}: {place.get('locationName')} is in one zone"
    for one in given.of(CLUSTER):
        for pool in properties(one)["agentPoolProfiles"]:
            if pool.get("availabilityZones") != ALL_ZONES:
                yield f"{short(one)}: pool {pool['name']} is in zones {pool.get('availabilityZones')}"
    for kind in (PUBLIC_ADDRESS, APPLICATION_GATEWAY):
        for one in given.of(kind):
            if one.get("zones") != ALL_ZONES:
                yield f"{short(one)}: is in zones {one.get('zones')}"


@rule
def storage_is_copied_as_promised(given: Estate) -> Iterator[str]:
    """Images to the paired region, readable there; everything else over the zones of its region."""
    uploads = resources()["storage"]["imageUploadContainer"]
    for one in given.of(STORAGE):
        wanted = "Standard_RAGZRS" if uploads in containers_of(given, one) else "Standard_ZRS"
        if (one.get("sku"), one.get("kind")) != ({"name": wanted}, "StorageV2"):
            yield f"{short(one)}: is {one.get('sku')} {one.get('kind')}, not {wanted}"


@rule
def every_region_writes_the_database(given: Estate) -> Iterator[str]:
    yield from exactly(
        given,
        {
            COSMOS: {
                "enableMultipleWriteLocations": True,
                "enableAutomaticFailover": True,
                "databaseAccountOfferType": "Standard",
                # A hot partition, or a region at night, pays and grows for itself.
                "enableBurstCapacity": True,
                "enablePerRegionPerPartitionAutoscale": True,
                "consistencyPolicy.defaultConsistencyLevel": "Session",
                "backupPolicy.type": "Continuous",
                "backupPolicy.continuousModeProperties.tier": "Continuous30Days",
            }
        },
    )
    for one in given.of(COSMOS):
        if one.get("kind") != "GlobalDocumentDB":
            yield f"{short(one)}: is {one.get('kind')}"
        found = [(place["locationName"], place["failoverPriority"]) for place in properties(one)["locations"]]
        if found != [(DISPLAY[region], position) for position, region in enumerate(given.regions)]:
            yield f"{short(one)}: is in {found}"


@rule
def the_registry_has_a_copy_in_every_region(given: Estate) -> Iterator[str]:
    yield from exactly(given, {REPLICA: {"regionEndpointEnabled": True}})
    for one in given.of(REGISTRY):
        found = [one["location"], *(copy["location"] for copy in given.children(one, REPLICA))]
        if sorted(found) != sorted(given.regions) or one.get("sku") != {"name": "Premium"}:
            yield f"{short(one)}: is in {found} as {one.get('sku')}"


@rule
def deleted_blobs_come_back(given: Estate) -> Iterator[str]:
    """Soft delete everywhere; versions where people's own data lies: images and letters."""
    names = resources()["storage"]
    kept = {names["imageUploadContainer"], names["deadLetterContainer"]}
    for account in given.of(STORAGE):
        part = given.part_of(account["id"])
        days = SOFT_DELETE_DAYS[part.lifetime if part else "global"]
        settings = given.children(account, BLOBS)
        if len(settings) != 1:
            yield f"{short(account)}: has {len(settings)} settings of its blobs"
        for one in settings:
            found = properties(one)
            for path in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
                if found.get(path) != {"enabled": True, "days": days}:
                    yield f"{short(account)}: {path} is {found.get(path)}, not {days} days"
            if found.get("isVersioningEnabled") is not bool(kept & containers_of(given, account)):
                yield f"{short(account)}: isVersioningEnabled is {found.get('isVersioningEnabled')}"


@rule
def blobs_go_when_promised(given: Estate) -> Iterator[str]:
    """Days after which blobs go, by the beginnings of their paths; an account without a line keeps all."""
    names, sizes = resources()["storage"], given.parameters
    wanted = {
        f"{names['imageUploadContainer']}/": sizes["global"]["uploadDays"],
        f"{names['deadLetterContainer']}/": LETTER_DAYS,
        "capture/": sizes["region"]["captureDays"],
        "am-": sizes["region"]["exportedLogDays"],  # what a data export names its containers
    }
    retention = resources()["eventHubs"]["retentionHours"] / 24
    for path in (f"{names['imageUploadContainer']}/", "capture/"):
        if wanted[path] <= retention:
            yield f"{path} goes after {wanted[path]} days, while the hub still has its events"
    for account in given.of(STORAGE):
        found: dict[str, int] = {}
        for policy in given.children(account, AGING):
            for one in at(properties(policy), "policy.rules") or []:
                yield from _odd(account, one)
                deleting = at(one, "definition.actions.baseBlob.delete.daysAfterModificationGreaterThan")
                if one.get("enabled") is not True or not at(one, "definition.filters.prefixMatch"):
                    yield f"{short(account)}: rule {one['name']} is off, or for every blob"
                for prefix in at(one, "definition.filters.prefixMatch") or []:
                    found[prefix] = deleting
        mine = {f"{name}/" for name in containers_of(given, account)} | {"am-"} & _exported(account, given)
        if found != {path: days for path, days in wanted.items() if path in mine}:
            yield f"{short(account)}: blobs go by {found}"


def _odd(account: Json, rule_: Json) -> Iterator[str]:
    """What a rule of ageing does besides: earlier versions go with their blobs; only captured events get cold."""
    filters, actions = at(rule_, "definition.filters") or {}, at(rule_, "definition.actions") or {}
    days = at(actions, "baseBlob.delete.daysAfterModificationGreaterThan")
    exported = filters.get("prefixMatch") == ["am-"]
    if filters.get("blobTypes") != (["appendBlob"] if exported else ["blockBlob"]) or rule_.get("type") != "Lifecycle":
        yield f"{short(account)}: rule {rule_['name']} is for {filters.get('blobTypes')}"
    if at(actions, "version.delete.daysAfterCreationGreaterThan") not in (None, days):
        yield f"{short(account)}: rule {rule_['name']} keeps versions otherwise than blobs"
    cool = at(actions, "baseBlob.tierToCool.daysAfterModificationGreaterThan")
    # A cool blob costs 30 days at least.
    if cool is not None and (filters.get("prefixMatch") != ["capture/"] or cool != 30):
        yield f"{short(account)}: rule {rule_['name']} cools after {cool} days"


def _exported(account: Json, given: Estate) -> set[str]:
    return {"am-"} if "capture" in containers_of(given, account) else set()


@rule
def vaults_cannot_be_purged(given: Estate) -> Iterator[str]:
    yield from exactly(
        given, {VAULT: {"enablePurgeProtection": True, "enableSoftDelete": True, "softDeleteRetentionInDays": 90}}
    )


@rule
def regions_are_maintained_on_different_days(given: Estate) -> Iterator[str]:
    """Cluster and node images: no day at which two regions are at work on themselves."""
    taken: dict[str, str] = {}
    for stamp in given.stamps:
        names = set()
        for one in stamp.of(MAINTENANCE):
            window = properties(one)["maintenanceWindow"]
            names.add(one["name"].rpartition("/")[2])
            day = at(window, "schedule.weekly.dayOfWeek")
            if window != {
                "schedule": {"weekly": {"dayOfWeek": day, "intervalWeeks": 1}},
                "startTime": "01:00",
                "utcOffset": "+00:00",
                "durationHours": 4,
            }:
                yield f"{short(one)}: {window}"
            if day not in WEEKDAYS:
                yield f"{short(one)}: {day} is no day"
            if taken.setdefault(day, stamp.name) != stamp.name:
                yield f"{stamp.name} and {taken[day]} are both maintained on {day}"
        if names != {"aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"}:
            yield f"{stamp.name}: is maintained by {sorted(names)}"
    yield from exactly(
        given,
        {CLUSTER: {"autoUpgradeProfile": {"upgradeChannel": "patch", "nodeOSUpgradeChannel": "NodeImage"}}},
    )
