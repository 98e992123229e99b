"""The contract of ActivityStore."""

from uuid import uuid4

import pytest

from domain.ports import MAX_ENTRIES, ActivityStore, CommentsAfter, EntriesExist
from domain.records import Entry, Totals
from domain.times import iso
from tests.builders import a_comment, a_rating


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
