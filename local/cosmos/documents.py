"""A document's body: what is refused, what the service adds, when it expires."""

import re
from dataclasses import dataclass
from typing import Any

from local.cosmos import rids
from local.cosmos.catalog import Container
from local.cosmos.errors import bad_request, too_large
from local.cosmos.values import encode_json, key_of_document, parse_json

MAX_DOCUMENT_BYTES = 2 * 1024 * 1024
MAX_ID_BYTES = 1023
_FORBIDDEN = re.compile(r"[/\\?#]| \Z")
_SYSTEM = ("_rid", "_self", "_etag", "_attachments", "_ts")
_MAX_TTL = 2**31 - 1


@dataclass(slots=True)
class Draft:
    """A document as it came from a customer, checked; the system properties are still to be added."""

    id: str
    pk: str
    text: str  # compact JSON without system properties
    document: dict[str, Any]
    ttl: int | None


def checked_id(value: object) -> str:
    """A usable id. Raises 400 with the service's reason otherwise."""
    if not isinstance(value, str):
        raise bad_request("The input content is invalid because the required properties - 'id; ' - are missing")
    if not value:
        raise bad_request("The input name '' is invalid. Ensure to provide a unique non-empty string.")
    if _FORBIDDEN.search(value):
        raise bad_request(
            "The input name is invalid. It cannot contain the characters '/', '\\', '?', '#' or end with a space."
        )
    if len(value) > 255 and len(value.encode("utf-8", "surrogatepass")) > MAX_ID_BYTES:
        raise bad_request(f"The input name is invalid. It is longer than {MAX_ID_BYTES} bytes.")
    return value


def draft_of(body: bytes, container: Container, pk: str | None) -> Draft:
    """The document in a request's body.

    Raises:
        CosmosError: 400 for what cannot be stored (1001: not the partition key that was announced), 413 when it is
            larger than 2 MB.
    """
    if not body:
        raise bad_request("The request has no body.")
    return draft_from(parse_json(body), container, pk)


def draft_from(document: Any, container: Container, pk: str | None) -> Draft:
    """As `draft_of`, for a value that is already parsed (and is changed here)."""
    if not isinstance(document, dict):
        raise bad_request("The input content is invalid: a document is a JSON object.")
    item_id = checked_id(document.get("id"))
    ttl = _checked_ttl(document["ttl"]) if "ttl" in document else None
    if "_rid" in document or "_etag" in document or "_ts" in document or "_self" in document:
        for name in _SYSTEM:
            document.pop(name, None)
    else:
        document.pop("_attachments", None)
    text = encode_json(document)
    if len(text) > MAX_DOCUMENT_BYTES // 4 and len(text.encode()) > MAX_DOCUMENT_BYTES:
        raise too_large()
    found = key_of_document(document, container.key_paths)
    if pk is not None and found != pk:
        raise bad_request(
            "PartitionKey extracted from document doesn't match the one specified in the header.", substatus=1001
        )
    return Draft(item_id, found, text, document, ttl)


def _checked_ttl(ttl: Any) -> int | None:
    if ttl is None:
        return None
    valid = isinstance(ttl, int | float) and not isinstance(ttl, bool) and float(ttl).is_integer()
    if not valid or not (ttl == -1 or 0 < ttl <= _MAX_TTL):
        raise bad_request("The input ttl is invalid. Ensure to provide a nonzero positive integer, or -1 for never.")
    return int(ttl)


def expiry_of(container: Container, ttl: int | None, ts: int) -> int | None:
    """The second at which a document written at `ts` vanishes, None for never."""
    if container.default_ttl is None:
        return None
    seconds = container.default_ttl if ttl is None else ttl
    return None if seconds < 0 else ts + seconds


def finished(draft_text: str, container: Container, rid: int, etag: str, ts: int) -> str:
    """The stored and returned body: the customer's members, then the system's."""
    rid_text = rids.document_rid(container.rid_bytes, rid)
    return (
        f'{draft_text[:-1]},"_rid":"{rid_text}","_self":"{container.self_link}docs/{rid_text}/",'
        f'"_etag":"\\"{etag[1:-1]}\\"","_attachments":"attachments/","_ts":{ts}}}'
    )
