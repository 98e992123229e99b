"""Tokens: SAS signatures verified with the namespace's keys, JWT by their claims when that is allowed."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_plus

from local.eventhubs.address import path_of
from local.eventhubs.errors import EventHubsError

SAS_TYPE = "servicebus.windows.net:sastoken"
JWT_TYPE = "jwt"
_JWT_AUDIENCES = frozenset({"https://eventhubs.azure.net", "https://servicebus.azure.net"})


class TokenRefused(EventHubsError):
    """The token gives no access; `status` is what the service answers."""

    def __init__(self, description: str, status: int = 401) -> None:
        super().__init__(description)
        self.status = status
        self.description = description


@dataclass(frozen=True)
class Grant:
    """What a token opens: every entity at or below `path`, until `expires_at_s`."""

    path: str
    expires_at_s: float

    def covers(self, entity_path: str) -> bool:
        """Whether the entity lies within the grant; case does not count."""
        path, wanted = self.path.lower(), entity_path.lower()
        return not path or wanted == path or wanted.startswith(path + "/")


@dataclass(frozen=True)
class TokenVerifier:
    """Checks tokens against the namespace's keys and clock."""

    keys: Mapping[str, str]
    accept_jwt: bool
    now_s: Callable[[], float]

    def verify(self, token: str, token_type: str, audience: str) -> Grant:
        """What the token opens for the audience it is shown for.

        Raises:
            TokenRefused: expired, wrongly signed, for something else, or of a kind that is not accepted.
        """
        match token_type.lower():
            case t if t == SAS_TYPE:
                return self._sas(token, audience)
            case t if t == JWT_TYPE:
                return self._jwt(token, audience)
        raise TokenRefused(
            "Property 'type' in the 'application-properties' section is either missing, has the wrong type, or has "
            "an unexpected value.",
            400,
        )

    def verify_any(self, token: str, audience: str) -> Grant:
        """Like `verify` for a token whose type nobody named (the `security_token` of management requests)."""
        return self.verify(token, SAS_TYPE if token.startswith("SharedAccessSignature ") else JWT_TYPE, audience)

    def key_is(self, name: str, key: str) -> bool:
        """Whether a plain name and key are this namespace's."""
        known = self.keys.get(name)
        return known is not None and hmac.compare_digest(known.encode(), key.encode())

    def _sas(self, token: str, audience: str) -> Grant:
        word, _, rest = token.partition(" ")
        pairs = [part.partition("=") for part in rest.split("&")]
        fields = {name.lower(): value for name, _, value in pairs}
        if word != "SharedAccessSignature" or not {"sr", "sig", "se", "skn"} <= fields.keys():
            raise TokenRefused("MalformedToken: The token is malformed.")
        if not (fields["se"].isascii() and fields["se"].isdigit() and len(fields["se"]) < 16):
            raise TokenRefused("MalformedToken: The token's expiry is malformed.")
        expires_at_s = int(fields["se"])
        key = self.keys.get(unquote(fields["skn"]))
        if key is None or not _signature_fits(key, fields["sr"], fields["se"], fields["sig"]):
            raise TokenRefused("InvalidSignature: The token has an invalid signature.")
        self._refuse_expired(expires_at_s)
        grant = Grant(path_of(unquote_plus(fields["sr"])), expires_at_s)
        if not grant.covers(path_of(audience)):
            raise TokenRefused("InvalidAudience: The authorization header contains a token with a wrong audience.")
        return grant

    def _jwt(self, token: str, audience: str) -> Grant:
        if not self.accept_jwt:
            raise TokenRefused(
                "InvalidToken: this namespace accepts no JWT (start the Event Hubs stand-in with --accept-jwt)."
            )
        claims = _claims_of(token)
        expires_at_s = claims.get("exp")
        if not isinstance(expires_at_s, int | float):
            raise TokenRefused("MalformedToken: The token has no expiry.")
        self._refuse_expired(expires_at_s)
        wanted = claims.get("aud")
        audiences = wanted if isinstance(wanted, list) else [wanted]
        if not any(isinstance(aud, str) and aud.rstrip("/").lower() in _JWT_AUDIENCES for aud in audiences):
            raise TokenRefused("InvalidAudience: Invalid authorization token audience.")
        return Grant(path_of(audience), expires_at_s)

    def _refuse_expired(self, expires_at_s: float) -> None:
        if expires_at_s <= self.now_s():
            raise TokenRefused("ExpiredToken: The token is expired.")


def _signature_fits(key: str, resource: str, expiry: str, signature: str) -> bool:
    wanted = base64.b64encode(hmac.digest(key.encode(), f"{resource}\n{expiry}".encode(), hashlib.sha256))
    return hmac.compare_digest(wanted, unquote(signature).encode())


def _claims_of(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenRefused("MalformedToken: The token is no JWT.")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:  # bad base64, bad UTF-8 and bad JSON alike
        raise TokenRefused("MalformedToken: The token's claims cannot be read.") from None
    if not isinstance(claims, dict):
        raise TokenRefused("MalformedToken: The token's claims are no object.")
    return claims
