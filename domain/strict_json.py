"""Reads JSON as strictly as the contract promises: what no later reader could write or compare is refused here."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from domain.errors import InvalidInput

MAX_DEPTH = 16
# Our numbers end at 1,000,000,000.00; anything longer is a mistake or an attack on the parser.
MAX_NUMBER_CHARACTERS = 32


def read_object(data: bytes) -> dict[str, Any]:
    """The JSON object in `data`, its fractions as Decimal.

    Raises:
        InvalidInput: not UTF-8, a byte order mark, no JSON, no object, a member twice, NaN or infinity, a number of
            more than 32 characters, half a surrogate pair, NUL, or more than 16 levels deep.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput("The body is not UTF-8.") from None
    if text.startswith("\ufeff"):
        raise InvalidInput("The body begins with a byte order mark.")
    try:
        value = json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_no_constant,
            object_pairs_hook=_members_once,
        )
    except json.JSONDecodeError as error:
        raise InvalidInput(f"The body is not JSON: line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise InvalidInput("The body is nested too deeply.") from None
    if not isinstance(value, dict):
        raise InvalidInput("The body must be a JSON object.")
    _refuse_unwritable(value, 1)
    return value


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(_short(text))
    except InvalidOperation:  # an exponent beyond what any arithmetic takes
        raise InvalidInput("A number is out of range.") from None


def _integer(text: str) -> int:
    return int(_short(text))


def _short(text: str) -> str:
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise InvalidInput(f"A number has more than {MAX_NUMBER_CHARACTERS} characters.")
    return text


def _no_constant(_: str) -> NoReturn:
    raise InvalidInput("NaN and Infinity are no JSON numbers.")


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidInput("A member stands twice in an object.")
    return members


def _refuse_unwritable(value: object, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidInput("The body is nested too deeply.")
    if isinstance(value, str):
        _refuse_unwritable_text(value)
    elif isinstance(value, dict):
        for name, member in value.items():
            _refuse_unwritable_text(name)
            _refuse_unwritable(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _refuse_unwritable(member, depth + 1)


def _refuse_unwritable_text(text: str) -> None:
    if "\0" in text:
        raise InvalidInput("Text may not contain NUL.")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInput("Text contains half of a surrogate pair.")
