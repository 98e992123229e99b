"""Points 11 to 27: items, patch, TTL, batch."""

import asyncio
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)
from azure.cosmos.partition_key import NonePartitionKeyValue

from local.cosmos.process import CosmosProcess
from tests.emulators.cosmos.raw import send
from tests.emulators.cosmos.sdk import Sdk

IF_SAME = MatchConditions.IfNotModified
IF_CHANGED = MatchConditions.IfModified


@pytest.mark.conformance(11, "Create 201 with system properties, duplicate 409")
async def test_create(sdk: Sdk, items: Any) -> None:
    stored = await sdk.do(items.create_item, {"id": "1", "pk": "a", "n": 1.5, "deep": {"x": [None, True, "é"]}})

    assert stored["deep"] == {"x": [None, True, "é"]}
    assert stored["_etag"].startswith('"')
    assert stored["_attachments"] == "attachments/"
    assert stored["_self"].endswith(f"docs/{stored['_rid']}/")
    assert isinstance(stored["_ts"], int)
    with pytest.raises(CosmosResourceExistsError):
        await sdk.do(items.create_item, {"id": "1", "pk": "a"})
    await sdk.do(items.create_item, {"id": "1", "pk": "b"})  # an id is unique within its partition key only


@pytest.mark.conformance(12, "Read 200, missing 404 with substatus 0")
async def test_read(sdk: Sdk, items: Any) -> None:
    stored = await sdk.do(items.create_item, {"id": "1", "pk": "a"})
    assert await sdk.do(items.read_item, "1", "a") == stored
    for item_id, key in (("2", "a"), ("1", "b")):
        with pytest.raises(CosmosResourceNotFoundError) as missing:
            await sdk.do(items.read_item, item_id, key)
        assert not missing.value.sub_status


@pytest.mark.conformance(13, "Upsert 201 then 200, _rid kept")
async def test_upsert(sdk: Sdk, items: Any) -> None:
    codes: list[int] = []
    first = await sdk.do(items.upsert_item, {"id": "1", "pk": "a"}, raw_response_hook=lambda r: codes.append(_code(r)))
    second = await sdk.do(
        items.upsert_item, {"id": "1", "pk": "a", "n": 2}, raw_response_hook=lambda r: codes.append(_code(r))
    )
    assert codes == [201, 200]
    assert first["_rid"] == second["_rid"]
    assert first["_etag"] != second["_etag"]


def _code(response: Any) -> int:
    code: int = response.http_response.status_code
    return code


@pytest.mark.conformance(14, "Replace with good and bad If-Match")
async def test_replace_on_condition(sdk: Sdk, items: Any) -> None:
    old = await sdk.do(items.create_item, {"id": "1", "pk": "a"})
    await sdk.do(items.replace_item, "1", {**old, "n": 1}, etag=old["_etag"], match_condition=IF_SAME)
    with pytest.raises(CosmosAccessConditionFailedError):
        await sdk.do(items.replace_item, "1", {**old, "n": 2}, etag=old["_etag"], match_condition=IF_SAME)
    assert (await sdk.do(items.read_item, "1", "a"))["n"] == 1
    with pytest.raises(CosmosResourceNotFoundError):
        await sdk.do(items.replace_item, "2", {"id": "2", "pk": "a"})


@pytest.mark.conformance(15, "Upsert with bad If-Match 412")
async def test_upsert_on_condition(sdk: Sdk, items: Any) -> None:
    await sdk.do(items.create_item, {"id": "1", "pk": "a"})
    with pytest.raises(CosmosAccessConditionFailedError):
        await sdk.do(items.upsert_item, {"id": "1", "pk": "a"}, etag='"no"', match_condition=IF_SAME)


@pytest.mark.conformance(16, "Read with If-None-Match 304")
async def test_read_if_changed(sdk: Sdk, items: Any) -> None:
    stored = await sdk.do(items.create_item, {"id": "1", "pk": "a"})
    same = await sdk.do(items.read_item, "1", "a", etag=stored["_etag"], match_condition=IF_CHANGED)
    assert same == {}
    assert (await sdk.do(items.read_item, "1", "a", etag='"no"', match_condition=IF_CHANGED))["id"] == "1"


@pytest.mark.conformance(17, "Delete 204 then 404; made again it has a new _rid")
async def test_delete(sdk: Sdk, items: Any) -> None:
    stored = await sdk.do(items.create_item, {"id": "1", "pk": "a"})
    with pytest.raises(CosmosAccessConditionFailedError):
        await sdk.do(items.delete_item, "1", "a", etag='"no"', match_condition=IF_SAME)
    await sdk.do(items.delete_item, "1", "a", etag=stored["_etag"], match_condition=IF_SAME)
    for call in (items.read_item, items.delete_item):
        with pytest.raises(CosmosResourceNotFoundError):
            await sdk.do(call, "1", "a")
    assert (await sdk.do(items.create_item, {"id": "1", "pk": "a"}))["_rid"] != stored["_rid"]


