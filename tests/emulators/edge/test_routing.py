"""Requests on their way to an origin and back."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from local.edge.description import Route
from tests.emulators.edge.conftest import FRONT_DOOR_ID, Starter, a_cached_route, a_description


async def test_origins_take_turns(start_edge: Starter) -> None:
    running = await start_edge()

    answers = [(await running.get("/api/x"))[2] for _ in range(6)]

    assert sorted(answers) == ["a", "a", "a", "b", "b", "b"]


async def test_an_origin_learns_who_asked_and_through_which_front_door(start_edge: Starter) -> None:
    running = await start_edge(names="a")
    spoofed = {"X-Azure-FDID": "mine", "X-Azure-Ref": "mine", "X-Azure-SocketIP": "9.9.9.9", "X-FD-Secret": "x"}

    _, answer, _ = await running.get("/api/x?q=%2F", headers={**spoofed, "X-Forwarded-For": "7.7.7.7"})

    request = running.backends["a"].asked[0]
    assert request.raw_path == "/api/x?q=%2F"
    assert request.headers.getall("X-Azure-FDID") == [FRONT_DOOR_ID]
    assert request.headers["X-Azure-SocketIP"] == "127.0.0.1"
    assert request.headers["X-Azure-ClientIP"] == "7.7.7.7"
    assert request.headers["X-Forwarded-For"] == "7.7.7.7, 127.0.0.1"
    assert request.headers["X-Forwarded-Proto"] == "http"
    assert request.headers["X-Forwarded-Host"] == running.url.removeprefix("http://")
    assert request.headers["Via"] == "1.1 Azure"
    assert "X-FD-Secret" not in request.headers
    assert request.headers["X-Azure-Ref"] == answer["X-Azure-Ref"]


async def test_a_route_of_a_stamp_asks_under_the_origin_path(start_edge: Starter) -> None:
    running = await start_edge(a_description(Route("h", ("/health/stamps/a/*",), "api", origin_path="/health/")))

    await running.get("/health/stamps/a/stamp?x=1")

    asked = [request.raw_path for backend in running.backends.values() for request in backend.asked]
    assert asked == ["/health/stamp?x=1"]


async def test_a_path_without_a_route_is_404(start_edge: Starter) -> None:
    running = await start_edge()

    assert (await running.get("/elsewhere"))[0] == 404


@pytest.mark.parametrize("size", [0, 1, 200_000, 9_000_000])
async def test_a_body_arrives_whole_and_with_its_length(start_edge: Starter, size: int) -> None:
    running = await start_edge(names="a")

    await running.ask("POST", "/api/x", data=b"x" * size)

    request = running.backends["a"].asked[0]
    assert running.backends["a"].bodies[0] == b"x" * size
    assert "Transfer-Encoding" not in request.headers


async def test_a_chunked_body_gets_a_length(start_edge: Starter) -> None:
    running = await start_edge(names="a")

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    await running.ask("POST", "/api/x", data=pieces())

    assert running.backends["a"].asked[0].headers["Content-Length"] == "6"


async def test_a_long_answer_comes_through_and_a_broken_one_is_seen_to_be_broken(start_edge: Starter) -> None:
    running = await start_edge(names="a")

    async def whole(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 3_000_000)

    running.backends["a"].answer = whole
    assert len((await running.get("/api/x"))[2]) == 3_000_000

    async def broken(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "3000000"})
        await answer.prepare(request)
        await answer.write(b"x" * 1_500_000)
        assert request.transport is not None
        request.transport.abort()
        return answer

    running.backends["a"].answer = broken
    with pytest.raises(Exception, match=r"(?i)payload|disconnect|reset"):
        await running.get("/api/x")


async def test_a_get_goes_to_another_origin_when_the_first_is_gone(start_edge: Starter) -> None:
    running = await start_edge()
    await running.backends["a"].stop()

    answers = [await running.get("/api/x") for _ in range(4)]

    assert [(status, text) for status, _, text in answers] == [(200, "b")] * 4


async def test_a_post_is_never_sent_twice(start_edge: Starter) -> None:
    """The first try may have succeeded; only the client's own retry carries what makes a second one harmless."""
    running = await start_edge()

    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    for backend in running.backends.values():
        backend.answer = cut
    status, headers, _ = await running.ask("POST", "/api/x", data=b"1", headers={"X-Azure-DebugInfo": "1"})

    assert status == 502
    assert headers["X-Azure-ExternalError"] == "OriginConnectionAborted"
    assert sum(len(backend.asked) for backend in running.backends.values()) == 1


