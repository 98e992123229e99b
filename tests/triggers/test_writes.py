"""What customers send: what is accepted, what is refused, and that nothing refused reaches the queue."""

import json
import re
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.commands import AddComment, AddRating, PutItem, UpdateItem
from domain.errors import Overloaded, QueueUnavailable
from domain.identity import OperationId
from domain.records import Marker
from tests.builders import a_comment, an_item
from tests.triggers.conftest import KEY, App, json_of

NEW_ITEM = {"name": "Metropolis", "description": "A city.", "price": 19.9}


def known_item(app: App, **changes: Any) -> UUID:
    item = an_item(**changes)
    app.items.stored[item.item_id] = item
    return item.item_id


async def test_a_rating_is_accepted_with_the_address_where_it_will_be(app: App) -> None:
    item_id = known_item(app)

    response = await app.call("post_rating", item_id=item_id, body={"rating": 5})

    [(command, _)] = app.queue.sent
    assert isinstance(command, AddRating)
    assert (response.status_code, response.get_body(), response.headers["Retry-After"]) == (202, b"", "1")
    assert response.headers["Location"] == f"/api/1.0/catalogitem/{item_id}/ratings/{command.command_id}"
    operation = OperationId.parse(response.headers["Operation-Location"].removeprefix("/api/1.0/operations/"))
    assert operation is not None
    assert (operation.command_id, operation.digest) == (command.command_id, command.digest)


async def test_a_comment_of_every_script_arrives_unchanged(app: App) -> None:
    item_id = known_item(app)
    text = "漢字 العربية 🎬 <script> '; DROP TABLE" + "\n"

    response = await app.call("post_comment", item_id=item_id, body={"authorName": "É", "text": text})

    [(command, _)] = app.queue.sent
    assert isinstance(command, AddComment)
    assert (response.status_code, command.text) == (202, text)


async def test_the_same_key_gives_the_same_address(app: App) -> None:
    item_id = known_item(app)
    request = {"item_id": item_id, "body": {"rating": 5}, "headers": {"Idempotency-Key": "a-key"}}

    first = await app.call("post_rating", **request)  # type: ignore[arg-type]
    second = await app.call("post_rating", **request)  # type: ignore[arg-type]

    assert first.headers["Location"] == second.headers["Location"]
    assert app.queue.sent[0][0].command_id == app.queue.sent[1][0].command_id


async def test_a_key_means_another_command_on_another_route_or_item(app: App) -> None:
    one, two = known_item(app), known_item(app)
    headers = {"Idempotency-Key": "a-key"}

    await app.call("post_rating", item_id=one, body={"rating": 5}, headers=headers)
    await app.call("post_rating", item_id=two, body={"rating": 5}, headers=headers)
    await app.call("post_comment", item_id=one, body={"authorName": "a", "text": "b"}, headers=headers)

    assert len({command.command_id for command, _ in app.queue.sent}) == 3


async def test_a_retry_after_the_effect_is_accepted_without_another_event(app: App) -> None:
    item_id = known_item(app)
    request = {"item_id": item_id, "body": {"rating": 5}, "headers": {"Idempotency-Key": "a-key"}}
    await app.call("post_rating", **request)  # type: ignore[arg-type]
    [(command, _)] = app.queue.sent
    app.activity.digests[item_id, command.command_id] = command.digest

    again = await app.call("post_rating", **request)  # type: ignore[arg-type]
    other = await app.call("post_rating", **(request | {"body": {"rating": 1}}))  # type: ignore[arg-type]

    assert (again.status_code, other.status_code, len(app.queue.sent)) == (202, 409, 1)


async def test_an_items_key_reused_for_another_body_is_409(app: App) -> None:
    headers = {"Idempotency-Key": "a-key"}
    await app.as_admin("post_item", body=NEW_ITEM, headers=headers)
    [(command, _)] = app.queue.sent
    app.items.markers[command.item_id, command.command_id] = Marker(command.command_id, command.digest)

    response = await app.as_admin("post_item", body=NEW_ITEM | {"name": "Other"}, headers=headers)

    assert response.status_code == 409


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, "tab\t"])
async def test_a_malformed_key_is_400(app: App, key: str) -> None:
    response = await app.call(
        "post_rating", item_id=known_item(app), body={"rating": 5}, headers={"Idempotency-Key": key}
    )

    assert (response.status_code, app.queue.sent) == (400, [])


