"""Compresses answers as Front Door does: listed types from 1 KB to 8 MB, where the client accepts gzip."""

import gzip
from collections.abc import Collection

from aiohttp import web
from multidict import CIMultiDict

SMALLEST_BYTES = 1024
LARGEST_BYTES = 8 * 1024 * 1024


def accepts_gzip(request: web.Request) -> bool:
    """Whether the client says so, and does not take it back with `q=0`."""
    for part in request.headers.get("Accept-Encoding", "").split(","):
        name, _, quality = part.partition(";")
        if name.strip().lower() in {"gzip", "*"} and quality.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00"}:
            return True
    return False


def compressed(headers: CIMultiDict[str], body: bytes, types: Collection[str]) -> bytes | None:
    """The body in gzip, its headers changed to say so; None when it stays as it is."""
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in types or "Content-Encoding" in headers or not SMALLEST_BYTES <= len(body) <= LARGEST_BYTES:
        return None
    headers["Content-Encoding"] = "gzip"
    headers["Vary"] = "Accept-Encoding"
    return gzip.compress(body, mtime=0)
