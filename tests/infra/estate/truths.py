"""Rules that compare the resources with the code: what is deployed is what the program was written for."""

import re
from collections.abc import Iterator
from pathlib import Path

import settings
from adapters import stamp_storage
from adapters.cosmos_items import TOMBSTONE_TTL_S
from settings import Settings

from .exactly import (
    BLOBS,
    CONTAINER,
    COSMOS,
    COSMOS_CONTAINER,
    COSMOS_DATABASE,
    HUB,
    HUB_GROUP,
    HUBS,
    IDENTITY,
    STORAGE,
    exactly,
)
from .resilience import containers_of
from .snapshots import ROOT, Estate, Json, Part, Rule, at, properties, resources, short

RULES: list[Rule] = []
HOST_LEASES = "azure-webjobs-hosts"
CAPTURED_AS = "{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}"
ORDER = re.compile(r"ORDER BY ((?:c\.\w+(?: DESC)?(?:, )?)+)")
ADAPTERS = ROOT / "adapters"


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


def last(one: Json) -> str:
    """The last part of a child's name."""
    found: str = one["name"].rpartition("/")[2]
    return found


@rule
def each_stamp_has_the_hub_that_the_code_uses(given: Estate) -> Iterator[str]:
    told = resources()["eventHubs"]
    for stamp in given.stamps:
        names = {kind: [last(one) for one in stamp.of(kind)] for kind in (HUB, HUB_GROUP)}
        if names != {HUB: [settings.HUB], HUB_GROUP: [settings.CONSUMER_GROUP]} or len(stamp.of(HUBS)) != 1:
            yield f"{stamp.name}: has {names}"
        for one in stamp.of(HUB):
            found = properties(one)
            if found.get("partitionCount") != _default("event_hub_partitions"):
                yield f"{short(one)}: {found.get('partitionCount')} partitions; the code takes 32 for granted"
            if found.get("partitionCount") != told["partitions"]:
                yield f"{short(one)}: {found.get('partitionCount')} partitions, not {told['partitions']}"
            retention = found.get("retentionDescription", {})
            if retention != {"cleanupPolicy": "Delete", "retentionTimeInHours": told["retentionHours"]}:
                yield f"{short(one)}: keeps events by {retention}"
            if not 0 < retention.get("retentionTimeInHours", 0) * 3600 < TOMBSTONE_TTL_S:
                yield f"{short(one)}: an event may outlive the proof that it was processed"


def _default(name: str) -> object:
    return Settings.__dataclass_fields__[name].metadata["default"]


@rule
def what_travels_through_a_hub_is_captured(given: Estate) -> Iterator[str]:
    """Into its own region's archive, by the stamp's own identity, under names that tell hubs apart."""
    for stamp in given.stamps:
        region = given.parts[f"region-{stamp.region}"]
        archives = [one["id"] for one in region.of(STORAGE) if "capture" in containers_of(given, one)]
        identities = [one["id"] for one in stamp.of(IDENTITY) if one["name"].endswith("-capture")]
        for one in stamp.of(HUB):
            capture = properties(one).get("captureDescription") or {}
            target = capture.get("destination") or {}
            if (capture.get("enabled"), capture.get("encoding"), target.get("name")) != (
                True,
                "Avro",
                "EventHubArchive.AzureBlockBlob",
            ):
                yield f"{short(one)}: captures {capture}"
            # A window of 5 minutes or 100 MiB; a quiet hub writes nothing.
            windows = [capture.get(key) for key in ("intervalInSeconds", "sizeLimitInBytes", "skipEmptyArchives")]
            if windows != [300, 100 * 1024 * 1024, True]:
                yield f"{short(one)}: captures by {windows}"
            if [at(target, "properties.storageAccountResourceId")] != archives:
                yield f"{short(one)}: captures into {at(target, 'properties.storageAccountResourceId')}"
            if at(target, "properties.blobContainer") != "capture":
                yield f"{short(one)}: captures into container {at(target, 'properties.blobContainer')}"
            if [at(target, "identity.userAssignedIdentity")] != identities or at(
                target, "identity.type"
            ) != "UserAssigned":
                yield f"{short(one)}: captures as {at(target, 'identity.userAssignedIdentity')}"
            if at(target, "properties.archiveNameFormat") != CAPTURED_AS:
                yield f"{short(one)}: names what it captures by {at(target, 'properties.archiveNameFormat')}"


@rule
def the_database_has_the_containers_that_the_code_uses(given: Estate) -> Iterator[str]:
    told = resources()["cosmos"]
    if [last(one) for one in given.of(COSMOS_DATABASE)] != [settings.DATABASE] or len(given.of(COSMOS)) != 1:
        yield f"databases are {[one['name'] for one in given.of(COSMOS_DATABASE)]}"
    found = {last(one): properties(one).get("resource", {}) for one in given.of(COSMOS_CONTAINER)}
    if set(found) != {settings.ITEMS, settings.ACTIVITY, settings.OUTCOMES}:
        yield f"containers are {sorted(found)}"
    for one in told["containers"]:
        have = found.get(one["id"], {})
        for key in sorted(set(one) | set(have)):
            if have.get(key) != one.get(key):
                yield f"container {one['id']}: {key} is {have.get(key)}, not {one.get(key)}"


