"""Whole histories in one process on a virtual clock: API, hubs, consumers and their zombies, two regions, failover.

Every random choice comes from the history itself, so a failing one reproduces to the byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.commands import Command
from domain.ordering import EventStamp
from domain.processing import Processor
from domain.records import Delivery
from domain.sweeping import Sweeper
from tests.fakes import InMemoryDeadLetters, a_processor
from tests.histories.replicas import Replica, ReplicaActivity, ReplicaItems, ReplicaOutcomes

REGIONS = ("West Europe", "North Europe")


@dataclass
class Hub:
    """One region's hub: a single partition is enough, for an item never changes its own."""

    name: str
    skew: timedelta
    events: list[Delivery] = field(default_factory=list)

    def append(self, command: Command, now: datetime) -> None:
        last = self.events[-1].stamp.enqueued if self.events else datetime.min.replace(tzinfo=UTC)
        stamp = EventStamp(self.name, "0", len(self.events), max(now + self.skew, last))
        self.events.append(Delivery(command.to_bytes(), stamp))


@dataclass
class Stamp:
    """One region: its hub, its consumer's checkpoint, and the replica that its processor writes to."""

    region: str
    hub: Hub
    home: Replica
    writes_to: Replica
    checkpoint: int = 0


class World:
    """Two stamps over two replicas."""

    def __init__(self, skew_s: float) -> None:
        self.now = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
        self.replicas = [Replica(region) for region in REGIONS]
        skews = (timedelta(0), timedelta(seconds=skew_s))
        self.stamps = [
            Stamp(region, Hub(f"{region}/commands".lower(), skew), replica, replica)
            for region, replica, skew in zip(REGIONS, self.replicas, skews, strict=True)
        ]
        self.dead_letters = InMemoryDeadLetters()
        self.accepted: list[tuple[int, Command]] = []

    def pass_time(self, milliseconds: int) -> None:
        self.now += timedelta(milliseconds=milliseconds)

    def accept(self, region: int, command: Command, copies: int = 1) -> None:
        """The API's part: what the broker acknowledged, perhaps stored more than once."""
        self.accepted.append((region, command))
        for _ in range(copies):
            self.stamps[region].hub.append(command, self.now)

    async def consume(self, region: int, count: int, *, forget: bool = False) -> None:
        """Process the next events; `forget`: the host dies before it checkpoints."""
        stamp = self.stamps[region]
        batch = stamp.hub.events[stamp.checkpoint : stamp.checkpoint + count]
        await self._process(stamp, batch)
        if not forget:
            stamp.checkpoint += len(batch)

    async def zombie(self, region: int, start: int, count: int) -> None:
        """A consumer that lost its partition goes on with a batch that it had."""
        stamp = self.stamps[region]
        start = start % (stamp.checkpoint + 1)
        await self._process(stamp, stamp.hub.events[start : min(start + count, stamp.checkpoint)])

    def rewind(self, region: int, to: int) -> None:
        """An ownership steal or a lost checkpoint: the consumer begins earlier again."""
        self.stamps[region].checkpoint = to % (self.stamps[region].checkpoint + 1)

    def fail_over(self, region: int) -> None:
        """The processor's database region changes: to the other one, or back."""
        stamp = self.stamps[region]
        others = [one for one in self.replicas if one is not stamp.writes_to]
        stamp.writes_to = others[0]

    def replicate(self, source: int, count: int) -> None:
        """Deliver the oldest changes of one replica to the other."""
        outbox = self.replicas[source].outbox
        for key, document in outbox[:count]:
            self.replicas[1 - source].receive(key, document)
        del outbox[:count]

    async def settle(self) -> None:
        """Every fault is mended: everything is consumed, replicated, swept and recounted."""
        for stamp in self.stamps:
            stamp.writes_to = stamp.home
        self._replicate_all()
        for region, stamp in enumerate(self.stamps):
            await self.consume(region, len(stamp.hub.events))
        self._replicate_all()
        self.now += timedelta(hours=4)
        for _ in range(2):  # what one region's sweep removes, the other's recounts
            for stamp in self.stamps:
                items, activity = ReplicaItems(stamp.home), ReplicaActivity(stamp.home)
                await Sweeper(items, activity, stamp.region, now=lambda: self.now).sweep()
                self._replicate_all()

    def processor(self, stamp: Stamp) -> Processor:
        return a_processor(
            ReplicaItems(stamp.writes_to),
            ReplicaActivity(stamp.writes_to),
            ReplicaOutcomes(stamp.writes_to),
            self.dead_letters,
            region=stamp.region,
            now=lambda: self.now,
        )

    async def _process(self, stamp: Stamp, batch: Sequence[Delivery]) -> None:
        if batch:
            await self.processor(stamp).process(batch)

    def _replicate_all(self) -> None:
        for source in (0, 1):
            self.replicate(source, len(self.replicas[source].outbox))


def items_of(world: World) -> set[UUID]:
    """Every item that any command was about."""
    return {command.item_id for _, command in world.accepted}
