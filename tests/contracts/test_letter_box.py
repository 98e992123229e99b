"""The contract of LetterBox: what was parked can be listed, read and taken out, and nothing else is."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from azure.storage.blob.aio import BlobServiceClient

from adapters.blobs import BlobLetterBox
from domain.ports import LetterChanged, UnknownLetter, UnreadableLetter
from domain.records import DeadLetter, Delivery
from settings import DEAD_LETTER_CONTAINER
from tests.builders import NOON, a_delivery, a_stamp, an_add_comment
from tests.contracts.conftest import Letters


@pytest.fixture
def hub() -> str:
    """A hub of the test's own: the stand-in's box is shared."""
    return f"evhns-{uuid4().hex[:8]}.test/commands"


def a_letter(
    hub: str, sequence: int = 7, *, body: bytes = b"\x00\xff garbage", reason: str = "undecodable"
) -> DeadLetter:
    return DeadLetter(a_delivery(body, sequence, hub=hub), reason, "not a command", NOON)


async def names(letters: Letters, beginning: str) -> list[str]:
    return [line.name async for line in letters.box.lines(beginning)]


async def test_a_parked_letter_is_listed_and_read_as_it_was(letters: Letters, hub: str) -> None:
    letter = a_letter(hub, body=an_add_comment(text="Ünïcode ✓").to_bytes(), reason="unknown-item")
    await letters.parked.park(letter)

    [line] = [line async for line in letters.box.lines(hub)]

    assert (line.reason, line.hub, line.partition, line.sequence) == ("unknown-item", hub, "0", 7)
    assert (line.parked_at, line.size) == (NOON, len(letter.delivery.body))
    assert (await letters.box.read(line.name)).letter == letter


async def test_letters_are_listed_in_the_order_of_their_events(letters: Letters, hub: str) -> None:
    for sequence in (100, 9, 20):
        await letters.parked.park(a_letter(hub, sequence))

    assert [line.sequence async for line in letters.box.lines(hub)] == [9, 20, 100]


async def test_a_list_is_cut_where_asked(letters: Letters, hub: str) -> None:
    for sequence in range(5):
        await letters.parked.park(a_letter(hub, sequence))

    assert [line.sequence async for line in letters.box.lines(hub, at_most=3)] == [0, 1, 2]
    assert [line.sequence async for line in letters.box.lines(hub, at_most=9)] == [0, 1, 2, 3, 4]


async def test_a_list_holds_only_what_begins_as_asked(letters: Letters, hub: str) -> None:
    await letters.parked.park(a_letter(hub))
    await letters.parked.park(a_letter(hub.replace("commands", "other")))

    assert len(await names(letters, hub)) == 1
    assert len(await names(letters, hub.removesuffix("/commands"))) == 2
    assert await names(letters, hub + "-nobody") == []


async def test_a_letter_taken_out_is_gone_and_may_be_taken_out_again(letters: Letters, hub: str) -> None:
    await letters.parked.park(a_letter(hub))
    [name] = await names(letters, hub)
    read = await letters.box.read(name)

    await letters.box.remove(read)
    await letters.box.remove(read)

    assert await names(letters, hub) == []
    with pytest.raises(UnknownLetter):
        await letters.box.read(name)


async def test_a_letter_parked_anew_after_it_was_read_stays(letters: Letters, hub: str) -> None:
    """Somebody else removed it, and its event came again: that is not the letter which this operator saw."""
    letter = a_letter(hub)
    await letters.parked.park(letter)
    [name] = await names(letters, hub)
    read = await letters.box.read(name)
    await letters.box.remove(read)
    await letters.parked.park(replace(letter, parked_at=NOON + timedelta(hours=1)))

    with pytest.raises(LetterChanged):
        await letters.box.remove(read)

    assert await names(letters, hub) == [name]


async def test_a_letter_remembers_that_it_was_a_replay(letters: Letters, hub: str) -> None:
    stamp = replace(a_stamp(30, hub=hub), enqueued=NOON, first_sequence=3)
    delivery = Delivery(b"{}", stamp, {"replay-of": "another", "original-sequence": "3"})
    await letters.parked.park(DeadLetter(delivery, "undecodable", "again", NOON))
    [name] = await names(letters, hub)

    read = (await letters.box.read(name)).letter.delivery

    assert (read.stamp.first_sequence, read.stamp.enqueued) == (3, NOON)
    assert read.properties["replay-of"] == "another"


@pytest.mark.parametrize("name", ["", "no/such/letter", "../../etc/passwd", "a" * 1025, "ü/ö?x=1#y/%2e"])
async def test_a_name_that_no_letter_has_is_unknown(letters: Letters, name: str) -> None:
    with pytest.raises(UnknownLetter):
        await letters.box.read(name)


@pytest.mark.parametrize("data", [b"", b"not json", b"[]", b'{"reason": "x"}', b'{"hub": null, "properties": 3}'])
async def test_what_is_no_letter_of_ours_is_listed_and_said_to_be_unreadable(
    letter_box: BlobServiceClient, hub: str, data: bytes
) -> None:
    container = letter_box.get_container_client(DEAD_LETTER_CONTAINER)
    box = BlobLetterBox(container)
    name = f"{hub}/0/{5:020d}-0123456789abcdef"
    await container.upload_blob(name, data)
    await container.upload_blob(f"{hub}/read-me.txt", b"a note")

    assert [(line.name, line.reason, line.size) async for line in box.lines(hub)] == [(name, "unknown", len(data))]
    with pytest.raises(UnreadableLetter):
        await box.read(name)
