"""Points 28 to 38: queries, reading many, change feed, session tokens."""

import asyncio
import datetime
from typing import Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

from local.cosmos.process import CosmosProcess
from tests.emulators.cosmos.raw import send
from tests.emulators.cosmos.sdk import Sdk

EVERYTHING = {
    "indexingMode": "consistent",
    "automatic": True,
    "includedPaths": [{"path": "/*"}],
    "excludedPaths": [{"path": "/hidden/?"}],
    "compositeIndexes": [
        [{"path": "/name", "order": "ascending"}, {"path": "/id", "order": "ascending"}],
        [{"path": "/name", "order": "ascending"}, {"path": "/n", "order": "descending"}],
    ],
}


def _across(sdk: Sdk) -> dict[str, Any]:
    return {} if sdk.asynchronous else {"enable_cross_partition_query": True}


async def _filled(sdk: Sdk) -> Any:
    container = await sdk.container(await sdk.database(), indexing_policy=EVERYTHING)
    for n in range(30):
        document = {"id": f"i{n:02}", "pk": "ab"[n % 2], "n": n, "name": f"name{n % 4}", "tags": ["x", n % 3]}
        await sdk.do(container.create_item, document)
    return container


@pytest.mark.conformance(28, "Query in a partition: filter, ORDER BY, OFFSET LIMIT, projection, parameters")
async def test_a_query_in_a_partition(sdk: Sdk) -> None:
    container = await _filled(sdk)

    found = await sdk.all(
        container.query_items,
        "SELECT c.id, c.n * 2 AS twice FROM c WHERE c.n >= @least AND c['name'] != 'name0' ORDER BY c.n DESC"
        " OFFSET 1 LIMIT 3",
        parameters=[{"name": "@least", "value": 10}],
        partition_key="a",
    )

    assert found == [{"id": "i22", "twice": 44}, {"id": "i18", "twice": 36}, {"id": "i14", "twice": 28}]


ACROSS: list[tuple[str, list[Any]]] = [
    ("SELECT VALUE c.n FROM c WHERE c.n < 4 ORDER BY c.n DESC", [3, 2, 1, 0]),
    ("SELECT VALUE COUNT(1) FROM c", [30]),
    ("SELECT VALUE COUNT(1) FROM c WHERE c.name = 'name1'", [8]),
    ("SELECT VALUE COUNT(c.missing) FROM c", [0]),
    ("SELECT VALUE SUM(c.n) FROM c", [435]),
    ("SELECT VALUE AVG(c.n) FROM c", [14.5]),
    ("SELECT VALUE MIN(c.name) FROM c", ["name0"]),
    ("SELECT VALUE MAX(c.n) FROM c", [29]),
    ("SELECT COUNT(1) AS many, MAX(c.n) AS most FROM c", [{"many": 30, "most": 29}]),
    ("SELECT COUNT(1) FROM c", [{"$1": 30}]),
    ("SELECT DISTINCT VALUE c.name FROM c", ["name0", "name1", "name2", "name3"]),
    ("SELECT DISTINCT c.name FROM c ORDER BY c.name DESC", [{"name": f"name{n}"} for n in (3, 2, 1, 0)]),
    ("SELECT TOP 2 VALUE c.id FROM c ORDER BY c.name DESC, c.id DESC", ["i27", "i23"]),
    ("SELECT VALUE c.n FROM c WHERE c.n < 8 ORDER BY c.name, c.n DESC", [4, 0, 5, 1, 6, 2, 7, 3]),
    (
        "SELECT c.name, COUNT(1) AS n, SUM(c.n) AS s FROM c WHERE c.n < 6 GROUP BY c.name",
        [{"name": f"name{n}", "n": m, "s": s} for n, m, s in ((0, 2, 4), (1, 2, 6), (2, 1, 2), (3, 1, 3))],
    ),
    ("SELECT VALUE c.id FROM c WHERE ARRAY_CONTAINS(c.tags, 2) AND c.n < 9", ["i02", "i05", "i08"]),
    ("SELECT VALUE c.tags[1] FROM c WHERE c.id IN ('i01', 'i02')", [1, 2]),
    ("SELECT VALUE {'a': c.id, b: [c.n]} FROM c WHERE c.n = 3", [{"a": "i03", "b": [3]}]),
    ("SELECT VALUE c.id FROM c WHERE STARTSWITH(c.id, 'I0', true) AND (c.n BETWEEN 2 AND 3)", ["i02", "i03"]),
    ("SELECT VALUE root.id FROM root WHERE root.n = 5 ? false : root.n = 6", ["i06"]),
]


