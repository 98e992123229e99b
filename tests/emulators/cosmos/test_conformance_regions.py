"""Points 40 to 44: failures on command, and two regions that write at the same time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from azure.core.exceptions import IncompleteReadError, ServiceRequestError, ServiceResponseError
from azure.cosmos.exceptions import (
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from local.cosmos.process import CosmosProcess
from tests.emulators.cosmos.conftest import NORTH, WEST
from tests.emulators.cosmos.sdk import RESPONSIVE, Sdk


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    """Wait for an outcome of replication."""
    end = time.monotonic() + seconds
    while not await check():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.02)


async def pinned(sdk: Sdk, items: Any, account: CosmosProcess, region: str) -> tuple[Sdk, Any]:
    """The same container through one region only."""
    other = NORTH if region == WEST else WEST
    options = {**RESPONSIVE, "preferred_locations": [region], "excluded_locations": [other]}
    client = await Sdk(sdk.kind, account.endpoint, account.key, **options).__aenter__()
    database, container = items.container_link.split("/")[1::2]
    return client, client.client.get_database_client(database).get_container_client(container)


async def found(sdk: Sdk, container: Any, item_id: str) -> Any:
    """The item, or None."""
    try:
        return await sdk.do(container.read_item, item_id, "a")
    except CosmosResourceNotFoundError:
        return None


@pytest.mark.conformance(40, "503 in one region: reads and writes move to the other")
async def test_503_moves_to_the_other_region(account: CosmosProcess, sdk: Sdk, items: Any) -> None:
    account.control.add_fault("status", match={"region": WEST, "resource": "document"}, args={"status": 503})
    await sdk.do(items.create_item, {"id": "1", "pk": "a"})
    assert (await sdk.do(items.read_item, "1", "a"))["id"] == "1"
    assert account.control.faults()[0]["hits"] >= 2


@pytest.mark.conformance(40, "408 and 500: reads move, writes fail at once")
@pytest.mark.parametrize("status", [408, 500])
async def test_408_and_500_are_raised_for_writes(account: CosmosProcess, sdk: Sdk, items: Any, status: int) -> None:
    await sdk.do(items.create_item, {"id": "1", "pk": "a"})
    await asyncio.sleep(0.2)
    account.control.add_fault("status", match={"region": WEST, "resource": "document"}, args={"status": status})
    assert (await sdk.do(items.read_item, "1", "a"))["id"] == "1"
    with pytest.raises(CosmosHttpResponseError) as refused:
        await sdk.do(items.create_item, {"id": "2", "pk": "a"})
    assert refused.value.status_code == status


@pytest.mark.conformance(41, "Refused or reset: the other region serves")
@pytest.mark.parametrize("fault", ["refuse", "reset"])
async def test_a_dead_region_is_left(account: CosmosProcess, sdk: Sdk, items: Any, fault: str) -> None:
    await sdk.do(items.create_item, {"id": "1", "pk": "a"})
    await asyncio.sleep(0.2)
    account.control.add_fault(fault, match={"region": WEST})

    assert (await sdk.do(items.read_item, "1", "a"))["id"] == "1"
    if sdk.asynchronous or fault == "refuse":
        await sdk.do(items.create_item, {"id": "2", "pk": "a"})
    else:  # the sync client never sends a write again that may have arrived
        with pytest.raises(ServiceResponseError):
            await sdk.do(items.create_item, {"id": "2", "pk": "a"})


@pytest.mark.conformance(41, "SYN dropped or silent: the other region serves")
@pytest.mark.parametrize("fault", ["syn-drop", "silence"])
async def test_a_mute_region_is_left(account: CosmosProcess, fault: str) -> None:
    options = {**RESPONSIVE, "preferred_locations": [WEST, NORTH]}
    async with Sdk("python-async", account.endpoint, account.key, **options) as sdk:
        items = await sdk.container(await sdk.database())
        await sdk.do(items.create_item, {"id": "1", "pk": "a"})
        await asyncio.sleep(0.2)
        account.control.add_fault(fault, match={"region": WEST})

        assert (await sdk.do(items.read_item, "1", "a"))["id"] == "1"
        await sdk.do(items.create_item, {"id": "2", "pk": "a"})


@pytest.mark.conformance(41, "A truncated body is an error, the region serves on")
async def test_a_truncated_body(account: CosmosProcess, sdk: Sdk, items: Any) -> None:
    await sdk.do(items.create_item, {"id": "1", "pk": "a"})
    rule = account.control.add_fault("truncate", match={"region": WEST, "operation": "read", "resource": "document"})
    with pytest.raises((IncompleteReadError, ServiceResponseError, ServiceRequestError)):
        await sdk.do(items.read_item, "1", "a")
    account.control.remove_fault(rule)
    assert (await sdk.do(items.read_item, "1", "a"))["id"] == "1"


@pytest.mark.conformance(41, "Delay, count, and a duration that ends by itself")
async def test_faults_end(account: CosmosProcess, sdk: Sdk, items: Any) -> None:
    await sdk.do(items.create_item, {"id": "1", "pk": "a"})
    account.control.add_fault("delay", match={"operation": "read", "id": "1"}, args={"ms": 300}, count=1)
    before = time.monotonic()
    await sdk.do(items.read_item, "1", "a")
    assert time.monotonic() - before >= 0.3
    assert account.control.faults() == []

    account.control.add_fault("refuse", match={"region": WEST}, seconds=0.3)
    client, west = await pinned(sdk, items, account, WEST)

    async def back() -> bool:
        try:
            return bool(await found(sdk, west, "1"))
        except (ServiceRequestError, ServiceResponseError):
            return False

    await until(back)
    await client.__aexit__()


@pytest.mark.conformance(42, "Applied, then the answer is lost")
@pytest.mark.parametrize("fault", ["reset-after", "silence-after"])
async def test_a_lost_answer_was_still_a_write(account: CosmosProcess, sdk: Sdk, items: Any, fault: str) -> None:
    client, west = await pinned(sdk, items, account, WEST)
    await sdk.do(west.create_item, {"id": "n", "pk": "a", "n": 0})
    account.control.add_fault(fault, match={"region": WEST, "operation": "create"}, count=1)

    # The async client sends again (and meets its own write), the sync one gives up: the write is there either way.
    with pytest.raises((CosmosResourceExistsError, ServiceResponseError, ServiceRequestError)):
        await sdk.do(west.create_item, {"id": "1", "pk": "a"})
    assert (await found(client, west, "1"))["id"] == "1"
    await client.__aexit__()


@pytest.mark.conformance(43, "Both regions write the same item: one winner everywhere")
async def test_concurrent_writes_converge(account: CosmosProcess, sdk: Sdk) -> None:
    policy = {"mode": "LastWriterWins", "conflictResolutionPath": "/version"}
    items = await sdk.container(await sdk.database(), conflict_resolution_policy=policy)
    west_client, west = await pinned(sdk, items, account, WEST)
    north_client, north = await pinned(sdk, items, account, NORTH)
    account.control.call("POST", "/_control/partition", {"regions": [WEST, NORTH]})

    for name, in_west, in_north in (("higher", 2, 1), ("lower", 1, 2), ("tie", 1, 1)):
        await sdk.do(west.create_item, {"id": name, "pk": "a", "version": in_west, "from": "west"})
        await sdk.do(north.create_item, {"id": name, "pk": "a", "version": in_north, "from": "north"})
    assert (await found(sdk, west, "lower"))["from"] == "west"
    account.control.call("POST", "/_control/heal")

    async def same() -> bool:
        pairs = [(await found(sdk, west, name), await found(sdk, north, name)) for name in ("higher", "lower", "tie")]
        return all(one == other for one, other in pairs)

    await until(same)
    assert (await found(sdk, west, "higher"))["from"] == "west"
    assert (await found(sdk, west, "lower"))["from"] == "north"
    await west_client.__aexit__()
    await north_client.__aexit__()


@pytest.mark.conformance(43, "A delete beats a concurrent replace; made again it lives")
async def test_a_delete_wins(account: CosmosProcess, sdk: Sdk, items: Any) -> None:
    west_client, west = await pinned(sdk, items, account, WEST)
    north_client, north = await pinned(sdk, items, account, NORTH)
    await sdk.do(west.create_item, {"id": "1", "pk": "a"})

    async def arrived() -> bool:
        return await found(sdk, north, "1") is not None

    await until(arrived)
    account.control.call("POST", "/_control/partition", {"regions": [WEST, NORTH]})
    await sdk.do(west.delete_item, "1", "a")
    await sdk.do(north.upsert_item, {"id": "1", "pk": "a", "late": True})
    account.control.call("POST", "/_control/heal")

    async def gone() -> bool:
        return await found(sdk, west, "1") is None and await found(sdk, north, "1") is None

    await until(gone)
    await sdk.do(north.create_item, {"id": "1", "pk": "a", "again": True})

    async def back() -> bool:
        return (await found(sdk, west, "1") or {}).get("again") is True

    await until(back)
    await west_client.__aexit__()
    await north_client.__aexit__()


@pytest.mark.conformance(43, "Replication lag: the other region is behind, then not")
async def test_replication_lag(account: CosmosProcess, sdk: Sdk, items: Any) -> None:
    client, north = await pinned(sdk, items, account, NORTH)
    account.control.call("POST", "/_control/replication", {"lagMs": 700})
    await sdk.do(items.create_item, {"id": "1", "pk": "a"})
    written = time.monotonic()
    assert await found(sdk, north, "1") is None
    links = account.control.call("GET", "/_control/state")["replication"]
    assert next(link for link in links if link["from"] == WEST)["pending"] >= 1

    async def arrived() -> bool:
        return await found(sdk, north, "1") is not None

    await until(arrived)
    assert time.monotonic() - written >= 0.6
    rule = account.control.add_fault("replication-stop", match={"region": WEST})
    account.control.call("POST", "/_control/replication", {"lagMs": 0})
    await sdk.do(items.create_item, {"id": "2", "pk": "a"})
    await asyncio.sleep(0.3)
    assert await found(sdk, north, "2") is None
    account.control.remove_fault(rule)

    async def second() -> bool:
        return await found(sdk, north, "2") is not None

    await until(second)
    await client.__aexit__()


@pytest.mark.conformance(44, "A region removed from the account (403/3) and returned")
async def test_a_region_leaves_and_comes_back(account: CosmosProcess, sdk: Sdk, items: Any) -> None:
    await sdk.do(items.create_item, {"id": "1", "pk": "a"})
    await asyncio.sleep(0.2)
    account.control.call("POST", "/_control/regions/west-europe/remove")

    await sdk.do(items.create_item, {"id": "2", "pk": "a"})
    assert (await sdk.do(items.read_item, "1", "a"))["id"] == "1"
    async with Sdk(sdk.kind, account.endpoint, account.key, **RESPONSIVE) as newcomer:
        document = newcomer.client.client_connection._global_endpoint_manager.location_cache
        assert [str(name) for name in document.account_read_locations] == [NORTH]

    account.control.call("POST", "/_control/regions/west-europe/return")
    client, west = await pinned(sdk, items, account, WEST)

    async def arrived() -> bool:
        return await found(sdk, west, "2") is not None

    await until(arrived)
    await client.__aexit__()


@pytest.mark.conformance(44, "A region hidden from GET / by a fault rule")
async def test_a_region_can_be_hidden(account: CosmosProcess, kind: str) -> None:
    account.control.add_fault("region-hidden", match={"region": WEST})
    async with Sdk(kind, account.endpoint, account.key, **RESPONSIVE) as sdk:
        locations = sdk.client.client_connection._global_endpoint_manager.location_cache
        assert [str(name) for name in locations.account_read_locations] == [NORTH]


@pytest.mark.conformance(44, "A region down: nothing answers, nothing replicates, all catches up")
async def test_a_region_goes_down_and_up(account: CosmosProcess, sdk: Sdk, items: Any) -> None:
    account.control.call("POST", "/_control/regions/westeurope/down")
    assert await sdk.all(items.query_items, "SELECT * FROM c", partition_key="a") == []  # moves both clients over
    await sdk.do(items.create_item, {"id": "1", "pk": "a"})
    account.control.call("POST", "/_control/regions/westeurope/up")
    client, west = await pinned(sdk, items, account, WEST)

    async def arrived() -> bool:
        return await found(sdk, west, "1") is not None

    await until(arrived)
    await client.__aexit__()
