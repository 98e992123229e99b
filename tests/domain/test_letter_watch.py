"""The component that counts letters: new ones of our own doing degrade it, customers' and old ones do not."""

from datetime import datetime, timedelta

import pytest

from domain.errors import DeadLettersUnavailable
from domain.health import Finding, status_of
from domain.letter_watch import LetterWatch
from domain.records import DeadLetter
from tests.builders import HUB, NOON, OTHER_HUB, a_delivery
from tests.fakes import InMemoryDeadLetters, InMemoryLetterBox


class Box:
    def __init__(self) -> None:
        self.parked = InMemoryDeadLetters()
        self.clock = [NOON]
        self.watch = LetterWatch(InMemoryLetterBox(self.parked), f"{HUB}/", lambda: self.clock[0], most=5)

    async def park(self, sequence: int, reason: str, *, at: datetime = NOON, hub: str = HUB) -> None:
        await self.parked.park(DeadLetter(a_delivery(b"x", sequence, hub=hub), reason, "for the test", at))


@pytest.fixture
def box() -> Box:
    return Box()


async def test_an_empty_box_is_healthy(box: Box) -> None:
    assert await box.watch.letters() == Finding(1.0)


async def test_a_new_letter_of_our_own_doing_degrades_for_ten_minutes(box: Box) -> None:
    await box.park(1, "undecodable")
    await box.park(2, "unknown-command", at=NOON - timedelta(hours=3))

    found = await box.watch.letters()
    assert status_of(found.score) == "degraded"
    assert found.detail == "2 letters, 1 of the last 10 min (undecodable)"
    assert found.mend == "python -m ops dead-letters list"

    box.clock[0] += timedelta(minutes=10)
    assert await box.watch.letters() == Finding(1.0, detail="2 letters")


@pytest.mark.parametrize("reason", ["unknown-item", "precondition-failed", "superseded", "key-reused"])
async def test_what_customers_cause_is_counted_and_degrades_nothing(box: Box, reason: str) -> None:
    await box.park(1, reason)

    assert await box.watch.letters() == Finding(1.0, detail="1 letter")


async def test_more_letters_than_one_look_brings_are_degraded(box: Box) -> None:
    for sequence in range(9):
        await box.park(sequence, "superseded", at=NOON - timedelta(days=1))

    found = await box.watch.letters()

    assert (status_of(found.score), found.detail) == ("degraded", "5 letters or more")


async def test_another_stamps_letters_are_not_ours(box: Box) -> None:
    await box.park(1, "undecodable", hub=OTHER_HUB)

    assert await box.watch.letters() == Finding(1.0)


async def test_it_looks_once_a_minute(box: Box) -> None:
    await box.watch.letters()
    await box.park(1, "undecodable")
    box.clock[0] += timedelta(seconds=59)
    assert await box.watch.letters() == Finding(1.0)

    box.clock[0] += timedelta(seconds=1)
    assert status_of((await box.watch.letters()).score) == "degraded"


async def test_a_box_that_is_away_is_asked_again_at_once(box: Box) -> None:
    box.parked.outage.failures = 1

    with pytest.raises(DeadLettersUnavailable):
        await box.watch.letters()
    assert await box.watch.letters() == Finding(1.0)
