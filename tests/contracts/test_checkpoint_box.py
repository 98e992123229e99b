"""The contract of CheckpointBox: what operators may do to checkpoints and owners, and what hosts do meanwhile."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from azure.storage.blob.aio import BlobServiceClient

from adapters.blob_checkpoints import BlobCheckpoints
from adapters.stamp_storage import CHECKPOINTS
from domain.backlog import Checkpoint
from domain.errors import StoreUnavailable
from domain.ports import CheckpointBox, CheckpointChanged, OwnershipChanged
from settings import CONSUMER_GROUP, HUB
from tests.contracts.conftest import Cloud
from tests.queue_fakes import InMemoryCheckpointBox


@dataclass
class Host:
    """The box, and what a host writes beside it."""

    box: CheckpointBox
    checkpoint: Callable[[str, int], Awaitable[None]]
    own: Callable[[str, str], Awaitable[None]]


def a_fake_host() -> Host:
    fake = InMemoryCheckpointBox(now=lambda: datetime.now(UTC))

    async def checkpoint(partition: str, number: int) -> None:
        fake.write_checkpoint(partition, number)

    async def own(partition: str, owner: str) -> None:
        fake.write_ownership(partition, owner)

    return Host(fake, checkpoint, own)


@pytest.fixture(params=["fake", "stand-in"])
def storage(request: pytest.FixtureRequest) -> Cloud | None:
    """None for the fake."""
    return None if request.param == "fake" else request.getfixturevalue("cloud")


@pytest.fixture
async def host(storage: Cloud | None) -> AsyncIterator[Host]:
    if storage is None:
        yield a_fake_host()
        return
    account = storage.stack.storage_connection(storage.stack.stamp_account(0))
    namespace = f"evhns-{uuid4().hex[:8]}.test"
    async with BlobServiceClient.from_connection_string(account) as service:
        container = service.get_container_client(CHECKPOINTS)

        async def write(name: str, **metadata: str) -> None:
            path = f"{namespace}/{HUB}/{CONSUMER_GROUP}/{name}"
            await container.upload_blob(path, b"", overwrite=True, metadata=metadata)

        async def checkpoint(partition: str, number: int) -> None:
            await write(f"checkpoint/{partition}", sequencenumber=str(number), offset="0", clientidentifier="host")

        async def own(partition: str, owner: str) -> None:
            await write(f"ownership/{partition}", ownerid=owner)

        yield Host(BlobCheckpoints(container, namespace, HUB, CONSUMER_GROUP), checkpoint, own)


async def test_a_checkpoint_removed_is_gone_and_may_be_removed_again(host: Host) -> None:
    await host.checkpoint("0", 7)
    await host.checkpoint("11", 3)
    found = await host.box.checkpoints()

    await host.box.remove("0", found["0"])
    await host.box.remove("0", found["0"])

    assert {one: checkpoint.sequence for one, checkpoint in found.items()} == {"0": 7, "11": 3}
    assert list(await host.box.checkpoints()) == ["11"]


async def test_a_checkpoint_that_the_host_wrote_meanwhile_stays(host: Host) -> None:
    await host.checkpoint("0", 7)
    seen = (await host.box.checkpoints())["0"]
    await host.checkpoint("0", 8)

    with pytest.raises(CheckpointChanged):
        await host.box.remove("0", seen)

    assert (await host.box.checkpoints())["0"].sequence == 8


async def test_removing_what_never_was_is_fine(host: Host) -> None:
    await host.box.remove("5", Checkpoint(1, datetime.now(UTC), '"0x8DE000000000000"'))


async def test_owners_are_told(host: Host) -> None:
    await host.own("3", "host-1")

    found = await host.box.ownership("3")

    assert found is not None
    assert (found.partition, found.owner) == ("3", "host-1")
    assert abs(datetime.now(UTC) - found.renewed) < timedelta(seconds=60)
    assert await host.box.ownership("4") is None


async def test_a_partition_is_taken_over_renewed_and_given_up(host: Host) -> None:
    await host.own("3", "host-1")
    before = await host.box.ownership("3")
    assert before is not None

    taken = await host.box.own(before, "operator")
    renewed = await host.box.own(taken, "operator")
    await host.box.own(renewed, "")

    after = await host.box.ownership("3")
    assert after is not None
    assert (taken.owner, after.owner) == ("operator", "")
    assert len({before.tag, taken.tag, renewed.tag, after.tag}) == 4


async def test_who_lost_a_partition_cannot_renew_it(host: Host) -> None:
    await host.own("3", "host-1")
    before = await host.box.ownership("3")
    assert before is not None
    await host.own("3", "host-2")

    with pytest.raises(OwnershipChanged):
        await host.box.own(before, "operator")

    now = await host.box.ownership("3")
    assert now is not None
    assert now.owner == "host-2"


async def test_an_account_that_is_away_is_said(cloud: Cloud) -> None:
    connection = cloud.stack.storage_connection("stnobody").replace(f":{cloud.stack.blob_port}/", ":9/")
    async with BlobServiceClient.from_connection_string(connection, retry_total=0) as service:
        box = BlobCheckpoints(service.get_container_client(CHECKPOINTS), "a", "b", "c")
        checkpoint = Checkpoint(1, datetime.now(UTC), "tag")

        for call in (box.checkpoints(), box.remove("0", checkpoint), box.ownership("0")):
            with pytest.raises(StoreUnavailable):
                await call
