"""Where each partition's log ends, by the hub's `$management`, beside how far the processor has read it.

The SDK opens a connection of its own for each question and waits in steps of 50 ms: 0.4 s and 5 ms of processor time a
partition. So a few go side by side; 32 partitions take 2 s.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from azure.eventhub.aio import EventHubProducerClient

from adapters.blob_checkpoints import BlobCheckpoints
from adapters.event_hubs import ERRORS
from domain.backlog import Checkpoint, LogEnds, Reading
from domain.errors import CatalogError, QueueUnavailable

QUESTIONS_AT_ONCE = 8
QUESTION_TIMEOUT_S = 5.0


class EventHubsProgress:
    """Fulfils QueueProgress; the producer client is its own, for it opens nothing that would be shared."""

    def __init__(
        self,
        client: EventHubProducerClient,
        checkpoints: BlobCheckpoints,
        partitions: int,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._checkpoints = checkpoints
        self._partitions = [str(number) for number in range(partitions)]
        self._now = now
        self._room = asyncio.Semaphore(QUESTIONS_AT_ONCE)

    async def read(self) -> Reading:
        """See QueueProgress."""
        before = await self._checkpoints.checkpoints()
        try:
            async with asyncio.TaskGroup() as group:
                created = group.create_task(self._created())
                logs = {one: group.create_task(self._log(one)) for one in self._partitions}
        except* CatalogError as failures:  # what is none of ours goes on as it is
            first = failures.exceptions[0]
            raise first from first.__cause__
        after = await self._checkpoints.checkpoints()
        ends = {one: _reaching(task.result(), before.get(one), after.get(one)) for one, task in logs.items()}
        return Reading(self._now(), created.result(), ends, after)

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()

    async def _created(self) -> datetime:
        created: datetime = (await self._asked(self._client.get_eventhub_properties))["created_at"]
        return created

    async def _log(self, partition: str) -> LogEnds:
        found = await self._asked(lambda: self._client.get_partition_properties(partition))
        return LogEnds(
            first=found["beginning_sequence_number"],
            last=found["last_enqueued_sequence_number"],
            last_enqueued=found["last_enqueued_time_utc"],
            is_empty=found["is_empty"],
        )

    async def _asked(self, question: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        try:
            async with self._room, asyncio.timeout(QUESTION_TIMEOUT_S):
                return await question()
        except ERRORS.caught as error:
            raise QueueUnavailable("The state of the hub cannot be read.") from error


def _reaching(log: LogEnds, before: Checkpoint | None, after: Checkpoint | None) -> LogEnds:
    """The log, at least as long as a checkpoint says that was written while we looked."""
    if after is None or after.sequence <= log.last or (before is not None and before.tag == after.tag):
        return log
    return replace(log, last=after.sequence, is_empty=False)
