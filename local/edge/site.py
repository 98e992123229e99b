"""Serves the built page: hashed assets for ever, everything else asked for anew each time, text compressed."""

import gzip
import mimetypes
from functools import lru_cache
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
# What Front Door compresses: text, from 1 KB on.
_COMPRESSED = {"text/html", "text/css", "text/javascript", "application/json", "image/svg+xml"}
_WORTH_COMPRESSING = 1024


def site_handler(folder: Path) -> Handler:
    """A handler for every path that is no API."""
    root = folder.resolve()

    async def serve(request: web.Request) -> web.StreamResponse:
        wanted = (root / request.match_info["path"].lstrip("/")).resolve()
        if not wanted.is_relative_to(root) or not wanted.is_file():
            # An asset that is not there is an error; any other path is the page's own business.
            if request.match_info["path"].startswith("assets/"):
                return web.Response(status=404, headers={"Cache-Control": "no-store"})
            wanted = root / "index.html"
        immutable = wanted.is_relative_to(root / "assets")
        cache = "public, max-age=31536000, immutable" if immutable else "no-cache"
        headers = {**_HEADERS, "Cache-Control": cache, "Vary": "Accept-Encoding"}
        kind = mimetypes.guess_type(wanted.name)[0] or "application/octet-stream"
        accepts = "gzip" in request.headers.get("Accept-Encoding", "")
        if accepts and kind in _COMPRESSED and wanted.stat().st_size >= _WORTH_COMPRESSING:
            body = _compressed(wanted, wanted.stat().st_mtime_ns)
            return web.Response(body=body, content_type=kind, headers=headers | {"Content-Encoding": "gzip"})
        return web.FileResponse(wanted, headers=headers)

    return serve


@lru_cache(maxsize=64)
def _compressed(file: Path, _changed: int) -> bytes:
    return gzip.compress(file.read_bytes(), mtime=0)