@pytest.mark.conformance(29, "Across partitions: ORDER BY, aggregates, DISTINCT, TOP, GROUP BY in one reply")
async def test_queries_across_partitions(shared: Any) -> None:
    sdk, container = shared
    for text, expected in ACROSS:
        assert await sdk.all(container.query_items, text, **_across(sdk)) == expected, text


@pytest.fixture
async def shared(account: CosmosProcess, sdk: Sdk, request: pytest.FixtureRequest) -> Any:
    """A filled container that tests only read."""
    store: dict[str, str] = request.session.__dict__.setdefault("_cosmos_shared", {})
    if "database" not in store:
        container = await _filled(sdk)
        store["database"] = container.container_link.split("/")[1]
        store["container"] = container.id
    return sdk, sdk.client.get_database_client(store["database"]).get_container_client(store["container"])


PAGED = (
    "SELECT * FROM c",
    "SELECT * FROM c ORDER BY c.name",
    "SELECT * FROM c ORDER BY c.name DESC",
    "SELECT * FROM c ORDER BY c.missing",
    "SELECT * FROM c ORDER BY c.name, c.id",
    "SELECT * FROM c ORDER BY c.name, c.n DESC",
    "SELECT TOP 11 * FROM c ORDER BY c.name",
    "SELECT * FROM c WHERE c.n > 3 ORDER BY c.name OFFSET 3 LIMIT 9",
    "SELECT DISTINCT c.name, c.tags FROM c",
    "SELECT c.n FROM c WHERE ARRAY_CONTAINS(c.tags, 1) ORDER BY c.n",
)


@pytest.mark.conformance(30, "Paging and resumed continuation, stable under ties")
async def test_pages_join_to_the_whole(shared: Any) -> None:
    sdk, container = shared
    for text in PAGED:
        whole = await sdk.all(container.query_items, text, **_across(sdk))
        joined: list[Any] = []
        token: str | None = None
        while True:
            options = {"limit": 1, "max_item_count": 4, **_across(sdk)}
            pages, token = await sdk.pages(container.query_items, text, token=token, **options)
            assert all(len(page) <= 4 for page in pages)
            joined += [row for page in pages for row in page]
            if not token:
                break
        assert joined == whole, text
        assert len(whole) > 4


@pytest.mark.conformance(30, "A malformed or foreign continuation is 400")
async def test_a_bad_continuation_is_refused(shared: Any) -> None:
    sdk, container = shared
    _, token = await sdk.pages(container.query_items, "SELECT * FROM c", limit=1, max_item_count=4, **_across(sdk))
    for text, wrong in (("SELECT * FROM c", "no token"), ("SELECT * FROM c ORDER BY c.name", token)):
        with pytest.raises(CosmosHttpResponseError) as refused:
            await sdk.pages(container.query_items, text, token=wrong, limit=1, **_across(sdk))
        assert refused.value.status_code == 400


MIXED = [
    ("undefined", ...), ("null", None), ("false", False), ("true", True), ("minus", -5), ("one", 1), ("float", 1.5),
    ("text", "a"), ("upper", "B"), ("accent", "é"), ("array", [1]), ("object", {"a": 1}),
]  # fmt: skip


