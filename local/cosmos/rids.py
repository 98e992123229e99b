"""Resource ids: 4 bytes of database, 4 of container, 8 of document, as the service's base64 with `-` for `/`."""

import base64
import binascii
import struct

_DATABASE_BASE = 0x10000000
_CONTAINER_BIT = 0x80000000  # without it .NET takes the id for a user's
REGION_BITS = 5


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode().replace("/", "-")


def _decode(rid: str) -> bytes | None:
    try:
        return base64.b64decode(rid.replace("-", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None


def database_rid(number: int) -> str:
    """The rid of the account's `number`th database."""
    return _encode(struct.pack(">I", _DATABASE_BASE | number))


def container_bytes(database: int, number: int) -> bytes:
    """The 8 bytes every rid inside this container starts with."""
    return struct.pack(">II", _DATABASE_BASE | database, _CONTAINER_BIT | number)


def container_rid(database: int, number: int) -> str:
    """The rid of a container."""
    return _encode(container_bytes(database, number))


def document_rid(prefix: bytes, number: int) -> str:
    """The rid of a document in the container whose rid bytes are `prefix`."""
    return _encode(prefix + number.to_bytes(8, "big"))


def database_number(rid: str) -> int | None:
    """The number in a database rid, None when it is not one."""
    raw = _decode(rid)
    if raw is None or len(raw) != 4:
        return None
    number: int = struct.unpack(">I", raw)[0]
    return number & ~_DATABASE_BASE


def container_number(rid: str) -> int | None:
    """The number in a container rid, None when it is not one."""
    raw = _decode(rid)
    if raw is None or len(raw) != 8 or not raw[4] & 0x80:
        return None
    number: int = struct.unpack(">I", raw[4:])[0]
    return number & ~_CONTAINER_BIT


def document_number(rid: str) -> int | None:
    """The number in a document rid, None when it is not one."""
    raw = _decode(rid)
    if raw is None or len(raw) != 16:
        return None
    return int.from_bytes(raw[8:], "big")


def looks_like_rid(segment: str) -> bool:
    """Is this path segment spelled like a database's rid (4 bytes, hence `==` at its end)?"""
    return len(segment) == 8 and segment.endswith("==") and _decode(segment) is not None
