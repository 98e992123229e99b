"""Two environments side by side: resources that only one has, and properties that differ."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ops.estate.access import principal, role_name, scope_in_words
from ops.estate.kinds import kind_name
from ops.estate.naming import Names, without_guids
from ops.estate.snapshots import Estate, Resource, scope_of

_ABSENT = "–"
_PRESENT = "there"
_PATH = re.compile(r"/subscriptions/[^'\"\s\]]*/([^/'\"\s\]]+)")
_IGNORED = ("id", "name", "type", "tags")  # what names and types say already; tags repeat the environment


@dataclass(frozen=True)
class Change:
    """One property that differs, of a resource that both have."""

    kind: str
    name: str
    path: str
    here: str
    there: str


@dataclass(frozen=True)
class Difference:
    """What comparing found; names are without environment and suffix."""

    here: str
    there: str
    regions_here: tuple[str, ...]
    regions_there: tuple[str, ...]
    only_here: tuple[tuple[str, str, int], ...]  # kind, name, how many
    only_there: tuple[tuple[str, str, int], ...]
    changes: tuple[Change, ...]


def difference(here: Estate, there: Estate) -> Difference:
    """Compare two environments, each resource with its like.

    What is made per region is compared for regions that both have; a region that only one has is said once. If they
    share none, the first region of each is compared.
    """
    ours, theirs = Names(here, there.regions), Names(there, here.regions)
    shared = [name for name in here.regions if name in there.regions]
    left = _compared(here, ours, shared or list(here.regions[:1]))
    right = _compared(there, theirs, shared or list(there.regions[:1]))
    changes: dict[Change, None] = {}
    for key in left:
        if key in right:
            for change in _changes(left[key], right[key], ours, theirs):
                changes[change] = None
    return Difference(
        here.environment,
        there.environment,
        tuple(name for name in here.regions if name not in there.regions),
        tuple(name for name in there.regions if name not in here.regions),
        _only(left, right),
        _only(right, left),
        tuple(sorted(changes, key=lambda one: (one.kind, one.name, one.path))),
    )


_Key = tuple[str, str, str]  # lifetime, name without environment, region


def _compared(estate: Estate, names: Names, regions: list[str]) -> Mapping[_Key, Resource]:
    """Resources by what makes them alike; those of other regions are left out."""
    found: dict[_Key, Resource] = {}
    for one in estate.resources:
        named = names.regions_in(one.name)
        if (one.region and one.region not in regions) or (named and not set(named) & set(regions)):
            continue
        place = (
            str(regions.index(one.region))
            if one.region
            else ",".join(str(regions.index(x)) for x in named if x in regions)
        )
        key = (one.lifetime, _like(estate, names, one), place)
        while key in found:  # the same role twice: told apart by their order
            key = (key[0], key[1] + "+", key[2])
        found[key] = one
    return found


def _like(estate: Estate, names: Names, one: Resource) -> str:
    """Type and name without environment; a role assignment is who, role and scope, for its name is a hash."""
    if one.type.lower().endswith("roleassignments"):
        scope = str(one.get("properties.scope", "")) or scope_of(one.id)
        who, _ = principal(estate, names, str(one.get("properties.principalId", "")))
        text = f"{who}: {role_name(estate, one)} on {scope_in_words(scope)}"
    else:
        text = one.id[one.id.lower().find("/resourcegroups/") :]
    return f"{one.type.lower()} {names.across_environments(text)}"


def _only(left: Mapping[_Key, Resource], right: Mapping[_Key, Resource]) -> tuple[tuple[str, str, int], ...]:
    counted: dict[tuple[str, str], int] = {}
    for key, one in left.items():
        if key not in right:
            title = key[1].split(" ", 1)[1]
            if title.count("/providers/") > 1 and not one.type.lower().endswith("roleassignments"):
                title = f"{title.rsplit('/', 1)[-1]} on {scope_in_words(scope_of(title))}"
            elif "/" in title and not one.type.lower().endswith("roleassignments"):
                title = scope_in_words(title) if "/providers/" in title else title.rsplit("/", 1)[-1]
            counted[kind_name(one.type), title] = counted.get((kind_name(one.type), title), 0) + 1
    return tuple((kind, title, count) for (kind, title), count in sorted(counted.items()))


def _changes(here: Resource, there: Resource, ours: Names, theirs: Names) -> Iterator[Change]:
    if here.type.lower().endswith("roleassignments"):
        return  # who, role and scope are the same, or it would be no match
    left = {path: _plain(value, ours) for path, value in _leaves(here.body, ours)}
    right = {path: _plain(value, theirs) for path, value in _leaves(there.body, theirs)}
    told = set()
    for path in sorted(left.keys() | right.keys()):
        if left.get(path) == right.get(path):
            continue
        entry, values = _whole_entry(path, left, right) or (path, (left.get(path, _ABSENT), right.get(path, _ABSENT)))
        if entry not in told:
            yield Change(kind_name(here.type), ours.across_environments(here.name), entry, *values)
        told.add(entry)


def _whole_entry(path: str, left: Mapping[str, str], right: Mapping[str, str]) -> tuple[str, tuple[str, str]] | None:
    """The outermost entry of a list around this path that only one of the two has: said once, not value by value."""
    for end in (at + 1 for at, letter in enumerate(path) if letter == "]"):
        has = [any(one.startswith(path[:end]) for one in side) for side in (left, right)]
        if has[0] != has[1]:
            return path[:end], (_PRESENT if has[0] else _ABSENT, _PRESENT if has[1] else _ABSENT)
    return None


def _leaves(body: Any, names: Names, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its path; entries of a list by their name where they have one."""
    if isinstance(body, Mapping):
        for key, value in body.items():
            if path or key not in _IGNORED:
                yield from _leaves(value, names, f"{path}.{names.across_environments(str(key))}".lstrip("."))
    elif isinstance(body, list) and body and all(isinstance(one, Mapping) and _title(one) for one in body):
        for one in body:
            yield from _leaves(one, names, f"{path}[{names.across_environments(_title(one))}]")
    elif isinstance(body, list):
        yield path, sorted(map(str, body)) if all(isinstance(one, str) for one in body) else body
    else:
        yield path, body


def _title(one: Mapping[str, Any]) -> str:
    return str(one.get("name") or one.get("locationName") or "")


def _plain(value: Any, names: Names) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower().replace("none", "null")
    text = names.across_environments(value if isinstance(value, str) else json.dumps(value, sort_keys=True))
    return _PATH.sub(r"…/\1", without_guids(text))