async def test_an_unknown_item_is_404_and_nothing_is_sent(app: App) -> None:
    gone = known_item(app, deleted=True)

    for item_id in (gone, uuid4()):
        assert (await app.call("post_rating", item_id=item_id, body={"rating": 5})).status_code == 404
        assert (await app.as_admin("put_item", item_id=item_id, body={"name": "x"})).status_code == 404
    assert app.queue.sent == []


async def test_a_write_is_accepted_while_the_database_is_away(app: App) -> None:
    app.items.outage.failures = 1

    response = await app.call("post_rating", item_id=uuid4(), body={"rating": 5})

    assert (response.status_code, len(app.queue.sent)) == (202, 1)


async def test_a_queue_that_is_away_is_503_and_a_full_one_429(app: App) -> None:
    item_id = known_item(app)
    statuses = []
    for error in (QueueUnavailable, Overloaded):
        app.queue.outage.failures, app.queue.error = 1, error
        response = await app.call("post_rating", item_id=item_id, body={"rating": 5})
        statuses.append((response.status_code, response.headers["Retry-After"]))

    assert statuses == [(503, "1"), (429, "1")]


@pytest.mark.parametrize(
    "rating", [0, 6, -1, 2.5, 5.0, True, None, "6", "05", "٣", "5 ", "", [5], {"rating": 5}, 1e3, 10**40]
)
async def test_a_rating_that_is_none_is_400(app: App, rating: object) -> None:
    response = await app.call("post_rating", item_id=known_item(app), body={"rating": rating})

    assert (response.status_code, app.queue.sent) == (400, [])


@pytest.mark.parametrize("rating", [1, 5, "1", "5"])
async def test_a_numeric_string_counts_as_a_rating(app: App, rating: object) -> None:
    response = await app.call("post_rating", item_id=known_item(app), body={"rating": rating})

    assert response.status_code == 202


BAD_BODIES = {
    "empty": b"",
    "no JSON": b"{",
    "no object": b'["rating", 5]',
    "not UTF-8": b'{"rating": 5, "x": "\xff"}',
    "byte order mark": b'\xef\xbb\xbf{"rating": 5}',
    "a member twice": b'{"rating": 5, "rating": 1}',
    "unknown member": b'{"rating": 5, "stars": 5}',
    "NaN": b'{"rating": NaN}',
    "Infinity": b'{"rating": -Infinity}',
    "overflowing exponent": b'{"rating": 1e999999999999999999999}',
    "deep nesting": b'{"rating": ' + b"[" * 60_000 + b"]" * 4,
    "deep but whole": b'{"rating": ' + b"[" * 500 + b"]" * 500 + b"}",
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
async def test_a_body_that_is_no_strict_json_object_is_400(app: App, body: bytes) -> None:
    response = await app.call("post_rating", item_id=known_item(app), body=body)

    assert (response.status_code, app.queue.sent) == (400, [])


@pytest.mark.parametrize(
    ("text", "status"),
    [("\\ud83d", 400), ("\\ud83d\\ude00", 202), ("\\u0000", 400), ("x" * 2000, 202), ("x" * 2001, 400), ("", 400)],
)
async def test_text_is_refused_when_nobody_could_write_it_again(app: App, text: str, status: int) -> None:
    body = f'{{"authorName": "a", "text": "{text}"}}'.encode()

    assert (await app.call("post_comment", item_id=known_item(app), body=body)).status_code == status


async def test_lengths_count_code_points(app: App) -> None:
    body = {"authorName": "🎬" * 64, "text": "🎬" * 2000}

    assert (await app.call("post_comment", item_id=known_item(app), body=body)).status_code == 202


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 202),
        ("application/json; charset=utf-8", 202),
        ('Application/JSON;charset="UTF-8"', 202),
        ("application/json; charset=latin1", 415),
        ("application/merge-patch+json", 415),
        ("text/json", 415),
        ("text/plain", 415),
        ("", 415),
        ("application/x-www-form-urlencoded", 415),
    ],
)
async def test_only_json_in_utf_8_is_read(app: App, content_type: str, status: int) -> None:
    response = await app.call(
        "post_rating", item_id=known_item(app), body={"rating": 5}, headers={"Content-Type": content_type}
    )

    assert response.status_code == status