@pytest.mark.conformance(18, "Patch: six operations, array append, nested paths")
async def test_patch(sdk: Sdk, items: Any) -> None:
    document = {"id": "1", "pk": "a", "n": 1, "gone": 1, "from": 7, "o": {"list": [1, 2], "x~y": 1}}
    stored = await sdk.do(items.create_item, document)
    patched = await sdk.do(
        items.patch_item,
        "1",
        "a",
        [
            {"op": "add", "path": "/o/list/-", "value": 3},
            {"op": "add", "path": "/o/list/0", "value": 0},
            {"op": "set", "path": "/o/list/1", "value": "one"},
            {"op": "replace", "path": "/o/x~0y", "value": 2},
            {"op": "remove", "path": "/gone"},
            {"op": "incr", "path": "/n", "value": -3},
            {"op": "incr", "path": "/fresh", "value": 4},
            {"op": "move", "from": "/from", "path": "/o/to"},
        ],
    )
    assert patched["o"] == {"list": [0, "one", 2, 3], "x~y": 2, "to": 7}
    assert (patched["n"], patched["fresh"]) == (-2, 4)
    assert "gone" not in patched
    assert "from" not in patched
    assert patched["_rid"] == stored["_rid"]
    assert patched == await sdk.do(items.read_item, "1", "a")


@pytest.mark.conformance(19, "Patch condition true 200, false 412; missing item 404; 11 operations and nonsense 400")
async def test_patch_on_condition(sdk: Sdk, items: Any) -> None:
    await sdk.do(items.create_item, {"id": "1", "pk": "a", "n": 1, "s": "x", "l": [1]})
    more = [{"op": "incr", "path": "/n", "value": 1}]
    await sdk.do(items.patch_item, "1", "a", more, filter_predicate="FROM c WHERE c.n = 1 AND c.s = 'x'")
    with pytest.raises(CosmosAccessConditionFailedError) as refused:
        await sdk.do(items.patch_item, "1", "a", more, filter_predicate="from c where c.n = 1")
    assert refused.value.sub_status == 1110
    with pytest.raises(CosmosResourceNotFoundError):
        await sdk.do(items.patch_item, "2", "a", more)
    for wrong in (
        more * 11,
        [{"op": "replace", "path": "/none", "value": 1}],
        [{"op": "remove", "path": "/none"}],
        [{"op": "incr", "path": "/s", "value": 1}],
        [{"op": "set", "path": "/id", "value": "2"}],
        [{"op": "set", "path": "/pk", "value": "b"}],
        [{"op": "set", "path": "/none/deep", "value": 1}],
        [{"op": "add", "path": "/l/5", "value": 1}],
        [{"op": "move", "from": "/l", "path": "/l/0"}],
        [{"op": "twist", "path": "/n", "value": 1}],
        [{"op": "set", "path": "/n", "value": 9}, {"op": "remove", "path": "/none"}],
    ):
        with pytest.raises(CosmosHttpResponseError) as bad:
            await sdk.do(items.patch_item, "1", "a", wrong)
        assert bad.value.status_code == 400
    assert (await sdk.do(items.read_item, "1", "a"))["n"] == 2


@pytest.mark.conformance(20, "Minimal responses for items and batch, ignored for queries")
async def test_minimal_responses(account: CosmosProcess, kind: str) -> None:
    async with Sdk(kind, account.endpoint, account.key, no_response_on_write=True) as sdk:
        items = await sdk.container(await sdk.database())
        assert await sdk.do(items.create_item, {"id": "1", "pk": "a"}) in ({}, None)
        operations = [("upsert", ({"id": "2", "pk": "a"},)), ("read", ("1",))]
        results = await sdk.do(items.execute_item_batch, operations, "a")
        assert "resourceBody" not in results[0]
        assert results[0]["eTag"]
        assert results[1]["resourceBody"]["id"] == "1"
        found = await sdk.all(items.query_items, "SELECT * FROM c", partition_key="a")
        assert [one["id"] for one in found] == ["1", "2"]


