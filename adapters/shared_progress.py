"""One reading of the queue's progress for all processes of a stamp, in a blob of the stamp's account.

A reading asks the hub 33 questions, each over a connection of its own. Were every API process to ask them, twenty of
them would ask 44 a second, for an answer that is the same for all. So the first that finds the shared reading too old
says that it reads, reads, and stores what it found; the others take that. Where sharing fails, each reads for itself.

The blob lies in the container of the host's own locks: it is there that API processes may write. They may only read the
switch that takes the stamp out of rotation.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, ContainerClient

from adapters.stamp_storage import errors_as_ours
from domain.backlog import Checkpoint, LogEnds, QueueProgress, Reading
from domain.errors import StoreUnavailable
from domain.times import from_iso, iso

log = logging.getLogger("catalog.shared_progress")

CONTAINER = "azure-webjobs-hosts"
BLOB = "catalog/queue-progress.json"
# Less than a watch's interval: one process of a stamp reads at each of its turns, and the others at none.
FRESH = timedelta(seconds=12)
# Who said that it reads and has stored nothing since has died.
CLAIM = timedelta(seconds=12)
# Older than this, and whoever asks reads for itself rather than wait for another.
TOO_OLD = timedelta(seconds=40)


@dataclass(frozen=True)
class _Stored:
    reading: Reading | None
    tag: str
    claimed: datetime | None


class SharedProgress:
    """Fulfils QueueProgress, with readings that are up to 12 s old, and up to 40 s while another process reads."""

    def __init__(
        self, own: QueueProgress, container: ContainerClient, now: Callable[[], datetime], blob: str = BLOB
    ) -> None:
        self._own = own
        self._container = container
        self._blob: BlobClient = container.get_blob_client(blob)
        self._now = now

    async def read(self) -> Reading:
        """See QueueProgress."""
        try:
            shared = await self._shared()
        except StoreUnavailable as error:
            _say("read", error)
            shared = None
        if shared is not None:
            return shared
        reading = await self._own.read()
        try:
            await self._store(_bytes_of(reading))
        except StoreUnavailable as error:
            _say("stored", error)
        return reading

    async def _shared(self) -> Reading | None:
        """What another process read; None when it is this one's turn."""
        stored = await self._stored()
        if stored is None or stored.reading is None or not self._is_within(stored.reading.taken_at, TOO_OLD):
            return None
        if self._is_within(stored.reading.taken_at, FRESH) or await self._is_anothers_turn(stored):
            return stored.reading
        return None

    async def _store(self, data: bytes) -> None:
        with errors_as_ours():
            try:
                # Whoever stores last wins: both have just read.
                await self._blob.upload_blob(data, overwrite=True)
            except ResourceNotFoundError:  # the container; the first host to need it makes it, and so do we
                await self._container.create_container()
                await self._blob.upload_blob(data, overwrite=True)

    async def _is_anothers_turn(self, stored: _Stored) -> bool:
        if stored.claimed is not None and self._is_within(stored.claimed, CLAIM):
            return True
        with errors_as_ours():
            try:
                await self._blob.set_blob_metadata(
                    {"claimed": iso(self._now())}, etag=stored.tag, match_condition=MatchConditions.IfNotModified
                )
            except (ResourceModifiedError, ResourceNotFoundError, ResourceExistsError):
                return True
        return False

    async def _stored(self) -> _Stored | None:
        with errors_as_ours():
            try:
                download = await self._blob.download_blob()
                data = await download.readall()
            except ResourceNotFoundError:
                return None
        claimed = (download.properties.metadata or {}).get("claimed", "")
        return _Stored(_reading_of(data), str(download.properties.etag), _moment_of(claimed))

    def _is_within(self, moment: datetime, span: timedelta) -> bool:
        # A clock that runs ahead must not make its reading fresh for as long as it is ahead.
        return abs(self._now() - moment) < span


def _say(what: str, error: StoreUnavailable) -> None:
    log.warning("the shared reading of the queue could not be %s: %s", what, type(error.__cause__).__name__)


def _bytes_of(reading: Reading) -> bytes:
    def plain(value: object) -> str:
        if isinstance(value, datetime):
            return iso(value)
        raise TypeError(type(value).__name__)

    return json.dumps(asdict(reading), default=plain).encode()


def _reading_of(data: bytes) -> Reading | None:
    """None for what another version of this program stored."""
    try:
        members = json.loads(data)
        return Reading(
            taken_at=from_iso(members["taken_at"]),
            hub_created=from_iso(members["hub_created"]),
            logs={one: _log_of(**log) for one, log in members["logs"].items()},
            checkpoints={one: _checkpoint_of(**found) for one, found in members["checkpoints"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _log_of(*, last_enqueued: str, **numbers: Any) -> LogEnds:
    return LogEnds(last_enqueued=from_iso(last_enqueued), **numbers)


def _checkpoint_of(*, written: str, **others: Any) -> Checkpoint:
    return Checkpoint(written=from_iso(written), **others)


def _moment_of(text: str) -> datetime | None:
    try:
        return from_iso(text)
    except ValueError:
        return None