async def test_an_origin_that_refuses_is_502_and_one_that_hangs_504(start_edge: Starter) -> None:
    running = await start_edge(a_description(timeout_s=0.2), names="a")

    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    running.backends["a"].answer = hang
    assert (await running.get("/api/x"))[0] == 504
    await running.backends["a"].stop()
    assert (await running.get("/api/x"))[0] == 502


async def test_an_origins_own_error_is_passed_on_and_not_tried_elsewhere(start_edge: Starter) -> None:
    running = await start_edge()

    async def busy(_: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": "1"})

    for backend in running.backends.values():
        backend.answer = busy
    status, headers, _ = await running.get("/api/x")

    assert (status, headers["Retry-After"]) == (503, "1")
    assert sum(len(backend.asked) for backend in running.backends.values()) == 1


async def test_websockets_are_refused(start_edge: Starter) -> None:
    running = await start_edge()

    status, _, _ = await running.get("/api/x", headers={"Upgrade": "websocket", "Connection": "Upgrade"})

    assert status == 400
    assert not running.backends["a"].asked


async def test_a_connection_serves_many_requests(start_edge: Starter) -> None:
    running = await start_edge(names="a")
    host, port = running.url.removeprefix("http://").split(":")

    def twice() -> bytes:
        with socket.create_connection((host, int(port)), timeout=5) as client:
            one = b"GET /api/x HTTP/1.1\r\nHost: h\r\n\r\n"
            client.sendall(one)
            first = client.recv(65536)
            client.sendall(one)
            return first + client.recv(65536)

    assert (await asyncio.to_thread(twice)).count(b"HTTP/1.1 200 OK") == 2


async def test_a_path_without_an_extension_is_the_pages(start_edge: Starter) -> None:
    running = await start_edge(a_description(a_cached_route(rewrite_without_extension="/index.html")), names="a")

    for path in ("/", "/catalog/1", "/assets/x.js"):
        await running.get(path)

    # The second one came from the cache.
    assert [request.path for request in running.backends["a"].asked] == ["/index.html", "/assets/x.js"]


async def test_headers_of_the_route_are_set_over_the_origins(start_edge: Starter) -> None:
    running = await start_edge(a_description(a_cached_route(response_headers={"X-Policy": "ours"})), names="a")

    async def other(_: web.Request) -> web.Response:
        return web.Response(headers={"X-Policy": "theirs"})

    running.backends["a"].answer = other
    _, headers, _ = await running.get("/x.html")

    assert headers.getall("X-Policy") == ["ours"]


async def test_text_is_compressed_for_who_accepts_it(start_edge: Starter) -> None:
    running = await start_edge(a_description(a_cached_route()), names="a")

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="x" * 5000, content_type="text/html", headers={"Cache-Control": "no-cache"})

    running.backends["a"].answer = page
    async with running.session.get(running.url + "/x.html", headers={"Accept-Encoding": "br, gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(await answer.read()) == b"x" * 5000
    for refusing in ("identity", "gzip;q=0"):
        async with running.session.get(running.url + "/x.html", headers={"Accept-Encoding": refusing}) as answer:
            assert "Content-Encoding" not in answer.headers
            assert await answer.read() == b"x" * 5000


async def test_an_api_answer_is_neither_compressed_nor_kept(start_edge: Starter) -> None:
    """A strong ETag names these bytes; the edge must not change them."""
    running = await start_edge(names="a")

    async def answer(_: web.Request) -> web.Response:
        headers = {"Cache-Control": "max-age=100", "ETag": '"1"'}
        return web.Response(text="x" * 5000, content_type="application/json", headers=headers)

    running.backends["a"].answer = answer
    for _ in range(2):
        _, headers, text = await running.get("/api/x", headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in headers
        assert len(text) == 5000

    assert len(running.backends["a"].asked) == 2


async def test_a_head_has_the_length_of_its_get(start_edge: Starter) -> None:
    running = await start_edge(names="a")

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="12345")

    running.backends["a"].answer = answer
    status, headers, text = await running.ask("HEAD", "/api/x")

    assert (status, headers["Content-Length"], text) == (200, "5", "")
