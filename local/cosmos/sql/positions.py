"""Where a page ends and the next one begins: continuation tokens."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from local.cosmos.errors import bad_request


@dataclass(slots=True)
class Position:
    """Where the next page starts: after a row (its order keys and rid), or after a number of results."""

    keys: list[Any] | None = None
    rid: int = 0
    done: int = 0  # results given so far, for TOP, OFFSET and LIMIT
    skipped: bool = False


def after(position: Position, directions: list[tuple[str, bool]]) -> tuple[list[str], list[Any]]:
    """The condition that a row comes after a position in this order."""
    if position.keys is None:
        return [], []
    values = [*position.keys, position.rid]
    if len(values) != len(directions):
        raise bad_request("The continuation token does not belong to this query.")
    if len({descending for _, descending in directions}) == 1:
        names = ", ".join(name for name, _ in directions)
        return [f"({names}) {'<' if directions[0][1] else '>'} ({', '.join('?' * len(values))})"], values
    alternatives: list[str] = []
    arguments: list[Any] = []
    for place, (name, descending) in enumerate(directions):
        same = [f"{other} = ?" for other, _ in directions[:place]]
        alternatives.append(" AND ".join([*same, f"{name} {'<' if descending else '>'} ?"]))
        arguments += values[: place + 1]
    return [f"({' OR '.join(f'({one})' for one in alternatives)})"], arguments


def index_after(found: Sequence[tuple[list[bytes], int, str]], position: Position, directions: Sequence[bool]) -> int:
    """The first row after the position, in rows sorted by these directions."""
    if position.keys is None:
        return 0
    if len(position.keys) != len(directions):
        raise bad_request("The continuation token does not belong to this query.")
    wanted = [*position.keys, position.rid]
    turned = [*directions, directions[-1]]

    def is_after(entry: tuple[list[bytes], int, str]) -> bool:
        for mine, theirs, descending in zip([*entry[0], entry[1]], wanted, turned, strict=True):
            if mine != theirs:
                return bool((mine < theirs) == descending)
        return False

    low, high = 0, len(found)
    while low < high:
        middle = (low + high) // 2
        if is_after(found[middle]):
            high = middle
        else:
            low = middle + 1
    return low


def to_token(position: Position) -> str:
    """The token of a position."""
    keys = None
    if position.keys is not None:
        keys = [key.hex() if isinstance(key, bytes) else [key] for key in position.keys]
    content = {"k": keys, "r": position.rid, "d": position.done, "s": position.skipped}
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def from_token(token: str | None) -> Position:
    """The position of a token; the start without one. Raises 400 for what is none."""
    if not token:
        return Position()
    try:
        content = json.loads(base64.urlsafe_b64decode(token))
        keys = content["k"]
        if keys is not None:
            keys = [bytes.fromhex(key) if isinstance(key, str) else str(key[0]) for key in keys]
        return Position(keys, int(content["r"]), int(content["d"]), bool(content["s"]))
    except (ValueError, KeyError, TypeError, IndexError, binascii.Error) as error:
        raise bad_request("The continuation token is malformed.") from error
