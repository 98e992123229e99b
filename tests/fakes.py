"""In-memory fakes of our own ports; each passes its port's contract suite, as the real adapters do."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.commands import Command
from domain.errors import DeadLettersUnavailable, ItemChanged, QueueUnavailable, StoreUnavailable, TransientError
from domain.ordering import EventStamp
from domain.ports import (
    ActivityStore,
    AlreadyApplied,
    CommentsAfter,
    DeadLetters,
    EntriesExist,
    ItemsAfter,
    ItemStore,
    LetterChanged,
    LetterLine,
    Outcomes,
    ParkedLetter,
    UnknownLetter,
)
from domain.processing import Processor
from domain.records import (
    DeadLetter,
    Delivery,
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
from domain.times import iso
from tests.builders import NOON

TEST_DATA_TTL_S = 30.0


class Outage:
    """Makes a fake fail: the next `failures` calls raise, before or after they took effect."""

    def __init__(self) -> None:
        self.failures = 0
        self.after_effect = False

    def strike(self, error: Callable[[str], TransientError] = StoreUnavailable) -> None:
        """Raise if a failure is due."""
        if self.failures > 0:
            self.failures -= 1
            raise error("switched off by the test")


@dataclass
class InMemoryItemStore:
    """Fulfils ItemStore."""

    stored: dict[UUID, StoredItem] = field(default_factory=dict)
    markers: dict[tuple[UUID, UUID], Marker] = field(default_factory=dict)
    outage: Outage = field(default_factory=Outage)
    writes: int = 0

    async def find(self, item_id: UUID) -> StoredItem | None:
        self.outage.strike()
        return self.stored.get(item_id)

    async def find_marker(self, item_id: UUID, command_id: UUID) -> Marker | None:
        self.outage.strike()
        return self.markers.get((item_id, command_id))

    async def page(self, after: ItemsAfter | None, limit: int) -> list[StoredItem]:
        self.outage.strike()
        live = sorted((i for i in self.stored.values() if not i.deleted), key=lambda i: (i.name, str(i.item_id)))
        if after is not None:
            name = after.name
            item = self.stored.get(after.item_id) if after.name_is_cut else None
            if item is not None and item.name.startswith(name):
                name = item.name
            live = [i for i in live if (i.name, str(i.item_id)) > (name, str(after.item_id))]
        return live[:limit]

    async def deleted_before(self, moment: datetime, after: UUID | None, limit: int) -> list[StoredItem]:
        self.outage.strike()
        found = [one for one in self.stored.values() if one.deleted and one.written_by.enqueued < moment]
        found = [one for one in found if after is None or str(one.item_id) > str(after)]
        return sorted(found, key=lambda one: str(one.item_id))[:limit]

    async def commit(self, item: StoredItem, marker: Marker) -> None:
        if not self.outage.after_effect:
            self.outage.strike()
        key = (item.item_id, marker.command_id)
        if key in self.markers:
            raise AlreadyApplied(self.markers[key])
        current = self.stored.get(item.item_id)
        if (current.etag if current else None) != item.etag:
            raise ItemChanged("changed")
        self.writes += 1
        self.markers[key] = marker
        self.stored[item.item_id] = replace(item, etag=f'"{self.writes}"')
        if self.outage.after_effect:
            self.outage.strike()


@dataclass
class InMemoryActivityStore:
    """Fulfils ActivityStore."""

    entries: dict[UUID, Entry] = field(default_factory=dict)
    summaries: dict[tuple[UUID, str], Totals] = field(default_factory=dict)
    digests: dict[tuple[UUID, UUID], str] = field(default_factory=dict)
    outage: Outage = field(default_factory=Outage)
    removed: dict[UUID, UUID] = field(default_factory=dict)
    uncounted: set[UUID] = field(default_factory=set)
    now_s: float = 0.0
    expires_s: dict[UUID, float] = field(default_factory=dict)

    async def add(self, item_id: UUID, entries: Sequence[Entry]) -> None:
        if not self.outage.after_effect:
            self.outage.strike()
        if any((item_id, entry.entry_id) in self.digests for entry in entries):
            raise EntriesExist
        for entry in entries:
            self.entries[entry.entry_id] = entry
            self.digests[item_id, entry.entry_id] = entry.digest
            if entry.test_data:
                self.expires_s[entry.entry_id] = self.now_s + TEST_DATA_TTL_S
            if isinstance(entry, StoredRating) and entry.counted_by is not None:
                key = (item_id, entry.counted_by)
                before = self.summaries.get(key, Totals())
                self.summaries[key] = Totals(before.votes + 1, before.stars + entry.stars)
        if self.outage.after_effect:
            self.outage.strike()

    async def stored_digests(self, item_id: UUID, entry_ids: Sequence[UUID]) -> dict[UUID, str]:
        self.outage.strike()
        return {one: self.digests[item_id, one] for one in entry_ids if (item_id, one) in self.digests}

    async def find_comment(self, item_id: UUID, comment_id: UUID) -> StoredComment | None:
        self.outage.strike()
        entry = self._live(item_id, comment_id)
        return entry if isinstance(entry, StoredComment) else None

    async def find_rating(self, item_id: UUID, rating_id: UUID) -> StoredRating | None:
        self.outage.strike()
        entry = self._live(item_id, rating_id)
        return entry if isinstance(entry, StoredRating) else None

    async def comments(self, item_id: UUID, after: CommentsAfter | None, limit: int) -> list[StoredComment]:
        self.outage.strike()

        def place(comment: StoredComment) -> tuple[str, str]:
            return iso(comment.written_by.enqueued), str(comment.comment_id)

        found = [
            entry
            for entry in self.entries.values()
            if isinstance(entry, StoredComment) and self._live(item_id, entry.comment_id) is not None
        ]
        if after is not None:
            found = [one for one in found if place(one) < (after.creation_date, str(after.comment_id))]
        return sorted(found, key=place, reverse=True)[:limit]

    async def totals(self, item_id: UUID) -> Totals:
        self.outage.strike()
        ours = [totals for (item, _), totals in self.summaries.items() if item == item_id]
        return Totals(sum(one.votes for one in ours), sum(one.stars for one in ours))

    async def state_of(self, item_id: UUID, entry_id: UUID) -> EntryState | None:
        self.outage.strike()
        entry = self.entries.get(entry_id)
        if entry is None or entry.item_id != item_id:
            return None
        kind = EntryKind.COMMENT if isinstance(entry, StoredComment) else EntryKind.RATING
        return EntryState(kind, entry.digest, self.removed.get(entry_id))

    async def remove(self, item_id: UUID, entry_ids: Sequence[UUID], removal: Removal) -> None:
        if not self.outage.after_effect:
            self.outage.strike()
        for entry_id in entry_ids:
            entry = self._live(item_id, entry_id)
            if entry is None:
                continue
            self.removed[entry_id] = removal.command_id
            if isinstance(entry, StoredRating) and entry.counted_by is not None:
                key = (item_id, entry.counted_by)
                if entry.counted_by == summary_id(removal.region) and key in self.summaries:
                    before = self.summaries[key]
                    self.summaries[key] = Totals(before.votes - 1, before.stars - entry.stars)
                else:
                    self.uncounted.add(entry_id)
        if self.outage.after_effect:
            self.outage.strike()

    async def live_before(self, item_id: UUID, stamp: EventStamp, limit: int) -> list[UUID]:
        self.outage.strike()
        live = [entry for entry in self.entries.values() if self._live(item_id, entry.entry_id)]
        return [entry.entry_id for entry in live if is_older(entry.written_by, stamp)][:limit]

    async def to_recount(self, region: str, limit: int) -> list[UUID]:
        self.outage.strike()
        waiting = [self.entries[entry_id] for entry_id in self.uncounted]
        ours = {one.item_id for one in waiting if getattr(one, "counted_by", None) == summary_id(region)}
        return sorted(ours)[:limit]

    async def counted_items(self, region: str, after: UUID | None, limit: int) -> list[UUID]:
        self.outage.strike()
        items = sorted(item for item, summary in self.summaries if summary == summary_id(region))
        return [item for item in items if after is None or item > after][:limit]

    async def recount(self, item_id: UUID, region: str) -> bool:
        self.outage.strike()
        name = summary_id(region)
        ours = [
            one
            for one in self.entries.values()
            if isinstance(one, StoredRating) and one.item_id == item_id and one.counted_by == name
        ]
        live = [one for one in ours if self._live(item_id, one.rating_id)]
        self.uncounted -= {one.rating_id for one in ours}
        was = self.summaries.get((item_id, name), Totals())
        now = Totals(len(live), sum(one.stars for one in live))
        if was != now:
            self.summaries[item_id, name] = now
        return was != now

    def _live(self, item_id: UUID, entry_id: UUID) -> Entry | None:
        entry = self.entries.get(entry_id)
        if (
            entry_id in self.removed
            or entry is None
            or entry.item_id != item_id
            or self.expires_s.get(entry_id, self.now_s + 1) <= self.now_s
        ):
            return None
        return entry


@dataclass
class InMemoryOutcomes:
    """Fulfils Outcomes."""

    failures: dict[tuple[UUID, str], Failure] = field(default_factory=dict)
    outage: Outage = field(default_factory=Outage)

    async def record(self, failure: Failure) -> None:
        self.outage.strike()
        self.failures[failure.command_id, failure.digest] = failure

    async def find(self, command_id: UUID, digest: str) -> Failure | None:
        self.outage.strike()
        return self.failures.get((command_id, digest))


@dataclass
class InMemoryDeadLetters:
    """Fulfils DeadLetters."""

    letters: dict[tuple[str, str, int, bytes], DeadLetter] = field(default_factory=dict)
    outage: Outage = field(default_factory=Outage)

    async def park(self, letter: DeadLetter) -> None:
        self.outage.strike()
        stamp = letter.delivery.stamp
        self.letters.setdefault((stamp.hub, stamp.partition, stamp.sequence, letter.delivery.body), letter)

    @property
    def reasons(self) -> list[str]:
        return [letter.reason for letter in self.letters.values()]


@dataclass
class InMemoryHeartbeats:
    """Fulfils Heartbeats."""

    times: dict[str, datetime] = field(default_factory=dict)
    outage: Outage = field(default_factory=Outage)

    async def beat(self, stamp: EventStamp) -> None:
        self.outage.strike()
        self.times[stamp.partition] = stamp.enqueued

    async def latest(self) -> dict[str, datetime]:
        self.outage.strike()
        return dict(self.times)


@dataclass
class InMemoryImageStore:
    """Fulfils ImageStore."""

    staged: dict[str, bytes] = field(default_factory=dict)
    published: dict[UUID, tuple[int, str | None]] = field(default_factory=dict)
    outage: Outage = field(default_factory=Outage)

    async def stage(self, digest: str, content: bytes, content_type: str) -> None:
        self.outage.strike()
        self.staged[digest] = content

    async def publish(self, item_id: UUID, digest: str, version: int) -> None:
        self.outage.strike()
        if self.published.get(item_id, (0, None))[0] < version:
            self.published[item_id] = (version, digest)

    async def withdraw(self, item_id: UUID, version: int) -> None:
        self.outage.strike()
        if item_id in self.published and self.published[item_id][0] < version:
            del self.published[item_id]


@dataclass
class InMemoryCommandQueue:
    """Fulfils CommandQueue."""

    sent: list[tuple[Command, dict[str, str]]] = field(default_factory=list)
    outage: Outage = field(default_factory=Outage)
    error: Callable[[str], TransientError] = StoreUnavailable

    async def send(self, command: Command, properties: dict[str, str]) -> None:
        self.outage.strike(self.error)
        self.sent.append((command, properties))


@dataclass
class InMemoryLetterBox:
    """Fulfils LetterBox, over the letters that InMemoryDeadLetters parked."""

    parked: InMemoryDeadLetters = field(default_factory=InMemoryDeadLetters)

    async def lines(self, beginning: str = "", *, at_most: int | None = None) -> AsyncIterator[LetterLine]:
        self.parked.outage.strike(DeadLettersUnavailable)
        listed = [(name, letter) for name, letter in sorted(self._by_name().items()) if name.startswith(beginning)]
        for name, letter in listed[:at_most]:
            stamp = letter.delivery.stamp
            yield LetterLine(
                name=name,
                reason=letter.reason,
                hub=stamp.hub,
                partition=stamp.partition,
                sequence=stamp.sequence,
                parked_at=letter.parked_at,
                size=len(letter.delivery.body),
            )

    async def read(self, name: str) -> ParkedLetter:
        self.parked.outage.strike(DeadLettersUnavailable)
        letter = self._by_name().get(name)
        if letter is None:
            raise UnknownLetter(name)
        return ParkedLetter(name, letter, _tag(letter))

    async def remove(self, letter: ParkedLetter) -> None:
        self.parked.outage.strike(DeadLettersUnavailable)
        for key, stored in list(self.parked.letters.items()):
            if letter_name(stored.delivery) == letter.name:
                if _tag(stored) != letter.tag:
                    raise LetterChanged(letter.name)
                del self.parked.letters[key]

    def _by_name(self) -> dict[str, DeadLetter]:
        return {letter_name(letter.delivery): letter for letter in self.parked.letters.values()}


def letter_name(delivery: Delivery) -> str:
    stamp = delivery.stamp
    digest = hashlib.sha256(delivery.body).hexdigest()[:16]
    return f"{stamp.hub}/{stamp.partition}/{stamp.sequence:020d}-{digest}"


def _tag(letter: DeadLetter) -> str:
    return str(id(letter))


@dataclass
class InMemoryReplayQueue:
    """Fulfils ReplayQueue."""

    sent: list[tuple[UUID | str, bytes, dict[str, str]]] = field(default_factory=list)
    outage: Outage = field(default_factory=Outage)

    async def send_raw(self, place: UUID | str, body: bytes, properties: dict[str, str]) -> None:
        self.outage.strike(QueueUnavailable)
        self.sent.append((place, body, properties))


def a_processor(
    items: ItemStore, activity: ActivityStore, outcomes: Outcomes, dead_letters: DeadLetters, **others: Any
) -> Processor:
    """A processor on these stores; what a test does not care about is a fake of its own."""
    values: dict[str, Any] = {
        "heartbeats": InMemoryHeartbeats(),
        "images": InMemoryImageStore(),
        "region": "West Europe",
        "now": lambda: NOON,
    }
    return Processor(items, activity, outcomes, dead_letters, **(values | others))
