"""Passes API and health requests on to an origin, as the front door does."""

import secrets
from collections.abc import Sequence

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

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
# Front Door sets these itself; what a client sends under their names never reaches the origin.
_OURS = {"x-azure-fdid", "x-azure-ref", "x-azure-clientip", "x-forwarded-host", "x-forwarded-proto"}
MAX_BODY_BYTES = 8 * 1024 * 1024
ORIGIN_TIMEOUT_S = 30


class Proxy:
    """Takes the origins in turn."""

    def __init__(self, origins: Sequence[str], images: str, front_door_id: str) -> None:
        self._origins = [URL(origin) for origin in origins]
        self._images = images
        self._front_door_id = front_door_id
        self._next = 0
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the connection pool; needs the running loop."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(total=ORIGIN_TIMEOUT_S, sock_connect=2),
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """Pass one request on; 502 when the origin cannot be reached, 504 when it does not answer."""
        if self._session is None:
            raise RuntimeError("the proxy is not open")
        origin = self._origins[self._next % len(self._origins)]
        self._next += 1
        return await self._pass_on(self._session, request, URL(f"{origin}{request.raw_path}", encoded=True))

    async def image(self, request: web.Request) -> web.StreamResponse:
        """An item's image from the storage account, which is not told who asks."""
        if self._session is None:
            raise RuntimeError("the proxy is not open")
        return await self._pass_on(self._session, request, URL(f"{self._images}/{request.match_info['path']}"))

    async def _pass_on(self, session: aiohttp.ClientSession, request: web.Request, target: URL) -> web.StreamResponse:
        reference = secrets.token_hex(16)
        # Read whole, so that the origin gets a length whatever the client's framing was.
        body = await request.read()
        try:
            async with session.request(
                request.method,
                target,
                headers=self._headers(request, reference),
                data=body or None,
                allow_redirects=False,
            ) as answer:
                headers = CIMultiDict(
                    (name, value) for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP
                )
                headers["X-Azure-Ref"] = reference
                return web.Response(status=answer.status, headers=headers, body=await answer.read())
        except aiohttp.ClientConnectionError:
            return _failure(502, reference)
        except TimeoutError:
            return _failure(504, reference)

    def _headers(self, request: web.Request, reference: str) -> CIMultiDict[str]:
        headers = CIMultiDict(
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in _HOP_BY_HOP and name.lower() not in _OURS
        )
        client = request.remote or ""
        headers["X-Azure-FDID"] = self._front_door_id
        headers["X-Azure-Ref"] = reference
        headers["X-Azure-ClientIP"] = client
        headers["X-Forwarded-For"] = ", ".join(filter(None, [request.headers.get("X-Forwarded-For"), client]))
        headers["X-Forwarded-Host"] = request.host
        headers["X-Forwarded-Proto"] = request.scheme
        headers.setdefault("Accept-Encoding", "identity")
        return headers


def _failure(status: int, reference: str) -> web.Response:
    headers = {"X-Azure-Ref": reference, "Cache-Control": "no-store"}
    return web.Response(status=status, headers=headers, text="The origin did not answer.\n")
