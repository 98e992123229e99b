"""The scalar functions and aggregates of our SQL subset.

A function of an undefined or unsuitable argument is undefined, except IS_DEFINED and its like, which are false.
Strings are counted in code points.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from local.cosmos.sql.compare import same, type_of
from local.cosmos.values import UNDEFINED, as_double, sort_key

AGGREGATES = frozenset(("COUNT", "SUM", "AVG", "MIN", "MAX"))


def _is(kind: int) -> Callable[[Any], Any]:
    return lambda value: type_of(value) == kind


def _text(function: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: function(value) if isinstance(value, str) else UNDEFINED


def _number(function: Callable[[float], Any]) -> Callable[[Any], Any]:
    return lambda value: function(value) if type_of(value) == 3 else UNDEFINED


def _texts(function: Callable[[str, str], bool]) -> Callable[..., Any]:
    def compare(left: Any, right: Any, ignore_case: Any = False) -> Any:
        if not isinstance(left, str) or not isinstance(right, str) or not isinstance(ignore_case, bool):
            return UNDEFINED
        return function(left.lower(), right.lower()) if ignore_case else function(left, right)

    return compare


def _array_contains(items: Any, wanted: Any, partial: Any = False) -> Any:
    if not isinstance(items, list) or wanted is UNDEFINED or not isinstance(partial, bool):
        return UNDEFINED
    if partial and isinstance(wanted, dict):
        return any(_holds(item, wanted) for item in items)
    return any(same(item, wanted) for item in items)


def _holds(item: Any, wanted: dict[str, Any]) -> bool:
    if not isinstance(item, dict):
        return False
    return all(
        name in item and (_holds(item[name], value) if isinstance(value, dict) else same(item[name], value))
        for name, value in wanted.items()
    )


def _concat(*parts: Any) -> Any:
    return "".join(parts) if all(isinstance(part, str) for part in parts) else UNDEFINED


def _substring(text: Any, start: Any, length: Any) -> Any:
    if not isinstance(text, str) or type_of(start) != 3 or type_of(length) != 3:
        return UNDEFINED
    first = max(0, int(min(as_double(start), len(text))))
    count = max(0, int(min(as_double(length), len(text))))
    return text[first : first + count]


def _index_of(text: Any, wanted: Any) -> Any:
    return text.find(wanted) if isinstance(text, str) and isinstance(wanted, str) else UNDEFINED


def _left(text: Any, count: Any) -> Any:
    return _substring(text, 0, count)


def _right(text: Any, count: Any) -> Any:
    if not isinstance(text, str) or type_of(count) != 3:
        return UNDEFINED
    kept = max(0, int(min(as_double(count), len(text))))
    return text[len(text) - kept :]


def _whole(function: Callable[[float], int]) -> Callable[[float], Any]:
    def round_(number: float) -> Any:
        return function(number) if math.isfinite(as_double(number)) else UNDEFINED

    return round_


FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "IS_DEFINED": (lambda value: value is not UNDEFINED, 1, 1),
    "IS_NULL": (_is(4), 1, 1),
    "IS_STRING": (_is(1), 1, 1),
    "IS_NUMBER": (_is(3), 1, 1),
    "IS_BOOL": (_is(2), 1, 1),
    "IS_ARRAY": (_is(6), 1, 1),
    "IS_OBJECT": (_is(5), 1, 1),
    "IS_PRIMITIVE": (lambda value: type_of(value) in (1, 2, 3, 4), 1, 1),
    "STARTSWITH": (_texts(str.startswith), 2, 3),
    "ENDSWITH": (_texts(str.endswith), 2, 3),
    "CONTAINS": (_texts(str.__contains__), 2, 3),
    "STRINGEQUALS": (_texts(str.__eq__), 2, 3),
    "ARRAY_CONTAINS": (_array_contains, 2, 3),
    "ARRAY_LENGTH": (lambda value: len(value) if isinstance(value, list) else UNDEFINED, 1, 1),
    "LOWER": (_text(str.lower), 1, 1),
    "UPPER": (_text(str.upper), 1, 1),
    "LENGTH": (_text(len), 1, 1),
    "REVERSE": (_text(lambda text: text[::-1]), 1, 1),
    "CONCAT": (_concat, 2, 1000),
    "SUBSTRING": (_substring, 3, 3),
    "INDEX_OF": (_index_of, 2, 2),
    "LEFT": (_left, 2, 2),
    "RIGHT": (_right, 2, 2),
    "ABS": (_number(abs), 1, 1),
    "FLOOR": (_number(_whole(math.floor)), 1, 1),
    "CEILING": (_number(_whole(math.ceil)), 1, 1),
}
ARITY = {name: (low, high) for name, (_, low, high) in FUNCTIONS.items()}


class Accumulator:
    """One aggregate over the values of a group."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0
        self._values: list[Any] = []
        self._broken = False

    def add(self, value: Any) -> None:
        """Take one more value; undefined ones do not count."""
        if value is UNDEFINED:
            return
        self._count += 1
        if self._name in ("SUM", "AVG"):
            if type_of(value) == 3:
                self._values.append(value)
            else:
                self._broken = True
        elif self._name in ("MIN", "MAX"):
            if type_of(value) in (5, 6):
                self._broken = True  # arrays and objects have no order
            elif not self._values or (sort_key(value) < sort_key(self._values[0])) == (self._name == "MIN"):
                self._values = [value]

    def result(self) -> Any:
        """The aggregate; UNDEFINED when there is none."""
        if self._name == "COUNT":
            return self._count
        if self._broken:
            return UNDEFINED
        if self._name == "SUM":
            return _plain(_sum(self._values))
        if not self._values:
            return UNDEFINED
        if self._name == "AVG":
            return _plain(_sum(self._values) / len(self._values))
        return self._values[0]


def _sum(values: Sequence[float]) -> float:
    if all(isinstance(value, int) for value in values):
        return sum(values)
    total = 0.0
    for value in values:
        total += as_double(value)
    return total


def _plain(number: float) -> Any:
    """Whole numbers without a fraction, as JavaScript prints them; no infinities."""
    if isinstance(number, int):
        return number
    if not math.isfinite(number):
        return UNDEFINED
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
