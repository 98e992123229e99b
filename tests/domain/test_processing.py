"""At least once in, exactly once in effect: the processor on fakes."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

import pytest

from domain.commands import Precondition, SetImage, canary
from domain.errors import InvalidInput, StoreUnavailable
from domain.identity import digest_of
from domain.processing import Processor
from domain.records import Entry, StoredComment, Totals
from tests.builders import (
    OTHER_HUB,
    a_delete_item,
    a_delete_rating,
    a_delivery,
    a_put_item,
    an_add_comment,
    an_add_rating,
    an_item,
    an_update_item,
)
from tests.fakes import (
    InMemoryActivityStore,
    InMemoryDeadLetters,
    InMemoryHeartbeats,
    InMemoryImageStore,
    InMemoryItemStore,
    InMemoryOutcomes,
    a_processor,
)


@dataclass
class World:
    items: InMemoryItemStore = field(default_factory=InMemoryItemStore)
    activity: InMemoryActivityStore = field(default_factory=InMemoryActivityStore)
    outcomes: InMemoryOutcomes = field(default_factory=InMemoryOutcomes)
    dead_letters: InMemoryDeadLetters = field(default_factory=InMemoryDeadLetters)
    heartbeats: InMemoryHeartbeats = field(default_factory=InMemoryHeartbeats)
    images: InMemoryImageStore = field(default_factory=InMemoryImageStore)

    @property
    def processor(self) -> Processor:
        return a_processor(
            self.items,
            self.activity,
            self.outcomes,
            self.dead_letters,
            heartbeats=self.heartbeats,
            images=self.images,
        )


@pytest.fixture
def world() -> World:
    return World()


async def test_a_redelivered_rating_is_counted_once(world: World) -> None:
    item = an_item()
    world.items.stored[item.item_id] = item
    delivery = a_delivery(an_add_rating(item.item_id, stars=4))

    await world.processor.process([delivery])
    await world.processor.process([delivery])

    assert await world.activity.totals(item.item_id) == Totals(votes=1, stars=4)
    assert world.dead_letters.reasons == []


async def test_a_retry_that_was_enqueued_twice_is_counted_once(world: World) -> None:
    """Two events, one command: in one batch, and again in a later one."""
    item = an_item()
    world.items.stored[item.item_id] = item
    command = an_add_rating(item.item_id, stars=5)

    await world.processor.process([a_delivery(command, 1), a_delivery(command, 2)])
    await world.processor.process([a_delivery(command, 3)])

    assert await world.activity.totals(item.item_id) == Totals(votes=1, stars=5)


async def test_a_lost_reply_after_the_effect_changes_nothing_on_redelivery(world: World) -> None:
    item = an_item()
    world.items.stored[item.item_id] = item
    batch = [a_delivery(an_add_rating(item.item_id, stars=stars), stars) for stars in (1, 2, 3)]
    world.activity.outage.failures, world.activity.outage.after_effect = 1, True

    with pytest.raises(StoreUnavailable):
        await world.processor.process(batch)
    await world.processor.process(batch)

    assert await world.activity.totals(item.item_id) == Totals(votes=3, stars=6)


async def test_new_entries_beside_replayed_ones_are_stored(world: World) -> None:
    item = an_item()
    world.items.stored[item.item_id] = item
    old, new = an_add_rating(item.item_id, stars=1), an_add_rating(item.item_id, stars=5)
    await world.processor.process([a_delivery(old, 1)])

    await world.processor.process([a_delivery(old, 1), a_delivery(new, 2)])

    assert await world.activity.totals(item.item_id) == Totals(votes=2, stars=6)


async def test_a_key_reused_for_another_body_fails_and_the_first_stays(world: World) -> None:
    item = an_item()
    world.items.stored[item.item_id] = item
    first = an_add_rating(item.item_id, stars=1)
    second = an_add_rating(item.item_id, stars=5, command_id=first.command_id)

    await world.processor.process([a_delivery(first, 1), a_delivery(second, 2)])
    third = an_add_rating(item.item_id, stars=3, command_id=first.command_id)
    await world.processor.process([a_delivery(third, 3)])

    assert await world.activity.totals(item.item_id) == Totals(votes=1, stars=1)
    failed = [await world.outcomes.find(first.command_id, one.digest) for one in (first, second, third)]
    assert [one and one.reason for one in failed] == [None, "key-reused", "key-reused"]


async def test_bytes_that_are_no_command_are_parked_and_the_batch_goes_on(world: World) -> None:
    item = an_item()
    world.items.stored[item.item_id] = item
    good = an_add_rating(item.item_id)

    await world.processor.process(
        [a_delivery(b"\xff\xfe", 1), a_delivery(b'{"kind":"sing"}', 2), a_delivery(b"[]", 3), a_delivery(good, 4)]
    )

    assert world.dead_letters.reasons == ["undecodable", "unknown-command", "undecodable"]
    assert (await world.activity.totals(item.item_id)).votes == 1


async def test_a_letter_keeps_the_events_bytes_and_is_parked_once(world: World) -> None:
    delivery = a_delivery(b"\x00garbage", 9)

    await world.processor.process([delivery])
    await world.processor.process([delivery])

    [letter] = world.dead_letters.letters.values()
    assert letter.delivery == delivery


async def test_without_a_place_for_letters_nothing_is_dropped(world: World) -> None:
    world.dead_letters.outage.failures = 1

    with pytest.raises(StoreUnavailable):
        await world.processor.process([a_delivery(b"garbage")])
    await world.processor.process([a_delivery(b"garbage")])

    assert world.dead_letters.reasons == ["undecodable"]


async def test_a_comment_on_an_unknown_item_fails_with_its_reason(world: World) -> None:
    command = an_add_comment()

    await world.processor.process([a_delivery(command)])

    failure = await world.outcomes.find(command.command_id, command.digest)
    assert failure is not None
    assert failure.reason == "unknown-item"
    assert world.dead_letters.reasons == ["unknown-item"]


async def test_the_redelivery_of_a_comment_stays_a_success_after_its_item_went(world: World) -> None:
    item = an_item()
    world.items.stored[item.item_id] = item
    comment = a_delivery(an_add_comment(item.item_id), 2)
    await world.processor.process([comment, a_delivery(a_delete_item(item.item_id), 3)])

    await world.processor.process([comment])

    assert world.dead_letters.reasons == []


async def test_one_items_commands_take_effect_in_order(world: World) -> None:
    item_id = uuid4()

    await world.processor.process(
        [
            a_delivery(a_put_item(item_id, name="one"), 1),
            a_delivery(an_add_rating(item_id), 2),
            a_delivery(an_update_item(item_id, name="two"), 3),
            a_delivery(a_delete_item(item_id), 4),
            a_delivery(an_add_rating(item_id), 5),
            a_delivery(a_put_item(item_id, name="three"), 6),
        ]
    )

    assert world.items.stored[item_id].name == "three"
    assert world.dead_letters.reasons == ["unknown-item"]
    assert (await world.activity.totals(item_id)).votes == 0


async def test_a_replayed_item_command_does_not_undo_newer_work(world: World) -> None:
    item_id = uuid4()
    batch = [a_delivery(a_put_item(item_id, name="old"), 1), a_delivery(an_update_item(item_id, name="new"), 2)]
    await world.processor.process(batch)

    await world.processor.process(batch[:1])

    assert world.items.stored[item_id].name == "new"


async def test_a_replay_whose_marker_failover_has_hidden_changes_nothing(world: World) -> None:
    item_id = uuid4()
    batch = [a_delivery(a_put_item(item_id, name="old"), 1), a_delivery(an_update_item(item_id, name="new"), 2)]
    await world.processor.process(batch)
    world.items.markers.clear()

    await world.processor.process(batch)

    assert world.items.stored[item_id].name == "new"


async def test_a_command_that_lost_to_another_region_says_superseded(world: World) -> None:
    item = an_item(written_by=a_delivery(b"", 1, hub=OTHER_HUB, at_s=60).stamp, version=2**52)
    world.items.stored[item.item_id] = item
    command = an_update_item(item.item_id)

    await world.processor.process([a_delivery(command, 2)])

    failure = await world.outcomes.find(command.command_id, command.digest)
    assert failure is not None
    assert failure.reason == "superseded"


async def test_a_reused_key_on_an_item_fails(world: World) -> None:
    item_id, command_id = uuid4(), uuid4()
    first = a_put_item(item_id, command_id=command_id, name="first")
    second = a_put_item(item_id, command_id=command_id, name="second")

    await world.processor.process([a_delivery(first, 1), a_delivery(second, 2)])

    assert world.items.stored[item_id].name == "first"
    assert (await world.outcomes.find(command_id, second.digest)) is not None
    assert (await world.outcomes.find(command_id, first.digest)) is None


async def test_one_items_trouble_does_not_stop_its_neighbours(world: World) -> None:
    """The batch comes again, but what could be done is done."""
    one, two = an_item(), an_item()
    world.items.stored = {item.item_id: item for item in (one, two)}
    world.items.outage.failures = 1

    with pytest.raises(StoreUnavailable):
        await world.processor.process(
            [a_delivery(an_add_rating(one.item_id), 1), a_delivery(an_add_rating(two.item_id), 2)]
        )

    votes = [(await world.activity.totals(item.item_id)).votes for item in (one, two)]
    assert sorted(votes) == [0, 1]


async def test_more_ratings_than_one_transaction_takes_are_all_counted(world: World) -> None:
    item = an_item()
    world.items.stored[item.item_id] = item

    await world.processor.process([a_delivery(an_add_rating(item.item_id, stars=5), n) for n in range(1, 131)])

    assert await world.activity.totals(item.item_id) == Totals(votes=130, stars=650)


def test_a_digest_does_not_depend_on_the_order_of_members() -> None:
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})


async def test_a_deleted_rating_leaves_the_totals_once(world: World) -> None:
    item = an_item()
    world.items.stored[item.item_id] = item
    keep, drop = an_add_rating(item.item_id, stars=5), an_add_rating(item.item_id, stars=1)
    delete = a_delivery(a_delete_rating(item.item_id, drop.command_id), 3)
    await world.processor.process([a_delivery(keep, 1), a_delivery(drop, 2), delete])

    await world.processor.process([delete])
    await world.processor.process([a_delivery(drop, 2), delete])

    assert await world.activity.totals(item.item_id) == Totals(votes=1, stars=5)
    assert await world.activity.find_rating(item.item_id, drop.command_id) is None
    assert world.dead_letters.reasons == []


async def test_a_comment_is_not_deleted_as_a_rating(world: World) -> None:
    item = an_item()
    world.items.stored[item.item_id] = item
    comment = an_add_comment(item.item_id)

    await world.processor.process(
        [a_delivery(comment, 1), a_delivery(a_delete_rating(item.item_id, comment.command_id), 2)]
    )

    assert world.dead_letters.reasons == ["unknown-item"]
    assert await world.activity.find_comment(item.item_id, comment.command_id) is not None


async def test_a_deleted_item_takes_what_is_older_with_it_and_nothing_newer(world: World) -> None:
    """The item comes back; a replay of the delete must leave its new life alone."""
    item_id = uuid4()
    old, new = an_add_comment(item_id), an_add_comment(item_id)
    delete = a_delivery(a_delete_item(item_id), 3)
    await world.processor.process(
        [
            a_delivery(a_put_item(item_id), 1),
            a_delivery(old, 2),
            delete,
            a_delivery(a_put_item(item_id), 4),
            a_delivery(new, 5),
        ]
    )

    await world.processor.process([delete])

    assert await world.activity.find_comment(item_id, old.command_id) is None
    assert await world.activity.find_comment(item_id, new.command_id) is not None


async def test_a_cascade_that_was_interrupted_is_finished_by_the_redelivery(world: World) -> None:
    item_id = uuid4()
    rating = an_add_rating(item_id)
    delete = a_delivery(a_delete_item(item_id), 3)
    await world.processor.process([a_delivery(a_put_item(item_id), 1), a_delivery(rating, 2)])
    world.activity.outage.failures = 1

    with pytest.raises(StoreUnavailable):
        await world.processor.process([delete])
    await world.processor.process([delete])

    assert await world.activity.find_rating(item_id, rating.command_id) is None
    assert await world.activity.totals(item_id) == Totals()


async def test_the_replay_of_a_delete_that_failed_takes_nothing_with_it(world: World) -> None:
    item_id = uuid4()
    comment = an_add_comment(item_id)
    delete = a_delete_item(item_id).model_copy(update={"if_match": Precondition(versions=(1,))})
    batch = [
        a_delivery(a_put_item(item_id), 1),
        a_delivery(comment, 2),
        a_delivery(delete, 3),
        a_delivery(an_update_item(item_id), 4),
    ]
    await world.processor.process(batch)

    await world.processor.process(batch)

    assert world.dead_letters.reasons == ["precondition-failed"]
    assert await world.activity.find_comment(item_id, comment.command_id) is not None


async def test_a_rating_that_another_region_counted_waits_for_that_regions_recount(world: World) -> None:
    item = an_item()
    world.items.stored[item.item_id] = item
    rating = an_add_rating(item.item_id, stars=5)
    await world.processor.process([a_delivery(rating, 1)])
    elsewhere = replace(world.processor, region="North Europe")

    await elsewhere.process([a_delivery(a_delete_rating(item.item_id, rating.command_id), 1, hub=OTHER_HUB)])

    assert await world.activity.totals(item.item_id) == Totals(votes=1, stars=5)
    assert await world.activity.to_recount("West Europe", 10) == [item.item_id]
    assert await world.activity.recount(item.item_id, "West Europe")
    assert await world.activity.totals(item.item_id) == Totals()


async def test_a_canary_leaves_its_time_when_all_before_it_took_effect(world: World) -> None:
    item = an_item()
    world.items.stored[item.item_id] = item
    batch = [a_delivery(an_add_rating(item.item_id), 1), a_delivery(canary("0", uuid4()).to_bytes(), 2)]
    world.items.outage.failures = 1

    with pytest.raises(StoreUnavailable):
        await world.processor.process(batch)
    assert world.heartbeats.times == {}
    await world.processor.process(batch)

    assert world.heartbeats.times == {"0": batch[1].stamp.enqueued}
    assert world.dead_letters.reasons == []


def a_set_image(item_id: UUID, image: str) -> SetImage:
    return SetImage(command_id=uuid4(), item_id=item_id, digest=digest_of({"image": image}), image=image * 64)


async def test_an_image_is_served_with_its_item_and_goes_with_it(world: World) -> None:
    item_id = uuid4()
    await world.processor.process([a_delivery(a_put_item(item_id), 1), a_delivery(a_set_image(item_id, "a"), 2)])

    assert world.images.published[item_id] == (world.items.stored[item_id].version, "a" * 64)
    await world.processor.process([a_delivery(a_delete_item(item_id), 3)])
    assert world.images.published == {}


async def test_an_image_that_could_not_be_served_is_served_by_the_redelivery(world: World) -> None:
    item_id = uuid4()
    await world.processor.process([a_delivery(a_put_item(item_id), 1)])
    batch = [a_delivery(a_set_image(item_id, "a"), 2)]
    world.images.outage.failures = 1

    with pytest.raises(StoreUnavailable):
        await world.processor.process(batch)
    await world.processor.process(batch)

    assert world.images.published[item_id][1] == "a" * 64


async def test_the_replay_of_an_older_image_does_not_bring_it_back(world: World) -> None:
    item_id = uuid4()
    old, new = a_delivery(a_set_image(item_id, "a"), 2), a_delivery(a_set_image(item_id, "b"), 3)
    await world.processor.process([a_delivery(a_put_item(item_id), 1), old, new])

    await world.processor.process([old])

    assert world.images.published[item_id][1] == "b" * 64


async def test_an_entry_that_the_database_refuses_is_parked_and_its_neighbours_are_stored(world: World) -> None:
    """Raised, it would come again for ever, and its partition would stand still."""

    class Picky(InMemoryActivityStore):
        async def add(self, item_id: UUID, entries: Sequence[Entry]) -> None:
            if any(isinstance(entry, StoredComment) and entry.text == "too much" for entry in entries):
                raise InvalidInput("The database refuses the document (413).")
            await super().add(item_id, entries)

    world.activity = Picky()
    item = an_item()
    world.items.stored[item.item_id] = item
    refused = an_add_comment(item.item_id, text="too much")

    await world.processor.process(
        [a_delivery(an_add_rating(item.item_id), 1), a_delivery(refused, 2), a_delivery(an_add_rating(item.item_id), 3)]
    )

    assert (await world.activity.totals(item.item_id)).votes == 2
    assert world.dead_letters.reasons == ["invalid"]
    assert await world.outcomes.find(refused.command_id, refused.digest) is not None
