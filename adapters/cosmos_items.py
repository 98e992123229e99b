"""Items, their tombstones and the markers of their commands, in container `items`."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from azure.cosmos.exceptions import CosmosBatchOperationError

from adapters.cosmos import Container
from domain.errors import ItemChanged, StoreUnavailable
from domain.ordering import EventStamp
from domain.ports import AlreadyApplied, ItemsAfter
from domain.records import Marker, StoredItem
from domain.times import from_iso, iso

# Broker retention (7 days) and a margin: a tombstone and a marker must outlive every replay.
TOMBSTONE_TTL_S = 8 * 24 * 3600

_PAGE = (
    "c.id, c.itemId, c.kind, c.name, c.price, c.image, c.version, "
    "c.hub, c.partition, c.sequence, c.enqueued, c.createdBy"
)


class CosmosItemStore:
    """Fulfils ItemStore."""

    def __init__(self, container: Container) -> None:
        self._container = container

    async def find(self, item_id: UUID) -> StoredItem | None:
        """See ItemStore."""
        document = await self._container.read(str(item_id), str(item_id))
        return None if document is None else item_of(document)

    async def find_marker(self, item_id: UUID, command_id: UUID) -> Marker | None:
        """See ItemStore."""
        document = await self._container.read(marker_id(command_id), str(item_id))
        return None if document is None else Marker(command_id, document["digest"])

    async def page(self, after: ItemsAfter | None, limit: int) -> list[StoredItem]:
        """See ItemStore."""
        place = "" if after is None else "AND (c.name > @name OR (c.name = @name AND c.id > @id))"
        parameters = {} if after is None else {"name": await self._full_name(after), "id": str(after.item_id)}
        rows = await self._container.query(
            f"SELECT TOP {limit:d} {_PAGE} FROM c WHERE c.kind = 'item' {place} ORDER BY c.name, c.id", **parameters
        )
        return [item_of(row) for row in rows]

    async def deleted_before(self, moment: datetime, after: UUID | None, limit: int) -> list[StoredItem]:
        """See ItemStore."""
        rows = await self._container.query(
            f"SELECT TOP {limit:d} * FROM c WHERE c.kind = 'deleted-item' AND c.enqueued < @moment AND c.id > @after "
            "ORDER BY c.id",
            moment=iso(moment),
            after="" if after is None else str(after),
        )
        return [item_of(row) for row in rows]

    async def commit(self, item: StoredItem, marker: Marker) -> None:
        """See ItemStore."""
        document = document_of(item)
        write = (
            ("create", (document,), {})
            if item.etag is None
            else ("replace", (document["id"], document), {"if_match_etag": item.etag})
        )
        operations = [("create", (marker_document(item.item_id, marker),), {}), write]
        if await self._commit(item.item_id, operations):
            return
        stored = await self.find_marker(item.item_id, marker.command_id)
        if stored is None:
            raise StoreUnavailable("A command's marker was there and is not readable.")
        raise AlreadyApplied(stored)

    async def _commit(self, item_id: UUID, operations: list[Any]) -> bool:
        """Run the transaction; False when the marker exists (which the caller reads after giving our place back)."""
        async with self._container.call() as proxy:
            try:
                await proxy.execute_item_batch(operations, partition_key=str(item_id))
            except CosmosBatchOperationError as error:
                if error.error_index == 0 and error.status_code == 409:
                    return False
                if error.error_index == 1 and error.status_code in {404, 409, 412}:
                    raise ItemChanged("The item was changed by another writer.") from error
                raise
        return True

    async def _full_name(self, after: ItemsAfter) -> str:
        """The name at which the page before ended; a cursor holds only the beginning of a very long one."""
        if not after.name_is_cut:
            return after.name
        item = await self.find(after.item_id)
        # Renamed meanwhile: going on from the name's beginning may repeat an item, and skips none.
        return item.name if item is not None and item.name.startswith(after.name) else after.name


def marker_id(command_id: UUID) -> str:
    """The document id of a command's marker; `command:` cannot begin an item's id, which is a UUID."""
    return f"command:{command_id}"


def marker_document(item_id: UUID, marker: Marker) -> dict[str, Any]:
    """A marker as stored, in either container."""
    return {
        "id": marker_id(marker.command_id),
        "itemId": str(item_id),
        "kind": "command",
        "digest": marker.digest,
        "version": 1,
        "ttl": TOMBSTONE_TTL_S,
    }


def stamp_members(stamp: EventStamp) -> dict[str, Any]:
    """The event that wrote a document, as its members."""
    return {
        "hub": stamp.hub,
        "partition": stamp.partition,
        "sequence": stamp.sequence,
        "enqueued": iso(stamp.enqueued),
    }


def stamp_of(document: dict[str, Any]) -> EventStamp:
    """The event that wrote a document."""
    return EventStamp(
        hub=document["hub"],
        partition=document["partition"],
        sequence=document["sequence"],
        enqueued=from_iso(document["enqueued"]),
    )


def document_of(item: StoredItem) -> dict[str, Any]:
    """An item or tombstone as stored."""
    document: dict[str, Any] = {
        "id": str(item.item_id),
        "itemId": str(item.item_id),
        "kind": "deleted-item" if item.deleted else "item",
        "name": item.name,
        "description": item.description,
        # A double holds 15 digits exactly, our prices have at most 12: `str` of it gives the price back.
        "price": float(item.price),
        "version": item.version,
        **stamp_members(item.written_by),
        "createdBy": stamp_members(item.created_by),
    }
    if item.image is not None:
        document["image"] = item.image
    if item.deleted:
        document["ttl"] = TOMBSTONE_TTL_S
    return document


def item_of(document: dict[str, Any]) -> StoredItem:
    """The item or tombstone in a document; in a list's row the description is empty."""
    return StoredItem(
        item_id=UUID(document["id"]),
        name=document["name"],
        description=document.get("description", ""),
        price=Decimal(str(document["price"])).quantize(Decimal("0.01")),
        image=document.get("image"),
        version=int(document["version"]),
        written_by=stamp_of(document),
        created_by=stamp_of(document["createdBy"]),
        deleted=document["kind"] == "deleted-item",
        etag=document.get("_etag"),
    )
