"""A parked event that an operator sends again: as if it came when it was first sent, and never past newer writes."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import uuid4

import pytest

from domain.commands import Command, Precondition, UpdateItem
from domain.ordering import EventStamp, version_of
from domain.records import DeadLetter, Delivery
from domain.replays import ORIGINAL_ENQUEUED, as_first_sent, replay_properties
from domain.times import iso
from tests.builders import (
    HUB,
    NOON,
    OTHER_HUB,
    a_delete_item,
    a_delivery,
    a_put_item,
    a_stamp,
    an_add_comment,
    an_add_rating,
    an_item,
    an_update_item,
)
from tests.fakes import (
    InMemoryActivityStore,
    InMemoryDeadLetters,
    InMemoryItemStore,
    InMemoryOutcomes,
    a_processor,
)


@dataclass
class World:
    """The processor on fakes."""

    items: InMemoryItemStore = field(default_factory=InMemoryItemStore)
    activity: InMemoryActivityStore = field(default_factory=InMemoryActivityStore)
    outcomes: InMemoryOutcomes = field(default_factory=InMemoryOutcomes)
    dead_letters: InMemoryDeadLetters = field(default_factory=InMemoryDeadLetters)

    async def apply(self, *batch: Delivery) -> None:
        processor = a_processor(self.items, self.activity, self.outcomes, self.dead_letters)
        await processor.process(batch)


@pytest.fixture
def world() -> World:
    return World()


def parked(command: Command | bytes, sequence: int = 1) -> DeadLetter:
    return DeadLetter(a_delivery(command, sequence), "unknown-item", "for the test", NOON)


def replayed(letter: DeadLetter, sequence: int, *, hub: str = HUB, at_s: float = 100_000) -> Delivery:
    """The letter as the hub delivers it once it was sent again."""
    properties = replay_properties("letter", letter)
    stamp = as_first_sent(a_stamp(sequence, hub=hub, at_s=at_s), properties)
    return Delivery(letter.delivery.body, stamp, properties)


def test_a_replay_has_the_time_and_the_version_of_the_first_event() -> None:
    first = parked(an_add_rating(), 7)

    again = replayed(first, 900)

    assert again.stamp.sequence == 900
    assert again.stamp.enqueued == first.delivery.stamp.enqueued
    assert version_of(again.stamp) == version_of(first.delivery.stamp)


def test_a_replay_of_a_replay_still_tells_of_the_first_event() -> None:
    first = parked(an_add_rating(), 7)
    second = replace(first, delivery=replayed(first, 900))

    third = replayed(second, 5000)

    assert (third.stamp.enqueued, third.stamp.first_sequence) == (first.delivery.stamp.enqueued, 7)
    assert third.properties["kind"] == "test"


@pytest.mark.parametrize(
    "changes",
    [
        {ORIGINAL_ENQUEUED: "yesterday"},
        {ORIGINAL_ENQUEUED: "2026-11-25T12:00:00"},
        {ORIGINAL_ENQUEUED: iso(NOON + timedelta(seconds=11))},
        {"original-sequence": "seven"},
        {"original-sequence": "-1"},
    ],
    ids=["no time", "no zone", "after the broker's time", "no number", "negative"],
)
def test_a_claim_that_cannot_be_is_not_believed(changes: dict[str, str]) -> None:
    stamp = a_stamp(10)
    properties = replay_properties("letter", parked(an_add_rating(), 7)) | changes

    assert as_first_sent(stamp, properties) == stamp
    assert not as_first_sent(stamp, properties).is_sent_again


def test_an_ordinary_event_keeps_its_stamp() -> None:
    assert as_first_sent(a_stamp(3), {"kind": "put-item"}) == a_stamp(3)
    assert not as_first_sent(a_stamp(3), {"kind": "put-item"}).is_sent_again


async def test_a_replay_takes_effect_with_the_first_events_time(world: World) -> None:
    comment = an_add_comment()
    letter = parked(comment, 3)
    await world.apply(a_delivery(a_put_item(comment.item_id), 5), replayed(letter, 9))

    stored = await world.activity.find_comment(comment.item_id, comment.command_id)

    assert stored is not None
    assert stored.written_by.enqueued == letter.delivery.stamp.enqueued
    assert world.dead_letters.reasons == []


async def test_a_replay_sent_twice_takes_effect_once(world: World) -> None:
    """The operator's process was killed between sending and removing the letter, and the letter was replayed again."""
    item_id = uuid4()
    rating, update = an_add_rating(item_id, stars=4), an_update_item(item_id, name="Nosferatu")
    letters = [parked(update, 4), parked(rating, 5)]
    await world.apply(a_delivery(a_put_item(item_id), 1))

    await world.apply(*(replayed(letter, sequence) for sequence, letter in enumerate(letters, 10)))
    await world.apply(*(replayed(letter, sequence) for sequence, letter in enumerate(letters, 20)))

    item = await world.items.find(item_id)
    assert item is not None
    assert (item.name, item.version) == ("Nosferatu", version_of(letters[0].delivery.stamp))
    assert (await world.activity.totals(item_id)).votes == 1
    assert world.dead_letters.reasons == []


