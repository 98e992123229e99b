"""Requests to the nodes `$cbs` and `$management`, and the replies to them, as messages."""

from dataclasses import dataclass
from typing import Any

from local.eventhubs import codec
from local.eventhubs.codec import Int, Ulong
from local.eventhubs.sections import APPLICATION_PROPERTIES, PROPERTIES, VALUE, sections

_MESSAGE_ID, _REPLY_TO, _CORRELATION_ID, _PROPERTY_COUNT = 0, 4, 5, 13


@dataclass(frozen=True)
class Request:
    """A request message, decoded as far as a node needs it."""

    message_id: Any
    reply_to: str | None
    properties: dict[Any, Any]
    body: Any


@dataclass(frozen=True)
class Reply:
    """What a node answers."""

    status: int
    description: str
    condition: str | None = None
    body: Any = None


def parse(payload: bytes) -> Request:
    """Read a request.

    Raises:
        DecodeError: it is no message.
    """
    fields: list[Any] = []
    properties: dict[Any, Any] = {}
    body: Any = None
    for code, _, value_at, end in sections(payload, 0, len(payload)):
        if code in {PROPERTIES, APPLICATION_PROPERTIES, VALUE}:
            value, _ = codec.decode(payload, value_at, end)
            if code == PROPERTIES and isinstance(value, list):
                fields = value
            elif code == APPLICATION_PROPERTIES and isinstance(value, dict):
                properties = value
            elif code == VALUE:
                body = value
    fields += [None] * (_PROPERTY_COUNT - len(fields))
    reply_to = fields[_REPLY_TO]
    return Request(fields[_MESSAGE_ID], reply_to if isinstance(reply_to, str) else None, properties, body)


def message_of(reply: Reply, request: Request) -> bytes:
    """The reply as a message: with both spellings of the description, for SDKs read one or the other."""
    fields: list[Any] = [None] * _PROPERTY_COUNT
    fields[_CORRELATION_ID] = request.message_id
    properties: dict[Any, Any] = {
        "status-code": Int(reply.status),
        "status-description": reply.description,
        "statusCode": Int(reply.status),
        "statusDescription": reply.description,
    }
    if reply.condition is not None:
        properties |= {"error-condition": reply.condition, "errorCondition": reply.condition}
    parts = ((PROPERTIES, fields), (APPLICATION_PROPERTIES, properties), (VALUE, reply.body))
    return b"".join(codec.encode(codec.Described(Ulong(code), value)) for code, value in parts)
