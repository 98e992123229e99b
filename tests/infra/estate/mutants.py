"""`python -m tests.infra.estate.mutants`: changes every kind of setting once, and lists the changes that no rule minds.

A list of types and paths, each of them either unimportant or a rule that is missing: the rules' own test. It takes
about half a minute, so it is no part of the test run.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Any

from .rules import RULES
from .snapshots import ENVIRONMENTS, Estate, Json, Rule, changed, short

# What every resource has, and other rules compare as a whole.
_FIXED = ("id", "type", "name", "apiVersion")

type Path = tuple[str | int, ...]


def settings(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value in a document that is no object, lists included, with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from settings(inner, (*path, key))
        return
    yield path, value
    if isinstance(value, list):
        for place, inner in enumerate(value):
            yield from settings(inner, (*path, place))


def other(value: Any) -> Any:
    """A value of the same type that is not the same."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return value + "x"
        case list():
            return [] if value else [{"other": True}]
    return "other"


def mutants(given: Estate, *, every: bool) -> Iterator[tuple[str, Json, Path]]:
    """One change for each kind of setting (a type and a path without places in lists), or for every resource's."""
    seen: set[tuple[str, ...]] = set()
    for _, one in given.each():
        for path, _ in settings(one):
            kind = (one["type"], *(key for key in path if isinstance(key, str)))
            if path[0] not in _FIXED and (every or kind not in seen):
                seen.add(kind)
                yield ".".join(kind[1:]), one, path


def finder(given: Estate, rules: list[Rule], known: set[str]) -> str | None:
    """The first rule that minds what none minded before; what found the last fault is asked first."""
    for place, rule in enumerate(rules):
        try:
            found = next((one for one in rule(given) if one not in known), None)
        except (KeyError, TypeError, AttributeError, ValueError) as error:  # a rule that stumbles is a rule that fails
            found = repr(error)
        if found is not None:
            rules.insert(0, rules.pop(place))
            return rule.__name__
    return None


def main(arguments: list[str]) -> int:
    """Print what survives."""
    parser = argparse.ArgumentParser(prog="python -m tests.infra.estate.mutants", description=__doc__)
    parser.add_argument("environment", nargs="?", default="prod", choices=ENVIRONMENTS)
    parser.add_argument("--every", action="store_true", help="change it in every resource; takes many minutes")
    options = parser.parse_args(arguments)
    given, rules = changed(options.environment, lambda _: None), list(RULES)
    known = {found for rule in RULES for found in rule(given)}
    start, count, survivors = time.monotonic(), 0, 0
    for name, one, path in mutants(given, every=options.every):
        document: Any = one
        for key in path[:-1]:
            document = document[key]
        kept = document[path[-1]]
        document[path[-1]] = other(kept)
        count += 1
        if finder(Estate(options.environment, given.parameters, given.parts), rules, known) is None:
            survivors += 1
            print(f"{short(one) if options.every else one['type']}  {name} = {str(kept)[:60]}", flush=True)
        document[path[-1]] = kept
    print(f"{count} settings changed, {survivors} changes minded by no rule, {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
