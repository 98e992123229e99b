"""What is stored: items, the markers that prove commands, comments and ratings, totals, failures, letters."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from domain.models import CatalogItem, Comment, Rating
from domain.ordering import EventStamp
from domain.times import iso


@dataclass(frozen=True)
class StoredItem:
    """An item, or its tombstone (`deleted`), with the event that wrote it."""

    item_id: UUID
    name: str
    description: str
    price: Decimal
    version: int
    written_by: EventStamp
    created_by: EventStamp
    """The event that made the item, or brought it back after a delete; updates leave it."""
    image: str | None = None
    deleted: bool = False
    etag: str | None = field(default=None, compare=False)
    """The store's own tag of exactly this write; None until stored."""

    def as_resource(self, *, with_description: bool = True) -> CatalogItem:
        """The item as customers see it."""
        return CatalogItem(
            id=self.item_id,
            name=self.name,
            description=self.description if with_description else None,
            price=self.price,
            image_url=f"/images/{self.item_id}" if self.image else None,
            last_updated=iso(self.written_by.enqueued),
            version=self.version,
        )


@dataclass(frozen=True)
class Marker:
    """Proof that a command on an item took effect; stored in the same transaction as the effect."""

    command_id: UUID
    digest: str


@dataclass(frozen=True)
class StoredComment:
    """A comment; its id is that of the command that asked for it."""

    comment_id: UUID
    item_id: UUID
    author_name: str
    text: str
    digest: str
    written_by: EventStamp
    test_data: bool = False

    @property
    def entry_id(self) -> UUID:
        """The document's id."""
        return self.comment_id

    def as_resource(self) -> Comment:
        """The comment as customers see it."""
        return Comment(
            id=self.comment_id,
            catalog_item_id=self.item_id,
            author_name=self.author_name,
            text=self.text,
            creation_date=iso(self.written_by.enqueued),
        )


@dataclass(frozen=True)
class StoredRating:
    """A rating; its id is that of the command that asked for it."""

    rating_id: UUID
    item_id: UUID
    stars: int
    digest: str
    written_by: EventStamp
    test_data: bool = False
    counted_by: str | None = None
    """The summary document that counted it; None for test data, which never enters the totals."""

    @property
    def entry_id(self) -> UUID:
        """The document's id."""
        return self.rating_id

    def as_resource(self) -> Rating:
        """The rating as customers see it."""
        return Rating(
            id=self.rating_id,
            catalog_item_id=self.item_id,
            rating=self.stars,
            creation_date=iso(self.written_by.enqueued),
        )


Entry = StoredComment | StoredRating


class EntryKind(StrEnum):
    """What an entry of an item's activity is."""

    COMMENT = "comment"
    RATING = "rating"


@dataclass(frozen=True)
class EntryState:
    """What is known of an entry, live or deleted."""

    kind: EntryKind
    digest: str
    removed_by: UUID | None = None
    """The command that deleted it; None while it lives."""


@dataclass(frozen=True)
class Removal:
    """Who deletes entries: the command, and the region whose processor carries it out."""

    command_id: UUID
    region: str


@dataclass(frozen=True)
class Totals:
    """Votes and stars of one item, added up over every region's summary."""

    votes: int = 0
    stars: int = 0


@dataclass(frozen=True)
class Delivery:
    """One event as the broker handed it over."""

    body: bytes
    stamp: EventStamp
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeadLetter:
    """An event that cannot succeed, with the reason."""

    delivery: Delivery
    reason: str
    detail: str
    parked_at: datetime


@dataclass(frozen=True)
class Failure:
    """How an accepted write ended without taking effect."""

    command_id: UUID
    digest: str
    reason: str
