"""Answers that Front Door gives itself."""

from http import HTTPStatus

from aiohttp import web

# What `X-Azure-DebugInfo: 1` shows as X-Azure-ExternalError, and the access log as errorInfo.
ORIGIN_REFUSED = "OriginConnectionRefused"
ORIGIN_BROKE = "OriginConnectionAborted"
ORIGIN_TIMEOUT = "OriginTimeout"
BROKEN = HTTPStatus.BAD_GATEWAY


def failed(status: HTTPStatus, reason: str, reference: str, *, debug: bool) -> web.Response:
    """The origin did not answer: 502, or 504 when its time was up."""
    return _page(status, "Our services aren't available right now.", reference, reason if debug else None)


def no_route(reference: str) -> web.Response:
    """No route matches the path."""
    return _page(HTTPStatus.NOT_FOUND, "The resource you are looking for was not found.", reference)


def no_websockets(reference: str) -> web.Response:
    """A WebSocket was asked for."""
    return _page(HTTPStatus.BAD_REQUEST, "WebSockets are not served here.", reference)


def _page(status: HTTPStatus, text: str, reference: str, reason: str | None = None) -> web.Response:
    headers = {"X-Azure-Ref": reference, "Cache-Control": "no-store", "X-Cache": "CONFIG_NOCACHE"}
    if reason is not None:
        headers["X-Azure-ExternalError"] = reason
    body = f"<!doctype html><title>{status.phrase}</title><h1>{text}</h1><p>Azure ref: {reference}</p>\n"
    return web.Response(status=status, text=body, content_type="text/html", headers=headers)
