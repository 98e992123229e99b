"""Random histories with duplicates, replays, zombies, ownership steals, replication lag and failover."""

import asyncio
import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.commands import (
    KIND_OF,
    AddComment,
    AddRating,
    Command,
    DeleteComment,
    DeleteItem,
    DeleteRating,
    PutItem,
    UpdateItem,
    command_of,
    target_of,
)
from domain.identity import OperationId, digest_of
from domain.operations import Operations
from domain.ordering import version_of
from domain.records import StoredComment, StoredRating
from tests.histories.replicas import ReplicaActivity, ReplicaItems, ReplicaOutcomes, Summary
from tests.histories.world import World

ITEMS = [UUID(int=number + 1) for number in range(2)]

KINDS = (
    *("put", "update", "delete", "comment", "rate", "rate", "delete-comment", "delete-rating"),
    *("consume", "consume", "die", "zombie", "rewind", "fail-over", "replicate", "replicate", "time", "retry"),
)
# A step is (what, numbers); the numbers mean what the step makes of them, so that every list of steps is a history.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.integers(0, 7),
        st.integers(0, 7),
        st.integers(0, 7),
    ),
    max_size=60,
)
# `HISTORIES=20000 pytest tests/histories` looks further than a daily run has time for, at other places each time.
HISTORIES = int(os.environ.get("HISTORIES", "150"))
EXAMPLES = settings(max_examples=HISTORIES, deadline=None, derandomize=HISTORIES <= 150, database=None)


def a_command(world: World, what: str, number: int, item_id: UUID) -> Command:  # noqa: PLR0911 - one line a kind
    """The next command of a history: its id counts up, so that it is the same in every run."""
    command_id = UUID(int=1000 + len(world.accepted))
    common: dict[str, Any] = {"command_id": command_id, "item_id": item_id, "digest": digest_of({"n": str(command_id)})}
    entries = [one for _, one in world.accepted if isinstance(one, AddComment | AddRating) and one.item_id == item_id]
    target = entries[number % len(entries)].command_id if entries else UUID(int=1)
    match what:
        case "put":
            return PutItem(name=f"put {number}", description="d", price=Decimal(number), **common)
        case "update":
            return UpdateItem(name=f"update {command_id.int}", **common)
        case "delete":
            return DeleteItem(**common)
        case "comment":
            return AddComment(author_name="a", text=str(number), **common)
        case "rate":
            return AddRating(rating=1 + number % 5, **common)
        case "delete-comment":
            return DeleteComment(entry_id=target, **common)
        case "delete-rating":
            return DeleteRating(entry_id=target, **common)
    raise AssertionError(what)


async def play(world: World, steps: list[tuple[str, int, int, int]], regions: int) -> None:
    for item_id in ITEMS:  # every history begins with its items in place
        world.accept(0, a_command(world, "put", 0, item_id))
    await world.consume(0, 2)
    world.replicate(0, 100)
    for what, a, b, c in steps:
        region = a % regions
        match what:
            case "consume" | "die":
                await world.consume(region, 1 + b, forget=what == "die")
            case "zombie":
                await world.zombie(region, b, 1 + c)
            case "rewind":
                world.rewind(region, b)
            case "fail-over":
                if regions > 1:
                    world.fail_over(region)
            case "replicate":
                world.replicate(a % 2, 1 + b)
            case "time":
                world.pass_time(b)
            case "retry":  # a client's late retry, through the same region: the very same command again
                if world.accepted:
                    first, command = world.accepted[b % len(world.accepted)]
                    world.stamps[first].hub.append(command, world.now)
            case _:
                # A duplicate in the hub now and then: the broker stored a send whose reply was lost.
                world.accept(region, a_command(world, what, b, ITEMS[c % 2]), copies=2 if c == 7 else 1)
    await world.settle()


