"""What each environment would get, as `infra/snapshots` says: every resource, and ways to find things among them."""

import json
import pickle
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
SNAPSHOTS = ROOT / "infra" / "snapshots"
ENVIRONMENTS = sorted(folder.name for folder in SNAPSHOTS.iterdir())

type Json = dict[str, Any]
type Rule = Callable[["Estate"], Iterator[str]]

_PRINCIPAL = re.compile(
    r"\[reference\('(?P<id>/subscriptions/[^']+)', '[0-9a-z-]+'(, 'full')?\)\.(identity\.)?principalId\]"
)
# Azure's own names for the regions, as Cosmos DB and the app's settings spell them.
DISPLAY = {
    "eastus2": "East US 2",
    "centralus": "Central US",
    "francecentral": "France Central",
    "germanywestcentral": "Germany West Central",
    "northeurope": "North Europe",
    "norwayeast": "Norway East",
    "swedencentral": "Sweden Central",
    "uksouth": "UK South",
    "westeurope": "West Europe",
}


@dataclass
class Part:
    """One deployment of an environment: `global`, `edge`, or `region` or `stamp` of a region."""

    name: str
    resources: list[Json]
    diagnostics: list[Json]
    outputs: Json

    @property
    def lifetime(self) -> str:
        return self.name.partition("-")[0]

    @property
    def region(self) -> str:
        """Empty for what is global."""
        return self.name.partition("-")[2]

    def of(self, kind: str) -> list[Json]:
        """The resources of a type; Azure's own spelling of types varies in case."""
        return [one for one in self.resources if one["type"].lower() == kind.lower()]


class Estate:
    """One environment: its parameters and its parts. It looks things up in an index: change a part, then make anew."""

    def __init__(self, environment: str, parameters: Json, parts: dict[str, Part]) -> None:
        self.environment = environment
        self.parameters = parameters
        self.parts = parts

    @property
    def regions(self) -> list[str]:
        found: list[str] = self.parameters["estate"]["regions"]
        return found

    @property
    def stamps(self) -> list[Part]:
        return [one for one in self.parts.values() if one.lifetime == "stamp"]

    def each(self) -> Iterator[tuple[Part, Json]]:
        """Every resource, with the part that makes it."""
        for part in self.parts.values():
            for one in part.resources:
                yield part, one

    def of(self, kind: str) -> list[Json]:
        """The resources of a type, of all parts."""
        return self._by_type.get(kind.lower(), [])

    def named(self, resource_id: str) -> Json | None:
        """The resource of an id; None when no part makes it."""
        found = self._by_id.get(resource_id.lower())
        return found[1] if found else None

    def part_of(self, resource_id: str) -> Part | None:
        """The part that makes the resource; None when no part does."""
        found = self._by_id.get(resource_id.lower())
        return found[0] if found else None

    def children(self, parent: Json, kind: str) -> list[Json]:
        """Resources of a type directly below another one (`…/blobServices` of an account)."""
        return [one for one in self.of(kind) if above(one["id"]) == parent["id"]]

    @cached_property
    def _by_id(self) -> dict[str, tuple[Part, Json]]:
        return {one["id"].lower(): (part, one) for part, one in self.each()}

    @cached_property
    def _by_type(self) -> dict[str, list[Json]]:
        found: dict[str, list[Json]] = {}
        for _, one in self.each():
            found.setdefault(one["type"].lower(), []).append(one)
        return found


def properties(one: Json) -> Json:
    """A resource's properties; some have none."""
    found: Json = one.get("properties") or {}
    return found


def above(resource_id: str) -> str:
    """The id without its last type and name: the parent of a child resource."""
    return resource_id.rsplit("/", 2)[0]


def scope_of(extension: Json) -> str:
    """What an extension resource (role assignment, diagnostic setting) is put on."""
    found: str = extension["id"].rpartition("/providers/")[0]
    return found


def group_of(resource_id: str) -> str:
    """The resource group's name in an id; empty above groups."""
    found = re.search(r"/resourceGroups/([^/']+)", resource_id)
    return found[1] if found else ""


def short(one: Json) -> str:
    """A resource as messages name it."""
    return f"{one['type'].rpartition('/')[2]} {one['name']}"


def identity_behind(principal: str) -> str | None:
    """The resource whose identity an expression of its principal id means; None for a literal id."""
    found = _PRINCIPAL.fullmatch(principal)
    return found["id"] if found else None


def at(value: Any, path: str) -> Any:
    """What lies under a dotted path; None where it ends early."""
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def texts(value: Any) -> Iterator[str]:
    """Every text in a document, keys included: some ids are keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def below(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every key in a document with its dotted path and its value; lists add nothing to the path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            here = f"{path}.{key}" if path else key
            yield here, inner
            yield from below(inner, here)
    elif isinstance(value, list):
        for inner in value:
            yield from below(inner, path)


def resources() -> Json:
    """The one description that code, local cloud and Bicep share."""
    read: Json = json.loads((ROOT / "infra" / "resources.json").read_text())
    return read


def front_door() -> Json:
    """What the edge is told, in Azure and locally."""
    read: Json = json.loads((ROOT / "infra" / "front-door.json").read_text())
    return read


@cache
def estate(environment: str) -> Estate:
    """An environment as it is committed; shared, so look and do not touch."""
    parameters = json.loads((ROOT / "infra" / "environments" / environment / "estate.json").read_text())
    parts = {}
    for file in sorted((SNAPSHOTS / environment).glob("*.json")):
        found = json.loads(file.read_text())
        parts[file.stem] = Part(file.stem, found["predictedResources"], found["diagnostics"], found["outputs"])
    return Estate(environment, parameters, parts)


@cache
def _frozen(environment: str) -> bytes:
    """An environment's parameters and parts; ten times as quick to copy as by `copy.deepcopy`."""
    given = estate(environment)
    return pickle.dumps((given.parameters, given.parts))


def changed(environment: str, change: Callable[[Estate], object]) -> Estate:
    """A copy of an environment with a change, such as a planted fault."""
    given = Estate(environment, *pickle.loads(_frozen(environment)))
    change(given)
    return Estate(environment, given.parameters, given.parts)
