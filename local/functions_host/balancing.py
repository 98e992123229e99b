"""Who takes which partition: the greedy strategy of the .NET event processor, as pure decisions."""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Ownership:
    """One ownership blob; an empty owner is a partition given up."""

    partition_id: str
    owner_id: str
    modified: datetime
    etag: str


type Choose = Callable[[Sequence[str]], str]


def active(ownerships: Collection[Ownership], now: datetime, expiration_s: float) -> dict[str, Ownership]:
    """Ownerships in force, by partition: neither given up nor expired."""
    return {
        ownership.partition_id: ownership
        for ownership in ownerships
        if ownership.owner_id and (now - ownership.modified).total_seconds() < expiration_s
    }


def next_claim(
    me: str, partition_ids: Sequence[str], owned: Mapping[str, Ownership], choose: Choose = random.choice
) -> str | None:
    """The partition to claim now, or None when the share is fair.

    Unclaimed ones first, one more than the even share where they remain; else one is stolen from an owner with more
    than the share, or with just one more than the share by an owner below it.
    """
    by_owner: dict[str, list[str]] = {me: []}
    for partition_id, ownership in owned.items():
        by_owner.setdefault(ownership.owner_id, []).append(partition_id)
    mine = len(by_owner[me])
    minimum, rest = divmod(len(partition_ids), len(by_owner))
    if mine > minimum or (mine == minimum and not rest):
        return None
    unclaimed = [partition_id for partition_id in partition_ids if partition_id not in owned]
    if unclaimed:
        return choose(unclaimed)
    others = [held for owner, held in by_owner.items() if owner != me]
    above = [partition_id for held in others if len(held) > minimum + 1 for partition_id in held]
    at_maximum = [partition_id for held in others if len(held) == minimum + 1 for partition_id in held]
    if above:
        return choose(above)
    if mine < minimum and at_maximum:
        return choose(at_maximum)
    return None
