"""What a command makes of what is stored."""

from uuid import uuid4

import pytest

from domain.errors import PreconditionFailed, Superseded, UnknownItem
from domain.ordering import version_of
from domain.rules import entry_of, is_replay, item_after
from tests.builders import (
    HUB,
    OTHER_HUB,
    a_delete_item,
    a_put_item,
    a_stamp,
    an_add_rating,
    an_item,
    an_update_item,
)


def test_a_new_item_carries_the_version_of_its_event() -> None:
    stamp = a_stamp(7)

    item = item_after(a_put_item(name="Nosferatu"), None, stamp)

    assert (item.name, item.version, item.written_by) == ("Nosferatu", version_of(stamp), stamp)


def test_a_later_event_always_has_a_greater_version_in_its_hub() -> None:
    """Even when the broker's clock stood still and the sequence's low bits wrapped."""
    first = item_after(a_put_item(), None, a_stamp(4095, at_s=0))

    second = item_after(a_put_item(first.item_id), first, a_stamp(4096, at_s=0))

    assert second.version == first.version + 1


def test_an_event_that_is_later_in_neither_sequence_nor_time_is_a_replay() -> None:
    stored = an_item(written_by=a_stamp(5))

    assert is_replay(stored, a_stamp(5))
    assert is_replay(stored, a_stamp(4))
    assert not is_replay(stored, a_stamp(6))


def test_a_hub_made_anew_counts_from_zero_and_is_no_replay() -> None:
    stored = an_item(written_by=a_stamp(500, at_s=0))

    assert not is_replay(stored, a_stamp(0, at_s=60))


def test_another_hubs_event_is_no_replay() -> None:
    assert not is_replay(an_item(written_by=a_stamp(5)), a_stamp(1, hub=OTHER_HUB, at_s=0))


def test_an_older_command_loses_to_a_newer_write_from_another_region() -> None:
    newer = item_after(a_put_item(), None, a_stamp(1, hub=OTHER_HUB, at_s=10))

    with pytest.raises(Superseded):
        item_after(an_update_item(newer.item_id), newer, a_stamp(9, at_s=9))


def test_a_newer_command_wins_over_another_region() -> None:
    older = item_after(a_put_item(), None, a_stamp(1, hub=OTHER_HUB, at_s=10))

    item = item_after(an_update_item(older.item_id, name="Faust"), older, a_stamp(1, at_s=11))

    assert (item.name, item.written_by.hub) == ("Faust", HUB)


def test_a_client_that_names_the_stored_version_is_never_superseded() -> None:
    """Its broker's clock may be behind the other region's; the client has seen what it changes."""
    stored = item_after(a_put_item(), None, a_stamp(1, hub=OTHER_HUB, at_s=10))

    item = item_after(an_update_item(stored.item_id, versions=(stored.version,)), stored, a_stamp(1, at_s=7))

    assert item.version == stored.version + 1


def test_if_match_refuses_another_version() -> None:
    stored = an_item(version=5)

    with pytest.raises(PreconditionFailed):
        item_after(an_update_item(stored.item_id, versions=(4,)), stored, a_stamp(9))


@pytest.mark.parametrize("stored", [None, an_item(deleted=True)])
def test_there_is_nothing_to_update_or_delete_without_a_live_item(stored: object) -> None:
    for command in (an_update_item(uuid4()), a_delete_item(uuid4())):
        with pytest.raises(UnknownItem):
            item_after(command, stored, a_stamp(9))  # type: ignore[arg-type]


def test_a_delete_leaves_a_tombstone_that_a_put_brings_back_without_its_image() -> None:
    stored = an_item(image="cover")

    tombstone = item_after(a_delete_item(stored.item_id), stored, a_stamp(9))
    again = item_after(a_put_item(stored.item_id), tombstone, a_stamp(10))

    assert (tombstone.deleted, again.deleted, again.image) == (True, False, None)


def test_a_put_keeps_the_image_of_a_live_item() -> None:
    stored = an_item(image="cover")

    assert item_after(a_put_item(stored.item_id), stored, a_stamp(9)).image == "cover"


def test_an_update_changes_only_what_it_names() -> None:
    stored = an_item(name="Metropolis", description="A city.")

    item = item_after(an_update_item(stored.item_id, name="M"), stored, a_stamp(9))

    assert (item.name, item.description, item.price) == ("M", "A city.", stored.price)


def test_a_test_rating_is_counted_by_no_summary() -> None:
    counted = entry_of(an_add_rating(), a_stamp(), "West Europe")
    for_test = entry_of(an_add_rating(test_data=True), a_stamp(), "West Europe")

    assert getattr(counted, "counted_by", None) == "summary:West Europe"
    assert getattr(for_test, "counted_by", "absent") is None
