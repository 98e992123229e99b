"""Several processes of one stamp share a reading of the queue: one asks the hub, the others take what it found."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from adapters.shared_progress import CLAIM, FRESH, TOO_OLD, SharedProgress
from adapters.stamp_storage import CHECKPOINTS
from domain.errors import QueueUnavailable
from tests.builders import NOON
from tests.contracts.conftest import Cloud
from tests.queue_fakes import InMemoryQueueProgress, a_log


@pytest.fixture
async def container(cloud: Cloud) -> AsyncIterator[ContainerClient]:
    account = cloud.stack.storage_connection(cloud.stack.stamp_account(0))
    async with BlobServiceClient.from_connection_string(account) as service:
        yield service.get_container_client(CHECKPOINTS)


@dataclass
class Stamp:
    """Processes on one clock, each with a way of its own to the hub."""

    container: ContainerClient
    name: str = field(default_factory=lambda: f"{uuid4().hex}.json")
    clock: datetime = NOON
    hubs: list[InMemoryQueueProgress] = field(default_factory=list)

    def process(self, last: int = 7, *, ahead: timedelta = timedelta()) -> SharedProgress:
        hub = InMemoryQueueProgress({"0": a_log(last), "1": a_log(-1)}, now=lambda: self.clock + ahead)
        hub.box.write_checkpoint("0", 5)
        self.hubs.append(hub)
        return SharedProgress(hub, self.container, lambda: self.clock + ahead, self.name)

    @property
    def reads(self) -> list[int]:
        return [hub.reads for hub in self.hubs]


@pytest.fixture
def stamp(container: ContainerClient) -> Stamp:
    return Stamp(container)


async def test_what_one_process_read_the_others_take_to_the_last_digit(stamp: Stamp) -> None:
    first, second = stamp.process(), stamp.process()

    assert await first.read() == await second.read()
    assert stamp.reads == [1, 0]


async def test_a_reading_too_old_is_read_anew_by_one(stamp: Stamp) -> None:
    processes = [stamp.process(last) for last in (1, 2, 3)]
    await processes[0].read()
    stamp.clock += FRESH

    taken = [await one.read() for one in processes]

    assert stamp.reads == [2, 0, 0]
    assert [one.taken_at for one in taken] == [stamp.clock] * 3


async def test_while_one_reads_the_others_take_the_last_reading(stamp: Stamp) -> None:
    first, second = stamp.process(), stamp.process()
    before = await first.read()
    stamp.clock += FRESH
    stamp.hubs[0].held = asyncio.Event()
    stamp.hubs[0].begun.clear()
    reading = asyncio.create_task(first.read())
    async with asyncio.timeout(10):
        await stamp.hubs[0].begun.wait()

    assert await second.read() == before

    stamp.hubs[0].held.set()
    assert (await reading).taken_at == stamp.clock
    assert (await second.read()).taken_at == stamp.clock
    assert stamp.reads == [2, 0]


async def test_a_process_that_died_over_its_reading_is_replaced(stamp: Stamp) -> None:
    dying, other = stamp.process(), stamp.process()
    await dying.read()
    stamp.clock += FRESH
    stamp.hubs[0].outage.failures = 1
    with pytest.raises(QueueUnavailable):
        await dying.read()

    await other.read()
    assert stamp.reads == [2, 0]
    stamp.clock += CLAIM
    assert (await other.read()).taken_at == stamp.clock
    assert stamp.reads == [2, 1]


async def test_nobody_waits_for_another_when_the_last_reading_is_too_old(stamp: Stamp) -> None:
    first, second = stamp.process(), stamp.process()
    await first.read()
    stamp.clock += TOO_OLD

    assert (await second.read()).taken_at == stamp.clock


async def test_a_clock_that_runs_ahead_keeps_no_reading_fresh(stamp: Stamp) -> None:
    ahead, other = stamp.process(ahead=timedelta(hours=1)), stamp.process()
    await ahead.read()

    assert (await other.read()).taken_at == stamp.clock


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"taken_at": "now"}', b'{"taken_at": 3, "logs": null}'])
async def test_what_is_no_reading_is_read_anew(stamp: Stamp, data: bytes) -> None:
    await stamp.container.upload_blob(stamp.name, data)
    process = stamp.process()

    await process.read()
    await process.read()

    assert stamp.reads == [1]


async def test_the_first_process_makes_the_container(stamp: Stamp, cloud: Cloud) -> None:
    account = cloud.stack.storage_connection(cloud.stack.stamp_account(0))
    async with BlobServiceClient.from_connection_string(account) as service:
        stamp.container = service.get_container_client(f"new-{uuid4().hex[:8]}")
        first, second = stamp.process(), stamp.process()

        assert await first.read() == await second.read()
        assert stamp.reads == [1, 0]


async def test_where_nothing_can_be_shared_each_reads_for_itself(stamp: Stamp, cloud: Cloud) -> None:
    connection = cloud.stack.storage_connection("stnobody").replace(f":{cloud.stack.blob_port}/", ":9/")
    async with BlobServiceClient.from_connection_string(connection, retry_total=0) as service:
        stamp.container = service.get_container_client(CHECKPOINTS)
        first, second = stamp.process(1), stamp.process(2)

        read = [await one.read() for one in (first, second)]

    assert [one.logs["0"].last for one in read] == [1, 2]
    assert stamp.reads == [1, 1]
