"""Clients of the archived .NET reference work unchanged once `/catalogservice` is stripped from their paths.

What they rely on: lower-case paths, exactly 202 on writes, relative `Location`s that they poll, a rating as a numeric
string, an item's id of their own choice, HEAD on the stamp's health, trailing slashes, `X-API-KEY` and `X-TEST-DATA`.
"""

from uuid import uuid4

from tests.journeys.conftest import RunningStack
from tests.journeys.test_http import until

ITEMS = "/api/1.0/catalogitem"


def test_the_smoke_test_of_the_reference_passes(stack: RunningStack) -> None:
    admin = {"X-API-KEY": stack.api_key}
    item_id = str(uuid4())
    body = {"id": item_id, "name": "Smoke test item", "description": "Made by a smoke test.", "price": 9999.9}

    assert until(lambda: stack.request("HEAD", "/health/stamp").status, lambda one: one == 200) == 200
    listed = stack.request("GET", f"{ITEMS}/")
    assert listed.status == 200
    assert listed.json

    created = stack.request("POST", f"{ITEMS}/", body, admin)
    assert created.status == 202
    location = created.headers["Location"]
    assert location.startswith("/")
    item = until(lambda: stack.request("GET", location), lambda one: one.status == 200)
    assert (item.json["id"], item.json["price"]) == (item_id, 9999.9)

    replaced = stack.request("POST", ITEMS, {**body, "name": "Smoke test item, again"}, admin)
    assert replaced.status == 202
    changed = until(lambda: stack.request("GET", location).json["name"], lambda one: one.endswith("again"))
    assert changed == "Smoke test item, again"


def test_ratings_and_comments_of_the_reference_pass(stack: RunningStack) -> None:
    [item, *_] = stack.request("GET", ITEMS).json
    test_data = {"X-TEST-DATA": "true"}

    rated = stack.request("POST", f"{ITEMS}/{item['id']}/ratings/", {"rating": "5"}, test_data)
    commented = stack.request(
        "POST", f"{ITEMS}/{item['id']}/comments/", {"authorName": "A user", "text": "A comment"}, test_data
    )

    for accepted in (rated, commented):
        assert (accepted.status, accepted.body) == (202, b"")
        where = accepted.headers["Location"]
        assert until(lambda: stack.request("GET", where).status, lambda one: one == 200) == 200  # noqa: B023
    assert stack.request("GET", f"{ITEMS}/{item['id']}/ratings/").status == 200
    comments = stack.request("GET", f"{ITEMS}/{item['id']}/comments/").json
    assert commented.headers["Location"].rsplit("/", 1)[1] in {comment["id"] for comment in comments}


def test_what_the_reference_deletes_is_gone(stack: RunningStack) -> None:
    admin = {"X-API-KEY": stack.api_key}
    body = {"id": str(uuid4()), "name": "To delete", "description": "d", "price": 1}
    location = stack.request("POST", ITEMS, body, admin).headers["Location"]
    assert until(lambda: stack.request("GET", location).status, lambda one: one == 200) == 200

    assert stack.request("DELETE", location, None, admin).status == 202
    assert until(lambda: stack.request("GET", location).status, lambda one: one == 404) == 404
    assert stack.request("DELETE", location).status == 401
