"""The contract of ActivityStore."""

from uuid import UUID, uuid4

import pytest

from domain.ports import MAX_ENTRIES, MAX_REMOVED, ActivityStore, CommentsAfter, EntriesExist
from domain.records import Entry, EntryKind, EntryState, Removal, Totals
from domain.times import iso
from tests.builders import OTHER_HUB, a_comment, a_rating, a_stamp


async def test_entries_are_found_as_they_were_added(activity_store: ActivityStore) -> None:
    item_id = uuid4()
    comment, rating = a_comment(item_id, text="🎬 'quoted' <b>"), a_rating(item_id, stars=5)

    await activity_store.add(item_id, [comment, rating])

    assert await activity_store.find_comment(item_id, comment.comment_id) == comment
    assert await activity_store.find_rating(item_id, rating.rating_id) == rating
    assert await activity_store.find_comment(item_id, rating.rating_id) is None
    assert await activity_store.find_rating(uuid4(), rating.rating_id) is None


async def test_ratings_are_counted_with_their_documents(activity_store: ActivityStore) -> None:
    item_id = uuid4()

    await activity_store.add(item_id, [a_rating(item_id, stars=stars) for stars in (1, 2, 3)])
    await activity_store.add(item_id, [a_rating(item_id, stars=5), a_comment(item_id)])

    assert await activity_store.totals(item_id) == Totals(votes=4, stars=11)


async def test_an_item_without_ratings_has_no_votes(activity_store: ActivityStore) -> None:
    assert await activity_store.totals(uuid4()) == Totals()


async def test_each_region_counts_in_its_own_summary(activity_store: ActivityStore) -> None:
    item_id = uuid4()

    await activity_store.add(item_id, [a_rating(item_id, stars=5)])
    await activity_store.add(item_id, [a_rating(item_id, stars=1, counted_by="summary:North Europe")])

    assert await activity_store.totals(item_id) == Totals(votes=2, stars=6)


@pytest.mark.parametrize("others", [0, 3])
async def test_one_entry_that_exists_keeps_all_from_being_added(activity_store: ActivityStore, others: int) -> None:
    item_id = uuid4()
    stored = a_rating(item_id, stars=5)
    await activity_store.add(item_id, [stored])
    new = [a_rating(item_id, stars=1) for _ in range(others)]

    with pytest.raises(EntriesExist):
        await activity_store.add(item_id, [*new, stored])

    assert await activity_store.totals(item_id) == Totals(votes=1, stars=5)
    ids = [one.rating_id for one in (stored, *new)]
    assert await activity_store.stored_digests(item_id, ids) == {stored.rating_id: stored.digest}


async def test_as_many_as_one_transaction_takes_are_added(activity_store: ActivityStore) -> None:
    item_id = uuid4()
    entries: list[Entry] = [a_rating(item_id, stars=1, test_data=True, counted_by=None) for _ in range(MAX_ENTRIES - 1)]

    await activity_store.add(item_id, [*entries, a_rating(item_id, stars=4)])

    assert await activity_store.totals(item_id) == Totals(votes=1, stars=4)
    ids = [entry.entry_id for entry in entries]
    assert len(await activity_store.stored_digests(item_id, [*ids, uuid4()])) == len(entries)


async def test_digests_of_many_ids_come_in_one_answer(activity_store: ActivityStore) -> None:
    item_id = uuid4()
    comments = [a_comment(item_id, sequence=number) for number in range(1, 121)]
    for start in range(0, len(comments), 40):
        await activity_store.add(item_id, comments[start : start + 40])

    digests = await activity_store.stored_digests(item_id, [one.comment_id for one in comments])

    assert digests == {one.comment_id: one.digest for one in comments}


async def test_comments_come_newest_first_and_page_by_place(activity_store: ActivityStore) -> None:
    item_id = uuid4()
    comments = [a_comment(item_id, sequence=sequence) for sequence in (3, 1, 2, 2, 5)]
    await activity_store.add(item_id, [*comments, a_rating(item_id)])

    def place(one: object) -> tuple[str, str]:
        return iso(one.written_by.enqueued), str(one.comment_id)  # type: ignore[attr-defined]

    seen = []
    after = None
    while page := await activity_store.comments(item_id, after, 2):
        seen += page
        after = CommentsAfter(*place(page[-1])[:1], comment_id=page[-1].comment_id)

    assert seen == sorted(comments, key=place, reverse=True)


