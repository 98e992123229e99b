"""Comments, ratings and their regional summaries, in container `activity`."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from azure.cosmos.exceptions import CosmosBatchOperationError

from adapters.cosmos import Container
from adapters.cosmos_items import TOMBSTONE_TTL_S, marker_document, marker_id, stamp_members, stamp_of
from domain.errors import ItemChanged
from domain.ordering import EventStamp
from domain.ports import MAX_ENTRIES, MAX_REMOVED, CommentsAfter, EntriesExist
from domain.records import Entry, EntryKind, EntryState, Marker, Removal, StoredComment, StoredRating, Totals
from domain.rules import summary_id
from domain.times import iso

TEST_DATA_TTL_S = 30
ATTEMPTS = 5

_KEPT_OF_THE_DEAD = ("id", "itemId", "creationDate", "digest", "hub", "partition", "sequence", "enqueued", "countedBy")


class EntryChanged(Exception):
    """An entry is no longer what was read; the transaction changed nothing."""


class CosmosActivityStore:
    """Fulfils ActivityStore."""

    def __init__(self, container: Container) -> None:
        self._container = container

    async def add(self, item_id: UUID, entries: Sequence[Entry]) -> None:
        """See ActivityStore."""
        if len(entries) > MAX_ENTRIES:
            raise ValueError(f"at most {MAX_ENTRIES} entries in one transaction")
        creates = [operation for entry in entries for operation in _creates(entry)]
        counted = _counted(entries)
        if counted is None:
            await self._batch(item_id, creates, None)
            return
        # The summary is there from an item's second rating on. Whether the attempt before took effect does not matter:
        # then the creates fail, and take the summary's write down with them.
        for summary in (_patched(*counted), _created(item_id, *counted), _patched(*counted)):
            if await self._batch(item_id, creates, summary):
                return
        raise ItemChanged("The item's summary was created and removed by others.")

    async def _batch(self, item_id: UUID, entries: list[Any], summary: Any | None) -> bool:
        """Run one transaction; False when the summary was not as assumed (missing, or there already)."""
        operations = entries if summary is None else [*entries, summary]
        async with self._container.call() as proxy:
            try:
                await proxy.execute_item_batch(operations, partition_key=str(item_id))
            except CosmosBatchOperationError as error:
                index = error.error_index if error.error_index is not None else -1
                if 0 <= index < len(entries) and error.status_code == 409:
                    raise EntriesExist from error
                if 0 <= index < len(entries) and error.status_code in {404, 412}:
                    raise EntryChanged from error
                if index == len(entries) and error.status_code in {404, 409}:
                    return False
                raise
        return True

    async def stored_digests(self, item_id: UUID, entry_ids: Sequence[UUID]) -> dict[UUID, str]:
        """See ActivityStore."""
        digests: dict[UUID, str] = {}
        for start in range(0, len(entry_ids), MAX_ENTRIES):
            part = entry_ids[start : start + MAX_ENTRIES]
            ids = {str(one): one for one in part} | {marker_id(one): one for one in part}
            names = {f"id{number}": document_id for number, document_id in enumerate(ids)}
            text = f"SELECT c.id, c.digest FROM c WHERE c.id IN ({', '.join(f'@{name}' for name in names)})"
            for row in await self._container.query(text, str(item_id), **names):
                digests[ids[row["id"]]] = row["digest"]
        return digests

    async def find_comment(self, item_id: UUID, comment_id: UUID) -> StoredComment | None:
        """See ActivityStore."""
        document = await self._read(item_id, comment_id, "comment")
        return None if document is None else comment_of(document)

    async def find_rating(self, item_id: UUID, rating_id: UUID) -> StoredRating | None:
        """See ActivityStore."""
        document = await self._read(item_id, rating_id, "rating")
        return None if document is None else rating_of(document)

    async def comments(self, item_id: UUID, after: CommentsAfter | None, limit: int) -> list[StoredComment]:
        """See ActivityStore."""
        place = "" if after is None else "AND (c.creationDate < @date OR (c.creationDate = @date AND c.id < @id))"
        parameters = {} if after is None else {"date": after.creation_date, "id": str(after.comment_id)}
        rows = await self._container.query(
            f"SELECT TOP {limit:d} * FROM c WHERE c.kind = 'comment' {place} ORDER BY c.creationDate DESC, c.id DESC",
            str(item_id),
            **parameters,
        )
        return [comment_of(row) for row in rows]

    async def totals(self, item_id: UUID) -> Totals:
        """See ActivityStore."""
        rows = await self._container.query("SELECT c.votes, c.stars FROM c WHERE c.kind = 'summary'", str(item_id))
        return Totals(votes=sum(int(row["votes"]) for row in rows), stars=sum(int(row["stars"]) for row in rows))

    async def state_of(self, item_id: UUID, entry_id: UUID) -> EntryState | None:
        """See ActivityStore."""
        document = await self._container.read(str(entry_id), str(item_id))
        kind = None if document is None else document["kind"].removeprefix("deleted-")
        if document is None or kind not in set(EntryKind):
            return None
        removed_by = document.get("removedBy")
        return EntryState(EntryKind(kind), document["digest"], None if removed_by is None else UUID(removed_by))

    async def remove(self, item_id: UUID, entry_ids: Sequence[UUID], removal: Removal) -> None:
        """See ActivityStore."""
        if len(entry_ids) > MAX_REMOVED:
            raise ValueError(f"at most {MAX_REMOVED} entries in one transaction")
        # A summary that failover has hidden cannot be subtracted from: then the tombstones ask for a recount.
        has_summary = True
        for _ in range(ATTEMPTS):
            live = await self._live(item_id, entry_ids)
            if not live:
                return
            replaces = [_buried(document, removal, has_summary=has_summary) for document in live]
            stars = [one["rating"] for one in live if one.get("countedBy") == summary_id(removal.region)]
            summary = _patched(summary_id(removal.region), -len(stars), -sum(stars)) if stars and has_summary else None
            try:
                if await self._batch(item_id, replaces, summary):
                    return
                has_summary = False
            except EntryChanged:
                continue
        raise ItemChanged("The entries were changed by others at every attempt.")

    async def _live(self, item_id: UUID, entry_ids: Sequence[UUID]) -> list[dict[str, Any]]:
        names = {f"id{number}": str(entry_id) for number, entry_id in enumerate(entry_ids)}
        ids = ", ".join(f"@{name}" for name in names)
        text = f"SELECT * FROM c WHERE c.id IN ({ids}) AND (c.kind = 'comment' OR c.kind = 'rating')"
        return await self._container.query(text, str(item_id), **names)

    async def live_before(self, item_id: UUID, stamp: EventStamp, limit: int) -> list[UUID]:
        """See ActivityStore."""
        rows = await self._container.query(
            f"SELECT TOP {limit:d} c.id FROM c WHERE (c.kind = 'comment' OR c.kind = 'rating') AND "
            "((c.hub = @hub AND c.partition = @partition AND c.sequence < @sequence) OR "
            "((c.hub != @hub OR c.partition != @partition) AND c.enqueued < @enqueued))",
            str(item_id),
            **stamp_members(stamp),
        )
        return [UUID(row["id"]) for row in rows]

    async def to_recount(self, region: str, limit: int) -> list[UUID]:
        """See ActivityStore."""
        rows = await self._container.query(
            f"SELECT TOP {limit:d} c.itemId FROM c WHERE c.kind = 'deleted-rating' AND c.uncounted = true "
            "AND c.countedBy = @summary",
            summary=summary_id(region),
        )
        return sorted({UUID(row["itemId"]) for row in rows})

    async def counted_items(self, region: str, after: UUID | None, limit: int) -> list[UUID]:
        """See ActivityStore."""
        rows = await self._container.query(
            f"SELECT TOP {limit:d} c.itemId FROM c WHERE c.id = @summary AND c.itemId > @after ORDER BY c.itemId",
            summary=summary_id(region),
            after="" if after is None else str(after),
        )
        return [UUID(row["itemId"]) for row in rows]

    async def recount(self, item_id: UUID, region: str) -> bool:
        """See ActivityStore."""
        name = summary_id(region)
        for _ in range(ATTEMPTS):
            # The summary first: whatever this region counts after this read changes its ETag, and we begin again.
            summary = await self._container.read(name, str(item_id))
            votes, stars = await self._counted_live(item_id, name)
            waiting = await self._waiting(item_id, name)
            was = (summary["votes"], summary["stars"]) if summary is not None else (0, 0)
            if was == (votes, stars) and not waiting:
                return False
            operations = [*_recounted(item_id, name, summary, votes, stars), *map(_no_longer_waiting, waiting)]
            try:
                await self._batch(item_id, operations, None)
            except (EntryChanged, EntriesExist):
                continue
            return was != (votes, stars)
        raise ItemChanged("Ratings arrived at every attempt to count them.")

    async def _counted_live(self, item_id: UUID, summary: str) -> tuple[int, int]:
        where = "FROM c WHERE c.kind = 'rating' AND c.countedBy = @summary"
        votes = await self._container.query(f"SELECT VALUE COUNT(1) {where}", str(item_id), summary=summary)
        stars = await self._container.query(f"SELECT VALUE SUM(c.rating) {where}", str(item_id), summary=summary)
        return int(str(votes[0])) if votes else 0, int(float(str(stars[0]))) if stars else 0

    async def _waiting(self, item_id: UUID, summary: str) -> list[str]:
        rows = await self._container.query(
            f"SELECT TOP {MAX_REMOVED:d} c.id FROM c WHERE c.kind = 'deleted-rating' AND c.uncounted = true "
            "AND c.countedBy = @summary",
            str(item_id),
            summary=summary,
        )
        return [row["id"] for row in rows]

    async def _read(self, item_id: UUID, entry_id: UUID, kind: str) -> dict[str, Any] | None:
        document = await self._container.read(str(entry_id), str(item_id))
        return document if document is not None and document["kind"] == kind else None


def _creates(entry: Entry) -> list[Any]:
    operations: list[Any] = [("create", (entry_document(entry),), {})]
    if entry.test_data:
        # The document goes after 30 s; its marker stays, so that a late redelivery does not bring it back.
        marker = marker_document(entry.item_id, Marker(entry.entry_id, entry.digest))
        operations.append(("create", (marker,), {}))
    return operations


def _counted(entries: Sequence[Entry]) -> tuple[str, int, int] | None:
    """The summary to count in, with votes and stars to add; None when no entry counts."""
    ratings = [entry for entry in entries if isinstance(entry, StoredRating) and entry.counted_by is not None]
    summaries = {rating.counted_by for rating in ratings if rating.counted_by is not None}
    if not summaries:
        return None
    if len(summaries) > 1:
        raise ValueError("one call counts in one summary")
    return summaries.pop(), len(ratings), sum(rating.stars for rating in ratings)


def _patched(summary: str, votes: int, stars: int) -> Any:
    increments = [
        {"op": "incr", "path": "/votes", "value": votes},
        {"op": "incr", "path": "/stars", "value": stars},
        {"op": "incr", "path": "/version", "value": 1},
    ]
    return ("patch", (summary, increments), {})


def _created(item_id: UUID, summary: str, votes: int, stars: int) -> Any:
    document = {
        "id": summary,
        "itemId": str(item_id),
        "kind": "summary",
        "votes": votes,
        "stars": stars,
        # Its number of writes, so that between regions the longer history wins.
        "version": 1,
    }
    return ("create", (document,), {})


def _buried(document: dict[str, Any], removal: Removal, *, has_summary: bool) -> Any:
    """The tombstone in an entry's place: version 2, so that it wins against the entry in every region."""
    tombstone = {name: document[name] for name in _KEPT_OF_THE_DEAD if name in document}
    tombstone |= {
        "kind": f"deleted-{document['kind']}",
        "version": 2,
        "ttl": TOMBSTONE_TTL_S,
        "removedBy": str(removal.command_id),
    }
    counted_by = document.get("countedBy")
    if counted_by is not None and (counted_by != summary_id(removal.region) or not has_summary):
        tombstone["uncounted"] = True
    return ("replace", (document["id"], tombstone), {"if_match_etag": document["_etag"]})


