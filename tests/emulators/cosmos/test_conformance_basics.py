"""Points 1 to 10: bootstrap, keys, names, databases, containers, throughput, ranges."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.cosmos import PartitionKey, ThroughputProperties
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient
from azure.cosmos.exceptions import (
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from local.cosmos.process import CosmosProcess
from tests.emulators.cosmos.conftest import NORTH, WEST
from tests.emulators.cosmos.raw import send
from tests.emulators.cosmos.sdk import Sdk


@pytest.mark.conformance(1, "GET / on the global and each regional endpoint", sdk="http")
def test_every_endpoint_shows_the_account(account: CosmosProcess) -> None:
    for endpoint in (account.endpoint, *account.regions.values()):
        status, _, document = send(endpoint, "GET", "/", "", "")

        assert status == 200
        assert [place["name"] for place in document["writableLocations"]] == [WEST, NORTH]
        assert document["writableLocations"] == document["readableLocations"]
        assert document["enableMultipleWriteLocations"] is True
        assert document["id"] not in ("", "localhost")
        assert document["userConsistencyPolicy"]["defaultConsistencyLevel"] == "Session"
        assert json.loads(document["queryEngineConfiguration"])["maxSqlQueryInputLength"] > 0


@pytest.mark.conformance(2, "A wrong key is 401")
async def test_a_wrong_key_is_refused(account: CosmosProcess, kind: str) -> None:
    with pytest.raises(CosmosHttpResponseError) as refused:
        async with Sdk(kind, account.endpoint, base64.b64encode(b"wrong").decode()):
            pass
    assert refused.value.status_code == 401


class _Credential:
    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + 600}).encode()).decode().rstrip("=")
        return AccessToken(f"e30.{claims}.c2ln", int(time.time()) + 600)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> "_Credential":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


@pytest.mark.conformance(3, "AAD tokens are accepted over https, not over http")
async def test_a_token_works_over_https_only(tmp_path: Path, account: CosmosProcess) -> None:
    process = CosmosProcess(tmp_path, [WEST], "--tls")
    process.start()
    try:
        assert process.endpoint.startswith("https://")
        async with AsyncCosmosClient(process.endpoint, _Credential()) as client:
            database = await client.create_database("d")
            container = await database.create_container("c", PartitionKey(path="/pk"))
            await container.create_item({"id": "1", "pk": "a"})
            assert (await container.read_item("1", "a"))["id"] == "1"
    finally:
        process.stop()
    status, _, error = send(account.endpoint, "GET", "/", "", "", authorization="type=aad&ver=1.0&sig=a.b.c")
    assert (status, error["code"]) == (401, "Unauthorized")


@pytest.mark.conformance(4, "Ids with space, %, +, & and unicode")
async def test_odd_ids_can_be_written_and_found_again(sdk: Sdk, items: Any) -> None:
    for name in ("a b", "50%", "a+b", "x&y=z", "é", "日本", "a%20b", "'", '"', "=?".replace("?", "!"), "."[:0] + "..."):
        stored = await sdk.do(items.create_item, {"id": name, "pk": name})
        assert (await sdk.do(items.read_item, name, name))["_etag"] == stored["_etag"]
        await sdk.do(items.replace_item, name, {"id": name, "pk": name, "n": 1})
        await sdk.do(items.patch_item, name, name, [{"op": "incr", "path": "/n", "value": 1}])
        assert (await sdk.do(items.read_item, name, name))["n"] == 2
        await sdk.do(items.delete_item, name, name)


@pytest.mark.conformance(4, "Ids that could not be addressed are refused when written (C4)", sdk="http")
@pytest.mark.parametrize("name", ["a/b", "a\\b", "a?b", "a#b", "", "a ", "x" * 1024, 7, None])
def test_unaddressable_ids_are_refused(account: CosmosProcess, name: object) -> None:
    with_container = _raw_container(account)
    status, _, error = send(
        account.endpoint,
        "POST",
        f"/{with_container}/docs",
        "docs",
        with_container,
        {"id": name, "pk": "p"},
        x_ms_documentdb_partitionkey='["p"]',
    )
    assert status == 400
    assert error["code"] == "BadRequest"


def _raw_container(account: CosmosProcess) -> str:
    name = f"raw-{time.time_ns()}"
    assert send(account.endpoint, "POST", "/dbs", "dbs", "", {"id": name})[0] == 201
    definition = {"id": "c", "partitionKey": {"paths": ["/pk"]}}
    assert send(account.endpoint, "POST", f"/dbs/{name}/colls", "colls", f"dbs/{name}", definition)[0] == 201
    return f"dbs/{name}/colls/c"


@pytest.mark.conformance(5, "An item addressed by rid")
async def test_an_item_is_found_by_its_self_link(sdk: Sdk, items: Any) -> None:
    stored = await sdk.do(items.create_item, {"id": "1", "pk": "a"})

    changed = await sdk.do(items.replace_item, stored, {**stored, "n": 1})  # a dict: the SDK uses its _self

    assert (await sdk.do(items.read_item, changed, "a"))["n"] == 1
    await sdk.do(items.delete_item, changed, "a")
    with pytest.raises(CosmosResourceNotFoundError):
        await sdk.do(items.read_item, "1", "a")


@pytest.mark.conformance(5, "Partition ranges by rid path, as .NET and Java ask", sdk="http")
def test_ranges_are_found_by_rid(account: CosmosProcess) -> None:
    link = _raw_container(account)
    _, _, container = send(account.endpoint, "GET", f"/{link}", "colls", link)
    path = "/" + container["_self"] + "pkranges"

    status, _, ranges = send(account.endpoint, "GET", path, "pkranges", container["_rid"].lower())

    assert status == 200
    assert ranges["PartitionKeyRanges"][0]["maxExclusive"] == "FF"
    assert base64.b64decode(container["_rid"].replace("-", "/"))[4] & 0x80


@pytest.mark.conformance(6, "Database create, duplicate 409, list, query, delete")
async def test_databases(sdk: Sdk) -> None:
    database = await sdk.database()
    with pytest.raises(CosmosResourceExistsError):
        await sdk.do(sdk.client.create_database, database.id)
    assert database.id in [one["id"] for one in await sdk.all(sdk.client.list_databases)]
    query = {"query": "SELECT * FROM r WHERE r.id = @id", "parameters": [{"name": "@id", "value": database.id}]}
    found = await sdk.all(sdk.client.query_databases, query["query"], parameters=query["parameters"])
    assert [one["id"] for one in found] == [database.id]
    assert (await sdk.do(database.read))["_self"] == f"dbs/{(await sdk.do(database.read))['_rid']}/"

    await sdk.do(sdk.client.delete_database, database.id)

    with pytest.raises(CosmosResourceNotFoundError):
        await sdk.do(database.read)


@pytest.mark.conformance(7, "Container with TTL, conflict policy, autoscale; read back, replaced, deleted")
async def test_containers(sdk: Sdk) -> None:
    database = await sdk.database()
    policy = {"mode": "LastWriterWins", "conflictResolutionPath": "/version"}
    container = await sdk.do(
        database.create_container,
        "c",
        PartitionKey(path="/pk"),
        default_ttl=100,
        conflict_resolution_policy=policy,
        offer_throughput=ThroughputProperties(auto_scale_max_throughput=4000),
    )
    stored = await sdk.do(container.read)
    assert stored["defaultTtl"] == 100
    assert stored["conflictResolutionPolicy"]["conflictResolutionPath"] == "/version"
    assert stored["partitionKey"] == {"paths": ["/pk"], "kind": "Hash", "version": 2}
    assert (await sdk.do(container.get_throughput)).auto_scale_max_throughput == 4000
    with pytest.raises(CosmosResourceExistsError):
        await sdk.do(database.create_container, "c", PartitionKey(path="/pk"))

    await sdk.do(database.replace_container, "c", PartitionKey(path="/pk"), default_ttl=-1)
    assert (await sdk.do(container.read))["defaultTtl"] == -1
    assert [one["id"] for one in await sdk.all(database.list_containers)] == ["c"]
    assert len(await sdk.all(database.query_containers, "SELECT * FROM c WHERE c.id = 'c'")) == 1
    await sdk.do(database.delete_container, "c")
    assert await sdk.all(database.list_containers) == []


@pytest.mark.conformance(8, "Throughput read and replaced")
async def test_throughput(sdk: Sdk, items: Any) -> None:
    assert (await sdk.do(items.get_throughput)).offer_throughput == 400
    assert (await sdk.do(items.replace_throughput, 1200)).offer_throughput == 1200
    assert (await sdk.do(items.get_throughput)).offer_throughput == 1200
    with pytest.raises(CosmosHttpResponseError) as refused:
        await sdk.do(items.replace_throughput, 150)
    assert refused.value.status_code == 400


@pytest.mark.conformance(8, "The offer queries of the other SDKs", sdk="http")
@pytest.mark.parametrize(
    ("text", "parameter"),
    [
        ("SELECT * FROM root r WHERE r.resource = '{self}'", None),
        ("select * from root r where r.offerResourceId= @targetRID", "@targetRID"),
        ("SELECT * FROM c WHERE c.offerResourceId = '{rid}'", None),
    ],
)
def test_offers_are_found_however_they_are_asked_for(account: CosmosProcess, text: str, parameter: str | None) -> None:
    link = _raw_container(account)
    _, _, container = send(account.endpoint, "GET", f"/{link}", "colls", link)
    body: dict[str, Any] = {"query": text.format(self=container["_self"], rid=container["_rid"])}
    if parameter:
        body["parameters"] = [{"name": parameter, "value": container["_rid"]}]

    status, _, found = send(account.endpoint, "POST", "/offers", "offers", "", body, x_ms_documentdb_query="True")

    assert status == 200
    offer = found["Offers"][0]
    assert offer["content"]["offerThroughput"] == 400
    rid = offer["_rid"]
    assert send(account.endpoint, "GET", f"/offers/{rid}", "offers", rid.lower())[2]["resource"] == container["_self"]


@pytest.mark.conformance(9, "pkranges: 200, then 304 with its ETag", sdk="http")
def test_ranges_end_with_304(account: CosmosProcess) -> None:
    link = _raw_container(account)
    status, headers, ranges = send(
        account.endpoint, "GET", f"/{link}/pkranges/", "pkranges", link, A_IM="Incremental Feed"
    )
    assert status == 200
    assert [(one["minInclusive"], one["maxExclusive"]) for one in ranges["PartitionKeyRanges"]] == [("", "FF")]

    status, _, body = send(
        account.endpoint, "GET", f"/{link}/pkranges/", "pkranges", link, A_IM="Incremental Feed",
        if_none_match=headers["etag"],
    )  # fmt: skip
    assert (status, body) == (304, None)


@pytest.mark.conformance(10, "A container made again: 400/1024, and the SDK recovers")
async def test_a_recreated_container_is_noticed(sdk: Sdk) -> None:
    database = await sdk.database()
    container = await sdk.container(database, id="c")
    await sdk.do(container.create_item, {"id": "1", "pk": "a"})
    await sdk.do(database.delete_container, "c")
    await sdk.container(database, id="c")

    await sdk.do(container.create_item, {"id": "2", "pk": "a"})  # the proxy still knows the old rid

    assert [one["id"] for one in await sdk.all(container.read_all_items)] == ["2"]


@pytest.mark.conformance(10, "The answer is 400 with substatus 1024", sdk="http")
def test_a_wrong_container_rid_is_1024(account: CosmosProcess) -> None:
    link = _raw_container(account)
    status, headers, _ = send(
        account.endpoint, "GET", f"/{link}/docs/1", "docs", f"{link}/docs/1",
        x_ms_documentdb_partitionkey='["a"]', x_ms_cosmos_intended_collection_rid="EAAAAYAAAAA=",
    )  # fmt: skip
    assert (status, headers["x-ms-substatus"]) == (400, "1024")
