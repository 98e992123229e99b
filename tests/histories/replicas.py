"""A multi-region database in memory, at the level of our records: what each region stores, and how changes travel.

It follows what Cosmos DB promises for a multi-write account: a transaction is atomic within a region, every region
accepts writes, changes arrive elsewhere later and document by document, and of two versions of a document the one with
the higher value at the conflict path wins everywhere; equal values converge to one of the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.errors import ItemChanged
from domain.ordering import EventStamp
from domain.ports import AlreadyApplied, CommentsAfter, EntriesExist, ItemsAfter
from domain.records import (
    Entry,
    EntryKind,
    EntryState,
    Failure,
    Marker,
    Removal,
    StoredComment,
    StoredItem,
    StoredRating,
    Totals,
)
from domain.rules import is_older, summary_id

type Key = tuple[str, UUID, str]
"""(container, item, document id)"""


@dataclass(frozen=True)
class Document:
    """One stored document: `rank` is the value at its conflict path, `writer` decides between equal ranks."""

    rank: int
    writer: str
    content: Any
    etag: int = field(compare=False)


@dataclass(frozen=True)
class Summary:
    votes: int
    stars: int


@dataclass(frozen=True)
class Buried:
    """A deleted entry."""

    entry: Entry
    removed_by: UUID
    uncounted: bool = False


class Replica:
    """The database in one region."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.documents: dict[Key, Document] = {}
        self.outbox: list[tuple[Key, Document]] = []
        self._etag = 0

    def read(self, key: Key) -> Document | None:
        return self.documents.get(key)

    def write(self, key: Key, rank: int, content: Any) -> None:
        """Store a local change; it travels with the outbox."""
        self._etag += 1
        document = Document(rank, f"{self.name}:{self._etag}", content, self._etag)
        self.documents[key] = document
        self.outbox.append((key, document))

    def receive(self, key: Key, document: Document) -> None:
        """Take a change from elsewhere, unless what is here wins."""
        here = self.documents.get(key)
        if here is None or (here.rank, here.writer) < (document.rank, document.writer):
            self._etag += 1
            self.documents[key] = replace(document, etag=self._etag)

    def activity_of(self, item_id: UUID) -> list[tuple[Key, Document]]:
        return [(key, one) for key, one in self.documents.items() if key[:2] == ("activity", item_id)]


@dataclass
class ReplicaItems:
    """ItemStore on one replica."""

    replica: Replica

    async def find(self, item_id: UUID) -> StoredItem | None:
        document = self.replica.read(("items", item_id, "item"))
        return None if document is None else replace(document.content, etag=str(document.etag))

    async def find_marker(self, item_id: UUID, command_id: UUID) -> Marker | None:
        document = self.replica.read(("items", item_id, f"command:{command_id}"))
        return None if document is None else document.content

    async def page(self, after: ItemsAfter | None, limit: int) -> list[StoredItem]:
        raise NotImplementedError("no history lists items")

    async def deleted_before(self, moment: datetime, after: UUID | None, limit: int) -> list[StoredItem]:
        contents = [
            one.content for key, one in self.replica.documents.items() if key[0] == "items" and key[2] == "item"
        ]
        found = [one for one in contents if one.deleted and one.written_by.enqueued < moment]
        return sorted((one for one in found if after is None or one.item_id > after), key=_by_id)[:limit]

    async def commit(self, item: StoredItem, marker: Marker) -> None:
        place, proof = ("items", item.item_id, "item"), ("items", item.item_id, f"command:{marker.command_id}")
        stored = self.replica.read(proof)
        if stored is not None:
            raise AlreadyApplied(stored.content)
        current = self.replica.read(place)
        if (None if current is None else str(current.etag)) != item.etag:
            raise ItemChanged("changed")
        self.replica.write(proof, 1, marker)
        self.replica.write(place, item.version, replace(item, etag=None))