def _recounted(item_id: UUID, name: str, summary: dict[str, Any] | None, votes: int, stars: int) -> list[Any]:
    if summary is None:
        return [_created(item_id, name, votes, stars)] if votes else []
    changed = {key: value for key, value in summary.items() if not key.startswith("_")}
    changed |= {"votes": votes, "stars": stars, "version": summary["version"] + 1}
    return [("replace", (name, changed), {"if_match_etag": summary["_etag"]})]


def _no_longer_waiting(tombstone_id: str) -> Any:
    # Version 3: in whatever order the regions see the two, this is the later state of the tombstone.
    operations = [{"op": "remove", "path": "/uncounted"}, {"op": "set", "path": "/version", "value": 3}]
    return ("patch", (tombstone_id, operations), {})


def entry_document(entry: Entry) -> dict[str, Any]:
    """A comment or rating as stored; version 1 lives, 2 is deleted and wins every conflict, 3 is recounted."""
    document: dict[str, Any] = {
        "id": str(entry.entry_id),
        "itemId": str(entry.item_id),
        "creationDate": iso(entry.written_by.enqueued),
        "digest": entry.digest,
        "version": 1,
        **stamp_members(entry.written_by),
    }
    if isinstance(entry, StoredComment):
        document |= {"kind": "comment", "authorName": entry.author_name, "text": entry.text}
    else:
        document |= {"kind": "rating", "rating": entry.stars}
        if entry.counted_by is not None:
            document["countedBy"] = entry.counted_by
    if entry.test_data:
        document |= {"testData": True, "ttl": TEST_DATA_TTL_S}
    return document


def comment_of(document: dict[str, Any]) -> StoredComment:
    """The comment in a document."""
    return StoredComment(
        comment_id=UUID(document["id"]),
        item_id=UUID(document["itemId"]),
        author_name=document["authorName"],
        text=document["text"],
        digest=document["digest"],
        written_by=stamp_of(document),
        test_data=document.get("testData", False),
    )


def rating_of(document: dict[str, Any]) -> StoredRating:
    """The rating in a document."""
    return StoredRating(
        rating_id=UUID(document["id"]),
        item_id=UUID(document["itemId"]),
        stars=int(document["rating"]),
        digest=document["digest"],
        written_by=stamp_of(document),
        test_data=document.get("testData", False),
        counted_by=document.get("countedBy"),
    )
