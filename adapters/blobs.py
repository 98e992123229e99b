"""Blob storage: where dead letters are parked."""

import base64
import hashlib
import json

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.storage.blob.aio import ContainerClient

from domain.errors import DeadLettersUnavailable
from domain.records import DeadLetter, Delivery
from domain.times import iso


class BlobDeadLetters:
    """Fulfils DeadLetters: one blob a letter, named after its event, never written twice."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    async def park(self, letter: DeadLetter) -> None:
        """See DeadLetters."""
        try:
            await self._container.upload_blob(
                blob_name(letter.delivery), letter_bytes(letter), overwrite=False, metadata={"reason": letter.reason}
            )
        except ResourceExistsError:
            return  # parked by an earlier delivery, or by our own first try whose reply was lost: the same letter
        except (AzureError, TimeoutError, OSError) as error:
            raise DeadLettersUnavailable("The dead-letter store is not available.") from error


def blob_name(delivery: Delivery) -> str:
    """`{namespace}/{hub}/{partition}/{sequence}-{body digest}`: a hub made anew hides no older letter."""
    stamp = delivery.stamp
    digest = hashlib.sha256(delivery.body).hexdigest()[:16]
    return f"{stamp.hub}/{stamp.partition}/{stamp.sequence:020d}-{digest}"


def letter_bytes(letter: DeadLetter) -> bytes:
    """The letter as JSON; the event's original bytes in base64."""
    stamp = letter.delivery.stamp
    return json.dumps(
        {
            "reason": letter.reason,
            "detail": letter.detail,
            "parkedAt": iso(letter.parked_at),
            "hub": stamp.hub,
            "partition": stamp.partition,
            "sequence": stamp.sequence,
            "enqueued": iso(stamp.enqueued),
            "properties": letter.delivery.properties,
            "body": base64.b64encode(letter.delivery.body).decode(),
        },
        indent=1,
    ).encode()
