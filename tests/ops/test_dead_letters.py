"""What operators do with parked events, on fakes."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest

from domain.errors import DeadLettersUnavailable, QueueUnavailable
from domain.ports import UnknownLetter
from domain.records import DeadLetter, Delivery, Failure
from domain.replays import as_first_sent
from ops.dead_letters import OLDEST_REPLAY, Desk, LetterTooOld, discard, each, lines, replay
from tests.builders import HUB, NOON, OTHER_HUB, a_delivery, a_put_item, a_stamp, an_add_rating, an_item, an_update_item
from tests.fakes import (
    InMemoryActivityStore,
    InMemoryDeadLetters,
    InMemoryItemStore,
    InMemoryLetterBox,
    InMemoryOutcomes,
    InMemoryReplayQueue,
    a_processor,
    letter_name,
)


@dataclass
class Office:
    """A desk on fakes, and the processor at the other end of its queue."""

    parked: InMemoryDeadLetters = field(default_factory=InMemoryDeadLetters)
    queue: InMemoryReplayQueue = field(default_factory=InMemoryReplayQueue)
    outcomes: InMemoryOutcomes = field(default_factory=InMemoryOutcomes)
    items: InMemoryItemStore = field(default_factory=InMemoryItemStore)
    activity: InMemoryActivityStore = field(default_factory=InMemoryActivityStore)
    now: datetime = NOON + timedelta(hours=1)
    sequence: int = 1000

    @property
    def desk(self) -> Desk:
        return Desk(InMemoryLetterBox(self.parked), self.queue, self.outcomes, lambda: self.now)

    async def park(self, delivery: Delivery, reason: str = "unknown-item") -> str:
        await self.parked.park(DeadLetter(delivery, reason, "for the test", NOON))
        return letter_name(delivery)

    async def deliver(self) -> None:
        """Let the processor have what was sent."""
        batch = []
        for _, body, properties in self.queue.sent:
            self.sequence += 1
            stamp = as_first_sent(a_stamp(self.sequence, at_s=4000), properties)
            batch.append(Delivery(body, stamp, properties))
        self.queue.sent.clear()
        processor = a_processor(self.items, self.activity, self.outcomes, self.parked, now=lambda: self.now)
        await processor.process(batch)

    @property
    def names(self) -> list[str]:
        return sorted(letter_name(letter.delivery) for letter in self.parked.letters.values())


@pytest.fixture
def office() -> Office:
    return Office()


async def test_a_replay_sends_the_same_bytes_and_removes_the_letter(office: Office) -> None:
    command = an_add_rating()
    name = await office.park(a_delivery(command, 7))

    await replay(office.desk, name)

    [(place, body, properties)] = office.queue.sent
    assert (place, body) == (command.item_id, command.to_bytes())
    assert properties == {
        "kind": "test",
        "replay-of": name,
        "original-enqueued": "2026-11-25T12:00:07.000000Z",
        "original-sequence": "7",
    }
    assert office.names == []


async def test_what_is_no_command_goes_back_to_its_partition(office: Office) -> None:
    delivery = a_delivery(b"\xff\x00", 7)
    name = await office.park(replace(delivery, stamp=replace(delivery.stamp, partition="19")), "undecodable")

    await replay(office.desk, name)

    assert [(place, body) for place, body, _ in office.queue.sent] == [("19", b"\xff\x00")]


async def test_a_letter_stays_when_its_event_was_not_acknowledged(office: Office) -> None:
    name = await office.park(a_delivery(an_add_rating()))
    office.queue.outage.failures = 1

    with pytest.raises(QueueUnavailable):
        await replay(office.desk, name)

    assert office.names == [name]


async def test_killed_between_send_and_removal_a_letter_may_be_replayed_again(office: Office) -> None:
    command = an_add_rating(stars=4)
    await office.park(a_delivery(command, 7))
    [name] = office.names
    office.items.stored[command.item_id] = an_item(command.item_id)

    class Killed(InMemoryLetterBox):
        async def remove(self, letter: object) -> None:
            raise DeadLettersUnavailable("killed here")

    with pytest.raises(DeadLettersUnavailable):
        await replay(replace(office.desk, box=Killed(office.parked)), name)
    await office.deliver()
    await replay(office.desk, name)
    await office.deliver()

    assert (await office.activity.totals(command.item_id)).votes == 1
    assert office.names == []


async def test_a_replay_that_fails_again_leaves_exactly_one_letter(office: Office) -> None:
    name = await office.park(a_delivery(an_add_rating(), 7))

    await replay(office.desk, name)
    await office.deliver()

    [again] = office.parked.letters.values()
    assert letter_name(again.delivery) != name
    assert again.delivery.properties["replay-of"] == name
    assert again.delivery.stamp.enqueued == a_stamp(7).enqueued

    await replay(office.desk, letter_name(again.delivery))
    assert office.queue.sent[0][2]["original-sequence"] == "7"


async def test_a_letter_older_than_tombstones_live_is_refused_unless_forced(office: Office) -> None:
    name = await office.park(a_delivery(an_add_rating(), 0))
    office.now = NOON + OLDEST_REPLAY + timedelta(seconds=1)

    with pytest.raises(LetterTooOld):
        await replay(office.desk, name)
    assert office.queue.sent == []

    await replay(office.desk, name, force=True)
    assert len(office.queue.sent) == 1


async def test_a_letters_age_is_that_of_its_first_event(office: Office) -> None:
    """Failing again must not make it young: what is old is what it asks for."""
    name = await office.park(a_delivery(an_add_rating(), 0))
    await replay(office.desk, name)
    await office.deliver()
    office.now = NOON + OLDEST_REPLAY + timedelta(seconds=1)

    with pytest.raises(LetterTooOld):
        await replay(office.desk, office.names[0])


async def test_many_letters_keep_the_order_of_their_events(office: Office) -> None:
    item_id = uuid4()
    await office.park(a_delivery(an_update_item(item_id, name="third"), 30))
    await office.park(a_delivery(a_put_item(item_id, name="first"), 3))
    await office.park(a_delivery(an_update_item(item_id, name="second"), 20))
    told: list[int] = []

    report = await each(office.names, partial(replay, office.desk), lambda so_far: told.append(len(so_far.done)))
    await office.deliver()

    assert len(report.done) == 3
    assert told == [1, 2, 3]
    assert office.items.stored[item_id].name == "third"
    assert office.names == []


async def test_a_refused_letter_does_not_hold_up_the_others(office: Office) -> None:
    name = await office.park(a_delivery(an_add_rating()))

    report = await each(["a.test/commands/0/none", name], partial(replay, office.desk))

    assert report.done == [name]
    assert [type(error) for error in report.refused.values()] == [UnknownLetter]
    assert report.stopped_by is None


async def test_a_service_that_is_away_stops_the_rest(office: Office) -> None:
    names = [await office.park(a_delivery(an_add_rating(), sequence)) for sequence in range(5)]
    office.queue.outage.failures = 1

    report = await each(names, partial(replay, office.desk))

    assert isinstance(report.stopped_by, QueueUnavailable)
    assert (report.done, office.names) == ([], sorted(names))


async def test_partitions_are_worked_on_side_by_side() -> None:
    started: list[str] = []
    everybody = asyncio.Event()

    async def work(name: str) -> None:
        started.append(name)
        if len(started) == 2:
            everybody.set()
        await everybody.wait()

    async with asyncio.timeout(5):
        report = await each(["hub/0/1", "hub/1/1"], work)

    assert len(report.done) == 2


async def test_discarding_says_so_to_whoever_polls(office: Office) -> None:
    command = an_add_rating()
    name = await office.park(a_delivery(command))

    await discard(office.desk, name)

    assert office.names == []
    assert await office.outcomes.find(command.command_id, command.digest) == Failure(
        command.command_id, command.digest, "discarded"
    )


async def test_a_letter_stays_when_its_outcome_could_not_be_recorded(office: Office) -> None:
    name = await office.park(a_delivery(an_add_rating()))
    office.outcomes.outage.failures = 1

    report = await each([name], partial(discard, office.desk))

    assert report.stopped_by is not None
    assert office.names == [name]


async def test_what_is_no_command_is_discarded_without_an_outcome(office: Office) -> None:
    name = await office.park(a_delivery(b"\xff"), "undecodable")

    await discard(office.desk, name)

    assert (office.names, office.outcomes.failures) == ([], {})


async def test_letters_are_chosen_by_reason_and_hub(office: Office) -> None:
    await office.park(a_delivery(an_add_rating(), 1), "superseded")
    await office.park(a_delivery(an_add_rating(), 2), "unknown-item")
    await office.park(a_delivery(an_add_rating(), 3, hub=OTHER_HUB), "unknown-item")

    chosen = [line.sequence async for line in lines(office.desk.box, hub=HUB, reason="unknown-item")]

    assert chosen == [2]
