"""The contract of DeadLetters."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from azure.storage.blob.aio import BlobServiceClient

from adapters.blobs import BlobDeadLetters, blob_name
from domain.ports import DeadLetters
from domain.records import DeadLetter
from settings import DEAD_LETTER_CONTAINER
from tests.builders import NOON, a_delivery


def a_letter() -> DeadLetter:
    hub = f"evhns-{uuid4().hex[:8]}.test/commands"
    return DeadLetter(a_delivery(b"\x00\xff garbage", 7, hub=hub), "undecodable", "not a command", NOON)


async def test_parking_a_redelivery_again_changes_nothing(dead_letters: DeadLetters) -> None:
    letter = a_letter()

    await dead_letters.park(letter)
    await dead_letters.park(replace(letter, parked_at=NOON + timedelta(hours=1)))


async def test_a_parked_letter_holds_the_events_bytes_and_properties(letter_box: BlobServiceClient) -> None:
    container = letter_box.get_container_client(DEAD_LETTER_CONTAINER)
    letter = a_letter()

    await BlobDeadLetters(container).park(letter)
    await BlobDeadLetters(container).park(replace(letter, parked_at=NOON + timedelta(hours=1)))

    download = await container.download_blob(blob_name(letter.delivery))
    stored = json.loads(await download.readall())
    assert base64.b64decode(stored["body"]) == letter.delivery.body
    assert (stored["reason"], stored["properties"]) == ("undecodable", {"kind": "test"})
    assert stored["parkedAt"] == "2026-11-25T12:00:00.000000Z"


async def test_another_event_under_the_same_number_is_another_letter(letter_box: BlobServiceClient) -> None:
    """A hub made anew counts from 0 again."""
    letter = a_letter()
    other = replace(letter, delivery=replace(letter.delivery, body=b"other"))

    assert blob_name(letter.delivery) != blob_name(other.delivery)
