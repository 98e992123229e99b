"""What operators do with parked events, as functions over ports: list, replay, discard.

A replay sends first and removes after the acknowledgement. Killed between the two, the letter is still there, and its
event is in the hub: replaying it again later is safe, for the processor recognises the command by its id.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from adapters.cosmos_items import TOMBSTONE_TTL_S
from domain.commands import Command, command_of
from domain.errors import PermanentError, TransientError
from domain.ports import LetterBox, LetterLine, Outcomes, ParkedLetter, ReplayQueue
from domain.records import DeadLetter, Failure
from domain.replays import replay_properties

# As long as tombstones and markers live, less an hour: the event has still to travel through the hub.
OLDEST_REPLAY = timedelta(seconds=TOMBSTONE_TTL_S) - timedelta(hours=1)
DISCARDED = "discarded"
PARTITIONS_AT_ONCE = 8


class LetterTooOld(PermanentError):
    """Tombstones and markers as old as this letter are gone: a replay could bring back what was deleted."""

    reason = "too-old"


@dataclass(frozen=True)
class Desk:
    """Where an operator works on letters."""

    box: LetterBox
    queue: ReplayQueue
    outcomes: Outcomes
    now: Callable[[], datetime]


@dataclass
class Report:
    """What became of the letters named."""

    done: list[str] = field(default_factory=list)
    refused: dict[str, PermanentError] = field(default_factory=dict)
    """By name; the letter is where it was."""
    stopped_by: TransientError | None = None
    """A service was away: the rest was not tried. What was under way may be sent and not removed, which is safe."""


async def lines(box: LetterBox, *, hub: str = "", reason: str | None = None) -> AsyncIterator[LetterLine]:
    """The letters whose `{namespace}/{hub}` begins so and that were parked for this reason."""
    async for line in box.lines(hub):
        if reason is None or line.reason == reason:
            yield line


async def replay(desk: Desk, name: str, *, force: bool = False) -> None:
    """Send a letter's event again, then take the letter out of the box.

    Raises:
        LetterTooOld: and not forced.
        UnknownLetter, UnreadableLetter: as LetterBox.read.
        LetterChanged: it was sent, and another letter lies under its name by now.
    """
    parked = await desk.box.read(name)
    age = desk.now() - parked.letter.delivery.stamp.enqueued
    if age > OLDEST_REPLAY and not force:
        raise LetterTooOld(
            f"Its event is {age.days} days old, and tombstones live {TOMBSTONE_TTL_S // 86400}: what was deleted since "
            "could come back."
        )
    delivery = parked.letter.delivery
    await desk.queue.send_raw(place_of(parked.letter), delivery.body, replay_properties(name, parked.letter))
    await desk.box.remove(parked)


async def discard(desk: Desk, name: str) -> None:
    """Take a letter out of the box for good; whoever polls its operation reads that it failed, as discarded."""
    parked = await desk.box.read(name)
    command = decoded(parked)
    if command is not None:
        await desk.outcomes.record(Failure(command.command_id, command.digest, DISCARDED))
    await desk.box.remove(parked)


async def each(
    names: Sequence[str], work: Callable[[str], Awaitable[None]], progress: Callable[[Report], None] = lambda _: None
) -> Report:
    """Work on the letters: those of one partition in the order of their events, several partitions side by side."""
    report = Report()
    room = asyncio.Semaphore(PARTITIONS_AT_ONCE)

    async def one_partition(group: Sequence[str]) -> None:
        for name in group:
            async with room:
                if report.stopped_by is None:
                    await _one(name)

    async def _one(name: str) -> None:
        try:
            await work(name)
        except PermanentError as error:
            report.refused[name] = error
        except TransientError as error:
            report.stopped_by = error
            return
        else:
            report.done.append(name)
        progress(report)

    partitions = groupby(sorted(set(names)), key=lambda name: name.rpartition("/")[0])
    async with asyncio.TaskGroup() as tasks:
        for _, group in partitions:
            tasks.create_task(one_partition(list(group)))
    return report


def place_of(letter: DeadLetter) -> UUID | str:
    """Where the event belongs: with its item's commands, or where it came from if it is none."""
    try:
        return command_of(letter.delivery.body).item_id
    except PermanentError:
        return letter.delivery.stamp.partition


def decoded(parked: ParkedLetter) -> Command | None:
    """The command in a letter; None where there is none that this version knows."""
    try:
        return command_of(parked.letter.delivery.body)
    except PermanentError:
        return None
