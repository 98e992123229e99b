"""Reads what Bicep computed for an environment: every resource it would get, in `infra/snapshots/ENV/*.json`."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from domain.errors import PermanentError

REPOSITORY = Path(__file__).resolve().parents[2]
SNAPSHOTS = REPOSITORY / "infra" / "snapshots"
_PART = re.compile(r"(global|edge|region|stamp)(?:-([a-z0-9]+))?")


class UnknownEnvironment(PermanentError):
    """No snapshots of that name."""


class BrokenSnapshot(PermanentError):
    """A snapshot that cannot be read, or that does not hold the whole estate."""


@dataclass(frozen=True)
class Resource:
    """One resource of a snapshot, with the lifetime and region of the deployment that makes it."""

    id: str
    type: str
    name: str
    lifetime: str
    region: str  # empty for what is deployed once
    body: Mapping[str, Any] = field(repr=False, compare=False)

    def get(self, path: str, default: Any = None) -> Any:
        """A value by its dotted path, such as `properties.sku.name`."""
        value: Any = self.body
        for step in path.split("."):
            if not isinstance(value, Mapping) or step not in value:
                return default
            value = value[step]
        return value

    @property
    def short(self) -> str:
        """The last part of the name: of `account/database/items` just `items`."""
        return self.name.rsplit("/", 1)[-1]

    def is_a(self, kind: str) -> bool:
        """Whether it has this type; Azure does not mind upper and lower case in types."""
        return self.type.lower() == kind.lower()


@dataclass(frozen=True)
class Estate:
    """All resources of one environment, in the order of the snapshots."""

    environment: str
    regions: tuple[str, ...]
    resources: tuple[Resource, ...]
    people: Mapping[str, str]  # object id to role, such as `operators`
    domain: str  # where customers come to; empty where the parameters are not there

    def of(self, kind: str, *, lifetime: str | None = None, region: str | None = None) -> list[Resource]:
        """Every resource of a type, if asked only of one lifetime and region."""
        return [
            one
            for one in self._by_type.get(kind.lower(), ())
            if lifetime in (None, one.lifetime) and region in (None, one.region)
        ]

    def find(self, resource_id: str) -> Resource | None:
        """The resource with this id; ids do not mind upper and lower case."""
        return self._by_id.get(resource_id.lower())

    def under(self, parent: Resource, kind: str) -> list[Resource]:
        """Resources of a type below a resource."""
        prefix = parent.id.lower() + "/"
        return [one for one in self.of(kind) if one.id.lower().startswith(prefix)]

    @cached_property
    def _by_id(self) -> Mapping[str, Resource]:
        return {one.id.lower(): one for one in self.resources}

    @cached_property
    def _by_type(self) -> Mapping[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for one in self.resources:
            found.setdefault(one.type.lower(), []).append(one)
        return found


def environments(folder: Path = SNAPSHOTS) -> list[str]:
    """Names of the environments that have snapshots."""
    if not folder.is_dir():
        raise UnknownEnvironment(f"there is no folder {folder}: name the one with the snapshots with --snapshots")
    return sorted(one.name for one in folder.iterdir() if one.is_dir() and any(one.glob("*.json")))


def read_estate(environment: str, folder: Path = SNAPSHOTS) -> Estate:
    """Read one environment's snapshots.

    Raises:
        UnknownEnvironment: there are none of that name; the message lists those there are.
        BrokenSnapshot: a file is no snapshot, or Bicep says in it that it left something out.
    """
    known = environments(folder)
    if environment not in known:
        raise UnknownEnvironment(f"no environment {environment!r} in {folder}; known: {', '.join(known) or 'none'}")
    resources: list[Resource] = []
    for file in sorted((folder / environment).glob("*.json"), key=lambda one: one.name):
        resources += _read_part(file)
    regions = _in_order(sorted({one.region for one in resources if one.region}), resources)
    people, domain = _parameters(folder.parent / "environments" / environment / "estate.json")
    return Estate(environment, regions, tuple(resources), people, domain)


def group_of(resource_id: str) -> str:
    """The resource group in an id; empty above groups."""
    found = re.search(r"/resourceGroups/([^/]+)", resource_id, re.IGNORECASE)
    return found[1] if found else ""


def scope_of(resource_id: str) -> str:
    """What an extension resource (role assignment, diagnostics) is attached to."""
    before, _, _ = resource_id.rpartition("/providers/")
    return before


def same_region(left: str, right: str) -> bool:
    """`West Europe` and `westeurope` are the same."""
    return plain_region(left) == plain_region(right)


def plain_region(name: str) -> str:
    """`West Europe` as `westeurope`."""
    return name.replace(" ", "").lower()


def _read_part(file: Path) -> list[Resource]:
    named = _PART.fullmatch(file.stem)
    if named is None:
        raise BrokenSnapshot(f"{file}: the name must be global, edge, region-REGION or stamp-REGION")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        predicted: Sequence[Mapping[str, Any]] = content["predictedResources"]
        left_out = content.get("diagnostics") or []
        found = [
            Resource(str(one["id"]), str(one["type"]), str(one["name"]), named[1], named[2] or "", one)
            for one in predicted
        ]
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenSnapshot(f"{file} cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokenSnapshot(f"{file} is no snapshot of Bicep: make it anew with scripts/estate-snapshots") from error
    if left_out:
        raise BrokenSnapshot(f"{file} is not complete, Bicep says so in `diagnostics`: {json.dumps(left_out)[:300]}")
    return found


def _in_order(regions: Sequence[str], resources: Sequence[Resource]) -> tuple[str, ...]:
    """The database lists its regions in the estate's order; what it does not list comes last."""
    for one in resources:
        if one.is_a("Microsoft.DocumentDB/databaseAccounts"):
            places = sorted(one.get("properties.locations", []), key=lambda place: place.get("failoverPriority", 0))
            order = [plain_region(str(place.get("locationName", ""))) for place in places]
            return tuple(sorted(regions, key=lambda name: (order.index(name) if name in order else len(order), name)))
    return tuple(regions)


def _parameters(file: Path) -> tuple[Mapping[str, str], str]:
    """Groups of people by object id, and the domain, as the environment's parameters say, if there are any."""
    if not file.is_file():
        return {}, ""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        people = {value: name for name, value in content.get("people", {}).items() if isinstance(value, str)}
        return people, str(content.get("estate", {}).get("domain", ""))
    except (OSError, ValueError, AttributeError) as error:
        raise BrokenSnapshot(f"{file} is no description of an environment: {error}") from error
