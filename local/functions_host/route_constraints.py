"""The inline constraints of route templates: `guid`, `int`, `range(1,10)` and their kin."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation

from .errors import IndexingError

_GUID = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}|\([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\)",
    re.IGNORECASE,
)

type Check = Callable[[str], bool]


def _integer_between(low: int, high: int) -> Check:
    def check(text: str) -> bool:
        return re.fullmatch(r"[+-]?\d+", text, re.ASCII) is not None and low <= int(text) <= high

    return check


def _length_between(low: int, high: float) -> Check:
    return lambda text: low <= len(text) <= high


def _is_decimal(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _is_datetime(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


_PLAIN_CHECKS: dict[str, Check] = {
    "guid": lambda text: _GUID.fullmatch(text) is not None,
    "int": _integer_between(-(2**31), 2**31 - 1),
    "long": _integer_between(-(2**63), 2**63 - 1),
    "bool": lambda text: text.lower() in ("true", "false"),
    "alpha": lambda text: re.fullmatch(r"[a-z]*", text, re.IGNORECASE) is not None,
    "decimal": _is_decimal,
    "double": _is_decimal,
    "float": _is_decimal,
    "datetime": _is_datetime,
    "required": bool,
}


_LARGEST = 2**63 - 1
_NUMBERED_CHECKS: dict[tuple[str, int], Callable[..., Check]] = {
    ("length", 1): lambda exact: _length_between(exact, exact),
    ("length", 2): _length_between,
    ("minlength", 1): lambda low: _length_between(low, float("inf")),
    ("maxlength", 1): lambda high: _length_between(0, high),
    ("min", 1): lambda low: _integer_between(low, _LARGEST),
    ("max", 1): lambda high: _integer_between(-_LARGEST - 1, high),
    ("range", 2): _integer_between,
}


def constraint_check(constraint: str, template: str) -> Check:
    """The test that one constraint of a template stands for.

    Raises:
        IndexingError: there is no such constraint, or its arguments are none.
    """
    name, parenthesis, rest = constraint.partition("(")
    name = name.strip().lower()
    if not parenthesis and name in _PLAIN_CHECKS:
        return _PLAIN_CHECKS[name]
    try:
        if name == "regex":
            return _regex_check(rest[:-1])
        numbers = [int(argument) for argument in rest[:-1].split(",")] if parenthesis else []
        return _NUMBERED_CHECKS[name, len(numbers)](*numbers)
    except KeyError as error:
        message = f"The constraint reference '{constraint}' of route '{template}' could not be resolved."
        raise IndexingError(message) from error
    except (ValueError, re.error) as error:
        raise IndexingError(f"The constraint '{constraint}' of route '{template}' is invalid: {error}") from error


def _regex_check(text: str) -> Check:
    pattern = re.compile(text.replace("{{", "{").replace("}}", "}"), re.IGNORECASE)
    return lambda value: pattern.search(value) is not None