@pytest.mark.conformance(21, "Partition key mismatch 400/1001")
async def test_a_wrong_partition_key_is_refused(account: CosmosProcess, sdk: Sdk, items: Any) -> None:
    with pytest.raises(CosmosBatchOperationError) as refused:
        await sdk.do(items.execute_item_batch, [("create", ({"id": "1", "pk": "b"},))], "a")
    assert refused.value.operation_responses[0]["subStatusCode"] == 1001

    link = items.container_link
    for key, substatus in (('["a"]', "1001"), ('["b","c"]', "1001"), ("[[1]]", None), ("x", None), (None, None)):
        given = {} if key is None else {"x_ms_documentdb_partitionkey": key}
        path = f"/{link}/docs"
        status, headers, _ = send(account.endpoint, "POST", path, "docs", link, {"id": "1", "pk": "b"}, **given)
        assert (status, headers.get("x-ms-substatus")) == (400, substatus)


@pytest.mark.conformance(22, "Items without a partition key value")
async def test_items_without_a_key(sdk: Sdk, items: Any) -> None:
    await sdk.do(items.create_item, {"id": "1"})
    await sdk.do(items.create_item, {"id": "2", "pk": None})
    assert (await sdk.do(items.read_item, "1", NonePartitionKeyValue))["id"] == "1"
    assert (await sdk.do(items.read_item, "2", None))["pk"] is None
    await sdk.do(items.delete_item, "1", NonePartitionKeyValue)


@pytest.mark.conformance(23, "Documents above 2 MB are 413")
async def test_the_size_limit(sdk: Sdk, items: Any) -> None:
    await sdk.do(items.create_item, {"id": "fits", "pk": "a", "text": "x" * (2 * 1024 * 1024 - 100)})
    for size in (2 * 1024 * 1024, 3 * 1024 * 1024, 6 * 1024 * 1024):
        with pytest.raises(CosmosHttpResponseError) as refused:
            await sdk.do(items.create_item, {"id": "big", "pk": "a", "text": "x" * size})
        assert refused.value.status_code == 413
    assert len((await sdk.do(items.read_item, "fits", "a"))["text"]) == 2 * 1024 * 1024 - 100


@pytest.mark.conformance(24, "TTL of items and containers; -1 never, 0 refused; expired at once")
async def test_time_to_live(sdk: Sdk) -> None:
    database = await sdk.database()
    short = await sdk.container(database, default_ttl=1)
    off = await sdk.container(database)
    await sdk.do(short.create_item, {"id": "default", "pk": "a"})
    await sdk.do(short.create_item, {"id": "longer", "pk": "a", "ttl": 100})
    await sdk.do(short.create_item, {"id": "never", "pk": "a", "ttl": -1})
    await sdk.do(off.create_item, {"id": "ignored", "pk": "a", "ttl": 1})
    with pytest.raises(CosmosHttpResponseError) as refused:
        await sdk.do(short.create_item, {"id": "zero", "pk": "a", "ttl": 0})
    assert refused.value.status_code == 400

    await asyncio.sleep(1.1)

    for call in (items_of(sdk, short, "a"), items_of(sdk, short, None)):
        assert sorted(await call) == ["longer", "never"]
    for method in (short.read_item, short.delete_item):
        with pytest.raises(CosmosResourceNotFoundError):
            await sdk.do(method, "default", "a")
    assert (await sdk.do(off.read_item, "ignored", "a"))["ttl"] == 1
    await sdk.do(short.create_item, {"id": "default", "pk": "a"})  # the id is free again


async def items_of(sdk: Sdk, container: Any, key: str | None) -> list[str]:
    """The ids a query finds."""
    scope = {"partition_key": key} if key else {"enable_cross_partition_query": True}
    if sdk.asynchronous:
        scope.pop("enable_cross_partition_query", None)
    return await sdk.all(container.query_items, "SELECT VALUE c.id FROM c", **scope)


@pytest.mark.conformance(25, "Batch of all six operations")
async def test_batch(sdk: Sdk, items: Any) -> None:
    for item_id in ("read", "replaced", "patched", "deleted"):
        await sdk.do(items.create_item, {"id": item_id, "pk": "a", "n": 1})
    results = await sdk.do(
        items.execute_item_batch,
        [
            ("create", ({"id": "created", "pk": "a"},)),
            ("upsert", ({"id": "upserted", "pk": "a"},)),
            ("read", ("read",)),
            ("replace", ("replaced", {"id": "replaced", "pk": "a", "n": 2})),
            ("patch", ("patched", [{"op": "incr", "path": "/n", "value": 5}])),
            ("delete", ("deleted",)),
            ("patch", ("created", [{"op": "set", "path": "/later", "value": True}])),
        ],
        "a",
    )
    assert [result["statusCode"] for result in results] == [201, 201, 200, 200, 200, 204, 200]
    assert results[4]["resourceBody"]["n"] == 6
    assert results[6]["eTag"] == (await sdk.do(items.read_item, "created", "a"))["_etag"]
    assert all(result["requestCharge"] > 0 for result in results)
    assert "deleted" not in await items_of(sdk, items, "a")


