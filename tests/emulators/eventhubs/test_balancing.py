"""Several consumers of one group with a blob checkpoint store: even split, take-over, resume."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, PartitionContext
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore
from azure.storage.blob.aio import ContainerClient

from local.eventhubs.server import EventHubsServer
from tests.emulators.eventhubs.azurite import azurite
from tests.emulators.eventhubs.clients import HUB, send, until
from tests.emulators.eventhubs.conformance import conforms
from tests.emulators.eventhubs.side_by_side import side_by_side

GROUP = "processor"


class Member:
    """A consumer of the group that checkpoints every event it has handled."""

    def __init__(self, broker: EventHubsServer, storage: str, seen: Counter[tuple[str, int]]) -> None:
        self.owned: set[str] = set()
        self.saved: dict[str, int] = {}  # the last checkpoint of each partition
        self._seen = seen
        store = BlobCheckpointStore.from_connection_string(storage, "checkpoints", retry_total=0)
        self._client = EventHubConsumerClient.from_connection_string(
            broker.connection_string,
            GROUP,
            eventhub_name=HUB,
            checkpoint_store=store,
            load_balancing_interval=0.5,
            partition_ownership_expiration_interval=4,
            load_balancing_strategy="greedy",
        )

    async def _on_batch(self, context: PartitionContext, events: list[EventData]) -> None:
        for event in events:
            self._seen[context.partition_id, event.sequence_number or 0] += 1
        if events:
            await context.update_checkpoint(events[-1])
            self.saved[context.partition_id] = events[-1].sequence_number or 0

    async def _on_start(self, context: PartitionContext) -> None:
        self.owned.add(context.partition_id)

    async def _on_close(self, context: PartitionContext, _: object) -> None:
        self.owned.discard(context.partition_id)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator["Member"]:
        async with self._client:
            task = asyncio.create_task(
                self._client.receive_batch(
                    self._on_batch,
                    on_partition_initialize=self._on_start,
                    on_partition_close=self._on_close,
                    starting_position="-1",
                )
            )
            try:
                yield self
            finally:
                await self._client.close()  # gives the ownership up
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


@side_by_side
@conforms(29, "two consumers with a blob checkpoint store split evenly and take over")
@conforms(30, "a consumer resumes at the checkpoint, nothing is lost")
async def test_two_consumers_split_evenly_take_over_and_resume(broker: EventHubsServer) -> None:
    seen: Counter[tuple[str, int]] = Counter()
    async with azurite() as storage, ContainerClient.from_connection_string(storage, "checkpoints") as container:
        await container.create_container()
        first, second = Member(broker, storage, seen), Member(broker, storage, seen)
        async with second.reading():
            async with first.reading():
                for partition in range(4):
                    await send(broker, ["before"] * 10, partition)
                await until(lambda: len(first.owned) == len(second.owned) == 2)
                await until(lambda: len(seen) == 40)
                assert first.owned | second.owned == {"0", "1", "2", "3"}
            await until(lambda: len(second.owned) == 4)
            for partition in range(4):
                await send(broker, ["meanwhile"] * 10, partition)
            await until(lambda: len(seen) == 80 and second.saved == dict.fromkeys("0123", 19))
        blobs = [blob.name async for blob in container.list_blobs()]
        assert f"127.0.0.1:{broker.port}/{HUB}/{GROUP}/checkpoint/0" in blobs
        for partition in range(4):
            await send(broker, ["while nobody read"] * 10, partition)
        resumed: Counter[tuple[str, int]] = Counter()
        async with Member(broker, storage, resumed).reading():
            new = {(str(partition), n) for partition in range(4) for n in range(20, 30)}
            await until(lambda: new <= set(resumed))

    assert len(seen) == 80
    assert set(resumed) == new
