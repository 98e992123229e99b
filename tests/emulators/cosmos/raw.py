"""Requests without an SDK, signed like one's: for what clients refuse to send."""

import base64
import email.utils
import hashlib
import hmac
import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

from local.cosmos.settings import WELL_KNOWN_KEY


def signature(verb: str, kind: str, link: str, date: str, key: str = WELL_KNOWN_KEY) -> str:
    """The authorization header, computed from the documentation."""
    payload = f"{verb.lower()}\n{kind.lower()}\n{link}\n{date.lower()}\n\n".encode()
    digest = base64.b64encode(hmac.new(base64.b64decode(key), payload, hashlib.sha256).digest()).decode()
    return quote(f"type=master&ver=1.0&sig={digest}", safe="")


def send(  # noqa: PLR0917 - the request line and what is signed
    endpoint: str, verb: str, path: str, kind: str, link: str, body: bytes | Any = b"", **headers: str
) -> tuple[int, dict[str, str], Any]:
    """(status, headers, parsed body) of one signed request; header names with `_` for `-`."""
    parts = urlsplit(endpoint)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    date = email.utils.formatdate(usegmt=True)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    signed = {"x-ms-date": date, "authorization": signature(verb, kind, link, date), "x-ms-version": "2020-07-15"}
    signed.update({name.replace("_", "-"): value for name, value in headers.items()})
    try:
        connection.request(verb, path, data, signed)
        answer = connection.getresponse()
        text = answer.read()
        found = {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()
    return answer.status, found, json.loads(text) if text else None
