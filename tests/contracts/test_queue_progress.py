"""The contract of QueueProgress: where each log ends, and how far it was read; and its faults on real connections."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from adapters.blob_checkpoints import BlobCheckpoints
from adapters.event_hubs import producer_client
from adapters.queue_progress import EventHubsProgress
from adapters.stamp_storage import CHECKPOINTS
from domain.backlog import Observer, PartitionBacklog, PartitionState, QueueProgress
from domain.errors import CatalogError, QueueUnavailable, StoreUnavailable
from local.eventhubs.process import EventHubsProcess
from settings import CONSUMER_GROUP, HUB
from tests.contracts.conftest import Cloud
from tests.queue_fakes import InMemoryQueueProgress

PARTITIONS = 3
SOON = timedelta(seconds=60)
HUBS = [f"hub-{number}" for number in range(8)]


@dataclass
class Hub:
    """A hub of the test's own, with what only the broker and the host can do to it."""

    progress: QueueProgress
    append: Callable[[str, int], Awaitable[None]]
    checkpoint: Callable[[str, int], Awaitable[None]]


@pytest.fixture(scope="module")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventHubsProcess]:
    """A hub for each test that wants a fresh one."""
    hubs = [f"{name}={PARTITIONS}:{CONSUMER_GROUP}" for name in HUBS]
    process = EventHubsProcess(tmp_path_factory.mktemp("brokers") / "shared", hubs)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def fresh_hub(fresh_hubs: list[str]) -> str:
    return fresh_hubs.pop()


@pytest.fixture(scope="module")
def fresh_hubs() -> list[str]:
    return HUBS[:-1]


@asynccontextmanager
async def broker_in(folder: Path) -> AsyncIterator[EventHubsProcess]:
    """One that a test may kill, or turn its clock."""
    process = EventHubsProcess(folder / "broker", [f"{HUB}={PARTITIONS}:{CONSUMER_GROUP}"])
    await asyncio.to_thread(process.start)
    try:
        yield process
    finally:
        await asyncio.to_thread(process.stop)


@asynccontextmanager
async def container_of(cloud: Cloud) -> AsyncIterator[ContainerClient]:
    account = cloud.stack.storage_connection(cloud.stack.stamp_account(0))
    async with BlobServiceClient.from_connection_string(account, retry_total=0) as service:
        yield service.get_container_client(CHECKPOINTS)


def progress_of(broker: EventHubsProcess, container: ContainerClient, *, hub: str = HUB) -> EventHubsProgress:
    checkpoints = BlobCheckpoints(container, f"127.0.0.1:{broker.port}", hub, CONSUMER_GROUP)
    client = producer_client(hub, connection=broker.connection_string)
    return EventHubsProgress(client, checkpoints, PARTITIONS, lambda: datetime.now(UTC))


async def send(broker: EventHubsProcess, partition: str, count: int, *, hub: str = HUB) -> None:
    async with EventHubProducerClient.from_connection_string(broker.connection_string, eventhub_name=hub) as producer:
        await producer.send_batch([EventData(b"{}") for _ in range(count)], partition_id=partition)


async def write_checkpoint(
    container: ContainerClient, broker: EventHubsProcess, partition: str, number: int, *, hub: str = HUB
) -> None:
    """As the host writes it, and KEDA reads it."""
    name = f"127.0.0.1:{broker.port}/{hub}/{CONSUMER_GROUP}/checkpoint/{partition}"
    await container.upload_blob(name, b"", overwrite=True, metadata={"offset": "0", "sequencenumber": str(number)})


def a_fake_hub() -> Hub:
    fake = InMemoryQueueProgress()
    fake.now = fake.box.now = lambda: datetime.now(UTC)
    fake.logs = {str(number): fake.logs["0"] for number in range(PARTITIONS)}

    async def append(partition: str, count: int) -> None:
        fake.append(partition, count)

    async def checkpoint(partition: str, number: int) -> None:
        fake.box.write_checkpoint(partition, number)

    return Hub(fake, append, checkpoint)


@pytest.fixture(params=["fake", "stand-in"])
def storage(request: pytest.FixtureRequest) -> Cloud | None:
    """None for the fake."""
    return None if request.param == "fake" else request.getfixturevalue("cloud")


