"""Passes one request on to an origin of its group, and the answer back."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from local.edge import errors
from local.edge.headers import towards_origin
from local.edge.state import Group, Origin
from local.faults import FaultBook

CONNECT_TIMEOUT_S = 5.0
IDLE_CONNECTION_S = 90.0
# A longer answer is passed on piece by piece.
WHOLE_ANSWER_BYTES = 1024 * 1024
PIECE_BYTES = 64 * 1024


class OriginFailed(Exception):
    """The origin gave no answer: how the client hears of it."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class _Request:
    """What an origin gets to see."""

    method: str
    path: str
    headers: CIMultiDict[str]
    body: bytes | None


class Forwarder:
    """Holds the connections to all origins."""

    def __init__(self, front_door_id: str, origin_timeout_s: float, faults: FaultBook) -> None:
        self._front_door_id = front_door_id
        self._timeout_s = origin_timeout_s
        self._faults = faults
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the connection pool; needs the running loop."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_CONNECTION_S)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def ask(
        self, request: web.Request, group: Group, path: str, reference: str, *, caches: bool
    ) -> AsyncIterator[tuple[Origin, aiohttp.ClientResponse]]:
        """An origin's answer, its body still to come.

        A GET or HEAD whose origin does not answer goes to one other origin. Nothing else is sent twice: the first try
        may have succeeded, and only the client's own retry carries what makes a second one harmless.

        Raises:
            OriginFailed: none answered.
        """
        # Read whole, so that the origin gets a length whatever the client's framing was.
        body = await request.read() if request.body_exists else None
        headers = towards_origin(request, self._front_door_id, reference, caches=caches)
        sent = _Request(request.method, path, headers, body)
        first = group.choose()
        if first is None:
            raise OriginFailed(HTTPStatus.SERVICE_UNAVAILABLE, "NoOriginInGroup")
        try:
            origin, answer = first, await self._send(sent, group, first)
        except OriginFailed:
            second = group.choose(without=first) if sent.method in {"GET", "HEAD"} else None
            if second is None:
                raise
            origin, answer = second, await self._send(sent, group, second)
        try:
            yield origin, answer
        finally:
            answer.release()

    async def _send(self, sent: _Request, group: Group, origin: Origin) -> aiohttp.ClientResponse:
        """One try; its outcome enters the origin's traffic when the headers are there."""
        if self._session is None:
            raise RuntimeError("the forwarder is not open")
        traffic, begun = origin.traffic, time.monotonic()
        traffic.in_flight += 1
        failed = True
        try:
            async with asyncio.timeout(self._timeout_s):
                await strike(self._faults, group, origin)
                answer = await self._session.request(
                    sent.method,
                    URL(origin.address + sent.path, encoded=True),
                    headers=sent.headers,
                    data=sent.body,
                    allow_redirects=False,
                )
            failed = answer.status >= 500
        except TimeoutError as error:
            raise OriginFailed(HTTPStatus.GATEWAY_TIMEOUT, errors.ORIGIN_TIMEOUT) from error
        except aiohttp.ClientConnectorError as error:
            raise OriginFailed(HTTPStatus.BAD_GATEWAY, errors.ORIGIN_REFUSED) from error
        except aiohttp.ClientError as error:
            raise OriginFailed(HTTPStatus.BAD_GATEWAY, errors.ORIGIN_BROKE) from error
        finally:
            traffic.in_flight -= 1
            traffic.ended(time.time(), (time.monotonic() - begun) * 1000, failed=failed)
        return answer


async def strike(faults: FaultBook, group: Group, origin: Origin) -> None:
    """Carry out the faults that are switched on for this origin, as probes and requests both meet them."""
    slow = faults.take(["slow"], origin=origin.name, group=group.settings.name)
    if slow is not None:
        await asyncio.sleep(float(slow.args.get("seconds", 1)))
    if faults.take(["unreachable"], origin=origin.name, group=group.settings.name) is not None:
        raise aiohttp.ClientConnectionError("a fault says that this origin is unreachable")
