"""What is put right in the background."""

from datetime import timedelta
from uuid import uuid4

from domain.records import Removal, Totals
from domain.sweeping import REPLICATION_MARGIN, Sweeper, Swept
from tests.builders import NOON, OTHER_HUB, a_comment, a_rating, a_stamp, an_item
from tests.fakes import InMemoryActivityStore, InMemoryItemStore


def a_sweeper(items: InMemoryItemStore, activity: InMemoryActivityStore, region: str = "West Europe") -> Sweeper:
    return Sweeper(items, activity, region, now=lambda: NOON + timedelta(days=1))


async def test_totals_that_another_region_left_wrong_are_recounted_at_once() -> None:
    items, activity = InMemoryItemStore(), InMemoryActivityStore()
    ratings = [a_rating(item_id := uuid4(), stars=5), a_rating(item_id, stars=1)]
    await activity.add(item_id, ratings)
    await activity.remove(item_id, [ratings[1].rating_id], Removal(uuid4(), "North Europe"))

    sweeper = a_sweeper(items, activity)

    assert (await sweeper.recount_waiting(), await sweeper.recount_waiting()) == (1, 0)
    assert await activity.totals(item_id) == Totals(votes=1, stars=5)


async def test_the_nightly_sweep_mends_a_summary_that_failover_left_missing() -> None:
    items, activity = InMemoryItemStore(), InMemoryActivityStore()
    item_ids = [uuid4() for _ in range(250)]
    for item_id in item_ids:
        await activity.add(item_id, [a_rating(item_id, stars=3)])
    activity.summaries[item_ids[7], "summary:West Europe"] = Totals(votes=9, stars=9)

    assert await a_sweeper(items, activity).sweep() == Swept(recounted=1)
    assert await activity.totals(item_ids[7]) == Totals(votes=1, stars=3)


async def test_what_another_region_added_to_a_deleted_item_goes_and_what_is_newer_stays() -> None:
    items, activity = InMemoryItemStore(), InMemoryActivityStore()
    item = an_item(deleted=True, written_by=a_stamp(5, at_s=0))
    items.stored[item.item_id] = item
    late = a_comment(item.item_id, written_by=a_stamp(9, hub=OTHER_HUB, at_s=60))
    margin_s = REPLICATION_MARGIN.total_seconds()
    of_a_new_life = a_comment(item.item_id, written_by=a_stamp(10, hub=OTHER_HUB, at_s=margin_s + 60))
    await activity.add(item.item_id, [late, of_a_new_life])

    assert await a_sweeper(items, activity).sweep() == Swept(entries_removed=1)
    assert await activity.comments(item.item_id, None, 10) == [of_a_new_life]


async def test_an_item_deleted_a_moment_ago_is_left_alone_until_its_new_life_would_have_arrived() -> None:
    items, activity = InMemoryItemStore(), InMemoryActivityStore()
    item = an_item(deleted=True, written_by=a_stamp(5, at_s=86_400 - 60))
    items.stored[item.item_id] = item
    await activity.add(item.item_id, [a_comment(item.item_id)])

    assert await a_sweeper(items, activity).sweep() == Swept()