async def test_test_data_is_stored_once_and_enters_no_total(activity_store: ActivityStore) -> None:
    item_id = uuid4()
    rating = a_rating(item_id, test_data=True, counted_by=None)
    await activity_store.add(item_id, [rating])

    with pytest.raises(EntriesExist):
        await activity_store.add(item_id, [rating])

    assert await activity_store.find_rating(item_id, rating.rating_id) == rating
    assert await activity_store.totals(item_id) == Totals()


REMOVAL = Removal(UUID(int=7), "West Europe")


async def test_a_removed_rating_leaves_the_totals_and_its_proof_stays(activity_store: ActivityStore) -> None:
    item_id = uuid4()
    keep, drop = a_rating(item_id, stars=5), a_rating(item_id, stars=1)
    await activity_store.add(item_id, [keep, drop])

    for _ in range(2):  # the second time nothing is left to remove
        await activity_store.remove(item_id, [drop.rating_id, uuid4()], REMOVAL)

    assert await activity_store.totals(item_id) == Totals(votes=1, stars=5)
    assert await activity_store.find_rating(item_id, drop.rating_id) is None
    assert await activity_store.state_of(item_id, drop.rating_id) == EntryState(
        EntryKind.RATING, drop.digest, removed_by=REMOVAL.command_id
    )
    assert await activity_store.state_of(item_id, keep.rating_id) == EntryState(EntryKind.RATING, keep.digest)
    assert await activity_store.state_of(item_id, uuid4()) is None
    with pytest.raises(EntriesExist):
        await activity_store.add(item_id, [drop])


async def test_a_removed_comment_is_in_no_list(activity_store: ActivityStore) -> None:
    item_id = uuid4()
    comments = [a_comment(item_id, sequence=number) for number in (1, 2, 3)]
    await activity_store.add(item_id, comments)

    await activity_store.remove(item_id, [comments[1].comment_id], REMOVAL)

    assert await activity_store.comments(item_id, None, 10) == [comments[2], comments[0]]
    assert await activity_store.find_comment(item_id, comments[1].comment_id) is None


async def test_what_is_older_than_an_event_is_found_by_sequence_or_by_time(activity_store: ActivityStore) -> None:
    item_id = uuid4()
    gone, older, same, newer = (a_comment(item_id, sequence=number) for number in (0, 1, 2, 3))
    other_before = a_comment(item_id, written_by=a_stamp(9, hub=OTHER_HUB, at_s=1))
    other_after = a_comment(item_id, written_by=a_stamp(1, hub=OTHER_HUB, at_s=3))
    await activity_store.add(item_id, [gone, older, same, newer, other_before, other_after])
    await activity_store.remove(item_id, [gone.comment_id], REMOVAL)

    found = await activity_store.live_before(item_id, a_stamp(2), 10)

    assert set(found) == {older.comment_id, other_before.comment_id}


async def test_a_rating_of_another_regions_summary_is_recounted_there(activity_store: ActivityStore) -> None:
    region, item_id = f"Region {uuid4()}", uuid4()
    keep, drop = (a_rating(item_id, stars=stars, counted_by=f"summary:{region}") for stars in (2, 5))
    await activity_store.add(item_id, [keep, drop])

    await activity_store.remove(item_id, [drop.rating_id], REMOVAL)

    assert await activity_store.totals(item_id) == Totals(votes=2, stars=7)
    assert await activity_store.to_recount(region, 10) == [item_id]
    assert await activity_store.recount(item_id, region) is True
    assert await activity_store.totals(item_id) == Totals(votes=1, stars=2)
    assert await activity_store.to_recount(region, 10) == []
    assert await activity_store.recount(item_id, region) is False


async def test_a_regions_counted_items_come_in_order(activity_store: ActivityStore) -> None:
    region = f"Region {uuid4()}"
    items = sorted(uuid4() for _ in range(5))
    for item_id in items:
        await activity_store.add(item_id, [a_rating(item_id, counted_by=f"summary:{region}")])

    first = await activity_store.counted_items(region, None, 3)

    assert first + await activity_store.counted_items(region, first[-1], 3) == items


async def test_as_many_as_one_transaction_takes_are_removed(activity_store: ActivityStore) -> None:
    item_id = uuid4()
    ratings = [a_rating(item_id, stars=1) for _ in range(MAX_REMOVED)]
    for start in range(0, len(ratings), 40):
        await activity_store.add(item_id, ratings[start : start + 40])

    await activity_store.remove(item_id, [one.rating_id for one in ratings], REMOVAL)

    assert await activity_store.totals(item_id) == Totals()
