"""Equality and order between JSON values as queries see them: three outcomes, the third is undefined.

Values of different types are neither equal nor unequal: `1 = 'a'` and `1 != 'a'` are both undefined, so neither a
test nor its NOT matches. Arrays and objects can be equal but have no order. Numbers are IEEE doubles.
"""

from typing import Any

from local.cosmos.values import UNDEFINED, as_double


def type_of(value: Any) -> int:  # noqa: PLR0911 - one for each type
    """A number per JSON type; 0 for undefined."""
    if isinstance(value, str):
        return 1
    if isinstance(value, bool):
        return 2
    if isinstance(value, int | float):
        return 3
    if value is None:
        return 4
    if isinstance(value, dict):
        return 5
    if isinstance(value, list):
        return 6
    return 0


def same(left: Any, right: Any) -> bool:
    """Are two values of any types one and the same JSON value?"""
    kind = type_of(left)
    if kind != type_of(right):
        return False
    if kind == 3:
        return as_double(left) == as_double(right)
    if kind == 5:
        return left.keys() == right.keys() and all(same(value, right[name]) for name, value in left.items())
    if kind == 6:
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)


def equal(left: Any, right: Any) -> Any:
    """`=`: True, False or UNDEFINED."""
    kind = type_of(left)
    if kind == 0 or kind != type_of(right):
        return UNDEFINED
    return same(left, right)


def compared(operator: str, left: Any, right: Any) -> Any:
    """`<`, `<=`, `>`, `>=`: True, False or UNDEFINED."""
    kind = type_of(left)
    if kind in (0, 5, 6) or kind != type_of(right):
        return UNDEFINED
    if kind == 4:
        return operator in ("<=", ">=")
    if kind == 3:
        left, right = as_double(left), as_double(right)
    if operator == "<":
        return left < right
    if operator == "<=":
        return left <= right
    if operator == ">":
        return left > right
    return left >= right


def negated(value: Any) -> Any:
    """NOT: undefined stays undefined, and so is NOT of anything but a boolean."""
    return not value if isinstance(value, bool) else UNDEFINED


def both(left: Any, right: Any) -> Any:
    """AND: one false decides, whatever the other is."""
    if left is False or right is False:
        return False
    return True if left is True and right is True else UNDEFINED


def either(left: Any, right: Any) -> Any:
    """OR: one true decides, whatever the other is."""
    if left is True or right is True:
        return True
    return False if left is False and right is False else UNDEFINED
