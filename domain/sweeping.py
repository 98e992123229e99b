"""What is put right in the background: totals that another region's deletes left behind, entries of deleted items.

Everything here may run twice, in two processes, or stop half way: each step sets a state that follows from what is
stored, and the next run goes on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.ordering import EventStamp
from domain.ports import MAX_REMOVED, ActivityStore, ItemStore
from domain.records import Removal, StoredItem

PAGE = 100
# An entry that another region accepted before it saw the delete is younger than the delete, by no more than this.
REPLICATION_MARGIN = timedelta(hours=1)


@dataclass(frozen=True)
class Swept:
    """What a sweep found wrong."""

    recounted: int = 0
    entries_removed: int = 0


@dataclass
class Sweeper:
    """Sweeps one region's summaries, and the entries of items that stay deleted."""

    items: ItemStore
    activity: ActivityStore
    region: str
    now: Callable[[], datetime]

    async def recount_waiting(self) -> int:
        """Recount the items of which another region deleted ratings; how many totals were wrong.

        Source: each tombstone says so itself, and stops saying so in the transaction that sets the summary.
        """
        wrong = 0
        while items := await self.activity.to_recount(self.region, PAGE):
            for item_id in items:
                wrong += await self.activity.recount(item_id, self.region)
        return wrong

    async def sweep(self) -> Swept:
        """The nightly round: every summary of this region, and every item that has been deleted for a while."""
        removed = await self._entries_of_deleted_items()
        await self.recount_waiting()
        recounted = 0
        after: UUID | None = None
        while items := await self.activity.counted_items(self.region, after, PAGE):
            for item_id in items:
                recounted += await self.activity.recount(item_id, self.region)
            after = items[-1]
        return Swept(recounted, removed)

    async def _entries_of_deleted_items(self) -> int:
        removed = 0
        after: UUID | None = None
        # Two margins: had the item come back, its new life would have been replicated here long ago.
        moment = self.now() - 2 * REPLICATION_MARGIN
        while items := await self.items.deleted_before(moment, after, PAGE):
            for item in items:
                removed += await self._remove_entries(item)
            after = items[-1].item_id
        return removed

    async def _remove_entries(self, item: StoredItem) -> int:
        by = item.written_by
        # Of no hub: so every entry is compared by its time.
        until = EventStamp("", "", 0, by.enqueued + REPLICATION_MARGIN)
        removed = 0
        while entries := await self.activity.live_before(item.item_id, until, MAX_REMOVED):
            # No command deletes them now; the item's own tombstone did.
            await self.activity.remove(item.item_id, entries, Removal(item.item_id, self.region))
            removed += len(entries)
        return removed
