"""Reads what customers send: keys, bodies, ids, limits, cursors, preconditions. Wrong input gets no further."""

import hmac
import re
from http import HTTPStatus
from uuid import UUID

import azure.functions as func

from domain.commands import Precondition
from domain.errors import InvalidInput
from domain.identity import pack_checked, unpack_checked, uuid_of
from domain.ports import CommentsAfter, ItemsAfter
from triggers.answers import Refused, current_trace, not_found
from wiring import parts

MAX_JSON_BYTES = 64 * 1024
MAX_IMAGE_BYTES = 2 * 1024 * 1024
# Of a name that would make the cursor longer than the contract's 500 characters, the cursor keeps the beginning.
MAX_CURSOR_NAME_BYTES = 320

_TAG = re.compile(r'(W/)?"([^"]*)"')
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")


def admit_admin(req: func.HttpRequest) -> None:
    """Let a holder of one of the two keys pass; both are compared in constant time, before the body is read."""
    given = req.headers.get("x-api-key", "").encode()
    settings = parts().settings
    keys = [key.encode() for key in (settings.api_key_1, settings.api_key_2) if key]
    if not any([hmac.compare_digest(given, key) for key in keys]):  # noqa: C419 - a list compares both, always
        raise Refused(HTTPStatus.UNAUTHORIZED, "This needs a valid X-API-KEY.")


def path_id(req: func.HttpRequest, name: str) -> UUID:
    """A UUID in the path; every other spelling is 404, with a body (the host's own constraint would answer none)."""
    found = uuid_of(req.route_params.get(name, ""))
    if found is None:
        raise not_found()
    return found


def json_body(req: func.HttpRequest) -> bytes:
    """The body of a request that must be JSON."""
    if "chunked" in req.headers.get("transfer-encoding", "").lower():
        raise Refused(HTTPStatus.LENGTH_REQUIRED, "Send the body with Content-Length; a chunked one arrives empty.")
    media_type, *parameters = [part.strip().lower() for part in req.headers.get("content-type", "").split(";")]
    charsets = {part.split("=", 1)[1].strip('" ') for part in parameters if part.startswith("charset=")}
    if media_type != "application/json" or charsets - {"utf-8"}:
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json in UTF-8.")
    body = req.get_body()
    if len(body) > MAX_JSON_BYTES:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is larger than 64 KiB.")
    return body


def image_body(req: func.HttpRequest) -> bytes:
    """The body of an image upload; what it is its content says, not its header."""
    _measured(req)
    body = req.get_body()
    if len(body) > MAX_IMAGE_BYTES:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The image is larger than 2 MiB.")
    return body


def _measured(req: func.HttpRequest) -> None:
    if "chunked" in req.headers.get("transfer-encoding", "").lower():
        raise Refused(HTTPStatus.LENGTH_REQUIRED, "Send the body with Content-Length; a chunked one arrives empty.")


def idempotency_key(req: func.HttpRequest) -> str | None:
    """The client's key, or None."""
    key: str | None = req.headers.get("idempotency-key")
    if key is not None and not _VISIBLE_ASCII.fullmatch(key):
        raise InvalidInput("Idempotency-Key must be 1 to 255 visible ASCII characters.")
    return key


def is_test_data(req: func.HttpRequest) -> bool:
    """Whether the document shall live only 30 s."""
    return str(req.headers.get("x-test-data", "")).lower() == "true"


def if_match(req: func.HttpRequest) -> Precondition | None:
    """The versions a write is conditional on; weak tags and tags that are not ours match nothing."""
    header = req.headers.get("if-match")
    if header is None:
        return None
    if header.strip() == "*":
        return Precondition(any_version=True)
    return Precondition(versions=tuple(version for weak, version in _tags(header, "If-Match") if not weak))


def none_match(req: func.HttpRequest, version: int) -> bool:
    """Whether the client has this version already; the comparison is weak, as for every GET."""
    header = req.headers.get("if-none-match")
    if header is None:
        return False
    return header.strip() == "*" or version in {known for _, known in _tags(header, "If-None-Match")}


def _tags(header: str, name: str) -> list[tuple[bool, int]]:
    """(weak, version) of each tag; -1 stands for a tag that we never gave out."""
    tags: list[tuple[bool, int]] = []
    for part in _split_tags(header):
        match = _TAG.fullmatch(part)
        if match is None:
            raise InvalidInput(f"{name} must be * or a list of entity tags.")
        value = match.group(2)
        ours = value.isascii() and value.isdigit() and len(value) <= 16
        tags.append((match.group(1) is not None, int(value) if ours and str(int(value)) == value else -1))
    return tags


def _split_tags(header: str) -> list[str]:
    return [part.strip() for part in re.split(r',(?=(?:[^"]*"[^"]*")*[^"]*$)', header)]


def limit(req: func.HttpRequest, default: int, maximum: int) -> int:
    """The page size asked for."""
    text = req.params.get("limit")
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= maximum:
        raise InvalidInput(f"limit must be an integer from 1 to {maximum}.", {"limit": f"must be 1 to {maximum}"})
    return int(text)


def items_after(req: func.HttpRequest) -> ItemsAfter | None:
    """Where a list of items goes on."""
    packed = _continuation(req)
    if packed is None:
        return None
    try:
        return ItemsAfter(
            name=packed[17:].decode(),
            item_id=UUID(bytes=packed[1:17]),
            name_is_cut={b"I": False, b"i": True}[packed[:1]],
        )
    except (ValueError, KeyError):
        raise _not_our_cursor() from None


def items_cursor(name: str, item_id: UUID) -> str:
    """The cursor behind an item."""
    encoded = name.encode()
    cut = len(encoded) > MAX_CURSOR_NAME_BYTES
    beginning = encoded[:MAX_CURSOR_NAME_BYTES].decode(errors="ignore").encode()
    return pack_checked((b"i" if cut else b"I") + item_id.bytes + beginning)


def comments_after(req: func.HttpRequest) -> CommentsAfter | None:
    """Where a list of comments goes on."""
    packed = _continuation(req)
    if packed is None:
        return None
    try:
        if packed[:1] != b"C":
            raise _not_our_cursor()
        return CommentsAfter(comment_id=UUID(bytes=packed[1:17]), creation_date=packed[17:].decode())
    except ValueError:
        raise _not_our_cursor() from None


def comments_cursor(creation_date: str, comment_id: UUID) -> str:
    """The cursor behind a comment."""
    return pack_checked(b"C" + comment_id.bytes + creation_date.encode())


def _continuation(req: func.HttpRequest) -> bytes | None:
    token = req.params.get("continuation")
    if token is None:
        return None
    packed = unpack_checked(token)
    if packed is None:
        raise _not_our_cursor()
    return packed


def _not_our_cursor() -> InvalidInput:
    return InvalidInput("The continuation is not one of ours.", {"continuation": "take it from a Link header"})


def event_properties() -> dict[str, str]:
    """What travels with the command through the queue: the trace that it belongs to."""
    return {"traceparent": current_trace()}