async def test_a_redelivered_replay_changes_nothing(world: World) -> None:
    item_id = uuid4()
    again = replayed(parked(a_put_item(item_id, name="Nosferatu"), 4), 10)

    await world.apply(again)
    await world.apply(again)

    assert world.items.writes == 1
    assert world.dead_letters.reasons == []


async def test_a_replay_does_not_overwrite_a_newer_write_of_the_same_hub(world: World) -> None:
    item_id = uuid4()
    letter = parked(an_update_item(item_id, name="Older"), 2)
    await world.apply(a_delivery(a_put_item(item_id, name="Newer"), 6), replayed(letter, 50))

    item = await world.items.find(item_id)

    assert item is not None
    assert item.name == "Newer"
    assert world.dead_letters.reasons == ["superseded"]


async def test_a_replayed_star_does_not_overwrite_a_newer_write(world: World) -> None:
    """`If-Match: *` asked for whatever was newest then, not now."""
    item_id = uuid4()
    update = an_update_item(item_id, name="Older").model_dump() | {"if_match": Precondition(any_version=True)}
    letter = parked(UpdateItem(**update), 2)
    await world.apply(a_delivery(a_put_item(item_id, name="Newer"), 6), replayed(letter, 50))

    assert world.items.stored[item_id].name == "Newer"
    assert world.dead_letters.reasons == ["superseded"]


async def test_a_replay_that_names_the_newest_version_follows_it(world: World) -> None:
    item = an_item(version=version_of(a_stamp(6)), written_by=a_stamp(6))
    world.items.stored[item.item_id] = item
    update = an_update_item(item.item_id, versions=(item.version,), name="Compared")

    await world.apply(replayed(parked(update, 2), 50))

    stored = world.items.stored[item.item_id]
    assert (stored.name, stored.version) == ("Compared", item.version + 1)


async def test_replays_in_their_old_order_take_effect_in_it(world: World) -> None:
    """The events of one batch have the same time: their numbers decide, also where the new ones wrap around."""
    item_id = uuid4()
    commands: list[Command] = [a_put_item(item_id), an_update_item(item_id, name="Last")]
    letters = [
        replace(parked(command), delivery=a_delivery(command, number, at_s=3.0))
        for number, command in enumerate(commands, 3)
    ]

    await world.apply(replayed(letters[0], 4095), replayed(letters[1], 4096))

    assert world.items.stored[item_id].name == "Last"
    assert world.dead_letters.reasons == []


async def test_a_letter_of_a_lost_hub_is_no_replay_of_what_stands_there(world: World) -> None:
    """The hub was made anew and counts from 0: the stored item's number is higher, and yet the command never ran."""
    item = an_item(version=version_of(a_stamp(1000)), written_by=a_stamp(1000))
    world.items.stored[item.item_id] = item

    await world.apply(replayed(parked(an_update_item(item.item_id), 900), 5))

    assert world.dead_letters.reasons == ["superseded"]


async def test_a_replay_into_another_hub_is_ordered_by_its_first_time(world: World) -> None:
    item_id = uuid4()
    await world.apply(a_delivery(a_put_item(item_id, name="Newer"), 6))

    await world.apply(replayed(parked(a_put_item(item_id, name="Older"), 2), 50, hub=OTHER_HUB))

    assert world.items.stored[item_id].name == "Newer"


async def test_a_replay_that_fails_again_is_parked_once_more_under_its_new_number(world: World) -> None:
    letter = parked(an_add_rating(), 3)
    again = replayed(letter, 30)

    await world.apply(again)
    await world.apply(again)

    [parked_again] = world.dead_letters.letters.values()
    assert parked_again.delivery.stamp.sequence == 30
    assert parked_again.delivery.stamp.enqueued == letter.delivery.stamp.enqueued
    assert parked_again.delivery.properties["replay-of"] == "letter"


async def test_the_first_event_delivered_after_its_replay_changes_nothing(world: World) -> None:
    """A zombie holds the first delivery while the operator has sent its letter again."""
    item_id = uuid4()
    letter = parked(a_put_item(item_id), 3)
    await world.apply(replayed(letter, 30))
    await world.apply(letter.delivery)

    assert world.items.writes == 1


async def test_a_delete_replayed_twice_spares_what_the_item_got_since(world: World) -> None:
    item_id = uuid4()
    comment = an_add_comment(item_id)
    letter = parked(a_delete_item(item_id), 5)
    await world.apply(a_delivery(a_put_item(item_id), 1), replayed(letter, 10))
    await world.apply(a_delivery(a_put_item(item_id, name="Back"), 11), a_delivery(comment, 12))

    await world.apply(replayed(letter, 20))

    assert await world.activity.find_comment(item_id, comment.command_id) is not None
    assert not world.items.stored[item_id].deleted


def test_two_stamps_of_one_event_are_equal_whether_read_or_received() -> None:
    """The store keeps no first number; what stands there must still be known as the same event."""
    stamp = EventStamp("hub", "0", 9, NOON, first_sequence=3)

    assert stamp == EventStamp("hub", "0", 9, NOON)
