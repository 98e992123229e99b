"""The contract of ItemStore."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from domain.errors import ItemChanged
from domain.ports import AlreadyApplied, ItemsAfter, ItemStore
from domain.records import Marker, StoredItem
from tests.builders import NOON, a_stamp, an_item


def a_marker(digest: str = "0" * 32) -> Marker:
    return Marker(uuid4(), digest)


async def test_what_is_committed_is_found_to_the_last_digit(item_store: ItemStore) -> None:
    item = an_item(price=Decimal("999999999.99"), name="Ünïcode 🎬 漢字", image="cover", written_by=a_stamp(7))

    await item_store.commit(item, a_marker())

    assert await item_store.find(item.item_id) == item


async def test_an_item_that_was_never_written_is_none(item_store: ItemStore) -> None:
    item_id = uuid4()

    assert await item_store.find(item_id) is None
    assert await item_store.find_marker(item_id, uuid4()) is None


async def test_the_marker_is_stored_with_the_item(item_store: ItemStore) -> None:
    item, marker = an_item(), a_marker()

    await item_store.commit(item, marker)

    assert await item_store.find(item.item_id) == item
    assert await item_store.find_marker(item.item_id, marker.command_id) == marker


async def test_a_second_commit_of_a_command_changes_nothing(item_store: ItemStore) -> None:
    item, marker = an_item(name="first"), a_marker()
    await item_store.commit(item, marker)
    stored = await item_store.find(item.item_id)
    assert stored is not None

    with pytest.raises(AlreadyApplied) as applied:
        await item_store.commit(replace(stored, name="second"), replace(marker, digest="1" * 32))

    assert applied.value.marker == marker
    assert await item_store.find(item.item_id) == item


async def test_a_commit_on_an_item_that_changed_meanwhile_changes_nothing(item_store: ItemStore) -> None:
    item = an_item(name="first")
    await item_store.commit(item, a_marker())
    stored = await item_store.find(item.item_id)
    assert stored is not None
    await item_store.commit(replace(stored, name="second"), a_marker())
    late = a_marker()

    with pytest.raises(ItemChanged):
        await item_store.commit(replace(stored, name="third"), late)

    current = await item_store.find(item.item_id)
    assert current is not None
    assert (current.name, await item_store.find_marker(item.item_id, late.command_id)) == ("second", None)


async def test_creating_an_item_that_exists_changes_nothing(item_store: ItemStore) -> None:
    item = an_item()
    await item_store.commit(item, a_marker())

    with pytest.raises(ItemChanged):
        await item_store.commit(replace(item, name="other"), a_marker())

    assert await item_store.find(item.item_id) == item


async def test_a_tombstone_is_found_but_not_listed(item_store: ItemStore) -> None:
    item = an_item(name=f"tombstone {uuid4()}")
    await item_store.commit(item, a_marker())
    stored = await item_store.find(item.item_id)
    assert stored is not None

    await item_store.commit(replace(stored, deleted=True), a_marker())
    found = await item_store.find(item.item_id)

    assert found is not None
    assert found.deleted
    after = ItemsAfter(name=item.name[:-1], item_id=uuid4())
    assert item.item_id not in {one.item_id for one in await item_store.page(after, 10)}


async def test_pages_follow_each_other_by_name_then_id_without_gap_or_repeat(item_store: ItemStore) -> None:
    prefix = f"pages {uuid4()} "
    names = ["A", "B", "B", "B", "a", "é", "漢", "🎬"]
    items = [an_item(name=prefix + name) for name in names]
    for item in items:
        await item_store.commit(item, a_marker())
    expected = sorted((item.name, str(item.item_id)) for item in items)

    seen: list[tuple[str, str]] = []
    after = ItemsAfter(name=prefix, item_id=uuid4())
    while page := [one for one in await item_store.page(after, 3) if one.name.startswith(prefix)]:
        seen += [(one.name, str(one.item_id)) for one in page]
        after = ItemsAfter(name=page[-1].name, item_id=page[-1].item_id)

    assert seen == expected


async def test_a_cut_name_goes_on_behind_the_whole_one(item_store: ItemStore) -> None:
    prefix = f"cut {uuid4()} "
    items = [an_item(name=prefix + "x" * 100 + last) for last in "abc"]
    for item in items:
        await item_store.commit(item, a_marker())

    after = ItemsAfter(name=prefix + "x" * 50, item_id=items[0].item_id, name_is_cut=True)
    page = [one.name[-1] for one in await item_store.page(after, 10) if one.name.startswith(prefix)]

    assert page == ["b", "c"]


async def test_tombstones_are_listed_by_age_and_id(item_store: ItemStore) -> None:
    later = NOON + timedelta(days=365)
    gone = [an_item(deleted=True, written_by=a_stamp(1, at_s=366 * 86_400 + number)) for number in range(4)]
    alive = an_item(written_by=a_stamp(1, at_s=366 * 86_400))
    for item in (*gone, alive):
        await item_store.commit(item, a_marker())
    moment = NOON + timedelta(days=366, seconds=3)

    found: list[StoredItem] = []
    while page := await item_store.deleted_before(moment, found[-1].item_id if found else None, 2):
        found += page

    ours = [item for item in found if item.written_by.enqueued > later]
    assert ours == sorted(gone[:3], key=lambda item: str(item.item_id))
