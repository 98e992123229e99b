"""In-memory fakes of the ports around the hub's log and its checkpoints; each passes its port's contract suite."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from domain.backlog import Checkpoint, LogEnds, Reading
from domain.errors import QueueUnavailable, StoreUnavailable
from domain.ports import CheckpointChanged, Ownership, OwnershipChanged
from tests.builders import NOON
from tests.fakes import Outage

HUB_CREATED = NOON - timedelta(days=30)


def a_log(last: int, *, first: int = 0, enqueued: datetime = NOON, is_empty: bool | None = None) -> LogEnds:
    return LogEnds(first, last, enqueued, first > last if is_empty is None else is_empty)


@dataclass
class InMemoryCheckpointBox:
    """Fulfils CheckpointBox."""

    stored: dict[str, Checkpoint] = field(default_factory=dict)
    owners: dict[str, Ownership] = field(default_factory=dict)
    outage: Outage = field(default_factory=Outage)
    now: Callable[[], datetime] = lambda: NOON
    _writes: int = 0

    async def checkpoints(self) -> dict[str, Checkpoint]:
        self.outage.strike(StoreUnavailable)
        return dict(self.stored)

    async def remove(self, partition: str, checkpoint: Checkpoint) -> None:
        self.outage.strike(StoreUnavailable)
        stored = self.stored.get(partition)
        if stored is not None and stored.tag != checkpoint.tag:
            raise CheckpointChanged(partition)
        self.stored.pop(partition, None)

    async def ownership(self, partition: str) -> Ownership | None:
        self.outage.strike(StoreUnavailable)
        return self.owners.get(partition)

    async def own(self, current: Ownership, owner: str) -> Ownership:
        self.outage.strike(StoreUnavailable)
        stored = self.owners.get(current.partition)
        if stored is None or stored.tag != current.tag:
            raise OwnershipChanged(current.partition)
        return self.write_ownership(current.partition, owner)

    def write_checkpoint(self, partition: str, sequence: int) -> None:
        """As the host does after a batch."""
        self._writes += 1
        self.stored[partition] = Checkpoint(sequence, self.now(), str(self._writes))

    def write_ownership(self, partition: str, owner: str) -> Ownership:
        """As a host does when it claims or renews."""
        self._writes += 1
        self.owners[partition] = Ownership(partition, owner, self.now(), str(self._writes))
        return self.owners[partition]


@dataclass
class InMemoryQueueProgress:
    """Fulfils QueueProgress."""

    logs: dict[str, LogEnds] = field(default_factory=lambda: {"0": a_log(-1), "1": a_log(-1)})
    box: InMemoryCheckpointBox = field(default_factory=InMemoryCheckpointBox)
    hub_created: datetime = HUB_CREATED
    outage: Outage = field(default_factory=Outage)
    now: Callable[[], datetime] = lambda: NOON
    reads: int = 0
    held: asyncio.Event | None = None
    """While it is there and not set, no reading ends."""
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> Reading:
        self.reads += 1
        self.begun.set()
        if self.held is not None:
            await self.held.wait()
        self.outage.strike(QueueUnavailable)
        return Reading(self.now(), self.hub_created, dict(self.logs), await self.box.checkpoints())

    def append(self, partition: str, count: int = 1) -> None:
        """Events that the broker stored just now."""
        log = self.logs[partition]
        self.logs[partition] = replace(log, last=log.last + count, last_enqueued=self.now(), is_empty=False)
