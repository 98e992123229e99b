"""The rules of the catalogue, pure: what a command makes of what is stored, and when it must not."""

from dataclasses import replace
from datetime import timedelta
from typing import TypeGuard, assert_never

from domain.commands import AddComment, AddRating, DeleteItem, EntryCommand, ItemCommand, PutItem, SetImage, UpdateItem
from domain.errors import PreconditionFailed, Superseded, UnknownItem
from domain.ordering import EventStamp, version_of
from domain.records import Entry, StoredComment, StoredItem, StoredRating

CLOCK_MARGIN = timedelta(minutes=1)


def is_replay(stored: StoredItem, stamp: EventStamp) -> bool:
    """Whether the stored item already knows this event, even where failover has hidden the command's marker.

    Later in neither sequence nor time: a hub made anew under its old name counts from 0 again, at a later time.
    """
    by = stored.written_by
    if stamp.is_sent_again:  # by design its time is older than what may have come meanwhile: only itself is itself
        return by == stamp
    return by.hub == stamp.hub and stamp.sequence <= by.sequence and stamp.enqueued <= by.enqueued


def item_after(command: ItemCommand, stored: StoredItem | None, stamp: EventStamp) -> StoredItem:
    """The item (or its tombstone) that the command leaves; the caller has ruled out a replay.

    Raises:
        Superseded: what is stored is newer, and came through another hub or the command is sent again by an operator.
        UnknownItem: there is no live item to change.
        PreconditionFailed: `If-Match` does not name the stored version.
    """
    condition = command.if_match if isinstance(command, UpdateItem | DeleteItem) else None
    allowed = condition is None or (_is_live(stored) and condition.allows(stored.version))
    # A client that named the newest version has seen it: its write follows, whatever the brokers' clocks say. `*` names
    # none.
    follows = condition is not None and not condition.any_version and allowed
    out_of_order = stored is not None and (stored.written_by.hub != stamp.hub or stamp.is_sent_again)
    version = version_of(stamp)
    if stored is not None and out_of_order and stored.version >= version and not follows:
        raise Superseded("A newer write of this item came first, through another region or before a replay.")
    if stored is not None and stored.version >= version:
        version = stored.version + 1
    if isinstance(command, PutItem):
        return _put(command, stored, version, stamp)
    if stored is None or stored.deleted:
        raise UnknownItem("The item is not in the catalogue.")
    if not allowed:
        raise PreconditionFailed("If-Match does not name the item's version.")
    match command:
        case UpdateItem():
            return _update(command, stored, version, stamp)
        case DeleteItem():
            return replace(stored, deleted=True, version=version, written_by=stamp)
        case SetImage():
            return replace(stored, image=command.image, version=version, written_by=stamp)
        case _:
            assert_never(command)


def _is_live(stored: StoredItem | None) -> TypeGuard[StoredItem]:
    return stored is not None and not stored.deleted


def _put(command: PutItem, stored: StoredItem | None, version: int, stamp: EventStamp) -> StoredItem:
    lives = stored is not None and not stored.deleted
    return StoredItem(
        item_id=command.item_id,
        name=command.name,
        description=command.description,
        price=command.price,
        image=stored.image if stored is not None and lives else None,
        version=version,
        written_by=stamp,
        created_by=stored.created_by if stored is not None and lives else stamp,
        etag=stored.etag if stored is not None else None,
    )


def _update(command: UpdateItem, stored: StoredItem, version: int, stamp: EventStamp) -> StoredItem:
    return replace(
        stored,
        name=stored.name if command.name is None else command.name,
        description=stored.description if command.description is None else command.description,
        price=stored.price if command.price is None else command.price,
        version=version,
        written_by=stamp,
    )


def entry_of(command: EntryCommand, stamp: EventStamp, region: str) -> Entry:
    """The comment or rating that the command asks for; its time is the broker's: a replay stores equal bytes."""
    match command:
        case AddComment():
            return StoredComment(
                comment_id=command.command_id,
                item_id=command.item_id,
                author_name=command.author_name,
                text=command.text,
                digest=command.digest,
                written_by=stamp,
                test_data=command.test_data,
            )
        case AddRating():
            return StoredRating(
                rating_id=command.command_id,
                item_id=command.item_id,
                stars=command.rating,
                digest=command.digest,
                written_by=stamp,
                test_data=command.test_data,
                counted_by=None if command.test_data else summary_id(region),
            )
        case _:
            assert_never(command)


def may_have_failed_before(stamp: EventStamp, item: StoredItem) -> bool:
    """Whether an event may be older than the item, so that an earlier delivery of it found none and failed.

    Then its recorded failure decides. Brokers' clocks are compared with a margin: the price is a look-up, not an error.
    """
    made = item.created_by
    if made.hub == stamp.hub and made.partition == stamp.partition:
        return stamp.sequence < made.sequence
    return stamp.enqueued < made.enqueued + CLOCK_MARGIN


def is_older(entry: EventStamp, stamp: EventStamp) -> bool:
    """Whether an entry was there before an event: by sequence in one hub, by the brokers' times between two."""
    if entry.hub == stamp.hub and entry.partition == stamp.partition:
        return entry.sequence < stamp.sequence
    return entry.enqueued < stamp.enqueued


def summary_id(region: str) -> str:
    """The id of the document in which one region counts an item's ratings."""
    return f"summary:{region}"