@pytest.mark.conformance(31, "Mixed types, null and undefined: order and comparisons")
async def test_mixed_types(sdk: Sdk) -> None:
    container = await sdk.container(await sdk.database())
    for name, value in MIXED:
        await sdk.do(container.create_item, {"id": name, "pk": "a"} | ({} if value is ... else {"v": value}))

    async def ids(condition: str) -> list[str]:
        text = f"SELECT VALUE c.id FROM c WHERE {condition}"
        found: list[str] = await sdk.all(container.query_items, text, **_across(sdk))
        return found

    ordered = await sdk.all(container.query_items, "SELECT VALUE c.id FROM c ORDER BY c.v", **_across(sdk))
    assert ordered == [
        "undefined", "null", "false", "true", "minus", "one", "float", "upper", "text", "accent", "array", "object",
    ]  # fmt: skip
    assert await ids("c.v > 1") == ["float"]
    assert await ids("c.v < 'b'") == ["text", "upper"]
    assert await ids("c.v = null") == ["null"]
    assert await ids("c.v != 1") == ["minus", "float"]
    assert await ids("NOT (c.v = 1)") == ["minus", "float"]
    assert await ids("NOT IS_DEFINED(c.v)") == ["undefined"]
    assert await ids("IS_NUMBER(c.v)") == ["minus", "one", "float"]
    assert await ids("c.v = true") == ["true"]
    assert await ids("c.v = {'a': 1}") == ["object"]
    assert await ids("c.v IN (1.0, 'a', null)") == ["null", "one", "text"]


WRONG = (
    ("SELEC * FROM c", "SC1001", 0),
    ("SELECT * FROM c WHERE", "SC1002", 21),
    ("SELECT * FROM c;", "SC1010", 15),
    ("SELECT * FROM c WHERE c.a = 'x", "SC1012", 28),
    ("SELECT * FROM c WHERE d.a = 1", "SC2001", 22),
    ("SELECT * FROM c WHERE FOO(c.a)", "SC2005", 22),
    ("SELECT c.a, c.b.a FROM c", "SC2022", 12),
    ("SELECT * FROM c ORDER BY c.a + 1", "2206", 25),
    ("SELECT * FROM c JOIN t IN c.tags", "SC1001", 16),
    ("SELECT * FROM c WHERE c.a = 1 AND c.b BETWEEN 1 AND 2", "SC1001", 38),
)


@pytest.mark.conformance(32, "Errors in a query: 400, SC code and place")
async def test_a_wrong_query_is_refused_with_its_place(shared: Any) -> None:
    sdk, container = shared
    for text, code, start in WRONG:
        with pytest.raises(CosmosHttpResponseError) as refused:
            await sdk.all(container.query_items, text, **_across(sdk))
        assert refused.value.status_code == 400
        assert f'\\"code\\": \\"{code}\\"' in refused.value.message, text
        assert f'\\"start\\": {start},' in refused.value.message, text


@pytest.mark.conformance(32, "ORDER BY without the index the service asks for is 400")
async def test_missing_indexes_are_refused_as_in_the_service(shared: Any) -> None:
    sdk, container = shared
    for text in ("SELECT * FROM c ORDER BY c.name, c.pk", "SELECT * FROM c ORDER BY c.hidden"):
        with pytest.raises(CosmosHttpResponseError) as refused:
            await sdk.all(container.query_items, text, **_across(sdk))
        assert refused.value.status_code == 400
        assert "index" in refused.value.message


@pytest.mark.conformance(34, "read_items: one logical partition, pk = id, many partitions, no value, one item")
async def test_reading_many(sdk: Sdk) -> None:
    database = await sdk.database()
    container = await sdk.container(database)
    by_id = await sdk.container(database, path="/id")
    for n in range(20):
        await sdk.do(container.create_item, {"id": f"i{n}", "pk": f"p{n % 5}"})
        await sdk.do(container.create_item, {"id": f"s{n}", "pk": "same"})
        await sdk.do(by_id.create_item, {"id": f"i{n}"})
    await sdk.do(container.create_item, {"id": "none"})

    async def read(where: Any, wanted: list[tuple[str, Any]]) -> set[str]:
        return {one["id"] for one in await sdk.do(where.read_items, wanted)}

    many = [(f"i{n}", f"p{n % 5}") for n in range(20)]
    assert await read(container, [*many, ("i0", "p1")]) == {item_id for item_id, _ in many}
    assert await read(container, [(f"s{n}", "same") for n in range(20)]) == {f"s{n}" for n in range(20)}
    assert await read(by_id, [(f"i{n}", f"i{n}") for n in range(20)]) == {f"i{n}" for n in range(20)}
    assert await read(container, [("i3", "p3")]) == {"i3"}