@dataclass
class ReplicaActivity:
    """ActivityStore on one replica."""

    replica: Replica

    async def add(self, item_id: UUID, entries: Sequence[Entry]) -> None:
        if any(self._stored(item_id, entry.entry_id) for entry in entries):
            raise EntriesExist
        for entry in entries:
            self.replica.write(_entry_key(item_id, entry.entry_id), 1, entry)
        counted = [one for one in entries if isinstance(one, StoredRating) and one.counted_by]
        if counted:
            self._count(item_id, str(counted[0].counted_by), len(counted), sum(one.stars for one in counted))

    def _count(self, item_id: UUID, name: str, votes: int, stars: int) -> None:
        key = ("activity", item_id, name)
        before = self.replica.read(key)
        was = before.content if before else Summary(0, 0)
        now = Summary(was.votes + votes, was.stars + stars)
        self.replica.write(key, before.rank + 1 if before else 1, now)

    async def stored_digests(self, item_id: UUID, entry_ids: Sequence[UUID]) -> dict[UUID, str]:
        found = {one: self._stored(item_id, one) for one in entry_ids}
        return {one: document.digest for one, document in found.items() if document is not None}

    async def find_comment(self, item_id: UUID, comment_id: UUID) -> StoredComment | None:
        entry = self._live(item_id, comment_id)
        return entry if isinstance(entry, StoredComment) else None

    async def find_rating(self, item_id: UUID, rating_id: UUID) -> StoredRating | None:
        entry = self._live(item_id, rating_id)
        return entry if isinstance(entry, StoredRating) else None

    async def comments(self, item_id: UUID, after: CommentsAfter | None, limit: int) -> list[StoredComment]:
        raise NotImplementedError("no history lists comments")

    async def totals(self, item_id: UUID) -> Totals:
        summaries = [one.content for _, one in self.replica.activity_of(item_id) if isinstance(one.content, Summary)]
        return Totals(sum(one.votes for one in summaries), sum(one.stars for one in summaries))

    async def state_of(self, item_id: UUID, entry_id: UUID) -> EntryState | None:
        document = self.replica.read(_entry_key(item_id, entry_id))
        if document is None:
            return None
        buried = document.content if isinstance(document.content, Buried) else None
        entry = buried.entry if buried else document.content
        kind = EntryKind.COMMENT if isinstance(entry, StoredComment) else EntryKind.RATING
        return EntryState(kind, entry.digest, buried.removed_by if buried else None)

    async def remove(self, item_id: UUID, entry_ids: Sequence[UUID], removal: Removal) -> None:
        name = summary_id(removal.region)
        has_summary = self.replica.read(("activity", item_id, name)) is not None
        live = [entry for entry in (self._live(item_id, one) for one in entry_ids) if entry is not None]
        ours = [one for one in live if isinstance(one, StoredRating) and one.counted_by == name and has_summary]
        for entry in live:
            counted = isinstance(entry, StoredRating) and entry.counted_by is not None
            buried = Buried(entry, removal.command_id, uncounted=counted and entry not in ours)
            self.replica.write(_entry_key(item_id, entry.entry_id), 2, buried)
        if ours:
            self._count(item_id, name, -len(ours), -sum(one.stars for one in ours))

    async def live_before(self, item_id: UUID, stamp: EventStamp, limit: int) -> list[UUID]:
        live = self._live_entries(item_id)
        return [entry.entry_id for entry in live if is_older(entry.written_by, stamp)][:limit]

    async def to_recount(self, region: str, limit: int) -> list[UUID]:
        items = set()
        for (container, item_id, _), document in self.replica.documents.items():
            if container == "activity" and _waits_for(document.content, summary_id(region)):
                items.add(item_id)
        return sorted(items)[:limit]

    async def counted_items(self, region: str, after: UUID | None, limit: int) -> list[UUID]:
        items = sorted(item for container, item, name in self.replica.documents if name == summary_id(region))
        return [item for item in items if after is None or item > after][:limit]

    async def recount(self, item_id: UUID, region: str) -> bool:
        name = summary_id(region)
        live = [one for one in self._live_entries(item_id) if isinstance(one, StoredRating) and one.counted_by == name]
        now = Summary(len(live), sum(one.stars for one in live))
        before = self.replica.read(("activity", item_id, name))
        was = before.content if before else Summary(0, 0)
        if was != now:
            self.replica.write(("activity", item_id, name), before.rank + 1 if before else 1, now)
        for key, document in self.replica.activity_of(item_id):
            if _waits_for(document.content, name):
                self.replica.write(key, document.rank + 1, replace(document.content, uncounted=False))
        return bool(was != now)

    def _live_entries(self, item_id: UUID) -> list[Entry]:
        contents = [document.content for _, document in self.replica.activity_of(item_id)]
        return [one for one in contents if isinstance(one, StoredComment | StoredRating)]

    def _stored(self, item_id: UUID, entry_id: UUID) -> Entry | None:
        document = self.replica.read(_entry_key(item_id, entry_id))
        if document is None:
            return None
        return document.content.entry if isinstance(document.content, Buried) else document.content

    def _live(self, item_id: UUID, entry_id: UUID) -> Entry | None:
        document = self.replica.read(_entry_key(item_id, entry_id))
        return None if document is None or isinstance(document.content, Buried) else document.content


@dataclass
class ReplicaOutcomes:
    """Outcomes on one replica."""

    replica: Replica

    async def record(self, failure: Failure) -> None:
        key = ("outcomes", failure.command_id, failure.digest)
        before = self.replica.read(key)
        self.replica.write(key, before.rank + 1 if before else 1, failure)

    async def find(self, command_id: UUID, digest: str) -> Failure | None:
        document = self.replica.read(("outcomes", command_id, digest))
        return None if document is None else document.content


def _by_id(item: StoredItem) -> UUID:
    return item.item_id


def _entry_key(item_id: UUID, entry_id: UUID) -> Key:
    return ("activity", item_id, str(entry_id))


def _waits_for(content: object, summary: str) -> bool:
    return (
        isinstance(content, Buried)
        and content.uncounted
        and isinstance(content.entry, StoredRating)
        and content.entry.counted_by == summary
    )
