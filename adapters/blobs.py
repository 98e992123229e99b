"""Blob storage: where dead letters are parked, and where operators read them."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    SerializationError,
)
from azure.storage.blob import BlobProperties, PartialBatchErrorException, StorageErrorCode
from azure.storage.blob.aio import ContainerClient

from adapters.vendor_errors import HTTP_CLIENT_ERRORS, ErrorTable
from domain.errors import DeadLettersUnavailable
from domain.ordering import EventStamp
from domain.ports import LetterChanged, LetterLine, ParkedLetter, UnknownLetter, UnreadableLetter
from domain.records import DeadLetter, Delivery
from domain.times import from_iso, iso

# Every one means that the letter is not parked, and the event comes back: an error believed permanent would lose it.
# 404 and 409 and 412 are answers where a method expects them.
ERRORS = ErrorTable(
    types=dict.fromkeys((*HTTP_CLIENT_ERRORS, SerializationError, PartialBatchErrorException), DeadLettersUnavailable),
    statuses=dict.fromkeys(
        (304, 400, 401, 403, 404, 405, 409, 411, 412, 413, 415, 416, 429, 500, 501, 503), DeadLettersUnavailable
    ),
)
# For BlobServiceClient. By default it waits 20 s for a connection and 15 s before it tries again.
CLIENT_SETTINGS: dict[str, Any] = {
    "connection_timeout": 2,
    "read_timeout": 5,
    "retry_total": 2,
    "initial_backoff": 0.2,
    "increment_base": 1,
    "random_jitter_range": 0.2,
}

# A name that is none of ours is not even asked for: `..` in it would leave the container.
_NAME = re.compile(r"(?P<hub>[^/]+/[^/]+)/(?P<partition>[^/]+)/(?P<sequence>[0-9]{20})-[0-9a-f]{16}")


class BlobDeadLetters:
    """Fulfils DeadLetters: one blob a letter, named after its event, never written twice."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    async def park(self, letter: DeadLetter) -> None:
        """See DeadLetters."""
        with _errors_as_ours():
            try:
                await self._container.upload_blob(
                    blob_name(letter.delivery), letter_bytes(letter), overwrite=False, metadata=_metadata(letter)
                )
            except ResourceExistsError as error:
                # The SDK says so of containers that are being deleted too, which keep nothing.
                if getattr(error, "error_code", None) != StorageErrorCode.BLOB_ALREADY_EXISTS:
                    raise
                # Parked by an earlier delivery, or by our own first try whose reply was lost: the same letter.


class BlobLetterBox:
    """Fulfils LetterBox."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    async def lines(self, beginning: str = "", *, at_most: int | None = None) -> AsyncIterator[LetterLine]:
        """See LetterBox. The store brings 5,000 blobs with one request, or `at_most`."""
        blobs = self._container.list_blobs(
            name_starts_with=beginning or None, include=["metadata"], results_per_page=at_most
        )
        seen = 0
        with _errors_as_ours():
            async for blob in blobs:
                line = _line(blob)
                if line is not None:
                    yield line
                seen += 1
                if seen == at_most:
                    return

    async def read(self, name: str) -> ParkedLetter:
        """See LetterBox."""
        if not _NAME.fullmatch(name):
            raise UnknownLetter("There is no letter of this name.")
        with _errors_as_ours():
            try:
                download = await self._container.download_blob(name)
                data = await download.readall()
            except ResourceNotFoundError as error:
                raise UnknownLetter("There is no letter of this name.") from error
        try:
            return ParkedLetter(name, letter_of(data), str(download.properties.etag))
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise UnreadableLetter("What lies under this name is no letter of this system.") from error

    async def remove(self, letter: ParkedLetter) -> None:
        """See LetterBox."""
        with _errors_as_ours():
            try:
                await self._container.delete_blob(
                    letter.name, etag=letter.tag, match_condition=MatchConditions.IfNotModified
                )
            except ResourceNotFoundError:
                return  # taken out already: by somebody else, or by our own first try whose reply was lost
            except ResourceModifiedError as error:
                # The condition may be judged before it is seen that nothing is there.
                if await self._container.get_blob_client(letter.name).exists():
                    raise LetterChanged("Under this name lies another letter by now.") from error


@contextmanager
def _errors_as_ours() -> Iterator[None]:
    try:
        yield
    except ERRORS.caught as error:
        ours = ERRORS.meaning(error, status=getattr(error, "status_code", None))
        raise ours("The dead-letter store is not available.") from error


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
            "firstSequence": stamp.first_sequence,
            "properties": letter.delivery.properties,
            "body": base64.b64encode(letter.delivery.body).decode(),
        },
        indent=1,
    ).encode()


def letter_of(data: bytes) -> DeadLetter:
    """The letter that `letter_bytes` wrote; raises ValueError, KeyError or TypeError for anything else."""
    members = json.loads(data)
    stamp = EventStamp(
        hub=str(members["hub"]),
        partition=str(members["partition"]),
        sequence=int(members["sequence"]),
        enqueued=from_iso(members["enqueued"]),
        first_sequence=members.get("firstSequence"),
    )
    properties = {str(name): str(value) for name, value in members["properties"].items()}
    delivery = Delivery(base64.b64decode(members["body"], validate=True), stamp, properties)
    return DeadLetter(delivery, str(members["reason"]), str(members["detail"]), from_iso(members["parkedAt"]))


def _metadata(letter: DeadLetter) -> dict[str, str]:
    """What a list shows without opening the letters."""
    return {"reason": letter.reason, "parked": iso(letter.parked_at), "bytes": str(len(letter.delivery.body))}


def _line(blob: BlobProperties) -> LetterLine | None:
    """A blob as a line of the list; None for one that is named as no letter is."""
    name = _NAME.fullmatch(str(blob.name))
    if name is None:
        return None
    metadata: dict[str, Any] = blob.metadata or {}
    size = str(metadata.get("bytes", ""))
    return LetterLine(
        name=str(blob.name),
        reason=str(metadata.get("reason", "unknown")),
        hub=name["hub"],
        partition=name["partition"],
        sequence=int(name["sequence"]),
        parked_at=_parked(metadata) or blob.creation_time or datetime.fromtimestamp(0, UTC),
        size=int(size) if size.isascii() and size.isdigit() else int(blob.size or 0),
    )


def _parked(metadata: dict[str, Any]) -> datetime | None:
    try:
        return from_iso(str(metadata["parked"]))
    except (KeyError, ValueError):  # a blob that somebody else put here, or copied without its metadata
        return None
