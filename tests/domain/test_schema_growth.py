"""In a roll-out old readers meet new senders and the other way round."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.commands import Canary, Command, UpdateItem, command_of, message_of
from domain.errors import UndecodableEvent, UnknownCommand
from tests.builders import (
    a_delete_comment,
    a_delete_item,
    a_delete_rating,
    a_put_item,
    an_add_comment,
    an_add_rating,
    an_update_item,
)

# Every kind as version 1 wrote it. Hubs keep them for a week, letters for three months: never change a line.
VERSION_1: list[dict[str, Any]] = json.loads((Path(__file__).parent / "commands_v1.json").read_text())


@pytest.mark.parametrize("stored", VERSION_1, ids=[one["kind"] for one in VERSION_1])
def test_todays_processor_reads_what_version_1_wrote(stored: dict[str, Any]) -> None:
    message = message_of(json.dumps(stored).encode())

    written = json.loads(message.to_bytes())
    assert {name: written[name] for name in stored} == stored


@pytest.mark.parametrize("stored", VERSION_1, ids=[one["kind"] for one in VERSION_1])
def test_an_old_processor_reads_what_tomorrows_sender_adds(stored: dict[str, Any]) -> None:
    """A member that this version does not know changes nothing of what it does know."""
    tomorrow = stored | {"schemaVersion": 2, "tomorrow": {"nested": [1, 2]}}

    message = message_of(json.dumps(tomorrow).encode())

    assert message.command_id == message_of(json.dumps(stored).encode()).command_id


def test_every_kind_of_today_is_among_the_recorded_ones() -> None:
    recorded = {one["kind"] for one in VERSION_1}
    item_id = a_put_item().item_id
    today: list[Command] = [
        a_put_item(),
        an_update_item(item_id),
        a_delete_item(item_id),
        an_add_comment(),
        an_add_rating(),
        a_delete_comment(item_id, item_id),
        a_delete_rating(item_id, item_id),
    ]

    assert {one.kind for one in today} | {Canary.model_fields["kind"].default, "set-image"} == recorded


def test_a_kind_of_tomorrow_is_told_apart_from_garbage() -> None:
    """Both are parked; this one can be replayed when the roll-out is through."""
    unknown = VERSION_1[0] | {"kind": "merge-items"}

    with pytest.raises(UnknownCommand):
        command_of(json.dumps(unknown).encode())
    with pytest.raises(UndecodableEvent):
        command_of(json.dumps({"kind": "put-item"}).encode())


@pytest.mark.parametrize("price", ["0.00", "19.90", "1000000000.00"])
def test_a_price_survives_the_queue_to_the_last_digit(price: str) -> None:
    item_id = a_put_item().item_id
    command = an_update_item(item_id, price=Decimal(price))

    again = command_of(command.to_bytes())

    assert isinstance(again, UpdateItem)
    assert str(again.price) == price
