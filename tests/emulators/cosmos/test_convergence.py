"""Random concurrent writes, cuts and restarts: after healing all regions hold the same bytes, and the right ones."""

import asyncio
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.cosmos.histories import History
from local.cosmos.conflicts import DELETED, LIVE, Version, context_over, merge, pack, unpack


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False), st.integers(2, 3), st.integers(1, 40))
def test_regions_converge(choose: random.Random, regions: int, steps: int) -> None:
    async def run() -> None:
        history = History(regions, choose)
        try:
            for _ in range(steps):
                history.step()
            history.heal_and_check()
        finally:
            history.close()

    asyncio.run(run())


def _version(
    origin: int, olsn: int, value: float | None = 1.0, state: int = LIVE, over: tuple[Version, ...] = ()
) -> Version:
    context = context_over(over, origin, olsn) if over else None
    return Version(olsn, '"e"', 1, None, state, "{}", value, olsn, origin, olsn, context)


def test_what_was_seen_is_gone_whatever_its_value() -> None:
    high = _version(0, 1, value=9.0)
    low = _version(1, 2, value=1.0, over=(high,))
    assert merge([high], [low]) == [low]
    assert merge([low], [high]) == [low]


def test_concurrent_versions_are_kept_and_the_highest_is_shown() -> None:
    one, two, gone = _version(0, 1, 1.0), _version(1, 1, 2.0), _version(2, 1, None, DELETED)
    assert merge([one], [two]) == [two, one]
    assert merge([one, two], [gone])[0] == gone


def test_a_loser_outlives_the_winner_that_is_replaced_elsewhere() -> None:
    """Three regions: keeping winners alone would show different things here."""
    a, c = _version(0, 1, 5.0), _version(2, 1, 4.0)
    b = _version(1, 1, 3.0, over=(a,))
    assert merge(merge([a], [c]), [b])[0] == merge(merge([a], [b]), [c])[0] == c


def test_versions_survive_their_column() -> None:
    versions = [_version(0, 1, over=(_version(1, 1),)), _version(1, 2, None, DELETED)]
    assert unpack(pack(versions)) == versions
    assert unpack(pack([])) == []
