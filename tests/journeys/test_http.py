"""Over HTTP, as a client sees it: API, Event Hubs, processor, Cosmos DB and back."""

import gzip
import io
import json
import os
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from azure.storage.blob import BlobServiceClient
from PIL import Image

from tests.journeys.conftest import Answer, RunningStack

ITEMS = "/api/1.0/catalogitem"


def until[T](ask: Callable[[], T], holds: Callable[[T], bool], timeout_s: float = 20) -> T:
    """Ask until the answer holds; the last answer in any case."""
    end = time.monotonic() + timeout_s
    while True:
        answer = ask()
        if holds(answer) or time.monotonic() > end:
            return answer
        time.sleep(0.05)


def an_item(stack: RunningStack, **members: object) -> str:
    """A new item, once it is readable; returns its path."""
    body = {"name": f"Item {uuid4()}", "description": "Made by a test.", "price": 9.99, **members}
    accepted = stack.request("POST", ITEMS, body, {"X-API-KEY": stack.api_key})
    assert accepted.status == 202, accepted.body
    path = accepted.headers["Location"]
    assert until(lambda: stack.request("GET", path), lambda answer: answer.status == 200).status == 200
    return path


def test_a_rating_travels_to_the_database_and_back(stack: RunningStack) -> None:
    item = an_item(stack)

    accepted = stack.request("POST", f"{item}/ratings", {"rating": 5})
    assert (accepted.status, accepted.body, accepted.headers["Retry-After"]) == (202, b"", "1")
    location = accepted.headers["Location"]
    assert location.startswith(f"{item}/ratings/")

    rating = until(lambda: stack.request("GET", location), lambda answer: answer.status == 200)
    assert rating.json["rating"] == 5
    summary = stack.request("GET", f"{item}/ratings")
    assert summary.json == {"averageRating": 5, "numberOfVotes": 1}
    operation = stack.request("GET", accepted.headers["Operation-Location"])
    assert (operation.json["status"], operation.json["resource"]) == ("succeeded", location)


def test_a_comment_comes_back_first_in_its_list(stack: RunningStack) -> None:
    item = an_item(stack)
    text = "漢字 🎬 <script>alert(1)</script> '; DROP TABLE"
    for number in range(3):
        accepted = stack.request("POST", f"{item}/comments", {"authorName": "Ada", "text": f"{number} {text}"})
        location = accepted.headers["Location"]
        assert until(lambda: stack.request("GET", location), lambda one: one.status == 200).status == 200  # noqa: B023

    first = stack.request("GET", f"{item}/comments?limit=2")
    following = first.headers["Link"].split(">")[0].lstrip("<")
    rest = stack.request("GET", following)

    assert [comment["text"][0] for comment in first.json + rest.json] == ["2", "1", "0"]
    assert first.json[0]["text"] == f"2 {text}"


def test_the_same_key_is_one_effect_however_often_it_is_sent(stack: RunningStack) -> None:
    item = an_item(stack)
    headers = {"Idempotency-Key": str(uuid4())}

    def rate(_: int) -> Answer:
        return stack.request("POST", f"{item}/ratings", {"rating": 4}, headers)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(rate, range(24)))

    assert {answer.status for answer in answers} == {202}
    [location] = {answer.headers["Location"] for answer in answers}
    assert until(lambda: stack.request("GET", location), lambda one: one.status == 200).status == 200
    late = stack.request("POST", f"{item}/ratings", {"rating": 4}, headers)
    other = stack.request("POST", f"{item}/ratings", {"rating": 1}, headers)
    assert (late.status, late.headers["Location"], other.status) == (202, location, 409)
    assert stack.request("GET", f"{item}/ratings").json == {"averageRating": 4, "numberOfVotes": 1}


def test_an_update_is_conditional_on_the_version_that_its_client_saw(stack: RunningStack) -> None:
    item = an_item(stack, name="before")
    seen = stack.request("GET", item).headers["ETag"]
    admin = {"X-API-KEY": stack.api_key, "If-Match": seen}

    accepted = stack.request("PUT", item, {"name": "after"}, admin)
    assert accepted.status == 202
    changed = until(lambda: stack.request("GET", item), lambda one: one.json["name"] == "after")
    assert (changed.json["name"], changed.json["price"]) == ("after", 9.99)

    assert stack.request("PUT", item, {"name": "late"}, admin).status == 412
    assert stack.request("GET", item, None, {"If-None-Match": changed.headers["ETag"]}).status == 304


def test_paths_are_matched_as_the_functions_host_does(stack: RunningStack) -> None:
    item = an_item(stack)

    assert stack.request("GET", item.upper().replace("/API/", "/api/") + "/").status == 200
    assert stack.request("DELETE", f"{item}/ratings").status == 404
    assert stack.request("GET", f"{ITEMS}/not-a-uuid").status == 404


def test_the_contract_is_served(stack: RunningStack) -> None:
    assert stack.request("GET", "/api/openapi.json").json["openapi"] == "3.1.0"
    assert b"AlwaysOn Catalog API" in stack.request("GET", "/api/docs").body
    assert stack.request("GET", "/health/live").status == 200


