"""Valid by default: a test says only what matters to it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from domain.commands import (
    AddComment,
    AddRating,
    Command,
    DeleteComment,
    DeleteItem,
    DeleteRating,
    Precondition,
    PutItem,
    UpdateItem,
)
from domain.identity import digest_of
from domain.ordering import EventStamp
from domain.records import Delivery, StoredComment, StoredItem, StoredRating

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HUB = "evhns-we.servicebus.windows.net/commands"
OTHER_HUB = "evhns-ne.servicebus.windows.net/commands"


def a_stamp(sequence: int = 1, *, hub: str = HUB, at_s: float | None = None) -> EventStamp:
    """Event number `sequence` of a hub, one second after the one before it."""
    return EventStamp(hub, "0", sequence, NOON + timedelta(seconds=sequence if at_s is None else at_s))


def an_item(item_id: UUID | None = None, **changes: Any) -> StoredItem:
    values: dict[str, Any] = {
        "item_id": item_id or uuid4(),
        "name": "Metropolis",
        "description": "A city of the future.",
        "price": Decimal("19.90"),
        "version": 1,
        "written_by": a_stamp(),
        "created_by": a_stamp(0),
    }
    return StoredItem(**(values | changes))


def a_put_item(item_id: UUID | None = None, **changes: Any) -> PutItem:
    values: dict[str, Any] = {"name": "Metropolis", "description": "A city.", "price": Decimal("19.90")} | changes
    command_id = values.pop("command_id", uuid4())
    return PutItem(command_id=command_id, item_id=item_id or uuid4(), digest=digest_of(values), **values)


def an_update_item(item_id: UUID, *, versions: tuple[int, ...] | None = None, **changes: Any) -> UpdateItem:
    values = changes or {"name": "Metropolis (1927)"}
    return UpdateItem(
        command_id=uuid4(),
        item_id=item_id,
        digest=digest_of(values),
        if_match=None if versions is None else Precondition(versions=versions),
        **values,
    )


def a_delete_item(item_id: UUID) -> DeleteItem:
    return DeleteItem(command_id=uuid4(), item_id=item_id, digest=digest_of({}))


def an_add_comment(item_id: UUID | None = None, **changes: Any) -> AddComment:
    values: dict[str, Any] = {"author_name": "Ada", "text": "Splendid."} | changes
    command_id = values.pop("command_id", uuid4())
    return AddComment(command_id=command_id, item_id=item_id or uuid4(), digest=digest_of(values), **values)


def an_add_rating(item_id: UUID | None = None, *, stars: int = 4, **changes: Any) -> AddRating:
    command_id = changes.pop("command_id", uuid4())
    digest = digest_of({"rating": stars})
    return AddRating(command_id=command_id, item_id=item_id or uuid4(), digest=digest, rating=stars, **changes)


def a_delete_comment(item_id: UUID, comment_id: UUID) -> DeleteComment:
    return DeleteComment(command_id=uuid4(), item_id=item_id, digest=digest_of({}), entry_id=comment_id)


def a_delete_rating(item_id: UUID, rating_id: UUID) -> DeleteRating:
    return DeleteRating(command_id=uuid4(), item_id=item_id, digest=digest_of({}), entry_id=rating_id)


def a_comment(item_id: UUID | None = None, *, sequence: int = 1, **changes: Any) -> StoredComment:
    values: dict[str, Any] = {
        "comment_id": uuid4(),
        "item_id": item_id or uuid4(),
        "author_name": "Ada",
        "text": "Splendid.",
        "digest": digest_of({"sequence": sequence}),
        "written_by": a_stamp(sequence),
    }
    return StoredComment(**(values | changes))


def a_rating(item_id: UUID | None = None, *, stars: int = 4, **changes: Any) -> StoredRating:
    values: dict[str, Any] = {
        "rating_id": uuid4(),
        "item_id": item_id or uuid4(),
        "stars": stars,
        "digest": digest_of({"rating": stars}),
        "written_by": a_stamp(),
        "counted_by": "summary:West Europe",
    }
    return StoredRating(**(values | changes))


def a_delivery(command: Command | bytes, sequence: int = 1, *, hub: str = HUB, at_s: float | None = None) -> Delivery:
    body = command if isinstance(command, bytes) else command.to_bytes()
    return Delivery(body=body, stamp=a_stamp(sequence, hub=hub, at_s=at_s), properties={"kind": "test"})
