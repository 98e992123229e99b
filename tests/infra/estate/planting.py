"""Ways to plant a fault into a copy of an environment."""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

from .snapshots import Estate, Json, Part

type Plant = Callable[[Estate], object]


class Fault(NamedTuple):
    """One fault, and the rule that must find it."""

    rule: str
    what: str
    plant: Plant


class _Dropped:
    """Instead of a value: takes the key away."""


GONE = _Dropped()


def place(document: Any, path: str, value: Any) -> None:
    """Put a value under a dotted path; a number is a place in a list, GONE takes the key away.

    Raises:
        KeyError, IndexError, TypeError: the path leads nowhere, so the fault would be none.
    """
    *way, last = [int(key) if key.isdecimal() else key for key in path.split(".")]
    for key in way:
        document = document[key]
    if value is GONE:
        del document[last]
    else:
        if isinstance(document, dict) and document.get(last) == value:
            raise KeyError(f"{path} is {value} already")
        document[last] = value


def resource(kind: str, path: str, value: Any, at: int = 0) -> Plant:
    """One resource of a type, the first if nothing else is said, with another value under a path."""
    return lambda given: place(given.of(kind)[at], path, value)


def prop(kind: str, path: str, value: Any, at: int = 0) -> Plant:
    """The same, below `properties`."""
    return resource(kind, f"properties.{path}", value, at)


def of_name(kind: str, ending: str, path: str, value: Any) -> Plant:
    """The resource of a type whose name ends so, with another value under a path below `properties`."""
    return lambda given: place(pick(given, kind, ending), f"properties.{path}", value)


def pick(given: Estate, kind: str, ending: str) -> Json:
    """The first resource of a type whose name ends so."""
    return next(one for one in given.of(kind) if one["name"].endswith(ending))


def lost(kind: str, ending: str = "") -> Plant:
    """A resource of a type is not made."""

    def plant(given: Estate) -> None:
        one = pick(given, kind, ending)
        part_with(given, one).resources.remove(one)

    return plant


def added(kind: str, ending: str = "", **changes: Any) -> Plant:
    """A second resource beside one, with changes by path (`__` stands for a dot)."""

    def plant(given: Estate) -> None:
        one = pick(given, kind, ending)
        more = copy.deepcopy(one)
        for path, value in changes.items():
            place(more, path.replace("__", "."), value)
        part_with(given, one).resources.append(more)

    return plant


def moved(kind: str, ending: str, old: str, new: str) -> Plant:
    """Everywhere in a resource one text stands for another, its id included."""

    def plant(given: Estate) -> None:
        one = pick(given, kind, ending)
        changed = _replaced(one, old, new)
        if changed == one:
            raise KeyError(f"{old} is not in {one['name']}")
        one.clear()
        one.update(changed)

    return plant


def part_with(given: Estate, one: Json) -> Part:
    """The part that has a resource."""
    return next(part for part in given.parts.values() if any(one is other for other in part.resources))


def _replaced(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, dict):
        return {key.replace(old, new): _replaced(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, old, new) for inner in value]
    return value


def all_of(*plants: Plant) -> Plant:
    """Several changes that make one fault."""

    def plant(given: Estate) -> None:
        for one in plants:
            one(given)

    return plant


def every(kind: str, path: str, value: Any) -> Plant:
    """Every resource of a type, with another value under a path below `properties`."""

    def plant(given: Estate) -> None:
        for one in given.of(kind):
            place(one, f"properties.{path}", value)

    return plant
