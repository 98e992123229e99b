"""Every request's way: its route, the cache, an origin, and back."""

import secrets
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from local.edge import errors
from local.edge.cache import Cache
from local.edge.compression import accepts_gzip, compressed
from local.edge.description import Description, Route
from local.edge.forwarding import PIECE_BYTES, WHOLE_ANSWER_BYTES, Forwarder, OriginFailed
from local.edge.headers import towards_client
from local.edge.state import Group

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Router:
    """Answers everything but `/_control`."""

    def __init__(self, description: Description, groups: list[Group], forwarder: Forwarder, cache: Cache) -> None:
        self._description = description
        self._groups = {group.settings.name: group for group in groups}
        self._forwarder = forwarder
        self._cache = cache

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Route one request."""
        reference = secrets.token_hex(16)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return errors.no_websockets(reference)
        path, mark, query = request.raw_path.partition("?")
        found = self._description.route_of(path)
        if found is None:
            return errors.no_route(reference)
        route, rest = found
        if route.origin_path is not None:
            path = route.origin_path + rest
        if route.rewrite_without_extension is not None and "." not in path.rpartition("/")[2]:
            path = route.rewrite_without_extension
        group = self._groups[route.group]
        target = path if route.ignores_query else path + mark + query
        try:
            if route.caches and request.method in {"GET", "HEAD"} and "Range" not in request.headers:
                return await self._from_cache(request, route, group, target, reference)
            return await self._from_origin(request, route, group, path + mark + query, reference)
        except OriginFailed as failure:
            debug = request.headers.get("X-Azure-DebugInfo") == "1"
            return errors.failed(failure.status, failure.reason, reference, debug=debug)

    async def _from_cache(
        self, request: web.Request, route: Route, group: Group, target: str, reference: str
    ) -> web.StreamResponse:
        small = bool(route.compressed) and accepts_gzip(request)
        kept = self._cache.get((target, small)) if request.method == "GET" else None
        if kept is not None:
            entry, age_s = kept
            headers = CIMultiDict(entry.headers)
            headers["Age"] = str(age_s)
            headers["X-Cache"] = "TCP_HIT"
            return _conditional(request, 200, towards_client(headers, {}, reference), entry.body)
        async with self._forwarder.ask(request, group, target, reference, caches=True) as (_, answer):
            headers = towards_client(answer.headers, route.response_headers, reference)
            if request.method == "HEAD":
                return _head(answer, headers)
            body = await _whole(answer)
            shrunk = compressed(headers, body, route.compressed) if small else None
            body = body if shrunk is None else shrunk
            if answer.status == 200:
                self._cache.put((target, small), CIMultiDict(headers), body)
            headers["X-Cache"] = "TCP_MISS"
            return _conditional(request, answer.status, headers, body)

    async def _from_origin(
        self, request: web.Request, route: Route, group: Group, target: str, reference: str
    ) -> web.StreamResponse:
        async with self._forwarder.ask(request, group, target, reference, caches=False) as (_, answer):
            headers = towards_client(answer.headers, route.response_headers, reference)
            headers["X-Cache"] = "CONFIG_NOCACHE"
            if request.method == "HEAD":
                return _head(answer, headers)
            if (answer.content_length or 0) <= WHOLE_ANSWER_BYTES:
                return web.Response(status=answer.status, headers=headers, body=await _whole(answer))
            return await _in_pieces(request, answer, headers)


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    try:
        return await answer.read()
    except aiohttp.ClientError as error:
        raise OriginFailed(errors.BROKEN, errors.ORIGIN_BROKE) from error


def _head(answer: aiohttp.ClientResponse, headers: CIMultiDict[str]) -> web.Response:
    """The length that a GET would have."""
    if "Content-Length" in answer.headers:
        headers["Content-Length"] = answer.headers["Content-Length"]
    return web.Response(status=answer.status, headers=headers)


async def _in_pieces(
    request: web.Request, answer: aiohttp.ClientResponse, headers: CIMultiDict[str]
) -> web.StreamResponse:
    """Pass a long answer on; one that breaks off is broken off here too, so that nobody takes it for complete."""
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.content_length = answer.content_length
    await response.prepare(request)
    try:
        async for piece in answer.content.iter_chunked(PIECE_BYTES):
            await response.write(piece)
    except aiohttp.ClientError:
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def _conditional(request: web.Request, status: int, headers: CIMultiDict[str], body: bytes) -> web.Response:
    """304 where the client has this very answer already."""
    tag = headers.get("ETag")
    asked = request.headers.get("If-None-Match")
    if status == 200 and tag is not None and asked is not None:
        known = {one.strip().removeprefix("W/") for one in asked.split(",")}
        if "*" in known or tag.removeprefix("W/") in known:
            return web.Response(status=304, headers=headers)
    return web.Response(status=status, headers=headers, body=body)