@pytest.fixture
async def hub(storage: Cloud | None, shared_broker: EventHubsProcess, fresh_hub: str) -> AsyncIterator[Hub]:
    if storage is None:
        yield a_fake_hub()
        return
    async with container_of(storage) as container:
        progress = progress_of(shared_broker, container, hub=fresh_hub)

        async def checkpoint(partition: str, number: int) -> None:
            await write_checkpoint(container, shared_broker, partition, number, hub=fresh_hub)

        async def append(partition: str, count: int) -> None:
            await send(shared_broker, partition, count, hub=fresh_hub)

        yield Hub(progress, append, checkpoint)
        await progress.close()


async def test_logs_and_checkpoints_are_told_for_every_partition(hub: Hub) -> None:
    await asyncio.gather(hub.append("1", 5), hub.append("2", 3), hub.checkpoint("2", 1))

    reading = await hub.progress.read()

    assert {one: (log.first, log.last, log.is_empty) for one, log in reading.logs.items()} == {
        "0": (0, -1, True),
        "1": (0, 4, False),
        "2": (0, 2, False),
    }
    assert {one: checkpoint.sequence for one, checkpoint in reading.checkpoints.items()} == {"2": 1}
    assert abs(reading.taken_at - reading.logs["1"].last_enqueued) < SOON
    assert abs(reading.taken_at - reading.checkpoints["2"].written) < SOON
    assert reading.hub_created < reading.taken_at


async def test_a_checkpoint_written_again_is_read_anew(hub: Hub) -> None:
    await hub.append("0", 10)
    await hub.checkpoint("0", 3)
    before = await hub.progress.read()
    await hub.checkpoint("0", 9)
    after = await hub.progress.read()

    assert [one.checkpoints["0"].sequence for one in (before, after)] == [3, 9]
    assert before.checkpoints["0"].tag != after.checkpoints["0"].tag


async def test_a_checkpoint_written_while_we_look_lengthens_its_log(
    cloud: Cloud, shared_broker: EventHubsProcess
) -> None:
    """A processor that keeps up writes checkpoints of events that are newer than what we read of the log."""
    async with container_of(cloud) as container:
        progress = progress_of(shared_broker, container, hub=HUBS[-1])
        await write_checkpoint(container, shared_broker, "0", 3, hub=HUBS[-1])
        await write_checkpoint(container, shared_broker, "1", 3, hub=HUBS[-1])

        reading = asyncio.create_task(progress.read())
        await asyncio.sleep(0.2)
        await write_checkpoint(container, shared_broker, "0", 7, hub=HUBS[-1])
        read = await reading

        assert (read.logs["0"].last, read.checkpoints["0"].sequence) == (7, 7)
        assert (read.logs["1"].last, read.checkpoints["1"].sequence) == (-1, 3)
        await progress.close()


async def test_what_retention_took_waits_no_longer(cloud: Cloud, tmp_path: Path) -> None:
    async with broker_in(tmp_path) as broker, container_of(cloud) as container:
        progress = progress_of(broker, container)
        await send(broker, "0", 5)
        before = Observer().backlog(await progress.read()).lag
        broker.control.call("POST", "/_control/clock", {"aheadMs": 30 * 86_400_000})
        broker.control.call("POST", "/_control/retention")

        reading = await progress.read()

        assert (before, Observer().backlog(reading).lag) == (5, 0)
        assert (reading.logs["0"].is_empty, reading.logs["0"].last) == (True, 4)
        await progress.close()


async def test_a_hub_made_anew_under_its_old_name_is_seen_for_ever(cloud: Cloud, tmp_path: Path) -> None:
    """By the checkpoint's number while the new log is shorter, by its age when the log has grown past it."""
    async with broker_in(tmp_path) as broker, container_of(cloud) as container:
        progress = progress_of(broker, container)
        await asyncio.gather(send(broker, "0", 5), write_checkpoint(container, broker, "0", 4))
        assert (await first_of(progress)).state is PartitionState.OK

        # Longer after the checkpoint than clocks differ.
        broker.control.call("POST", "/_control/clock", {"aheadMs": 120_000})
        broker.control.call("POST", f"/_control/hubs/{HUB}/recreate")
        empty = await first_of(progress)
        await send(broker, "0", 9)
        grown = await first_of(progress)

        assert (empty.state, empty.lag, empty.checkpoint) == (PartitionState.BEYOND_LOG, 0, 4)
        assert (grown.state, grown.lag, grown.last) == (PartitionState.BEYOND_LOG, 9, 8)
        await progress.close()


