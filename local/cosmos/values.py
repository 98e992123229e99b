"""JSON as the service stores it, the order of its values, and partition keys."""

import json
import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from local.cosmos.errors import bad_request


class Undefined:
    """The value of a property that is not there: neither null nor anything else."""

    _instance: "Undefined | None" = None

    def __new__(cls) -> "Undefined":
        """There is one."""
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = Undefined()


def _compact_encoder() -> Callable[[Any], str]:
    plain = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False)
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return plain.encode
    # JSONEncoder.encode makes this C object anew for each call, which costs twice the encoding of a small document.
    pieces = make(None, None, json.encoder.encode_basestring, None, ":", ",", False, False, False)
    return lambda value: "".join(pieces(value, 0))


dump_text = _compact_encoder()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("the same property name twice in one object")
    return members


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)


def parse_json(data: bytes | str) -> Any:
    """The value of a request body.

    Raises:
        CosmosError: 400 for anything that is not one JSON value in UTF-8, or names a property twice.
    """
    try:
        text = data if isinstance(data, str) else data.decode()
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"The request body is not valid JSON: {error}") from error


def load_stored(text: str) -> Any:
    """A document of ours: no checks needed."""
    return json.loads(text)


def encode_json(value: Any) -> str:
    """Compact JSON text.

    Raises:
        CosmosError: 400 for what UTF-8 or JSON cannot write: half a surrogate pair, infinite numbers, depth.
    """
    try:
        text = dump_text(value)
        if not text.isascii():
            text.encode()
    except (ValueError, RecursionError) as error:  # UnicodeEncodeError is a ValueError
        raise bad_request(f"The request body holds a value that JSON cannot store: {error}") from error
    return text


_NUMBER = struct.Struct(">d")
_BITS = struct.Struct(">Q")
_CONSTANT_KEYS = {None: b"\x01", False: b"\x02", True: b"\x03"}
_SIGN = 1 << 63
_MASK = (1 << 64) - 1


def as_double(number: float) -> float:
    """A JSON number as the service sees it: an IEEE double, without minus zero."""
    try:
        return float(number) + 0.0
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def sort_key(value: Any) -> bytes:
    """Bytes that compare as the service orders values.

    undefined < null < false < true < numbers < strings < arrays < objects; strings by code point.
    """
    kind = type(value)  # exact: what JSON is parsed to has no subclasses
    if kind is str:
        text: str = value
        return b"\x05" + text.encode("utf-8", "surrogatepass")
    if kind is int or kind is float:
        raw: int = _BITS.unpack(_NUMBER.pack(as_double(value)))[0]
        return b"\x04" + _BITS.pack(raw ^ _MASK if raw & _SIGN else raw | _SIGN)
    if kind in (list, dict):
        return (b"\x06" if kind is list else b"\x07") + json.dumps(value, sort_keys=True).encode()
    return _CONSTANT_KEYS.get(value, b"\x00")


def at_path(document: Any, path: Sequence[str]) -> Any:
    """What stands at a path of property names, or UNDEFINED."""
    value = document
    for name in path:
        if not isinstance(value, dict):
            return UNDEFINED
        value = value.get(name, UNDEFINED)
        if value is UNDEFINED:
            return UNDEFINED
    return value


def key_text(parts: Sequence[Any]) -> str:
    """One canonical text per partition key value: 7.0 is 7, a missing part is `{}`."""
    return dump_text([_canonical(part) for part in parts])


def _canonical(part: Any) -> Any:
    if part is UNDEFINED or part == {}:
        return {}
    if isinstance(part, bool) or part is None or isinstance(part, str):
        return part
    if isinstance(part, int | float):
        number = as_double(part)
        return int(number) if number.is_integer() and abs(number) < 2**63 else number
    raise bad_request("A partition key value is a string, a number, true, false, null or nothing.")


@lru_cache(maxsize=65536)
def key_of_header(header: str) -> tuple[str, int]:
    """A partition key header as (canonical text, number of parts).

    Raises:
        CosmosError: 400 for anything that is not a JSON array of scalars.
    """
    try:
        parts = json.loads(header)
    except ValueError as error:
        raise bad_request("The partition key supplied in x-ms-partitionkey header is not JSON.") from error
    if not isinstance(parts, list):
        raise bad_request("The partition key supplied in x-ms-partitionkey header is not an array.")
    if not parts:  # the legacy spelling of "no value"
        parts = [{}]
    try:
        text = key_text(parts)
        text.encode()
    except UnicodeEncodeError as error:
        raise bad_request("The partition key holds half a surrogate pair.") from error
    return text, len(parts)


@lru_cache(maxsize=65536)
def _key_of_string(value: str) -> str:
    return f"[{dump_text(value)}]"


def key_of_document(document: dict[str, Any], paths: Sequence[Sequence[str]]) -> str:
    """The canonical partition key text of a document."""
    if len(paths) == 1 and len(paths[0]) == 1:
        value = document.get(paths[0][0], UNDEFINED)
        if isinstance(value, str):
            return _key_of_string(value)
        return key_text([value])
    return key_text([at_path(document, path) for path in paths])
