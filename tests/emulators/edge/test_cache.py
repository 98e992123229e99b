"""What is kept, for how long, and for whom."""

import pytest
from aiohttp import web
from multidict import CIMultiDict

from local.edge import cache as module
from local.edge.cache import Cache, lifetime_of
from tests.emulators.edge.conftest import Running, Starter, a_cached_route, a_description

DAY_S = 86_400


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Cache-Control": "public, max-age=31536000, immutable"}, 31_536_000),
        ({"Cache-Control": "max-age=10, s-maxage=20"}, 20),
        ({"Cache-Control": "no-cache"}, 0),
        ({"Cache-Control": "private, max-age=10"}, 0),
        ({"Cache-Control": "NO-STORE"}, 0),
        ({"Cache-Control": 'max-age="7"'}, 7),
        ({"Cache-Control": "max-age=soon"}, 0),
        ({"Expires": "yesterday"}, 0),
    ],
)
def test_the_origin_says_how_long(headers: dict[str, str], seconds: float) -> None:
    assert lifetime_of(CIMultiDict(headers)) == seconds


def test_without_a_word_of_the_origin_it_is_kept_for_days() -> None:
    """Front Door's own trap: whatever must not be kept has to say so."""
    assert DAY_S <= lifetime_of(CIMultiDict()) <= 3 * DAY_S


def test_expires_counts_where_nothing_else_does() -> None:
    assert lifetime_of(CIMultiDict({"Expires": "Wed, 21 Oct 2099 07:28:00 GMT"})) > DAY_S


def test_an_answer_expires() -> None:
    now = [0.0]
    cache = Cache(lambda: now[0])
    cache.put(("/x", False), CIMultiDict({"Cache-Control": "max-age=10"}), b"1")

    now[0] = 9
    assert cache.get(("/x", False)) is not None
    now[0] = 10
    assert cache.get(("/x", False)) is None


def test_the_least_used_answers_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    cache = Cache()
    for name in ("a", "b"):
        cache.put((name, False), CIMultiDict({"Cache-Control": "max-age=10"}), b"12345")
    cache.get(("a", False))
    cache.put(("c", False), CIMultiDict({"Cache-Control": "max-age=10"}), b"12345")

    assert cache.get(("b", False)) is None
    assert cache.get(("a", False)) is not None
    assert cache.bytes == 10


def test_an_answer_with_a_cookie_is_nobody_elses() -> None:
    cache = Cache()
    cache.put(("/x", False), CIMultiDict({"Cache-Control": "max-age=10", "Set-Cookie": "a=1"}), b"1")

    assert len(cache) == 0


@pytest.fixture
async def running(start_edge: Starter) -> Running:
    started = await start_edge(a_description(a_cached_route(ignores_query=True)), names="a")

    async def page(request: web.Request) -> web.Response:
        status = 404 if "gone" in request.path else 200
        headers = {"Cache-Control": "max-age=100", "ETag": '"v1"'}
        return web.Response(status=status, text="page", content_type="text/html", headers=headers)

    started.backends["a"].answer = page
    return started


async def test_the_second_one_comes_from_the_cache(running: Running) -> None:
    first = await running.get("/x.html?a=1")
    second = await running.get("/x.html?a=2")

    assert [answer[1]["X-Cache"] for answer in (first, second)] == ["TCP_MISS", "TCP_HIT"]
    assert second[2] == "page"
    assert len(running.backends["a"].asked) == 1


async def test_who_has_it_already_is_told_so(running: Running) -> None:
    for _ in range(2):
        assert (await running.get("/x.html", headers={"If-None-Match": '"v0", W/"v1"'}))[0] == 304
    assert (await running.get("/x.html", headers={"If-None-Match": '"v0"'}))[0] == 200
    assert len(running.backends["a"].asked) == 1


async def test_errors_and_other_methods_are_not_kept(running: Running) -> None:
    for _ in range(2):
        await running.get("/gone.html")
        await running.ask("HEAD", "/x.html")
        await running.ask("POST", "/x.html")

    assert len(running.backends["a"].asked) == 6


async def test_credentials_do_not_reach_an_origin_whose_answers_are_kept(running: Running) -> None:
    await running.get("/x.html", headers={"Authorization": "Bearer x"})

    assert "Authorization" not in running.backends["a"].asked[0].headers


async def test_a_part_is_asked_for_at_the_origin(running: Running) -> None:
    for _ in range(2):
        await running.get("/x.html", headers={"Range": "bytes=0-1"})

    assert len(running.backends["a"].asked) == 2
    assert running.backends["a"].asked[0].headers["Range"] == "bytes=0-1"


async def test_a_purge_forgets(running: Running) -> None:
    await running.get("/x.html")
    assert (await running.ask("DELETE", "/_control/cache"))[0] == 204
    await running.get("/x.html")

    assert len(running.backends["a"].asked) == 2