def expected_of_one_region(world: World) -> Callable[[UUID], tuple[object, ...]]:
    """The hub's events in order by a reader of the contract who knows no replays: each command has one effect.

    A command that found no item had none, so a client's later retry of it may have one.
    """
    names: dict[UUID, str] = {}
    entries: dict[UUID, dict[UUID, object]] = {item_id: {} for item_id in ITEMS}
    effective: set[UUID] = set()
    for event in world.stamps[0].hub.events:
        command = command_of(event.body)
        item_id = command.item_id
        if command.command_id in effective or not (item_id in names or isinstance(command, PutItem)):
            continue
        effective.add(command.command_id)
        match command:
            case PutItem(name=name) | UpdateItem(name=str(name)):
                names[item_id] = name
            case DeleteItem():
                del names[item_id]
                entries[item_id] = {}
            case AddComment(text=content) | AddRating(rating=content):
                entries[item_id][command.command_id] = content
            case DeleteComment(entry_id=entry_id) | DeleteRating(entry_id=entry_id):
                wanted = str if isinstance(command, DeleteComment) else int
                if isinstance(entries[item_id].get(entry_id), wanted):
                    del entries[item_id][entry_id]
    return lambda item_id: (names.get(item_id), entries[item_id])


def stored(world: World, item_id: UUID) -> tuple[object, ...]:
    replica = world.replicas[0]
    item = replica.read(("items", item_id, "item"))
    contents = [document.content for _, document in replica.activity_of(item_id)]
    entries: dict[UUID, object] = {one.comment_id: one.text for one in contents if isinstance(one, StoredComment)}
    entries |= {one.rating_id: one.stars for one in contents if isinstance(one, StoredRating)}
    name = None if item is None or item.content.deleted else item.content.name
    return name, entries


def check_totals(world: World) -> None:
    """The totals equal a recount of the live ratings, in both regions."""
    for replica in world.replicas:
        for item_id in ITEMS:
            contents = [document.content for _, document in replica.activity_of(item_id)]
            ratings = [one.stars for one in contents if isinstance(one, StoredRating)]
            summaries = [one for one in contents if isinstance(one, Summary)]
            assert sum(one.votes for one in summaries) == len(ratings)
            assert sum(one.stars for one in summaries) == sum(ratings)


@EXAMPLES
@given(STEPS)
def test_one_region_ends_as_if_each_accepted_command_had_run_once_in_order(
    steps: list[tuple[str, int, int, int]],
) -> None:
    world = World(skew_s=0)

    asyncio.run(play(world, steps, regions=1))

    expected = expected_of_one_region(world)
    for item_id in ITEMS:
        assert stored(world, item_id) == expected(item_id)
    check_totals(world)


@EXAMPLES
@given(STEPS, st.sampled_from([0.0, 0.001, 3.0]))
def test_two_regions_converge_and_count_every_vote_once(steps: list[tuple[str, int, int, int]], skew_s: float) -> None:
    world = World(skew_s)

    asyncio.run(play(world, steps, regions=2))

    here, there = ({key: one.content for key, one in replica.documents.items()} for replica in world.replicas)
    assert here == there
    check_totals(world)
    check_items(world)
    asyncio.run(check_answers(world))


def check_items(world: World) -> None:
    """Of the item commands that took effect, the one with the highest version is what is stored."""
    replica = world.replicas[0]
    for item_id in ITEMS:
        document = replica.read(("items", item_id, "item"))
        assert document is not None
        events = [event.stamp for stamp in world.stamps for event in stamp.hub.events]
        assert document.content.written_by in events
        assert document.content.version >= version_of(document.content.written_by)
        if document.content.deleted:
            contents = [one.content for _, one in replica.activity_of(item_id)]
            assert not [one for one in contents if isinstance(one, StoredComment | StoredRating)]


async def check_answers(world: World) -> None:
    """Every accepted write has an end that its client can learn: an effect, or a failure with its reason."""
    replica = world.replicas[0]
    operations = Operations(ReplicaItems(replica), ReplicaActivity(replica), ReplicaOutcomes(replica))
    for _, command in world.accepted:
        operation = OperationId(
            kind=KIND_OF[command.kind],
            item_id=command.item_id,
            command_id=command.command_id,
            target_id=target_of(command),
            digest=command.digest,
            accepted=world.now,
        )
        status = await operations.status_of(str(operation), world.now)
        assert status is not None
        assert status.status != "pending", command
