"""Headers on their way through: what Front Door takes away, and what it adds."""

from collections.abc import Collection, Mapping

from aiohttp import web
from multidict import CIMultiDict

# A connection's own headers end at each hop; the length is that of the body we measured.
_HOP_BY_HOP = {
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
# Front Door sets these itself; what a client sends under their names never reaches an origin.
_OURS = {
    "via",
    "x-azure-clientip",
    "x-azure-fdid",
    "x-azure-ref",
    "x-azure-requestchain",
    "x-azure-socketip",
    "x-forwarded-host",
    "x-forwarded-proto",
}
# With caching, one client's credentials must not decide what another one gets.
_NOT_WITH_CACHING = {"authorization", "accept-encoding", "if-none-match", "if-modified-since", "range"}


def towards_origin(request: web.Request, front_door_id: str, reference: str, *, caches: bool) -> CIMultiDict[str]:
    """The headers of a request to an origin."""
    dropped = _HOP_BY_HOP | _OURS | (_NOT_WITH_CACHING if caches else set())
    headers = _without(request.headers, dropped)
    for name in [name for name in headers if name.lower().startswith("x-fd-")]:
        headers.pop(name, None)
    socket = request.remote or ""
    forwarded_for = request.headers.get("X-Forwarded-For")
    headers["Via"] = f"{request.version.major}.{request.version.minor} Azure"
    headers["X-Azure-ClientIP"] = forwarded_for.split(",")[0].strip() if forwarded_for else socket
    headers["X-Azure-SocketIP"] = socket
    headers["X-Azure-Ref"] = reference
    headers["X-Azure-RequestChain"] = "hops=1"
    headers["X-Azure-FDID"] = front_door_id
    headers["X-Forwarded-For"] = ", ".join(filter(None, [forwarded_for, socket]))
    headers["X-Forwarded-Host"] = request.host
    headers["X-Forwarded-Proto"] = request.scheme
    headers.setdefault("Accept-Encoding", "identity")
    return headers


def towards_client(answer: Mapping[str, str], added: Mapping[str, str], reference: str) -> CIMultiDict[str]:
    """The headers of an answer to a client."""
    headers = _without(answer, _HOP_BY_HOP)
    headers.update(added)
    headers["X-Azure-Ref"] = reference
    return headers


def _without(headers: Mapping[str, str], dropped: Collection[str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in dropped)