def test_an_items_image_is_served_and_goes_with_the_item(stack: RunningStack) -> None:
    item = an_item(stack)
    admin = {"X-API-KEY": stack.api_key}
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 30, 30)).save(picture, "PNG")

    accepted = stack.request("PUT", f"{item}/image", picture.getvalue(), admin)
    assert accepted.status == 202
    url = until(lambda: stack.request("GET", item).json.get("imageUrl"), lambda one: one is not None)
    assert url == f"/images/{item.rsplit('/', 1)[1]}"
    image = until(lambda: stack.request("GET", url), lambda one: one.status == 200)
    assert (image.status, image.headers["Content-Type"]) == (200, "image/png")

    assert stack.request("DELETE", item, None, admin).status == 202
    assert until(lambda: stack.request("GET", item).status, lambda one: one == 404) == 404
    # The edge keeps an image for its minute; a query that nobody has used yet asks the account.
    assert until(lambda: stack.request("GET", f"{url}?{uuid4()}").status, lambda one: one == 404) == 404


def test_a_deleted_rating_leaves_the_average(stack: RunningStack) -> None:
    item = an_item(stack)
    admin = {"X-API-KEY": stack.api_key}
    locations = [stack.request("POST", f"{item}/ratings", {"rating": stars}).headers["Location"] for stars in (1, 5)]
    votes = until(lambda: stack.request("GET", f"{item}/ratings").json, lambda one: one["numberOfVotes"] == 2)
    assert votes == {"averageRating": 3, "numberOfVotes": 2}

    headers = {**admin, "Idempotency-Key": str(uuid4())}
    deleted = stack.request("DELETE", locations[0], None, headers)
    gone = until(lambda: stack.request("GET", locations[0]).status, lambda one: one == 404)

    assert (deleted.status, gone) == (202, 404)
    assert stack.request("GET", f"{item}/ratings").json == {"averageRating": 5, "numberOfVotes": 1}
    operation = stack.request("GET", deleted.headers["Operation-Location"]).json
    late = stack.request("DELETE", locations[0], None, headers)
    other = stack.request("DELETE", locations[0], None, admin)
    assert (operation["status"], late.status, other.status) == ("succeeded", 202, 404)


def test_a_stamps_health_is_computed_and_answers_head_as_get(stack: RunningStack) -> None:
    report = until(
        lambda: stack.request("GET", "/health/stamp"), lambda one: one.status == 200 and one.json["score"] == 1, 60
    )

    assert (report.status, report.json["status"]) == (200, "healthy")
    assert {check["component"] for check in report.json["checks"]} >= {"queue-send", "processor-heartbeat"}
    for path in ("/health/stamp", "/health/live", "/health/ready"):
        head = stack.request("HEAD", path)
        assert (head.status, head.body) == (200, b"")


def test_an_operator_takes_the_stamp_out_and_back(stack: RunningStack) -> None:
    account = stack.stack.storage_connection(stack.stack.stamp_account(0))
    with BlobServiceClient.from_connection_string(account) as service:
        switch = service.get_blob_client("health", "stamp.health")
        switch.delete_blob()
        assert until(lambda: stack.request("GET", "/health/stamp").status, lambda one: one == 503) == 503
        switch.upload_blob(b"")
    assert until(lambda: stack.request("GET", "/health/stamp").status, lambda one: one == 200) == 200


def test_the_pages_script_is_compressed_and_kept_for_ever(stack: RunningStack) -> None:
    page = stack.request("GET", "/").body.decode()
    [script] = re.findall(r'src="\.?(/assets/[^"]+\.js)"', page)

    plain = stack.request("GET", script)
    small = stack.request("GET", script, None, {"Accept-Encoding": "gzip"})

    assert gzip.decompress(small.body) == plain.body
    assert len(small.body) < len(plain.body) / 2
    assert (small.headers["Content-Type"], small.headers["Vary"]) == (plain.headers["Content-Type"], "Accept-Encoding")
    assert "immutable" in small.headers["Cache-Control"]
    assert stack.request("GET", "/assets/none.js").status == 404


def test_the_page_is_served_with_a_strict_policy(stack: RunningStack) -> None:
    page = stack.request("GET", "/")

    assert (page.status, b"AlwaysOn Catalog" in page.body) == (200, True)
    for path in ("/", "/index.html"):
        head = stack.request("HEAD", path)
        assert (head.status, head.body) == (200, b"")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_a_killed_processor_loses_and_doubles_nothing(stack: RunningStack) -> None:
    """200 ratings, half of them while the processor is being killed, half while it is dead."""
    item = an_item(stack)

    def rate(number: int) -> int:
        if number == 60:
            stack.control("kill", "processor-westeurope")
        return stack.request("POST", f"{item}/ratings", {"rating": 1 + number % 5}).status

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(rate, range(200)))
    stack.control("start", "processor-westeurope")

    assert statuses == [202] * 200
    summary = until(lambda: stack.request("GET", f"{item}/ratings").json, lambda one: one["numberOfVotes"] >= 200, 60)
    assert summary == {"averageRating": 3, "numberOfVotes": 200}
    time.sleep(1)
    assert stack.request("GET", f"{item}/ratings").json == summary


def test_a_component_that_dies_is_named_and_brought_back(stack: RunningStack) -> None:
    processes = json.loads((stack.stack.data / "processes.json").read_text())
    os.kill(processes["api-westeurope"], signal.SIGKILL)

    assert until(lambda: stack.request("GET", "/health/live").status, lambda one: one == 502) == 502
    assert until(lambda: stack.request("GET", "/health/live").status, lambda one: one == 200) == 200
    assert stack.control("status")["api-westeurope"] == "running"
