"""The estate as text: counts, regions, what is public, who may do what where, what survives which loss."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ops.estate.access import Grant, grants, service_accounts, without_grants
from ops.estate.exposure import Reach, reaches
from ops.estate.kinds import kind_name
from ops.estate.naming import Names
from ops.estate.snapshots import Estate, Resource, same_region
from ops.estate.survival import LOSSES, Fate, fates
from ops.estate.text import coloured, heading, listed, many, plain, table

_LIFETIMES = ("global", "edge", "region", "stamp")
_ORDER = ("lost", "in part", "waits", "not said", "survives")
_TITLES = {
    "zone": "What survives the loss of a zone",
    "region": "What survives the loss of a region",
    "stamp": "What survives the loss of a stamp",
}


def as_json(estate: Estate) -> dict[str, Any]:
    """Everything that the page says, for programs."""
    names = Names(estate)
    found = grants(estate, names)
    return {
        "environment": estate.environment,
        "regions": list(estate.regions),
        "resources": len(estate.resources),
        "counts": [
            {"type": kind_name(kind), **{lifetime: _count(estate, kind, lifetime) for lifetime in _LIFETIMES}}
            for kind in _kinds(estate)
        ],
        "reach": [asdict(one) for one in reaches(estate, names)],
        "grants": [asdict(one) for one in found],
        "serviceAccounts": service_accounts(estate, names),
        "identitiesWithoutGrants": without_grants(estate, names, found),
        "survival": [asdict(one) for one in fates(estate, names)],
    }


def page(estate: Estate, *, colour: bool) -> str:
    """Everything one wants to know, section by section."""
    names = Names(estate)
    paint = coloured if colour else plain
    judged = fates(estate, names)
    sections = [
        (_headline(estate), _where(estate)),
        ("Resources by type and lifetime", _counts(estate)),
        ("What the internet reaches, and what only private ways reach", _reach(reaches(estate, names), paint)),
        ("Who may do what where", _access(estate, names)),
        *((_TITLES[loss], _survival([one for one in judged if one.loss == loss], paint)) for loss in LOSSES),
    ]
    body = "\n\n".join(f"{heading(title, colour=colour)}\n{text}" for title, text in sections)
    return f"{body}\n\n{_legend(estate)}"


def _headline(estate: Estate) -> str:
    groups = sum(kind_name(one.type) == "resource group" for one in estate.resources)
    return (
        f"{estate.environment}: {many(len(estate.resources), 'resource')} in {many(groups, 'resource group')}, "
        f"{many(len(estate.regions), 'region')}"
    )


def _where(estate: Estate) -> str:
    rows = [("REGION", "NODES", "EVENT HUBS", "DATABASE", "REGISTRY", "HOME OF")]
    for region in estate.regions:
        home = sum(one.lifetime == "global" and _lies_in(one, region) for one in estate.resources)
        cells = (_nodes(estate, region), _units(estate, region), _documents(estate, region), _registry(estate, region))
        rows.append((region, *cells, many(home, "global resource") if home else "–"))
    return table(rows)


def _nodes(estate: Estate, region: str) -> str:
    pools = [
        f"{pool['name']} {pool.get('minCount', pool.get('count'))}–{pool.get('maxCount', pool.get('count'))}"
        for one in estate.of("Microsoft.ContainerService/managedClusters", region=region)
        for pool in one.get("properties.agentPoolProfiles", [])
    ]
    return ", ".join(pools) or "–"


def _units(estate: Estate, region: str) -> str:
    found = []
    for one in estate.of("Microsoft.EventHub/namespaces", region=region):
        least = one.get("sku.capacity", 1)
        found.append(f"{one.get('sku.tier')} {least}–{one.get('properties.maximumThroughputUnits') or least}")
    return ", ".join(found) or "–"


def _documents(estate: Estate, region: str) -> str:
    places = [
        place
        for one in estate.of("Microsoft.DocumentDB/databaseAccounts")
        for place in one.get("properties.locations", [])
        if same_region(str(place.get("locationName", "")), region)
    ]
    if not places:
        return "–"
    return "zone redundant" if all(place.get("isZoneRedundant") for place in places) else "not zone redundant"


def _registry(estate: Estate, region: str) -> str:
    kinds = {"home": "Microsoft.ContainerRegistry/registries"}
    kinds["replica"] = f"{kinds['home']}/replications"
    return (
        ", ".join(word for word, kind in kinds.items() if any(_lies_in(one, region) for one in estate.of(kind))) or "–"
    )


def _lies_in(one: Resource, region: str) -> bool:
    return same_region(str(one.get("location", "")), region)


def _counts(estate: Estate) -> str:
    rows: list[tuple[str, ...]] = [("TYPE", "GLOBAL", "EDGE", "EACH REGION", "EACH STAMP", "TOTAL")]
    for kind in _kinds(estate):
        each = [_each(estate, kind, lifetime) for lifetime in ("region", "stamp")]
        once = [str(_count(estate, kind, lifetime) or "") for lifetime in ("global", "edge")]
        rows.append(
            (kind_name(kind), *once, *each, str(sum(_count(estate, kind, lifetime) for lifetime in _LIFETIMES)))
        )
    totals = [str(sum(one.lifetime == lifetime for one in estate.resources)) for lifetime in _LIFETIMES]
    rows.append(
        ("all", totals[0], totals[1], f"{totals[2]} together", f"{totals[3]} together", str(len(estate.resources)))
    )
    return table(rows, right=(1, 2, 3, 4, 5))


def _each(estate: Estate, kind: str, lifetime: str) -> str:
    """`3`, or `2 to 3` where regions differ."""
    numbers = [len(estate.of(kind, lifetime=lifetime, region=region)) for region in estate.regions]
    if not any(numbers):
        return ""
    return str(numbers[0]) if len(set(numbers)) == 1 else f"{min(numbers)} to {max(numbers)}"


def _reach(found: Sequence[Reach], paint: Any) -> str:
    rows = [("ACCESS", "WHAT", "NAME", "", "HOW")]
    rows += [(one.access, one.kind, one.name, _times(one.count), one.detail) for one in found]
    return table(rows, paint=paint)


def _access(estate: Estate, names: Names) -> str:
    found = grants(estate, names)
    accounts = service_accounts(estate, names)
    blocks = []
    for who in dict.fromkeys(one.who for one in found):
        own = [one for one in found if one.who == who]
        rows = [(one.role, _words(one.where), _whose(one, estate)) for one in own]
        title = _who(own[0])
        title += f", used by the service account {accounts[who]}" if who in accounts else ""
        blocks.append(f"  {title}\n{table(rows, indent=4)}")
    unused = without_grants(estate, names, found)
    if unused:
        blocks.append(f"  without any role: {', '.join(unused)}")
    return "\n".join(blocks) or "  nobody anything"


def _who(one: Grant) -> str:
    return {
        "identity": f"{one.who} (identity of each stamp)",
        "system": f"{one.who} (its own identity)",
        "group": f"{one.who} (people)",
        "unknown": f"{one.who} (not in the snapshots)",
    }[one.kind]


def _words(where: str) -> str:
    """Short enough for a line: containers and hubs say what they are."""
    return where.replace("blob container ", "blobs ")


def _whose(one: Grant, estate: Estate) -> str:
    if one.lifetime in ("stamp", "region"):
        return f"own {one.lifetime}" if one.kind == "identity" else f"each {one.lifetime}"
    missing = [name for name in estate.regions if name not in one.regions] if one.regions else []
    return (one.lifetime or "outside the snapshots") + (f", not from {listed(missing)}" if missing else "")


def _survival(found: Sequence[Fate], paint: Any) -> str:
    rows = [("", "WHAT", "NAME", "", "WHY")]
    together: dict[tuple[str, str, str], list[Fate]] = {}
    for one in found:
        together.setdefault((one.verdict.word, one.kind, one.verdict.reason), []).append(one)
    for (word, kind, reason), those in sorted(together.items(), key=_by_word):
        title = (
            those[0].name
            if len(those) == 1
            else f"{len(those)} of them"
            if len(those) > 2
            else listed([x.name for x in those])
        )
        rows.append((word, kind, title, _times(those[0].count), reason))
    return table(rows, paint=paint)


def _by_word(item: tuple[tuple[str, str, str], list[Fate]]) -> tuple[int, str, str]:
    (word, kind, reason), _ = item
    return _ORDER.index(word), kind.lower(), reason


def _legend(estate: Estate) -> str:
    several = " {region} and {code} stand for each region's." if len(estate.regions) > 1 else ""
    return (
        "lost: gone for good or until somebody restores it. waits: nothing is lost, nothing happens until it is back.\n"
        "in part: the rest of the line says what goes on. not said: nothing in the snapshots decides it." + several
    )


def _times(count: int) -> str:
    return f"×{count}" if count > 1 else ""


def _kinds(estate: Estate) -> list[str]:
    spelled: dict[str, str] = {}
    for one in estate.resources:
        spelled.setdefault(one.type.lower(), one.type)
    return sorted(spelled.values(), key=lambda kind: kind_name(kind).lower())


def _count(estate: Estate, kind: str, lifetime: str) -> int:
    return len(estate.of(kind, lifetime=lifetime))
