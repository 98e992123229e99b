"""What the catalogue needs of the outside. Each port has one contract suite, which every adapter and fake passes."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.backlog import Checkpoint
from domain.commands import Command
from domain.errors import PermanentError, TransientError
from domain.ordering import EventStamp
from domain.records import (
    DeadLetter,
    Entry,
    EntryState,
    Failure,
    Marker,
    Removal,
    StoredComment,
    StoredItem,
    StoredRating,
    Totals,
)


class CommandQueue(Protocol):
    """The way from the API to the processor. Contract: tests/contracts/test_command_queue.py."""

    async def send(self, command: Command, properties: dict[str, str]) -> None:
        """Return once the broker has stored the command; commands of one item keep the order of their calls.

        Raises:
            EventTooLarge: this command alone is more than the broker takes; the others of its batch are not harmed.
            QueueUnavailable: not acknowledged in time. It may still be stored, so a caller retries with the same id.
        """


class AlreadyApplied(Exception):
    """The command's marker is stored: an earlier delivery took effect."""

    def __init__(self, marker: Marker) -> None:
        super().__init__(str(marker.command_id))
        self.marker = marker


class EntriesExist(Exception):
    """Some of the entries are stored already; nothing of the call was stored."""


@dataclass(frozen=True)
class ItemsAfter:
    """A place in the list of items by name, then id."""

    name: str
    item_id: UUID
    name_is_cut: bool = False
    """The name was too long for a cursor: this is its beginning, and the item knows the rest."""


@dataclass(frozen=True)
class CommentsAfter:
    """A place in an item's comments, newest first."""

    creation_date: str
    comment_id: UUID


class ItemStore(Protocol):
    """Where items live. Contract: tests/contracts/test_item_store.py. Every method may raise StoreUnavailable."""

    async def find(self, item_id: UUID) -> StoredItem | None:
        """The item or its tombstone."""

    async def find_marker(self, item_id: UUID, command_id: UUID) -> Marker | None:
        """The proof that the command took effect."""

    async def page(self, after: ItemsAfter | None, limit: int) -> list[StoredItem]:
        """Up to `limit` live items in the order of name (code points), then id; descriptions may be empty."""

    async def deleted_before(self, moment: datetime, after: UUID | None, limit: int) -> list[StoredItem]:
        """Up to `limit` tombstones of items whose delete was enqueued before a moment, in the order of their ids."""

    async def commit(self, item: StoredItem, marker: Marker) -> None:
        """Store item and marker in one transaction, if the stored item is still the one with `item.etag` (None: none).

        Raises:
            AlreadyApplied: the marker is stored, with whatever digest; nothing was changed.
            ItemChanged: another write came between; nothing was changed.
        """


class ActivityStore(Protocol):
    """Where comments, ratings and totals live. Contract: tests/contracts/test_activity_store.py.

    Every method may raise StoreUnavailable.
    """

    async def add(self, item_id: UUID, entries: Sequence[Entry]) -> None:
        """Store new entries of one item, and count its ratings in the summaries they name, in one transaction.

        At most `MAX_ENTRIES` entries. Test data expires 30 s after it was stored and is never stored twice.

        Raises:
            EntriesExist: at least one of them is stored already (or was, as test data); nothing was changed.
        """

    async def stored_digests(self, item_id: UUID, entry_ids: Sequence[UUID]) -> dict[UUID, str]:
        """The digests of those entries that were ever stored, deleted or expired ones included."""

    async def find_comment(self, item_id: UUID, comment_id: UUID) -> StoredComment | None:
        """One live comment."""

    async def find_rating(self, item_id: UUID, rating_id: UUID) -> StoredRating | None:
        """One live rating."""

    async def comments(self, item_id: UUID, after: CommentsAfter | None, limit: int) -> list[StoredComment]:
        """Up to `limit` live comments, newest first; the id decides between equal times."""

    async def totals(self, item_id: UUID) -> Totals:
        """Votes and stars over every region's summary."""

    async def state_of(self, item_id: UUID, entry_id: UUID) -> EntryState | None:
        """Whether a comment or rating lives, or which command deleted it; None when neither is known."""

    async def remove(self, item_id: UUID, entry_ids: Sequence[UUID], removal: Removal) -> None:
        """Turn live entries into tombstones, in one transaction; those that are gone already are left out.

        Ratings that this region's summary counted are subtracted in the same transaction. Those that another region's
        summary counted wait for that region's `recount`. At most `MAX_REMOVED` entries.

        Raises:
            ItemChanged: others changed the same entries at every attempt; nothing was changed by this one.
        """

    async def live_before(self, item_id: UUID, stamp: EventStamp, limit: int) -> list[UUID]:
        """Up to `limit` live entries that are older than an event: by sequence in its hub, by time from another."""

    async def to_recount(self, region: str, limit: int) -> list[UUID]:
        """Items of which another region deleted ratings that this region's summary still counts."""

    async def counted_items(self, region: str, after: UUID | None, limit: int) -> list[UUID]:
        """Items that this region's summaries count, in the order of their ids; for the nightly sweep."""

    async def recount(self, item_id: UUID, region: str) -> bool:
        """Set this region's summary to the live ratings that name it; True when it was wrong.

        Raises:
            ItemChanged: ratings arrived at every attempt.
        """


