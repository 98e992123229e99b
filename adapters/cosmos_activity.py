"""Comments, ratings and their regional summaries, in container `activity`."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosResourceNotFoundError

from adapters.cosmos import Container
from adapters.cosmos_items import marker_document, marker_id, stamp_members, stamp_of
from domain.errors import ItemChanged
from domain.ports import MAX_ENTRIES, CommentsAfter, EntriesExist
from domain.records import Entry, Marker, StoredComment, StoredRating, Totals
from domain.times import iso

TEST_DATA_TTL_S = 30


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

    async def _batch(self, item_id: UUID, creates: list[Any], summary: Any | None) -> bool:
        """Run one transaction; False when the summary was not as assumed (missing, or there already)."""
        operations = creates if summary is None else [*creates, summary]
        async with self._container.call() as proxy:
            try:
                await proxy.execute_item_batch(operations, partition_key=str(item_id))
            except CosmosBatchOperationError as error:
                index = error.error_index if error.error_index is not None else -1
                if 0 <= index < len(creates) and error.status_code == 409:
                    raise EntriesExist from error
                if index == len(creates) and error.status_code in {404, 409}:
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

    async def _read(self, item_id: UUID, entry_id: UUID, kind: str) -> dict[str, Any] | None:
        async with self._container.call() as proxy:
            try:
                document = dict(await proxy.read_item(str(entry_id), partition_key=str(item_id)))
            except CosmosResourceNotFoundError:
                return None
        return document if document["kind"] == kind else None


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


def entry_document(entry: Entry) -> dict[str, Any]:
    """A comment or rating as stored; version 1 lives, 2 is deleted and wins every conflict."""
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
