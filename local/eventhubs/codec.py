"""AMQP 1.0 types: decode, skip and encode.

Decoded numbers keep their AMQP type as a small subclass of int, so that a value can be sent back exactly as it came
(a correlation id must). Malformed input raises DecodeError and nothing else.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.eventhubs.errors import DecodeError

MAX_DEPTH = 32
MAX_ZERO_WIDTH_ELEMENTS = 1024  # elements that take no bytes: an array of 4 billion nulls would fit in 10 bytes


class Symbol(str):
    """An AMQP symbol: ASCII text."""

    __slots__ = ()


class Ubyte(int):
    """8 bits, unsigned."""


class Ushort(int):
    """16 bits, unsigned."""


class Uint(int):
    """32 bits, unsigned."""


class Ulong(int):
    """64 bits, unsigned."""


class Byte(int):
    """8 bits, signed."""


class Short(int):
    """16 bits, signed."""


class Int(int):
    """32 bits, signed."""


class Long(int):
    """64 bits, signed."""


class Timestamp(int):
    """Milliseconds since 1970, signed 64 bits."""


class Uuid(bytes):
    """16 bytes."""


class Float32(float):
    """IEEE 754 binary32."""


@dataclass(frozen=True)
class Opaque:
    """A value passed on as it came: char, decimal and whatever else nobody here looks into."""

    encoded: bytes


@dataclass(frozen=True)
class Described:
    """A value with its descriptor."""

    descriptor: Any
    value: Any


@dataclass(frozen=True)
class Array:
    """Values of one type; `encoded` is the whole array, constructor included."""

    items: tuple[Any, ...]
    encoded: bytes


def width_of(code: int, buf: bytes, pos: int) -> int:
    """Bytes that a value of constructor `code` takes from `pos` on, its size field included."""
    kind = code >> 4
    if 0x4 <= kind <= 0x9:
        return (0, 1, 2, 4, 8, 16)[kind - 4]
    try:
        if kind in {0xA, 0xC, 0xE}:
            return 1 + buf[pos]
        if kind in {0xB, 0xD, 0xF}:
            return 4 + int.from_bytes(_exactly(buf, pos, 4), "big")
    except IndexError:
        raise DecodeError("the value ends before its size") from None
    raise DecodeError(f"no type has the constructor 0x{code:02x}")


def skip(buf: bytes, pos: int, end: int, depth: int = 0) -> int:
    """The position after the value at `pos`, which must end at or before `end`."""
    if pos >= end:
        raise DecodeError("a value is missing")
    if depth > MAX_DEPTH:
        raise DecodeError("values are nested too deeply")
    code = buf[pos]
    if code == 0:
        after_descriptor = skip(buf, pos + 1, end, depth + 1)
        return skip(buf, after_descriptor, end, depth + 1)
    after = pos + 1 + width_of(code, buf, pos + 1)
    if after > end:
        raise DecodeError("a value runs past the end of what holds it")
    return after


def decode(buf: bytes, pos: int, end: int, depth: int = 0) -> tuple[Any, int]:
    """The value at `pos` and the position after it."""
    after = skip(buf, pos, end, depth)
    code = buf[pos]
    if code == 0:
        descriptor, value_at = decode(buf, pos + 1, end, depth + 1)
        value, after = decode(buf, value_at, end, depth + 1)
        return Described(descriptor, value), after
    return _decode_body(code, buf, pos + 1, after, depth), after


def decode_all(buf: bytes) -> Any:
    """The single value that fills `buf`."""
    value, after = decode(buf, 0, len(buf))
    if after != len(buf):
        raise DecodeError("bytes follow the value")
    return value


def list_bounds(buf: bytes, pos: int, end: int) -> tuple[int, int, int]:
    """Number of elements, first byte and end of the list at `pos`."""
    after = skip(buf, pos, end)
    code = buf[pos]
    if code == 0x45:
        return 0, after, after
    if code == 0xC0:
        return _compound_bounds(buf, pos + 1, after, 1)
    if code == 0xD0:
        return _compound_bounds(buf, pos + 1, after, 4)
    raise DecodeError(f"a list was expected, not 0x{code:02x}")


def map_bounds(buf: bytes, pos: int, end: int) -> tuple[int, int, int]:
    """Number of keys and values together, first byte and end of the map at `pos`."""
    after = skip(buf, pos, end)
    code = buf[pos]
    if code == 0xC1:
        return _compound_bounds(buf, pos + 1, after, 1)
    if code == 0xD1:
        return _compound_bounds(buf, pos + 1, after, 4)
    raise DecodeError(f"a map was expected, not 0x{code:02x}")


def _exactly(buf: bytes, pos: int, size: int) -> bytes:
    piece = buf[pos : pos + size]
    if len(piece) != size:
        raise DecodeError("the value ends too early")
    return piece


def _compound_bounds(buf: bytes, pos: int, after: int, size_width: int) -> tuple[int, int, int]:
    start = pos + 2 * size_width
    if start > after:
        raise DecodeError("a list or map is too short for its count")
    count = int.from_bytes(buf[pos + size_width : start], "big")
    if count > after - start:  # each element takes at least its constructor
        raise DecodeError("a list or map counts more elements than it holds")
    return count, start, after


def _decode_body(code: int, buf: bytes, pos: int, after: int, depth: int) -> Any:
    reader = _READERS.get(code)
    if reader is not None:
        size_width = _SIZE_WIDTH.get(code >> 4, 0)
        try:
            return reader(buf[pos + size_width : after])
        except UnicodeDecodeError:
            raise DecodeError("a string is not UTF-8, or a symbol not ASCII") from None
    if code in {0x45, 0xC0, 0xD0}:
        return _decode_list(code, buf, pos, after, depth)
    if code in {0xC1, 0xD1}:
        return _decode_map(code, buf, pos, after, depth)
    if code in {0xE0, 0xF0}:
        return _decode_array(code, buf, pos, after, depth)
    if code in _OPAQUE:
        return Opaque(buf[pos - 1 : after])
    raise DecodeError(f"no type has the constructor 0x{code:02x}")


def _decode_list(code: int, buf: bytes, pos: int, after: int, depth: int) -> list[Any]:
    if code == 0x45:
        return []
    count, at, end = _compound_bounds(buf, pos, after, 1 if code == 0xC0 else 4)
    items = []
    for _ in range(count):
        value, at = decode(buf, at, end, depth + 1)
        items.append(value)
    if at != end:
        raise DecodeError("a list holds more than it counts")
    return items


def _decode_map(code: int, buf: bytes, pos: int, after: int, depth: int) -> dict[Any, Any]:
    count, at, end = _compound_bounds(buf, pos, after, 1 if code == 0xC1 else 4)
    if count % 2:
        raise DecodeError("a map has a key without a value")
    pairs: dict[Any, Any] = {}
    for _ in range(count // 2):
        key, at = decode(buf, at, end, depth + 1)
        value, at = decode(buf, at, end, depth + 1)
        try:
            pairs[key] = value
        except TypeError:
            raise DecodeError("a map has a list or a map for a key") from None
    if at != end:
        raise DecodeError("a map holds more than it counts")
    return pairs


def _decode_array(code: int, buf: bytes, pos: int, after: int, depth: int) -> Array:
    size_width = 1 if code == 0xE0 else 4
    start = pos + 2 * size_width
    if start >= after:
        raise DecodeError("an array has no constructor")
    count = int.from_bytes(buf[pos + size_width : start], "big")
    constructor = buf[start]
    if constructor == 0:
        raise DecodeError("arrays of described values are not used here")
    at = start + 1
    if count > after - at and (constructor >> 4 != 0x4 or count > MAX_ZERO_WIDTH_ELEMENTS):
        raise DecodeError("an array counts more elements than it holds")
    if depth + 1 > MAX_DEPTH:
        raise DecodeError("values are nested too deeply")
    items = []
    for _ in range(count):
        end = at + width_of(constructor, buf, at)
        if end > after:
            raise DecodeError("an array element runs past the array")
        items.append(_decode_body(constructor, buf, at, end, depth + 1))
        at = end
    if at != after:
        raise DecodeError("an array holds more than it counts")
    return Array(tuple(items), buf[pos - 1 : after])


def _boolean(body: bytes) -> bool:
    if body[0] > 1:
        raise DecodeError("a boolean is neither 0 nor 1")
    return body[0] == 1


def _unsigned(kind: type[int]) -> Callable[[bytes], int]:
    return lambda body: kind(int.from_bytes(body, "big"))


def _signed(kind: type[int]) -> Callable[[bytes], int]:
    return lambda body: kind(int.from_bytes(body, "big", signed=True))


_READERS: dict[int, Callable[[bytes], Any]] = {
    0x40: lambda _: None,
    0x41: lambda _: True,
    0x42: lambda _: False,
    0x56: _boolean,
    0x50: _unsigned(Ubyte),
    0x60: _unsigned(Ushort),
    0x70: _unsigned(Uint),
    0x52: _unsigned(Uint),
    0x43: lambda _: Uint(0),
    0x80: _unsigned(Ulong),
    0x53: _unsigned(Ulong),
    0x44: lambda _: Ulong(0),
    0x51: _signed(Byte),
    0x61: _signed(Short),
    0x71: _signed(Int),
    0x54: _signed(Int),
    0x81: _signed(Long),
    0x55: _signed(Long),
    0x72: lambda body: Float32(struct.unpack(">f", body)[0]),
    0x82: lambda body: struct.unpack(">d", body)[0],
    0x83: _signed(Timestamp),
    0x98: Uuid,
    0xA0: bytes,
    0xB0: bytes,
    0xA1: lambda body: body.decode(),
    0xB1: lambda body: body.decode(),
    0xA3: lambda body: Symbol(body.decode("ascii")),
    0xB3: lambda body: Symbol(body.decode("ascii")),
}
_SIZE_WIDTH = {0xA: 1, 0xB: 4}
_OPAQUE = frozenset({0x73, 0x74, 0x84, 0x94})

_FIXED: dict[type, tuple[bytes, struct.Struct]] = {
    Ubyte: (b"\x50", struct.Struct(">B")),
    Ushort: (b"\x60", struct.Struct(">H")),
    Uint: (b"\x70", struct.Struct(">I")),
    Ulong: (b"\x80", struct.Struct(">Q")),
    Byte: (b"\x51", struct.Struct(">b")),
    Short: (b"\x61", struct.Struct(">h")),
    Int: (b"\x71", struct.Struct(">i")),
    Long: (b"\x81", struct.Struct(">q")),
    Timestamp: (b"\x83", struct.Struct(">q")),
    Float32: (b"\x72", struct.Struct(">f")),
    float: (b"\x82", struct.Struct(">d")),
}


def encode(value: Any) -> bytes:  # noqa: PLR0911 - one answer per type
    """The value in AMQP; plain int is refused because its width would be a guess."""
    fixed = _FIXED.get(type(value))
    if fixed is not None:
        return fixed[0] + fixed[1].pack(value)
    match value:
        case None:
            return b"\x40"
        case bool():
            return b"\x41" if value else b"\x42"
        case Uuid():
            return b"\x98" + bytes(value)
        case Symbol():
            return _variable(0xA3, value.encode("ascii"))
        case str():
            return _variable(0xA1, value.encode())
        case bytes():
            return _variable(0xA0, value)
        case Opaque() | Array():
            return value.encoded
        case Described():
            return b"\x00" + _descriptor(value.descriptor) + encode(value.value)
        case list():
            return encode_list([encode(item) for item in value])
        case Mapping():
            return encode_map([(encode(key), encode(item)) for key, item in value.items()])
    raise TypeError(f"no AMQP type for {type(value).__name__}")


def encode_list(items: Sequence[bytes]) -> bytes:
    """A list of values that are encoded already; never the empty-list constructor, which some SDKs misread."""
    return _compound(0xC0, 0xD0, len(items), b"".join(items))


def encode_map(pairs: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A map of keys and values that are encoded already."""
    return _compound(0xC1, 0xD1, 2 * len(pairs), b"".join(key + item for key, item in pairs))


def encode_array(constructor: int, bodies: Sequence[bytes]) -> Array:
    """An array of values given without constructor; its items are not decoded."""
    body = bytes((constructor,)) + b"".join(bodies)
    return Array((), b"\xf0" + struct.pack(">II", len(body) + 4, len(bodies)) + body)


def strings(values: Sequence[str]) -> Array:
    """An array of strings."""
    return encode_array(0xB1, [_sized(text.encode()) for text in values])


def symbols(values: Sequence[str]) -> Array:
    """An array of symbols."""
    return encode_array(0xB3, [_sized(text.encode("ascii")) for text in values])


def _sized(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def _descriptor(descriptor: Any) -> bytes:
    if isinstance(descriptor, Ulong) and descriptor < 256:
        return bytes((0x53, descriptor))  # the only form that every client reads
    return encode(descriptor)


def _variable(code: int, body: bytes) -> bytes:
    if len(body) < 256:
        return bytes((code, len(body))) + body
    return bytes((code | 0x10,)) + _sized(body)


def _compound(small: int, large: int, count: int, body: bytes) -> bytes:
    if len(body) < 255 and count < 256:
        return bytes((small, len(body) + 1, count)) + body
    return bytes((large,)) + struct.pack(">II", len(body) + 4, count) + body
