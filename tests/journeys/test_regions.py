"""Two regions, all active: one dies, one is drained, and nobody who retries notices."""

import asyncio
import json

import pytest

from benchmarks.regions.__main__ import wrong
from benchmarks.regions.clients import Client
from local.catalogue.films import films
from local.catalogue.load import load
from local.faults import ControlClient
from local.stack import API_KEY, FRONT_DOOR_ID
from tests.journeys.conftest import RunningStack

ITEMS = films()[:20]


async def until_all_is_right(regions: RunningStack, clients: list[Client]) -> None:
    async with asyncio.timeout(100):
        while await wrong(regions.stack, clients):  # noqa: ASYNC110 - in other processes, which tell nobody
            await asyncio.sleep(1)


async def until_the_edge_knows(regions: RunningStack, expected: dict[str, bool]) -> None:
    async with asyncio.timeout(40):
        while await asyncio.to_thread(regions.rotation) != expected:  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.2)


async def test_what_is_written_through_one_region_is_read_through_the_other(regions: RunningStack) -> None:
    first, second = (f"http://127.0.0.1:{regions.stack.api_port(index)}" for index in range(2))

    loaded = await load(
        first, API_KEY, ITEMS, lambda _stage, _count: None, read_from=second, front_door_id=FRONT_DOOR_ID
    )

    assert loaded.items == len(ITEMS)


async def test_each_stamp_tells_its_own_health_through_the_edge(regions: RunningStack) -> None:
    reports = {
        stamp: json.loads((await asyncio.to_thread(regions.request, "GET", f"/health/stamps/{stamp}/stamp")).body)
        for stamp in ("westeurope", "northeurope")
    }

    assert {stamp: report["region"] for stamp, report in reports.items()} == {
        "westeurope": "West Europe",
        "northeurope": "North Europe",
    }


async def test_the_page_comes_from_each_stamps_storage_with_its_own_settings(regions: RunningStack) -> None:
    config = await asyncio.to_thread(regions.request, "GET", "/config.js")
    page = await asyncio.to_thread(regions.request, "GET", "/some/old/address")

    assert b'window.STAMPS = ["West Europe", "North Europe"];' in config.body
    assert (config.headers["Cache-Control"], page.headers["Cache-Control"]) == ("no-cache", "no-cache")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert regions.rotation("site") == {"westeurope": True, "northeurope": True}


@pytest.mark.timeout(300)
async def test_a_client_that_retries_sees_nothing_of_a_death_a_return_and_a_drain(regions: RunningStack) -> None:
    await load(regions.base_url, API_KEY, ITEMS, lambda _stage, _count: None)
    ids = [str(item["id"]) for item in ITEMS]
    retrying = Client("retrying", regions.base_url, ids[:10], retries=True, per_second=15)
    plain = Client("plain", regions.base_url, ids[10:], retries=False, per_second=10)
    stop = asyncio.Event()
    tasks = [asyncio.create_task(client.run(stop)) for client in (retrying, plain)]

    await asyncio.sleep(2)
    await asyncio.to_thread(regions.control, "kill", "westeurope")
    await until_the_edge_knows(regions, {"westeurope": False, "northeurope": True})
    failed_by_the_death = len(plain.failed())
    await asyncio.sleep(2)
    assert len(plain.failed()) == failed_by_the_death, "once the edge knows, nobody meets the dead region"
    await asyncio.to_thread(regions.control, "start", "westeurope")
    await until_the_edge_knows(regions, {"westeurope": True, "northeurope": True})
    before_the_drain = len(plain.failed())
    await asyncio.to_thread(regions.control, "drain", "northeurope")
    await asyncio.sleep(2)
    assert len(plain.failed()) == before_the_drain, "a drain costs not even a client that never retries"
    await asyncio.to_thread(regions.control, "start", "northeurope")
    await until_the_edge_knows(regions, {"westeurope": True, "northeurope": True})
    stop.set()
    await asyncio.gather(*tasks)

    assert retrying.failed() == []
    assert {call.write for call in plain.failed()} <= {True}, "reads go to the other region at once"
    await until_all_is_right(regions, [retrying, plain])


async def test_a_region_that_the_edge_cannot_reach_is_left_out_until_it_can(regions: RunningStack) -> None:
    control = ControlClient(regions.base_url)
    await asyncio.to_thread(control.add_fault, "unreachable", match={"origin": "northeurope", "group": "api"})
    try:
        await until_the_edge_knows(regions, {"westeurope": True, "northeurope": False})
    finally:
        await asyncio.to_thread(control.clear_faults)
    await until_the_edge_knows(regions, {"westeurope": True, "northeurope": True})
