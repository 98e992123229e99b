"""What customers read."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from domain.ordering import EventStamp
from domain.records import Totals
from tests.builders import HUB, a_comment, a_rating, an_item
from tests.triggers.conftest import App, json_of


async def test_an_item_is_answered_exactly_with_its_version_as_etag(app: App) -> None:
    item = an_item(price=Decimal("19.90"), version=42, image="cover")
    app.items.stored[item.item_id] = item

    response = await app.call("get_item", item_id=item.item_id)

    assert (response.status_code, response.headers["ETag"]) == (200, '"42"')
    assert json_of(response) == {
        "id": str(item.item_id),
        "name": item.name,
        "description": item.description,
        "price": 19.9,
        "imageUrl": f"/images/{item.item_id}",
        "lastUpdated": "2026-11-25T12:00:01.000000Z",
        "version": 42,
    }


@pytest.mark.parametrize("header", ['"42"', 'W/"42"', '"1", W/"42"', "*"])
async def test_a_client_that_has_the_version_gets_304(app: App, header: str) -> None:
    item = an_item(version=42)
    app.items.stored[item.item_id] = item

    response = await app.call("get_item", item_id=item.item_id, headers={"If-None-Match": header})

    assert (response.status_code, response.get_body(), response.headers["ETag"]) == (304, b"", '"42"')
    assert "stale-while-revalidate" in response.headers["Cache-Control"]


async def test_a_deleted_an_unknown_and_a_misspelt_item_are_404(app: App) -> None:
    item = an_item(deleted=True)
    app.items.stored[item.item_id] = item

    for item_id in (item.item_id, uuid4(), item.item_id.hex, f"{{{item.item_id}}}"):
        response = await app.call("get_item", item_id=item_id)
        assert response.status_code == 404
        assert response.mimetype == "application/problem+json"
        assert response.headers["Cache-Control"] == "no-store"


async def test_a_list_goes_on_where_its_link_says(app: App) -> None:
    names = ["Faust", "M", "Metropolis", "Metropolis", "Spione"]
    for name in names:
        item = an_item(name=name)
        app.items.stored[item.item_id] = item
    seen: list[str] = []
    params = {"limit": "2"}

    while params:
        response = await app.call("list_items", params=params)
        seen += [item["name"] for item in json_of(response)]
        params = _next(response.headers.get("Link"))

    assert seen == names


async def test_a_cursor_stays_short_for_the_longest_name(app: App) -> None:
    """200 code points of four bytes each; two items share all but the last."""
    names = sorted("\U0001f3ac" * 199 + last for last in "abc")
    for name in names:
        item = an_item(name=name)
        app.items.stored[item.item_id] = item
    seen: list[str] = []
    params = {"limit": "1"}

    while params:
        response = await app.call("list_items", params=params)
        seen += [item["name"] for item in json_of(response)]
        params = _next(response.headers.get("Link"))
        assert len(params.get("continuation", "")) < 500

    assert seen == names


async def test_a_list_leaves_descriptions_out(app: App) -> None:
    item = an_item()
    app.items.stored[item.item_id] = item

    [listed] = json_of(await app.call("list_items"))

    assert "description" not in listed


async def test_comments_come_newest_first_page_by_page(app: App) -> None:
    item_id = uuid4()
    for sequence in range(1, 6):
        comment = a_comment(item_id, sequence=sequence, text=str(sequence))
        app.activity.entries[comment.comment_id] = comment
    seen: list[str] = []
    params = {"limit": "2"}

    while params:
        response = await app.call("list_comments", item_id=item_id, params=params)
        seen += [comment["text"] for comment in json_of(response)]
        params = _next(response.headers.get("Link"))

    assert seen == ["5", "4", "3", "2", "1"]


async def test_an_item_without_comments_has_an_empty_list(app: App) -> None:
    assert json_of(await app.call("list_comments", item_id=uuid4())) == []


async def test_a_comment_of_another_item_is_404(app: App) -> None:
    comment = a_comment()
    app.activity.entries[comment.comment_id] = comment

    there = await app.call("get_comment", item_id=comment.item_id, comment_id=comment.comment_id)
    elsewhere = await app.call("get_comment", item_id=uuid4(), comment_id=comment.comment_id)

    assert (there.status_code, elsewhere.status_code) == (200, 404)


async def test_a_time_without_microseconds_keeps_its_zeros(app: App) -> None:
    rating = a_rating(written_by=EventStamp(HUB, "0", 1, datetime(2026, 1, 2, 3, 4, 5, 0, tzinfo=UTC)))
    app.activity.entries[rating.rating_id] = rating

    response = await app.call("get_rating", item_id=rating.item_id, rating_id=rating.rating_id)

    assert json_of(response)["creationDate"] == "2026-01-02T03:04:05.000000Z"


async def test_the_average_adds_every_regions_summary(app: App) -> None:
    item_id = uuid4()
    app.activity.summaries = {
        (item_id, "summary:West Europe"): Totals(votes=2, stars=10),
        (item_id, "summary:North Europe"): Totals(votes=1, stars=1),
        (uuid4(), "summary:West Europe"): Totals(votes=9, stars=9),
    }

    assert json_of(await app.call("get_rating_summary", item_id=item_id)) == {
        "averageRating": 3.6667,
        "numberOfVotes": 3,
    }


async def test_an_item_without_votes_has_zero_and_zero(app: App) -> None:
    summary = json_of(await app.call("get_rating_summary", item_id=uuid4()))

    assert summary == {"averageRating": 0, "numberOfVotes": 0}


@pytest.mark.parametrize("limit", ["0", "501", "-1", "1.5", "x", "1e2", "٣", " 1", "99999999999"])
async def test_a_limit_outside_its_range_is_400(app: App, limit: str) -> None:
    assert (await app.call("list_items", params={"limit": limit})).status_code == 400


@pytest.mark.parametrize("token", ["x", "AAAA", "../..", "A" * 600, "SQ" * 20, "é"])
async def test_a_cursor_that_is_not_ours_is_400(app: App, token: str) -> None:
    for name, route in (("list_items", {}), ("list_comments", {"item_id": uuid4()})):
        response = await app.call(name, params={"continuation": token}, **route)  # type: ignore[arg-type]
        assert response.status_code == 400


async def test_a_cursor_of_another_list_is_400(app: App) -> None:
    from triggers.requests import comments_cursor, items_cursor

    items, comments = items_cursor("M", uuid4()), comments_cursor("2026-01-02T03:04:05.000000Z", uuid4())

    assert (await app.call("list_items", params={"continuation": comments})).status_code == 400
    response = await app.call("list_comments", item_id=uuid4(), params={"continuation": items})
    assert response.status_code == 400


async def test_a_database_that_is_away_is_503_with_a_time_to_come_back(app: App) -> None:
    app.items.outage.failures = 1

    response = await app.call("get_item", item_id=uuid4())

    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")


async def test_every_answer_says_who_gave_it(app: App) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"

    response = await app.call("list_items", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})

    assert response.headers["X-Correlation-ID"] == trace
    assert response.headers["X-Server-Location"] == "West Europe"
    assert response.headers["api-supported-versions"] == "1.0"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_fault_of_ours_is_500_without_internals(app: App, caplog: pytest.LogCaptureFixture) -> None:
    app.items.stored = None  # type: ignore[assignment]

    response = await app.call("get_item", item_id=UUID(int=1))

    assert response.status_code == 500
    assert "NoneType" not in response.get_body().decode()
    assert json_of(response)["correlationId"] in caplog.text


def _next(link: str | None) -> dict[str, str]:
    if link is None:
        return {}
    query = link.removesuffix('>; rel="next"').split("?", 1)[1]
    return dict(part.split("=", 1) for part in query.split("&"))