async def first_of(progress: QueueProgress) -> PartitionBacklog:
    return Observer().backlog(await progress.read()).partitions[0]


async def test_names_are_found_in_lower_case_and_metadata_in_any(cloud: Cloud) -> None:
    namespace = f"evhns-{uuid4().hex[:8]}.test"
    async with container_of(cloud) as container:
        name = f"{namespace}/commands/processor/checkpoint/7"
        await container.upload_blob(name, b"", metadata={"SequenceNumber": "41"})
        box = BlobCheckpoints(container, namespace.upper(), "Commands", "Processor")

        assert {one: found.sequence for one, found in (await box.checkpoints()).items()} == {"7": 41}


@pytest.mark.parametrize("metadata", [{}, {"sequencenumber": "x"}, {"offset": "12"}])
async def test_a_checkpoint_without_a_number_counts_as_none(cloud: Cloud, metadata: dict[str, str]) -> None:
    namespace = f"evhns-{uuid4().hex[:8]}.test"
    async with container_of(cloud) as container:
        await container.upload_blob(f"{namespace}/commands/processor/checkpoint/0", b"", metadata=metadata)

        assert await BlobCheckpoints(container, namespace, "commands", "processor").checkpoints() == {}


async def test_an_account_where_no_host_has_run_has_no_checkpoints(cloud: Cloud) -> None:
    account = cloud.stack.storage_connection(cloud.stack.stamp_account(0))
    async with BlobServiceClient.from_connection_string(account) as service:
        missing = service.get_container_client(f"missing-{uuid4().hex[:8]}")

        assert await BlobCheckpoints(missing, "a", "b", "c").checkpoints() == {}


FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "refused": ("refuse-connections", {}),
    "no right": ("fail-cbs", {"status": 401}),
    "busy": ("fail-management", {"status": 503, "condition": "com.microsoft:server-busy"}),
}


async def test_a_fault_of_the_broker_ends_as_ours_and_the_next_reading_works(cloud: Cloud, tmp_path: Path) -> None:
    async with broker_in(tmp_path) as broker, container_of(cloud) as container:
        progress = progress_of(broker, container)
        for name, args in FAULTS.values():
            rule = broker.control.add_fault(name, args=args)
            with pytest.raises(QueueUnavailable):
                await progress.read()
            broker.control.remove_fault(rule)
        assert len((await progress.read()).logs) == PARTITIONS
        await progress.close()


async def test_a_broker_that_never_answers_or_dies_meanwhile_ends_as_ours(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.queue_progress.QUESTION_TIMEOUT_S", 1.0)
    async with broker_in(tmp_path) as broker, container_of(cloud) as container:
        progress = progress_of(broker, container)
        rule = broker.control.add_fault("hang")
        with pytest.raises(QueueUnavailable):
            await progress.read()
        broker.control.remove_fault(rule)

        reading = asyncio.create_task(progress.read())
        await asyncio.sleep(0.2)
        await asyncio.to_thread(broker.kill)
        with pytest.raises(QueueUnavailable):
            await reading
        await asyncio.to_thread(broker.start)

        assert len((await progress.read()).logs) == PARTITIONS
        await progress.close()


async def test_a_hub_or_a_storage_account_that_is_not_there_ends_as_ours(cloud: Cloud, tmp_path: Path) -> None:
    async with broker_in(tmp_path) as broker, container_of(cloud) as container:
        elsewhere = progress_of(broker, container, hub="no-such-hub")
        with pytest.raises(QueueUnavailable) as failed:
            await elsewhere.read()
        assert isinstance(failed.value.__cause__, Exception)  # what an operator is shown
        await elsewhere.close()

        connection = cloud.stack.storage_connection("stnobody").replace(str(cloud.stack.blob_port), "9")
        async with BlobServiceClient.from_connection_string(connection, retry_total=0) as service:
            away = progress_of(broker, service.get_container_client(CHECKPOINTS))
            with pytest.raises(StoreUnavailable):
                await away.read()
            await away.close()
    assert issubclass(StoreUnavailable, CatalogError)
