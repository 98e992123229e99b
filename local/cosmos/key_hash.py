"""The effective partition key: where a key lies among the partition ranges. SDKs compute it too, for key feeds."""

import json
import struct
from functools import lru_cache
from typing import Any

_MASK = (1 << 64) - 1
_C1, _C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F


def _rotate(value: int, by: int) -> int:
    return ((value << by) | (value >> (64 - by))) & _MASK


def _mix(value: int) -> int:
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & _MASK
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & _MASK
    return value ^ (value >> 33)


def murmur3_128(data: bytes) -> bytes:
    """MurmurHash3 x64-128 with seed 0, little-endian."""
    h1 = h2 = 0
    whole = len(data) // 16 * 16
    for at in range(0, whole, 16):
        k1, k2 = struct.unpack_from("<QQ", data, at)
        h1 ^= _rotate(k1 * _C1 & _MASK, 31) * _C2 & _MASK
        h1 = (_rotate(h1, 27) + h2) * 5 + 0x52DCE729 & _MASK
        h2 ^= _rotate(k2 * _C2 & _MASK, 33) * _C1 & _MASK
        h2 = (_rotate(h2, 31) + h1) * 5 + 0x38495AB5 & _MASK
    tail = data[whole:]
    if len(tail) > 8:
        k2 = int.from_bytes(tail[8:], "little")
        h2 ^= _rotate(k2 * _C2 & _MASK, 33) * _C1 & _MASK
    if tail:
        k1 = int.from_bytes(tail[:8], "little")
        h1 ^= _rotate(k1 * _C1 & _MASK, 31) * _C2 & _MASK
    h1 ^= len(data)
    h2 ^= len(data)
    h1 = h1 + h2 & _MASK
    h2 = h2 + h1 & _MASK
    h1, h2 = _mix(h1), _mix(h2)
    h1 = h1 + h2 & _MASK
    h2 = h2 + h1 & _MASK
    return struct.pack("<QQ", h1, h2)


def _typed(part: Any) -> bytes:
    if isinstance(part, str):
        return b"\x08" + part.encode() + b"\xff"
    if part is True:
        return b"\x03"
    if part is False:
        return b"\x02"
    if part is None:
        return b"\x01"
    if isinstance(part, int | float):
        return b"\x05" + struct.pack("<d", part)
    return b"\x00"


def _one(data: bytes) -> str:
    raw = bytearray(reversed(murmur3_128(data)))
    raw[0] &= 0x3F
    return raw.hex().upper()


@lru_cache(maxsize=200_000)
def effective_key(pk: str) -> str:
    """The effective key (upper-case hex) of a canonical partition key text, one hash per level."""
    return "".join(_one(_typed(part)) for part in json.loads(pk))