async def test_a_body_of_one_byte_too_many_is_413(app: App) -> None:
    small = {"authorName": "a", "text": "b"}
    padding = 64 * 1024 - len(json.dumps(small))

    for extra, status in ((0, 202), (1, 413)):
        body = json.dumps(small).encode() + b" " * (padding + extra)
        assert (await app.call("post_comment", item_id=known_item(app), body=body)).status_code == status


async def test_a_chunked_body_is_411_because_the_host_hands_it_over_empty(app: App) -> None:
    response = await app.call(
        "post_rating", item_id=known_item(app), body=b"", headers={"Transfer-Encoding": "chunked"}
    )

    assert response.status_code == 411


async def test_an_admin_needs_one_of_the_keys_before_the_body_is_read(app: App) -> None:
    app.install(API_KEY_2="another-key-of-16")

    for key, status in ((KEY, 202), ("another-key-of-16", 202), ("wrong", 401), ("", 401)):
        response = await app.call("post_item", body=NEW_ITEM, headers={"X-API-KEY": key})
        assert response.status_code == status
    assert (await app.call("post_item", body=b"\xff")).status_code == 401


async def test_an_item_without_an_id_gets_one_that_its_key_decides(app: App) -> None:
    headers = {"Idempotency-Key": "a-key"}

    first = await app.as_admin("post_item", body=NEW_ITEM, headers=headers)
    second = await app.as_admin("post_item", body=NEW_ITEM, headers=headers)
    other = await app.as_admin("post_item", body=NEW_ITEM)

    assert first.headers["Location"] == second.headers["Location"] != other.headers["Location"]


async def test_an_item_keeps_the_id_that_its_client_chose_in_any_case(app: App) -> None:
    item_id = uuid4()

    response = await app.as_admin("post_item", body=NEW_ITEM | {"id": str(item_id).upper()})

    assert response.headers["Location"] == f"/api/1.0/catalogitem/{item_id}"


async def test_what_only_we_set_may_be_sent_back(app: App) -> None:
    item_id = known_item(app)
    body = {**NEW_ITEM, "id": str(item_id), "imageUrl": "/images/x", "lastUpdated": "now", "version": 3}

    assert (await app.as_admin("post_item", body=body)).status_code == 202


@pytest.mark.parametrize(
    ("price", "status"),
    [
        ("0", 202),
        ("1000000000", 202),
        ("999999999.99", 202),
        ("19.90", 202),
        ("1.9e1", 202),
        ("19.999", 400),
        ("1000000000.01", 400),
        ("-0.01", 400),
        ("1e300", 400),
        ("1e400", 400),
        ("1e999999", 400),
        ("0.0000000000000000000000000001", 400),
        ('"19.9"', 400),
        ("true", 400),
        ("null", 400),
    ],
)
async def test_a_price_is_exact_or_refused(app: App, price: str, status: int) -> None:
    body = f'{{"name": "a", "description": "b", "price": {price}}}'.encode()

    response = await app.as_admin("post_item", body=body)

    assert response.status_code == status


async def test_an_unknown_members_name_is_not_repeated(app: App) -> None:
    response = await app.as_admin("post_item", body=NEW_ITEM | {"<script>": 1, "name": ""})

    assert "<script>" not in response.get_body().decode()
    assert set(json_of(response)["errors"]) == {"(other)", "name"}


