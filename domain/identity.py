"""Ids that say the same thing twice when the same thing is asked twice: commands, digests, operations."""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any
from uuid import UUID, uuid5

# Chosen once for this system; another value would make every stored idempotency key a new one.
_COMMANDS = UUID("6f0c4a52-8e0d-5c1b-9d3e-2b6a7c1f9e10")
_UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

OPERATIONS_READABLE = timedelta(days=7)


def uuid_of(text: str) -> UUID | None:
    """The UUID that `text` spells with hyphens, in any case; None for every other spelling."""
    return UUID(text) if _UUID_TEXT.fullmatch(text) else None


def command_id(route: str, item_id: UUID | None, key: str) -> UUID:
    """The id that a client's `Idempotency-Key` stands for on one route and item, for ever the same."""
    return uuid5(_COMMANDS, f"{route}\n{item_id or ''}\n{key}")


def digest_of(content: dict[str, Any]) -> str:
    """32 hex digits over what the customer asked for, so that a second delivery differs from a reused key."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


class OperationKind(IntEnum):
    """What an operation asks for, hence where its proof is stored. The numbers are part of ids: never reuse one."""

    PUT_ITEM = 1
    UPDATE_ITEM = 2
    DELETE_ITEM = 3
    ADD_COMMENT = 4
    DELETE_COMMENT = 5
    ADD_RATING = 6
    DELETE_RATING = 7
    SET_IMAGE = 8


@dataclass(frozen=True)
class OperationId:
    """An operation's id describes itself, so no table of operations exists."""

    kind: OperationKind
    item_id: UUID
    command_id: UUID
    target_id: UUID
    """The comment or rating; the item itself for the others."""
    digest: str
    accepted: datetime

    def __str__(self) -> str:
        seconds = int(self.accepted.timestamp())
        packed = b"".join(
            (
                bytes([self.kind]),
                self.item_id.bytes,
                self.command_id.bytes,
                self.target_id.bytes,
                bytes.fromhex(self.digest),
                seconds.to_bytes(6, "big"),
            )
        )
        return pack_checked(packed)

    @classmethod
    def parse(cls, text: str) -> "OperationId | None":
        """The operation that `text` describes; None when we did not make it."""
        packed = unpack_checked(text)
        if packed is None or len(packed) != 71 or packed[0] not in set(OperationKind):
            return None
        try:
            accepted = datetime.fromtimestamp(int.from_bytes(packed[65:71], "big"), UTC)
        except (ValueError, OverflowError):  # a year past 9999: somebody computed our check sum over nonsense
            return None
        return cls(
            kind=OperationKind(packed[0]),
            item_id=UUID(bytes=packed[1:17]),
            command_id=UUID(bytes=packed[17:33]),
            target_id=UUID(bytes=packed[33:49]),
            digest=packed[49:65].hex(),
            accepted=accepted,
        )


def pack_checked(packed: bytes) -> str:
    """Bytes as a URL-safe token that `unpack_checked` recognises as ours."""
    return base64.urlsafe_b64encode(packed + _check(packed)).decode().rstrip("=")


def unpack_checked(token: str) -> bytes | None:
    """The bytes in a token; None when it is not base64url or not ours."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{8,1024}", token):
        return None
    try:
        packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except binascii.Error:
        return None
    body, check = packed[:-4], packed[-4:]
    # The last character's spare bits would make several spellings of one token: only the one we write is ours.
    return body if check == _check(body) and pack_checked(body) == token else None


def _check(packed: bytes) -> bytes:
    return hashlib.sha256(b"catalog-token\0" + packed).digest()[:4]
