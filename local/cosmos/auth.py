"""Who may call: the account's master key, or over https an Entra token."""

import base64
import hmac
import json
import time
from urllib.parse import unquote

from local.cosmos.errors import CosmosError
from local.cosmos.http import Request
from local.cosmos.rids import looks_like_rid


def _unauthorized(message: str) -> CosmosError:
    return CosmosError(401, message)


def check(request: Request, segments: list[str], key: bytes, *, accept_tokens: bool) -> None:
    """Verify the authorization header.

    Raises:
        CosmosError: 401 with the reason.
    """
    header = request.headers.get("authorization")
    if header is None:
        raise _unauthorized("Required Header authorization is missing. Ensure a valid Authorization token is passed.")
    if header.startswith("type=aad"):
        _check_token(header, accept_tokens=accept_tokens)
        return
    text = unquote(header) if "%" in header else header
    kind, _, rest = text.partition("&")
    version, _, signature = rest.partition("&sig=")
    if kind.startswith("type=aad") and version == "ver=1.0":
        _check_token(text, accept_tokens=accept_tokens)
        return
    if kind != "type=master" or version != "ver=1.0":
        raise _unauthorized("The authorization token is not of type master or aad, version 1.0.")
    date = request.headers.get("x-ms-date") or request.headers.get("date")
    if date is None:
        raise _unauthorized("The header x-ms-date is missing.")
    resource, link = resource_of(segments)
    if hmac.compare_digest(_sign(key, request.method, resource, link, date), signature):
        return
    by_rid = _rid_link(segments, link)
    if by_rid is not None and hmac.compare_digest(_sign(key, request.method, resource, by_rid, date), signature):
        return
    raise _unauthorized(
        "The input authorization token can't serve the request. The wrong key is being used or the expected payload is"
        f" not built as per the protocol. Server used the following payload to sign: '{request.method.lower()}\\n"
        f"{resource}\\n{link}\\n{date.lower()}\\n\\n'"
    )


def resource_of(segments: list[str]) -> tuple[str, str]:
    """Resource type and link of a path, as they are signed."""
    if not segments:
        return "", ""
    if segments[-2:] == ["operations", "partitionkeydelete"]:
        return "colls", "/".join(segments[:-2])
    if len(segments) % 2 == 0:
        return segments[-2], "/".join(segments)
    return segments[-1], "/".join(segments[:-1])


def _rid_link(segments: list[str], link: str) -> str | None:
    """Rid links are signed by their last rid alone, in lower case."""
    if segments and segments[0] == "offers":
        return segments[1].lower() if len(segments) > 1 else ""
    if len(segments) < 2 or not looks_like_rid(segments[1]):
        return None
    return link.rpartition("/")[2].lower()


def _sign(key: bytes, method: str, resource: str, link: str, date: str) -> str:
    payload = f"{method.lower()}\n{resource.lower()}\n{link}\n{date.lower()}\n\n"
    return base64.b64encode(hmac.digest(key, payload.encode("utf-8", "surrogatepass"), "sha256")).decode()


def _check_token(header: str, *, accept_tokens: bool) -> None:
    """An Entra token is taken at its word: well formed and not expired. Its signer is not known here."""
    if not accept_tokens:
        raise _unauthorized("AAD tokens are accepted over https only: start the account with --tls.")
    token = header.partition("&sig=")[2]
    parts = token.split(".")
    try:
        if len(parts) != 3:
            raise ValueError("not three parts")
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        expires = float(claims.get("exp", 0))
    except (ValueError, AttributeError, TypeError) as error:
        raise _unauthorized("The AAD token is not a JSON web token.") from error
    if expires <= time.time():
        raise _unauthorized("The AAD token has expired.")
