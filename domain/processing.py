"""What the processor does with a batch of events: at least once in, exactly once in effect.

Every event ends in one of three ways. It takes effect (or is recognised as a replay), or it is parked as a dead letter
with its reason and its failure recorded, or a dependency fails: then this raises, the host holds the checkpoint and
delivers the whole batch again. Nothing here minds a second delivery, so no progress is kept between the two.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from uuid import UUID

from domain.commands import (
    AddComment,
    AddRating,
    Canary,
    Command,
    DeleteComment,
    DeleteItem,
    DeleteRating,
    EntryCommand,
    ItemCommand,
    SetImage,
    message_of,
)
from domain.errors import CatalogError, ItemChanged, KeyReused, PermanentError, UnknownItem
from domain.health import Heartbeats
from domain.ordering import EventStamp
from domain.ports import (
    MAX_ENTRIES,
    MAX_REMOVED,
    ActivityStore,
    AlreadyApplied,
    DeadLetters,
    EntriesExist,
    ImageStore,
    ItemStore,
    Outcomes,
)
from domain.records import DeadLetter, Delivery, EntryKind, Failure, Marker, Removal, StoredItem
from domain.rules import entry_of, is_replay, item_after, may_have_failed_before

# Another writer of the same item is rare (its commands share a partition); losing to one five times is not by chance.
ATTEMPTS_AT_A_CHANGED_ITEM = 5


@dataclass(frozen=True)
class Asked:
    """A delivery and the command in it."""

    delivery: Delivery
    command: Command


@dataclass
class Processor:
    """Applies commands to the stores."""

    items: ItemStore
    activity: ActivityStore
    outcomes: Outcomes
    dead_letters: DeadLetters
    heartbeats: Heartbeats
    images: ImageStore
    region: str
    now: Callable[[], datetime]
    groups_at_once: int = 16

    async def process(self, batch: Sequence[Delivery]) -> None:
        """Apply a batch of one partition, in order per item, items side by side.

        Raises:
            TransientError: at least one event has to come again; the others of the batch may have taken effect.
        """
        asked: list[Asked] = []
        canaries: list[Delivery] = []
        for delivery in batch:
            try:
                message = message_of(delivery.body)
            except PermanentError as error:
                await self._park(delivery, error)
                continue
            if isinstance(message, Canary):
                canaries.append(delivery)
            else:
                asked.append(Asked(delivery, message))
        groups: dict[UUID, list[Asked]] = {}
        for one in asked:
            groups.setdefault(one.command.item_id, []).append(one)
        await self._side_by_side([partial(self._process_item, group) for group in groups.values()])
        if canaries:
            # Last, so that the heartbeat says that everything before it took effect; the newest speaks for all.
            await self.heartbeats.beat(canaries[-1].stamp)

    async def _side_by_side(self, works: Sequence[Callable[[], Awaitable[None]]]) -> None:
        """Run all, at most `groups_at_once` together, and let each end before the first failure is raised."""
        room = asyncio.Semaphore(self.groups_at_once)

        async def one(work: Callable[[], Awaitable[None]]) -> None:
            async with room:
                await work()

        results = await asyncio.gather(*(one(work) for work in works), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        # A fault of our own outranks a dependency's: retrying may not help, and its trace is what we need to see.
        failures.sort(key=lambda failure: isinstance(failure, CatalogError))
        if failures:
            raise failures[0]

    async def _process_item(self, group: Sequence[Asked]) -> None:
        for run in _runs(group):
            if isinstance(run[0].command, AddComment | AddRating):
                await self._add_entries(run)
            else:
                for one in run:
                    removal = isinstance(one.command, DeleteComment | DeleteRating)
                    await self._or_park(one, self._remove_entry if removal else self._change_item)

    async def _or_park(self, one: Asked, work: Callable[[Asked], Awaitable[None]]) -> None:
        try:
            await work(one)
        except PermanentError as error:
            await self._fail(one, error)

    async def _change_item(self, one: Asked) -> None:
        command, stamp = _item_command(one.command), one.delivery.stamp
        for _ in range(ATTEMPTS_AT_A_CHANGED_ITEM):
            stored = await self.items.find(command.item_id)
            if stored is not None and is_replay(stored, stamp):
                await self._finish_replay(command, stamp)
                return
            if stored is not None and await self._has_failed(one, stored):
                return
            try:
                item = item_after(command, stored, stamp)
            except PermanentError:
                # Refused, or refused only now, because its own effect is what stands in its way?
                marker = await self.items.find_marker(command.item_id, command.command_id)
                if marker is None:
                    raise
                _same_request(marker.digest, command)
                if stored is None or stored.deleted:  # a late duplicate must not bury what a re-created item got since
                    await self._finish(command, stamp)
                return
            try:
                await self._commit(command, item)
            except ItemChanged:
                continue
            await self._finish(command, stamp)
            return
        raise ItemChanged("The item was changed by others at every attempt.")

    async def _commit(self, command: ItemCommand, item: StoredItem) -> None:
        try:
            await self.items.commit(item, Marker(command.command_id, command.digest))
        except AlreadyApplied as applied:
            # A zombie, or our own first try whose reply was lost: either way the effect is there.
            _same_request(applied.marker.digest, command)

    async def _finish_replay(self, command: ItemCommand, stamp: EventStamp) -> None:
        """Do again what follows an effect, if there was one: a delete that failed must not take comments with it."""
        if not isinstance(command, DeleteItem | SetImage):
            return
        if await self.items.find_marker(command.item_id, command.command_id):
            await self._finish(command, stamp)

    async def _finish(self, command: ItemCommand, stamp: EventStamp) -> None:
        """What follows an effect outside its transaction; each part may be done again, and late.

        What a deleted item leaves behind goes too, but only what is older: the item may have come back since.
        """
        if isinstance(command, DeleteItem | SetImage):
            await self._serve_image(command.item_id)
        if not isinstance(command, DeleteItem):
            return
        removal = Removal(command.command_id, self.region)
        while entries := await self.activity.live_before(command.item_id, stamp, MAX_REMOVED):
            await self.activity.remove(command.item_id, entries, removal)

    async def _serve_image(self, item_id: UUID) -> None:
        """Serve what the item says now, whatever command brought us here: so a late one undoes nothing."""
        item = await self.items.find(item_id)
        if item is None:
            return
        if item.deleted or item.image is None:
            await self.images.withdraw(item_id, item.version)
        else:
            await self.images.publish(item_id, item.image, item.version)

    async def _remove_entry(self, one: Asked) -> None:
        command = one.command
        if not isinstance(command, DeleteComment | DeleteRating):
            raise TypeError(f"{command.kind} removes no entry")
        state = await self.activity.state_of(command.item_id, command.entry_id)
        kind = EntryKind.COMMENT if isinstance(command, DeleteComment) else EntryKind.RATING
        if state is None or state.kind != kind:
            raise UnknownItem(f"The {kind} is not in the catalogue.")
        # Removed already, by this command's first delivery or by another: what was asked for is so.
        if state.removed_by is None:
            removal = Removal(command.command_id, self.region)
            await self.activity.remove(command.item_id, [command.entry_id], removal)

    async def _add_entries(self, run: Sequence[Asked]) -> None:
        """Fold comments and ratings of one item into as few transactions as may be."""
        item = await self.items.find(run[0].command.item_id)
        if item is None or item.deleted:
            await self._without_item(run)
            return
        run = [one for one in run if not await self._has_failed(one, item)]
        for start in range(0, len(run), MAX_ENTRIES):
            await self._add_chunk(run[start : start + MAX_ENTRIES])

    async def _has_failed(self, one: Asked, item: StoredItem) -> bool:
        """Whether an earlier delivery found no item and failed: who was told so must not see an effect later.

        An event that an operator sends again is meant to succeed now.
        """
        stamp = one.delivery.stamp
        if stamp.is_sent_again or not may_have_failed_before(stamp, item):
            return False
        return await self.outcomes.find(one.command.command_id, one.command.digest) is not None

    async def _without_item(self, run: Sequence[Asked]) -> None:
        """The item is gone: what was stored before it went is a replay, everything else fails."""
        known = await self._known(run)
        for one in run:
            if one.command.command_id in known:
                await self._or_park(one, _matching(known))
            else:
                await self._fail(one, UnknownItem("The item is not in the catalogue."))

    async def _add_chunk(self, chunk: Sequence[Asked]) -> None:
        fresh = await self._first_of_each(chunk)
        try:
            await self._store(fresh)
        except EntriesExist:
            await self._add_the_missing(fresh)

    async def _add_the_missing(self, fresh: Sequence[Asked]) -> None:
        """Some are stored already, by an earlier delivery: tell reused keys apart, and store the rest."""
        known = await self._known(fresh)
        missing = [one for one in fresh if one.command.command_id not in known]
        for one in fresh:
            if one.command.command_id in known:
                await self._or_park(one, _matching(known))
        try:
            await self._store(missing)
        except EntriesExist as error:
            # Somebody (a zombie of this partition) stored one of them this very moment; the next delivery will see it.
            raise ItemChanged("Another consumer is storing the same entries.") from error

    async def _store(self, entries: Sequence[Asked]) -> None:
        """Store entries in one transaction; what the database refuses for good is found alone, and parked."""
        if not entries:
            return
        documents = [entry_of(_entry(one.command), one.delivery.stamp, self.region) for one in entries]
        try:
            await self.activity.add(entries[0].command.item_id, documents)
        except PermanentError as error:
            if len(entries) == 1:
                await self._fail(entries[0], error)
                return
            for one in entries:
                await self._store([one])

    async def _first_of_each(self, chunk: Sequence[Asked]) -> list[Asked]:
        """One delivery per command id: the first; a later one is a duplicate, or a key reused for another body."""
        first: dict[UUID, Asked] = {}
        for one in chunk:
            earlier = first.setdefault(one.command.command_id, one)
            if earlier.command.digest != one.command.digest:
                await self._fail(one, KeyReused("The idempotency key stands for another body."))
        return list(first.values())

    async def _known(self, run: Sequence[Asked]) -> dict[UUID, str]:
        ids = list({one.command.command_id for one in run})
        return await self.activity.stored_digests(run[0].command.item_id, ids)

    async def _fail(self, one: Asked, error: PermanentError) -> None:
        # The letter first: if recording fails, the redelivery parks the same letter again, which changes nothing.
        await self._park(one.delivery, error)
        await self.outcomes.record(Failure(one.command.command_id, one.command.digest, error.reason))

    async def _park(self, delivery: Delivery, error: PermanentError) -> None:
        await self.dead_letters.park(DeadLetter(delivery, error.reason, str(error), self.now()))


def _runs(group: Sequence[Asked]) -> Iterator[list[Asked]]:
    """The group in order, cut where entries and item commands meet."""
    for _, run in groupby(group, key=lambda one: isinstance(one.command, AddComment | AddRating)):
        yield list(run)


def _entry(command: Command) -> EntryCommand:
    if not isinstance(command, AddComment | AddRating):
        raise TypeError(f"{command.kind} adds no entry")
    return command


def _item_command(command: Command) -> ItemCommand:
    if not isinstance(command, ItemCommand):
        raise TypeError(f"{command.kind} changes no item")
    return command


def _matching(known: dict[UUID, str]) -> Callable[[Asked], Awaitable[None]]:
    async def check(one: Asked) -> None:
        _same_request(known[one.command.command_id], one.command)

    return check


def _same_request(stored_digest: str, command: Command) -> None:
    if stored_digest != command.digest:
        raise KeyReused("The idempotency key stands for another body.")
