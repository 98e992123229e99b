"""Point 45, and what a disk and a process can do to an account."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from azure.cosmos.exceptions import CosmosHttpResponseError

from local.cosmos.process import CosmosProcess
from tests.emulators.cosmos.conftest import NORTH, WEST
from tests.emulators.cosmos.raw import send
from tests.emulators.cosmos.sdk import RESPONSIVE, Sdk


def _state(process: CosmosProcess) -> Any:
    return process.control.call("GET", "/_control/state")


@pytest.mark.conformance(45, "kill -9 and restart keep acknowledged writes, LSNs, ETags, pending replication")
async def test_a_killed_account_comes_back_whole(tmp_path: Path) -> None:
    process = CosmosProcess(tmp_path, [WEST, NORTH])
    process.start()
    options = {**RESPONSIVE, "preferred_locations": [WEST], "excluded_locations": [NORTH], "retry_connect": 0}
    try:
        async with Sdk("python-async", process.endpoint, process.key, **options) as sdk:
            items = await sdk.container(await sdk.database(), default_ttl=-1)
            process.control.call("POST", "/_control/partition", {"regions": [WEST, NORTH]})
            acknowledged: dict[str, str] = {}

            async def write(worker: int) -> None:
                for n in range(1000):
                    name = f"{worker}-{n}"
                    try:
                        stored = await items.upsert_item({"id": name, "pk": "a"})
                    except AzureError:
                        return
                    acknowledged[name] = stored["_etag"]

            workers = [asyncio.create_task(write(worker)) for worker in range(8)]
            while len(acknowledged) < 60:  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.01)
            lsn = _state(process)["regions"][WEST]["durableLsn"]
            process.kill()
            await asyncio.gather(*workers)
            link = items.container_link

        process.start()
        state = _state(process)
        assert state["regions"][WEST]["lsn"] >= lsn
        async with Sdk("python-async", process.endpoint, process.key, **options) as sdk:
            database, container = link.split("/")[1::2]
            items = sdk.client.get_database_client(database).get_container_client(container)
            stored = {one["id"]: one["_etag"] for one in await sdk.all(items.read_all_items)}
            assert {name: stored.get(name) for name in acknowledged} == acknowledged
            ordered = await sdk.all(items.query_items_change_feed, start_time="Beginning")
            assert {one["id"] for one in ordered} == set(stored)
            for _ in range(500):
                state = _state(process)
                if all(link["pending"] == 0 for link in state["replication"]):
                    break
                await asyncio.sleep(0.02)
            counts = [region["documents"] for region in state["regions"].values()]
            assert counts[0] == counts[1]
            assert sum(counts[0].values()) == len(stored)
            await items.create_item({"id": "fresh", "pk": "a"})
            assert _state(process)["regions"][WEST]["lsn"] > lsn
        assert process.stop() == 0
    finally:
        process.kill()


async def test_a_full_disk_is_an_error_and_corrupts_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: SQLite meets the same refusal."""
    process = CosmosProcess(tmp_path, [WEST])
    process.start()
    options = {**RESPONSIVE, "retry_read": 0, "preferred_locations": [WEST]}
    try:
        async with Sdk("python-async", process.endpoint, process.key, **options) as sdk:
            items = await sdk.container(await sdk.database(), id="c")
            link = items.container_link
            await items.create_item({"id": "before", "pk": "a"})
        process.stop()
        process.start(["prlimit", "--fsize=3000000"])

        stored, refused = ["before"], None
        for n in range(300):
            status, _, answer = send(
                process.regions[WEST], "POST", f"/{link}/docs", "docs", link,
                {"id": f"i{n}", "pk": "a", "text": "x" * 50_000}, x_ms_documentdb_partitionkey='["a"]',
            )  # fmt: skip
            if status == 201:
                stored.append(f"i{n}")
            else:
                refused = (status, answer["code"])
                break
        assert refused == (503, "ServiceUnavailable")
        status, _, _ = send(
            process.regions[WEST], "GET", f"/{link}/docs/before", "docs", f"{link}/docs/before",
            x_ms_documentdb_partitionkey='["a"]',
        )  # fmt: skip
        assert status == 200
        process.kill()

        process.start()
        async with Sdk("python-async", process.endpoint, process.key, **options) as sdk:
            database, container = link.split("/")[1::2]
            items = sdk.client.get_database_client(database).get_container_client(container)
            assert [one["id"] for one in await sdk.all(items.read_all_items)] == stored
            await items.create_item({"id": "after", "pk": "a"})
    finally:
        process.kill()


async def test_stopping_ends_with_0_and_keeps_everything(tmp_path: Path) -> None:
    process = CosmosProcess(tmp_path, [WEST])
    process.start()
    try:
        async with Sdk("python-sync", process.endpoint, process.key) as sdk:
            await sdk.container(await sdk.database(), id="c")
        databases = process.control.call("GET", "/_control/state")["regions"][WEST]["documents"]
        assert process.stop() == 0
        process.start()
        assert _state(process)["regions"][WEST]["documents"] == databases
        process.control.call("POST", "/_control/reset")
        assert _state(process)["regions"][WEST]["documents"] == {}
    finally:
        process.kill()


async def test_a_reset_account_is_empty_for_the_sdk_too(tmp_path: Path) -> None:
    process = CosmosProcess(tmp_path, [WEST])
    process.start()
    try:
        async with Sdk("python-async", process.endpoint, process.key) as sdk:
            database = await sdk.database()
            process.control.call("POST", "/_control/reset")
            with pytest.raises(CosmosHttpResponseError) as missing:
                await database.read()
            assert missing.value.status_code == 404
    finally:
        process.kill()