# One operation of the batch is the summary's.
MAX_REMOVED = 99
# A transactional batch takes 100 operations: the entries, a marker for each of test data, and the summary.
MAX_ENTRIES = 49


class ImageStore(Protocol):
    """Where images of items live. Contract: tests/contracts/test_image_store.py.

    Every method may raise StoreUnavailable.
    """

    async def stage(self, digest: str, content: bytes, content_type: str) -> None:
        """Keep an image under the name of its bytes until its command is processed; again, its time begins anew."""

    async def publish(self, item_id: UUID, digest: str, version: int) -> None:
        """Serve the staged image as the item's, unless one of this version of the item or a newer is served.

        Raises:
            ItemChanged: others published at every attempt.
        """

    async def withdraw(self, item_id: UUID, version: int) -> None:
        """Serve no image for the item, unless one of this version or a newer is served; raises like `publish`."""


class Outcomes(Protocol):
    """Where failed writes are remembered for who polls them. Contract: tests/contracts/test_outcomes.py."""

    async def record(self, failure: Failure) -> None:
        """Remember it for seven days; recording it again changes nothing. May raise StoreUnavailable."""

    async def find(self, command_id: UUID, digest: str) -> Failure | None:
        """The failure of exactly this request. May raise StoreUnavailable."""


class DeadLetters(Protocol):
    """Where events that cannot succeed are parked. Contract: tests/contracts/test_dead_letters.py."""

    async def park(self, letter: DeadLetter) -> None:
        """Store the letter under its event's own name; parking a redelivery again changes nothing.

        Raises:
            DeadLettersUnavailable: not stored.
        """


@dataclass(frozen=True)
class LetterLine:
    """One letter in the list of letters."""

    name: str
    reason: str
    hub: str
    """`{namespace}/{hub}`."""
    partition: str
    sequence: int
    parked_at: datetime
    size: int
    """Bytes of the event's body."""


@dataclass(frozen=True)
class ParkedLetter:
    """A letter as it lies in the box."""

    name: str
    letter: DeadLetter
    tag: str
    """The store's own tag of exactly this write."""


class UnknownLetter(PermanentError):
    """There is no letter of this name."""

    reason = "unknown-letter"


class UnreadableLetter(PermanentError):
    """What lies under this name is no letter of ours."""

    reason = "unreadable-letter"


class LetterChanged(PermanentError):
    """What lies under this name now is not what was read."""

    reason = "letter-changed"


class LetterBox(Protocol):
    """The parked events, for operators. Contract: tests/contracts/test_letter_box.py.

    Every method may raise DeadLettersUnavailable.
    """

    def lines(self, beginning: str = "", *, at_most: int | None = None) -> AsyncIterator[LetterLine]:
        """The letters whose names begin so, in the order of their names: by hub, partition, sequence number.

        With `at_most` not more than so many, for one request.
        """

    async def read(self, name: str) -> ParkedLetter:
        """One letter.

        Raises:
            UnknownLetter: there is none of this name.
            UnreadableLetter: it is no letter of ours.
        """

    async def remove(self, letter: ParkedLetter) -> None:
        """Take this letter out of the box; one that is gone already is fine.

        Raises:
            LetterChanged: under its name lies another one by now.
        """


class ReplayQueue(Protocol):
    """The way back into the hub for parked events. Contract: tests/contracts/test_command_queue.py."""

    async def send_raw(self, place: UUID | str, body: bytes, properties: dict[str, str]) -> None:
        """Return once the broker has stored these very bytes with exactly these properties.

        An item's id goes to the item's partition, behind what was sent there before; a text is a partition's own id (in
        a hub of fewer partitions another one takes its place).

        Raises:
            EventTooLarge, QueueUnavailable: as CommandQueue.send.
        """


@dataclass(frozen=True)
class Ownership:
    """Who reads a partition."""

    partition: str
    owner: str
    """Empty where it was given up."""
    renewed: datetime
    tag: str
    """The store's own tag of exactly this write."""


class CheckpointChanged(PermanentError):
    """The processor wrote the checkpoint again since it was read."""

    reason = "checkpoint-changed"


class OwnershipChanged(TransientError):
    """The owner renewed, or another took the partition, since the ownership was read; reading again helps."""


class CheckpointBox(Protocol):
    """The processor's checkpoints, for operators. Contract: tests/contracts/test_checkpoint_box.py.

    Every method may raise StoreUnavailable.
    """

    async def checkpoints(self) -> dict[str, Checkpoint]:
        """By partition; those that have none, or an unreadable one, are absent."""

    async def remove(self, partition: str, checkpoint: Checkpoint) -> None:
        """Remove this checkpoint; one that is gone already is fine.

        Raises:
            CheckpointChanged: it was written again since.
        """

    async def ownership(self, partition: str) -> Ownership | None:
        """Who reads the partition, or did last; None when nobody ever has."""

    async def own(self, current: Ownership, owner: str) -> Ownership:
        """Become the owner in place of this one, as hosts do among themselves; an empty name gives the partition up.

        Raises:
            OwnershipChanged: `current` is not what is stored.
        """