@pytest.mark.conformance(35, "Change feed: beginning, now, a time, continuation, one key")
async def test_the_change_feed(sdk: Sdk, items: Any) -> None:
    async def feed(**options: Any) -> tuple[list[str], str]:
        pages, _ = await sdk.pages(items.query_items_change_feed, **options)
        headers = sdk.client.client_connection.last_response_headers
        return [one["id"] for page in pages for one in page], headers["etag"]

    for n in range(6):
        await sdk.do(items.create_item, {"id": f"i{n}", "pk": "ab"[n % 2]})
    await sdk.do(items.upsert_item, {"id": "i0", "pk": "a", "again": True})
    await sdk.do(items.delete_item, "i5", "b")

    ids, token = await feed(start_time="Beginning", max_item_count=2)
    assert ids == ["i1", "i2", "i3", "i4", "i0"]
    assert (await feed(continuation=token))[0] == []
    nothing, now = await feed(start_time="Now")
    assert nothing == []
    assert (await feed(start_time="Beginning", partition_key="a"))[0] == ["i2", "i4", "i0"]
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    future = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    assert len((await feed(start_time=past))[0]) == 5
    assert (await feed(start_time=future))[0] == []

    await sdk.do(items.create_item, {"id": "later", "pk": "a"})
    assert (await feed(continuation=token))[0] == ["later"]
    assert (await feed(continuation=now))[0] == ["later"]
    changes = await sdk.all(items.query_items_change_feed, start_time="Beginning")
    assert [one["_lsn"] for one in changes] == sorted(one["_lsn"] for one in changes)


@pytest.mark.conformance(36, "All versions and deletes, with previous images")
async def test_all_versions(sdk: Sdk, items: Any) -> None:
    kept = await sdk.container(await sdk.database(), change_feed_policy={"retentionDuration": 10}, default_ttl=-1)

    async def feed(container: Any, **options: Any) -> tuple[list[Any], str]:
        pages, _ = await sdk.pages(container.query_items_change_feed, mode="AllVersionsAndDeletes", **options)
        return [one for page in pages for one in page], sdk.client.client_connection.last_response_headers["etag"]

    nothing, token = await feed(kept)
    assert nothing == []
    await sdk.do(kept.create_item, {"id": "1", "pk": "a", "n": 1})
    await sdk.do(kept.upsert_item, {"id": "1", "pk": "a", "n": 2})
    await sdk.do(kept.delete_item, "1", "a")
    await sdk.do(kept.create_item, {"id": "2", "pk": "b"})

    seen, later = await feed(kept, continuation=token, max_item_count=3)
    assert [one["metadata"]["operationType"] for one in seen] == ["create", "replace", "delete", "create"]
    assert [one["current"].get("n") for one in seen] == [1, 2, None, None]
    assert [one["previous"]["n"] for one in seen[1:3]] == [1, 2]
    assert seen[2]["current"] == {}
    assert seen[2]["metadata"]["id"] == "1"
    assert seen[2]["metadata"]["partitionKey"] == {"pk": "a"}
    assert seen[1]["metadata"]["previousImageLSN"] == seen[0]["metadata"]["lsn"]
    assert (await feed(kept, continuation=later))[0] == []
    with pytest.raises(CosmosHttpResponseError) as refused:
        await feed(items)
    assert refused.value.status_code == 400


@pytest.mark.conformance(37, "Feed ranges")
async def test_feed_ranges(sdk: Sdk, items: Any) -> None:
    for n in range(10):
        await sdk.do(items.create_item, {"id": f"i{n}", "pk": f"p{n}"})
    ranges = await sdk.all(items.read_feed_ranges)
    assert len(ranges) == 1
    found = await sdk.all(items.query_items, "SELECT VALUE c.id FROM c", feed_range=ranges[0])
    assert len(found) == 10
    of_key = await sdk.do(items.feed_range_from_partition_key, "p3")
    assert await sdk.all(items.query_items, "SELECT VALUE c.id FROM c", feed_range=of_key) == ["i3"]
    changes = await sdk.all(items.query_items_change_feed, feed_range=of_key, start_time="Beginning")
    assert [one["id"] for one in changes] == ["i3"]


