"""A slow, separate reading of the documented query semantics: the reference that our executor is compared with.

It walks tuples that the tests generate (never our parser's trees) and sorts whole lists.
"""

import functools
from typing import Any

NOTHING = object()  # undefined


def kind(value: Any) -> str:
    """The JSON type's name."""
    if value is NOTHING:
        return "undefined"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def look(document: Any, path: tuple[str, ...]) -> Any:
    """The value at a path."""
    for name in path:
        if not isinstance(document, dict) or name not in document:
            return NOTHING
        document = document[name]
    return document


def alike(a: Any, b: Any) -> bool:
    """Deep equality, by type and value."""
    if kind(a) != kind(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(alike(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return set(a) == set(b) and all(alike(a[name], b[name]) for name in a)
    return bool(a == b)


def compare(operator: str, a: Any, b: Any) -> Any:
    """True, False, or NOTHING where the types differ or have no order."""
    if kind(a) != kind(b) or kind(a) == "undefined":
        return NOTHING
    if operator == "=":
        return alike(a, b)
    if operator == "!=":
        return not alike(a, b)
    if kind(a) in ("array", "object"):
        return NOTHING
    if a is None:
        return operator in ("<=", ">=")
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator]


def holds(test: Any, document: Any) -> Any:  # noqa: PLR0911 - one for each kind of condition
    """The three-valued outcome of a generated condition."""
    match test:
        case ("compare", operator, path, value):
            return compare(operator, look(document, path), value)
        case ("reversed", operator, path, value):
            return compare(operator, value, look(document, path))
        case ("paths", operator, one, other):
            return compare(operator, look(document, one), look(document, other))
        case ("in", path, values):
            outcomes = [compare("=", look(document, path), value) for value in values]
            return True if True in outcomes else NOTHING if NOTHING in outcomes else False
        case ("between", path, low, high):
            return conjunction(compare(">=", look(document, path), low), compare("<=", look(document, path), high))
        case ("defined", path):
            return look(document, path) is not NOTHING
        case ("is", name, path):
            return kind(look(document, path)) == name
        case ("starts", path, prefix):
            value = look(document, path)
            return value.startswith(prefix) if isinstance(value, str) else NOTHING
        case ("contains", path, value):
            items = look(document, path)
            return any(alike(item, value) for item in items) if isinstance(items, list) else NOTHING
        case ("not", inner):
            outcome = holds(inner, document)
            return NOTHING if outcome is NOTHING else not outcome
        case ("and", left, right):
            return conjunction(holds(left, document), holds(right, document))
        case ("or", left, right):
            outcomes = [holds(left, document), holds(right, document)]
            return True if True in outcomes else NOTHING if NOTHING in outcomes else False
    raise AssertionError(test)


def conjunction(left: Any, right: Any) -> Any:
    """AND."""
    if left is False or right is False:
        return False
    return NOTHING if NOTHING in (left, right) else True


_RANK = ["undefined", "null", "false", "true", "number", "string", "array", "object"]


def rank(value: Any) -> int:
    """The place of a value's type in ORDER BY."""
    if isinstance(value, bool):
        return _RANK.index("true" if value else "false")
    return _RANK.index(kind(value))


def before(a: Any, b: Any) -> int:
    """-1, 0, 1 for the order of two values; arrays and objects are not generated for it."""
    if rank(a) != rank(b):
        return -1 if rank(a) < rank(b) else 1
    if kind(a) in ("number", "string"):
        return -1 if a < b else 1 if a > b else 0
    return 0


def ordered(documents: list[Any], orders: list[tuple[tuple[str, ...], bool]]) -> list[Any]:
    """Documents (in order of creation) by ORDER BY; ties by creation, in the last path's direction."""

    def which(a: tuple[int, Any], b: tuple[int, Any]) -> int:
        for path, descending in orders:
            outcome = before(look(a[1], path), look(b[1], path))
            if outcome:
                return -outcome if descending else outcome
        last = orders[-1][1] if orders else False
        return (b[0] - a[0]) if last else (a[0] - b[0])

    return [document for _, document in sorted(enumerate(documents), key=functools.cmp_to_key(which))]


def total(name: str, values: list[Any]) -> Any:
    """An aggregate over values, undefined ones left out."""
    values = [value for value in values if value is not NOTHING]
    if name == "COUNT":
        return len(values)
    if name in ("SUM", "AVG"):
        if any(kind(value) != "number" for value in values):
            return NOTHING
        if name == "SUM":
            return sum(values)
        return sum(values) / len(values) if values else NOTHING
    if any(kind(value) in ("array", "object") for value in values) or not values:
        return NOTHING
    least = sorted(values, key=functools.cmp_to_key(before))
    return least[0] if name == "MIN" else least[-1]
