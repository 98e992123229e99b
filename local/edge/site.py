"""Serves the built page: hashed assets for ever, everything else asked for anew each time."""

from pathlib import Path

from aiohttp import web

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def site_handler(folder: Path) -> "web.Handler":  # type: ignore[name-defined]
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
        return web.FileResponse(wanted, headers={**_HEADERS, "Cache-Control": cache})

    return serve