@pytest.mark.parametrize("body", [{}, {"name": None}, {"version": 3}, {"id": str(uuid4()), "name": "x"}, {"nam": "x"}])
async def test_a_change_without_a_change_is_400(app: App, body: object) -> None:
    assert (await app.as_admin("put_item", item_id=known_item(app), body=body)).status_code == 400


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ('"5"', 202),
        ("*", 202),
        ('"4", "5"', 202),
        ('"4"', 412),
        ('W/"5"', 412),
        ('"05"', 412),
        ('"a,b"', 412),
        ("5", 400),
        ('"5', 400),
        ("", 400),
    ],
)
async def test_if_match_is_compared_strongly(app: App, header: str, status: int) -> None:
    item_id = known_item(app, version=5)

    response = await app.as_admin("put_item", item_id=item_id, body={"name": "x"}, headers={"If-Match": header})

    assert response.status_code == status
    sent = [command for command, _ in app.queue.sent]
    assert all(isinstance(command, UpdateItem) and command.if_match is not None for command in sent)


async def test_only_the_one_front_door_is_let_in(app: App) -> None:
    app.install(FRONT_DOOR_ID="f00d")

    for header, status in (("f00d", 200), ("f00", 403), ("f00d, f00d", 403), ("F00D", 403), (None, 403)):
        headers = {} if header is None else {"X-Azure-FDID": header}
        assert (await app.call("list_items", headers=headers)).status_code == status


async def test_one_request_too_many_is_429(app: App) -> None:
    app.install(MAX_REQUESTS_IN_FLIGHT="1")
    item_id = known_item(app)
    answers = []

    class SlowQueue:
        async def send(self, command: object, properties: object) -> None:
            answers.append(await app.call("get_item", item_id=item_id))

    app.queue = SlowQueue()  # type: ignore[assignment]
    app.install(MAX_REQUESTS_IN_FLIGHT="1")
    response = await app.call("post_rating", item_id=item_id, body={"rating": 5})

    assert (response.status_code, [answer.status_code for answer in answers]) == (202, [429])


async def test_the_callers_trace_goes_through_the_queue_and_comes_back(app: App) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-00"}
    item_id = known_item(app)

    response = await app.call("post_rating", item_id=item_id, body={"rating": 5}, headers=headers)
    other = await app.call("post_rating", item_id=item_id, body={"rating": 5}, headers={"traceparent": "nonsense"})

    [(_, first), (_, second)] = app.queue.sent
    assert re.fullmatch(f"00-{trace}-[0-9a-f]{{16}}-00", first["traceparent"])
    assert response.headers["traceparent"] == first["traceparent"]
    assert second["traceparent"].split("-")[1] == other.headers["X-Correlation-ID"] != trace


async def test_test_data_is_marked_as_such(app: App) -> None:
    await app.call("post_rating", item_id=known_item(app), body={"rating": 5}, headers={"X-TEST-DATA": "True"})

    [(command, _)] = app.queue.sent
    assert isinstance(command, AddRating)
    assert command.test_data


async def test_an_operation_tells_what_became_of_a_write(app: App) -> None:
    item_id = known_item(app)
    accepted = await app.call("post_rating", item_id=item_id, body={"rating": 5})
    operation_id = accepted.headers["Operation-Location"].removeprefix("/api/1.0/operations/")
    pending = json_of(await app.call("get_operation", operation_id=operation_id))
    [(command, _)] = app.queue.sent
    app.activity.digests[item_id, command.command_id] = command.digest

    succeeded = json_of(await app.call("get_operation", operation_id=operation_id))

    assert (pending["status"], succeeded["status"]) == ("pending", "succeeded")
    assert succeeded["resource"] == accepted.headers["Location"]


@pytest.mark.parametrize("operation_id", ["x", "A" * 100, "6a3c1f0e-4a55-4a0b-9f0c-0d5a2f8e7c11"])
async def test_an_operation_that_is_not_ours_is_404(app: App, operation_id: str) -> None:
    assert (await app.call("get_operation", operation_id=operation_id)).status_code == 404


async def test_items_and_comments_reach_the_queue_as_commands(app: App) -> None:
    await app.as_admin("post_item", body=NEW_ITEM)

    [(command, _)] = app.queue.sent
    assert isinstance(command, PutItem)
    assert (command.name, str(command.price)) == ("Metropolis", "19.90")
    assert a_comment().text == "Splendid."