@pytest.mark.conformance(37, "Hierarchical keys and their prefixes")
async def test_hierarchical_keys(sdk: Sdk) -> None:
    database = await sdk.database()
    key = PartitionKey(path=["/tenant", "/user"], kind="MultiHash")
    container = await sdk.do(database.create_container, "h", key)
    for tenant in ("a", "b"):
        for user in ("x", "y"):
            await sdk.do(container.create_item, {"id": tenant + user, "tenant": tenant, "user": user})
    assert (await sdk.do(container.read_item, "ax", ["a", "x"]))["user"] == "x"
    assert await sdk.all(container.query_items, "SELECT VALUE c.id FROM c", partition_key=["a"]) == ["ax", "ay"]
    assert await sdk.all(container.query_items, "SELECT VALUE c.id FROM c", partition_key=["b", "y"]) == ["by"]


@pytest.mark.conformance(38, "Session token stored, echoed, of constant shape")
async def test_session_tokens(sdk: Sdk, items: Any) -> None:
    seen: list[Any] = []
    sent: list[Any] = []
    for n in range(3):
        await sdk.do(
            items.upsert_item, {"id": "1", "pk": "a", "n": n}, response_hook=lambda headers, _: seen.append(headers)
        )
    await sdk.do(
        items.read_item, "1", "a", raw_request_hook=lambda request: sent.append(dict(request.http_request.headers))
    )
    tokens = [headers["x-ms-session-token"] for headers in seen]
    assert all(token.startswith("0:-1#") for token in tokens)
    numbers = [int(token.removeprefix("0:-1#")) for token in tokens]
    assert numbers == sorted(set(numbers))
    assert sent[0]["x-ms-session-token"].endswith(f"0:-1#{numbers[-1]}")


@pytest.mark.conformance(39, "429 with x-ms-retry-after-ms beyond the provisioned throughput")
async def test_throughput_is_enforced_when_asked_for(account: CosmosProcess, sdk: Sdk, items: Any) -> None:
    account.control.call("POST", "/_control/throughput", {"enforce": True})
    link = items.container_link
    path = f"/{link}/docs"
    seen = set()
    waits: list[int] = []
    for n in range(60):
        status, headers, _ = send(
            account.regions["West Europe"], "POST", path, "docs", link, {"id": str(n), "pk": "a", "text": "x" * 60000},
            x_ms_documentdb_partitionkey='["a"]',
        )  # fmt: skip
        seen.add(status)
        if status == 429:
            waits.append(int(headers["x-ms-retry-after-ms"]))
            break
    assert seen == {201, 429}
    assert 0 < waits[0] <= 3000
    await sdk.do(items.create_item, {"id": "patient", "pk": "a"})  # the SDK waits and tries again


@pytest.mark.conformance(39, "429 on command, with and without retry-after")
async def test_429_on_command(account: CosmosProcess, sdk: Sdk, items: Any) -> None:
    account.control.add_fault(
        "status", args={"status": 429, "retryAfterMs": 10}, match={"resource": "document"}, count=2
    )
    account.control.add_fault("status", args={"status": 429}, match={"resource": "document"}, count=2)
    await sdk.do(items.create_item, {"id": "1", "pk": "a"})
    assert account.control.faults() == []
    await asyncio.sleep(0)


@pytest.mark.conformance(33, "The trivial plan, a syntax error already in it", sdk="http")
async def test_the_query_plan(account: CosmosProcess, sdk: Sdk, items: Any) -> None:
    def ask(text: str) -> tuple[int, Any]:
        link = items.container_link
        status, _, answer = send(
            account.endpoint, "POST", f"/{link}/docs", "docs", link, {"query": text},
            x_ms_cosmos_is_query_plan_request="True", content_type="application/query+json",
        )  # fmt: skip
        return status, answer

    status, plan = ask("SELECT * FROM c ORDER BY c.n")
    assert status == 200
    assert plan["queryRanges"] == [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}]
    assert plan["queryInfo"]["aggregates"] == []
    assert ask("SELEC")[0] == 400
