"""The Functions host's checkpoints and ownerships of the processor's consumer group, in the stamp's storage account.

The layout is that of the Event Hubs extension 5 and later, which KEDA calls `blobMetadata`: empty blobs with metadata,
named `{namespace}/{hub}/{group}/checkpoint/{partition}` and `…/ownership/{partition}`, all in lower case.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobProperties
from azure.storage.blob.aio import BlobClient, ContainerClient

from adapters.stamp_storage import errors_as_ours
from domain.backlog import Checkpoint
from domain.ports import CheckpointChanged, Ownership, OwnershipChanged


class BlobCheckpoints:
    """Fulfils CheckpointBox."""

    def __init__(self, container: ContainerClient, namespace: str, hub: str, group: str) -> None:
        self._container = container
        self._prefix = f"{namespace}/{hub}/{group}/".lower()

    async def checkpoints(self) -> dict[str, Checkpoint]:
        """See CheckpointBox; one request for all of them."""
        prefix = f"{self._prefix}checkpoint/"
        found: dict[str, Checkpoint] = {}
        with errors_as_ours():
            try:
                async for blob in self._container.list_blobs(name_starts_with=prefix, include=["metadata"]):
                    checkpoint = _checkpoint(blob)
                    if checkpoint is not None:
                        found[str(blob.name).removeprefix(prefix)] = checkpoint
            except ResourceNotFoundError:
                return {}  # no container: no host has run here yet
        return found

    async def remove(self, partition: str, checkpoint: Checkpoint) -> None:
        """See CheckpointBox."""
        blob = self._container.get_blob_client(f"{self._prefix}checkpoint/{partition}")
        with errors_as_ours():
            try:
                await blob.delete_blob(etag=checkpoint.tag, match_condition=MatchConditions.IfNotModified)
            except ResourceNotFoundError:
                return
            except ResourceModifiedError as error:
                # The condition may be judged before it is seen that nothing is there.
                if await blob.exists():
                    raise CheckpointChanged(f"The checkpoint of partition {partition} has just changed.") from error

    async def ownership(self, partition: str) -> Ownership | None:
        """See CheckpointBox."""
        with errors_as_ours():
            try:
                blob = await self._ownership_blob(partition).get_blob_properties()
            except ResourceNotFoundError:
                return None
        owner = _lower(blob.metadata).get("ownerid", "")
        return Ownership(partition, owner, _moment(blob.last_modified), str(blob.etag))

    async def own(self, current: Ownership, owner: str) -> Ownership:
        """See CheckpointBox."""
        with errors_as_ours():
            try:
                answer = await self._ownership_blob(current.partition).set_blob_metadata(
                    {"ownerid": owner}, etag=current.tag, match_condition=MatchConditions.IfNotModified
                )
            except (ResourceModifiedError, ResourceNotFoundError) as error:
                raise OwnershipChanged(f"The owner of partition {current.partition} has just changed.") from error
        return Ownership(current.partition, owner, _moment(answer["last_modified"]), str(answer["etag"]))

    def _ownership_blob(self, partition: str) -> BlobClient:
        return self._container.get_blob_client(f"{self._prefix}ownership/{partition}")


def _checkpoint(blob: BlobProperties) -> Checkpoint | None:
    """None for one without a readable number: what waits is then overstated, never hidden."""
    try:
        sequence = int(_lower(blob.metadata).get("sequencenumber", ""))
    except ValueError:
        return None
    return Checkpoint(sequence, _moment(blob.last_modified), str(blob.etag))


def _lower(metadata: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (metadata or {}).items()}


def _moment(value: object) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromtimestamp(0, UTC)
