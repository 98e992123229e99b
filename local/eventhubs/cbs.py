"""`$cbs`: clients put tokens here before they attach anything."""

from typing import TYPE_CHECKING

from local.eventhubs.auth import TokenRefused
from local.eventhubs.requests import Reply, Request

if TYPE_CHECKING:
    from local.eventhubs.connection import Connection


def put_token(connection: "Connection", request: Request) -> Reply:
    """Verify a token and remember what it opens; never an error condition, which would hide the status from Python."""
    operation, audience = request.properties.get("operation"), request.properties.get("name")
    token_type = request.properties.get("type")
    if operation != "put-token" or not isinstance(audience, str) or not isinstance(token_type, str):
        return Reply(400, "A put-token request names an audience and a type.")
    if not isinstance(request.body, str):
        return Reply(400, "A put-token request carries the token as a string.")
    try:
        grant = connection.broker.verifier.verify(request.body, token_type, audience)
    except TokenRefused as refused:
        return Reply(refused.status, refused.description)
    connection.grant(grant)
    return Reply(202, "Accepted")