@pytest.mark.conformance(26, "Batch failure: rolled back, 424s, index, LSN and change feed untouched")
async def test_a_failed_batch_leaves_no_trace(sdk: Sdk, items: Any) -> None:
    stored = await sdk.do(items.create_item, {"id": "there", "pk": "a", "n": 1})
    before = _lsn(sdk)
    with pytest.raises(CosmosBatchOperationError) as failed:
        await sdk.do(
            items.execute_item_batch,
            [
                ("create", ({"id": "new", "pk": "a"},)),
                ("patch", ("there", [{"op": "incr", "path": "/n", "value": 1}])),
                ("create", ({"id": "there", "pk": "a"},)),
                ("delete", ("there",)),
            ],
            "a",
        )
    assert failed.value.status_code == 409
    assert failed.value.error_index == 2
    assert [one["statusCode"] for one in failed.value.operation_responses] == [424, 424, 409, 424]
    assert await sdk.do(items.read_item, "there", "a") == stored
    assert _lsn(sdk) == before
    assert [one["id"] for one in await sdk.all(items.query_items_change_feed, start_time="Beginning")] == ["there"]


def _lsn(sdk: Sdk) -> str:
    headers = sdk.client.client_connection.last_response_headers
    lsn: str = headers["lsn"]
    return lsn


@pytest.mark.conformance(27, "Batch ifMatch 412; 101 operations 400; patch condition")
async def test_conditions_in_a_batch(sdk: Sdk, items: Any) -> None:
    stored = await sdk.do(items.create_item, {"id": "1", "pk": "a", "n": 1})

    async def replace_if_unchanged() -> None:
        condition = {"if_match_etag": stored["_etag"]}  # the SDK empties the dict
        operation = ("replace", ("1", {"id": "1", "pk": "a", "n": 2}), condition)
        await sdk.do(items.execute_item_batch, [operation], "a")

    await replace_if_unchanged()
    with pytest.raises(CosmosBatchOperationError) as failed:
        await replace_if_unchanged()
    assert failed.value.status_code == 412
    more = [{"op": "incr", "path": "/n", "value": 1}]
    with pytest.raises(CosmosBatchOperationError) as failed:
        await sdk.do(
            items.execute_item_batch,
            [
                ("create", ({"id": "2", "pk": "a"},)),
                ("patch", ("1", more), {"filter_predicate": "from c where c.n = 9"}),
            ],
            "a",
        )
    assert (failed.value.status_code, failed.value.error_index) == (412, 1)
    with pytest.raises(CosmosHttpResponseError) as refused:
        await sdk.do(items.execute_item_batch, [("upsert", ({"id": str(n), "pk": "a"},)) for n in range(101)], "a")
    assert refused.value.status_code == 400
    assert await items_of(sdk, items, "a") == ["1"]


@pytest.mark.conformance(11, "Unique keys hold within a logical partition, also in a batch")
async def test_unique_keys(sdk: Sdk) -> None:
    policy = {"uniqueKeys": [{"paths": ["/email", "/o/n"]}]}
    items = await sdk.container(await sdk.database(), unique_key_policy=policy)
    await sdk.do(items.create_item, {"id": "1", "pk": "a", "email": "x", "o": {"n": 1}})
    await sdk.do(items.create_item, {"id": "1", "pk": "b", "email": "x", "o": {"n": 1}})
    await sdk.do(items.create_item, {"id": "2", "pk": "a", "email": "x", "o": {"n": 2}})
    await sdk.do(items.upsert_item, {"id": "1", "pk": "a", "email": "x", "o": {"n": 1}, "again": True})
    with pytest.raises(CosmosResourceExistsError):
        await sdk.do(items.create_item, {"id": "3", "pk": "a", "email": "x", "o": {"n": 1}})
    with pytest.raises(CosmosResourceExistsError):
        await sdk.do(items.patch_item, "2", "a", [{"op": "set", "path": "/o/n", "value": 1}])
    both = [("create", ({"id": name, "pk": "a", "email": "y"},)) for name in ("4", "5")]
    with pytest.raises(CosmosBatchOperationError) as failed:
        await sdk.do(items.execute_item_batch, both, "a")
    assert (failed.value.status_code, failed.value.error_index) == (409, 1)
    await sdk.do(items.delete_item, "1", "a")
    await sdk.do(items.create_item, {"id": "3", "pk": "a", "email": "x", "o": {"n": 1}})