@rule
def containers_are_keyed_as_documents_are(given: Estate) -> Iterator[str]:
    """What the adapters write into each: its partition key, whether documents may go by themselves, who wins."""
    wanted = {
        # Documents carry their own `ttl`; without a default of -1 it would be ignored, and nothing would ever go.
        settings.ITEMS: (["/itemId"], -1, "/version"),
        settings.ACTIVITY: (["/itemId"], -1, "/version"),
        settings.OUTCOMES: (["/id"], 7 * 86400, None),
    }
    for one in given.of(COSMOS_CONTAINER):
        found = properties(one).get("resource", {})
        have = (
            at(found, "partitionKey.paths"),
            found.get("defaultTtl"),
            at(found, "conflictResolutionPolicy.conflictResolutionPath"),
        )
        if have != wanted.get(last(one)):
            yield f"container {last(one)}: key, TTL and conflict path are {have}"
        if (at(found, "conflictResolutionPolicy.mode") or "LastWriterWins") != "LastWriterWins":
            yield f"container {last(one)}: conflicts wait for somebody to read them"


def sorted_by(file: Path) -> set[tuple[tuple[str, str], ...]]:
    """What an adapter's queries sort by, where they sort by more than one path."""
    found = set()
    for order in ORDER.findall(file.read_text()):
        paths = [part.split() for part in order.split(", ")]
        keys = [(path[0].replace("c.", "/"), "descending" if path[1:] else "ascending") for path in paths]
        if len(keys) > 1:
            found.add(tuple(keys))
    return found


@rule
def queries_have_their_indexes(given: Estate) -> Iterator[str]:
    """Sorting by two paths needs a composite index of just these; without it the service answers 400."""
    files = {settings.ITEMS: "cosmos_items.py", settings.ACTIVITY: "cosmos_activity.py"}
    for one in given.of(COSMOS_CONTAINER):
        policy = at(properties(one), "resource.indexingPolicy") or {}
        have = {tuple((path["path"], path["order"]) for path in index) for index in policy.get("compositeIndexes", [])}
        file = files.get(last(one))
        needed = sorted_by(ADAPTERS / file) if file else set()
        if file and not needed:
            yield f"{file} sorts by nothing: this rule no longer sees its queries"
        for index in needed - have:
            yield f"container {last(one)}: no index for ORDER BY {index}"
        for path in _asked(ADAPTERS / file) if file else set():
            if f"{path}/?" in {excluded["path"] for excluded in policy.get("excludedPaths", [])}:
                yield f"container {last(one)}: queries ask for {path}, which is not indexed"


def _asked(file: Path) -> set[str]:
    """Paths that stand before an operator in an adapter's queries."""
    return {f"/{name}" for name in re.findall(r"c\.(\w+) (?:=|<|>|IN\b)", file.read_text())}


def wanted_containers(part: Part, uses_capture: str = "capture") -> list[set[str]]:
    """The blob containers of each storage account of a part, by what code and host keep there."""
    names = resources()["storage"]
    return {
        "global": [{settings.WEBSITE, settings.IMAGE_UPLOADS}],
        "region": [{settings.DEAD_LETTER_CONTAINER}, {uses_capture}],
        "stamp": [{stamp_storage.CHECKPOINTS, HOST_LEASES, stamp_storage.HEALTH, names["websiteContainer"]}],
    }.get(part.lifetime, [])


@rule
def accounts_have_the_containers_that_code_and_host_use(given: Estate) -> Iterator[str]:
    for part in given.parts.values():
        found = [containers_of(given, one) for one in part.of(STORAGE)]
        if sorted(map(sorted, found)) != sorted(map(sorted, wanted_containers(part))):
            yield f"{part.name}: containers are {sorted(map(sorted, found))}"
    for one in given.of(CONTAINER):
        if given.named(one["id"].rpartition("/containers/")[0]) is None:
            yield f"{short(one)}: in an account whose blobs nobody describes"


@rule
def accounts_with_a_page_are_websites(given: Estate) -> Iterator[str]:
    site = {"enabled": True, "indexDocument": "index.html", "errorDocument404Path": "index.html"}
    for account in given.of(STORAGE):
        wanted = site if settings.WEBSITE in containers_of(given, account) else {"enabled": False}
        for one in given.children(account, BLOBS):
            if properties(one).get("staticWebsite") != wanted:
                yield f"{short(account)}: staticWebsite is {properties(one).get('staticWebsite')}"


@rule
def hubs_speak_amqp_only(given: Estate) -> Iterator[str]:
    yield from exactly(given, {HUBS: {"kafkaEnabled": False}})
