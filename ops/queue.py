"""What operators do about the queue: see what waits, and let the processor read a partition from its start again.

A host reads a checkpoint when it begins with a partition, and writes one after every batch. So a checkpoint removed
under a running reader would not be looked at, and might be back in a second. The reader has to let go first: we take
the partition over as hosts take partitions from each other, by its ownership blob, wait until its owner must have
noticed, remove the checkpoint, and give the partition up. The next host to balance, within seconds, begins at the
oldest event. No pod needs a restart; a batch in work goes on to its end and writes no checkpoint.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from domain.backlog import Backlog, Observer, PartitionBacklog, PartitionState, QueueProgress
from domain.errors import CatalogError, PermanentError
from domain.ports import CheckpointBox, CheckpointChanged, Ownership, OwnershipChanged

# Twice what host.json lets an ownership live without renewal: who renewed longer ago reads no more.
GONE_AFTER = timedelta(seconds=60)
# A host looks at its partitions every 10 s (host.json); our hold is renewed more often than it could expire.
RENEW_EVERY_S = 5.0
RENEWALS = 4
TRIES = 3


class NothingToReset(PermanentError):
    """The partition has no checkpoint."""

    reason = "nothing-to-reset"


class CheckpointFits(PermanentError):
    """The checkpoint belongs to its log: removing it mends nothing."""

    reason = "checkpoint-fits"


class UnknownPartition(PermanentError):
    """The hub has no such partition."""

    reason = "unknown-partition"


@dataclass(frozen=True)
class Desk:
    """Where an operator works on the queue."""

    progress: QueueProgress
    box: CheckpointBox
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass
class Report:
    """What became of the partitions named."""

    done: list[str] = field(default_factory=list)
    failed: dict[str, CatalogError] = field(default_factory=dict)


async def backlog(desk: Desk) -> Backlog:
    """What waits now."""
    return Observer().backlog(await desk.progress.read())


def chosen(queue: Backlog, partition: str | None, *, force: bool = False) -> list[PartitionBacklog]:
    """The partitions to reset: one by its number, or all whose checkpoints are beyond their logs.

    Raises:
        UnknownPartition, NothingToReset: of a partition named.
        CheckpointFits: of a partition named, and not forced.
    """
    if partition is None:
        return [one for one in queue.partitions if one.state is PartitionState.BEYOND_LOG]
    named = [one for one in queue.partitions if one.partition == partition]
    if not named:
        raise UnknownPartition(f"There is no partition {partition}: the hub has {len(queue.partitions)}, from 0 up.")
    [one] = named
    if one.checkpoint is None:
        raise NothingToReset(f"Partition {partition} has no checkpoint: the processor begins at its oldest event.")
    if one.state is not PartitionState.BEYOND_LOG and not force:
        raise CheckpointFits(
            f"The checkpoint of partition {partition} fits its log: removing it mends nothing, and every event that "
            "retention has left is read again. Nothing takes effect twice. --force does it."
        )
    return named


async def reset(desk: Desk, partitions: Sequence[PartitionBacklog]) -> Report:
    """Remove the partitions' checkpoints, side by side, and let the processor begin anew."""
    report = Report()

    async def one(row: PartitionBacklog) -> None:
        try:
            await _reset(desk, row)
        except CatalogError as error:
            report.failed[row.partition] = error
        else:
            report.done.append(row.partition)

    async with asyncio.TaskGroup() as group:
        for row in partitions:
            group.create_task(one(row))
    return report


async def _reset(desk: Desk, row: PartitionBacklog) -> None:
    async with _held(desk, row.partition):
        checkpoint = (await desk.box.checkpoints()).get(row.partition)
        if checkpoint is None:
            return
        if row.state is PartitionState.BEYOND_LOG and checkpoint.sequence != row.checkpoint:
            raise CheckpointChanged(f"The processor has read on in partition {row.partition} meanwhile: look again.")
        await desk.box.remove(row.partition, checkpoint)


@asynccontextmanager
async def _held(desk: Desk, partition: str) -> AsyncIterator[None]:
    """Nobody reads the partition inside."""
    hold = await _take(desk, partition)
    try:
        yield
    finally:
        if hold is not None:
            # Given up, it is claimed at once; a hold that is not given up expires as that of a dead host.
            await desk.box.own(hold, "")


async def _take(desk: Desk, partition: str, tries: int = TRIES) -> Ownership | None:
    """Take the partition from its owner; None when none ever was."""
    current = await desk.box.ownership(partition)
    if current is None:
        return None
    try:
        # A name for each partition: hosts take partitions from an owner that has many.
        return await _wait_out(desk, current, f"operator-{uuid4()}")
    except OwnershipChanged:
        if tries == 1:
            raise
    return await _take(desk, partition, tries - 1)


async def _wait_out(desk: Desk, current: Ownership, name: str) -> Ownership:
    """Own the partition until who owned it has let go."""
    was_read = current.owner != "" and desk.now() - current.renewed < GONE_AFTER
    hold = await desk.box.own(current, name)
    for _ in range(RENEWALS if was_read else 0):
        await desk.sleep(RENEW_EVERY_S)
        hold = await desk.box.own(hold, name)
    return hold
