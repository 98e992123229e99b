"""The local cloud, provisioned as it provisions itself, beside what the snapshots say."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from aiohttp import web
from azure.cosmos.aio import CosmosClient

from local import provision
from local.cosmos.process import CosmosProcess
from local.stack import COSMOS_KEY, REGIONS, Stack

from .exactly import COSMOS_CONTAINER, COSMOS_DATABASE, STORAGE
from .resilience import containers_of
from .snapshots import estate, properties
from .truths import HOST_LEASES, last

# What Azure's own programs make or use: the host its leases, Event Hubs its captures.
NOT_OURS_TO_MAKE = {HOST_LEASES, "capture"}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A database account of the local cloud with production's regions, and the stack that it belongs to."""
    process = CosmosProcess(tmp_path_factory.mktemp("estate"), REGIONS)
    process.start()
    port = int(process.endpoint.rstrip("/").rpartition(":")[2])
    yield Stack(port - (Stack(0, Path(), REGIONS).cosmos_port), Path("/nowhere"), REGIONS)
    process.stop()


async def test_the_local_database_is_the_database(database: Stack) -> None:
    given = estate("prod")
    await provision.cosmos(database)

    found = {}
    async with CosmosClient(f"http://127.0.0.1:{database.cosmos_port}/", COSMOS_KEY) as client:
        databases = [one["id"] async for one in client.list_databases()]
        for name in databases:
            async for one in client.get_database_client(name).list_containers():
                found[one["id"]] = one

    assert databases == [last(one) for one in given.of(COSMOS_DATABASE)]
    assert set(found) == {last(one) for one in given.of(COSMOS_CONTAINER)}
    for one in given.of(COSMOS_CONTAINER):
        for key, value in properties(one)["resource"].items():
            assert found[last(one)][key] == value, f"{last(one)}: {key}"


class Recorder:
    """Accepts what the storage SDK creates, and remembers which account has which containers."""

    def __init__(self) -> None:
        self.containers: dict[str, set[str]] = {}

    async def answer(self, request: web.Request) -> web.Response:
        account, container = request.path.strip("/").split("/")[:2]
        if request.method != "PUT":
            return web.Response(status=405)
        if request.query.get("restype") == "container":
            self.containers.setdefault(account, set()).add(container)
        headers = {"ETag": '"0x1"', "Last-Modified": "Wed, 25 Nov 2026 12:00:00 GMT", "x-ms-version": "2025-11-05"}
        return web.Response(status=201, headers=headers)


def ports_in_a_row(count: int) -> list[socket.socket]:
    """Bound sockets of neighbouring ports: a stack's are one block."""
    for first in range(21000, 32000, 37):
        with ExitStack() as opened, suppress(OSError):
            found = []
            for port in range(first, first + count):
                one = opened.enter_context(socket.socket())
                one.bind(("127.0.0.1", port))
                found.append(one)
            opened.pop_all()
            return found
    raise AssertionError("no ports are free")


@pytest.fixture
async def recorder() -> AsyncIterator[tuple[Recorder, Stack]]:
    recorder, app = Recorder(), web.Application()
    app.router.add_route("*", "/{tail:.*}", recorder.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    sockets = ports_in_a_row(1 + len(REGIONS))
    for one in sockets:
        await web.SockSite(runner, one).start()
    first: int = sockets[0].getsockname()[1]
    yield recorder, Stack(first - Stack(0, Path(), REGIONS).blob_port, Path("/nowhere"), REGIONS)
    await runner.cleanup()


async def test_local_accounts_have_the_containers_of_the_accounts(recorder: tuple[Recorder, Stack]) -> None:
    given = estate("prod")
    recorded, stack = recorder
    await provision.storage(stack)

    wanted = {stack.global_account: "global"}
    for index, region in enumerate(given.regions):
        wanted |= {stack.stamp_account(index): f"stamp-{region}", stack.region_account(index): f"region-{region}"}
    assert recorded.containers == {
        account: {name for one in given.parts[part].of(STORAGE) for name in containers_of(given, one)}
        - NOT_OURS_TO_MAKE
        for account, part in wanted.items()
    }
