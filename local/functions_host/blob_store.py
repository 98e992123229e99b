"""The host's blobs in `AzureWebJobsStorage`: checkpoints, partition ownership, locks and timer state."""

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob import BlobProperties
from azure.storage.blob.aio import BlobClient, BlobServiceClient, ContainerClient, ExponentialRetry

from .balancing import Ownership
from .environment import setting
from .errors import IndexingError

CHECKPOINT_CONTAINER = "azure-webjobs-eventhub"
HOST_CONTAINER = "azure-webjobs-hosts"
_LOGGER = logging.getLogger("local.functions_host.blobs")
_LOGGER.setLevel(logging.WARNING)
# Published constants of the storage emulator; no secret.
_DEVELOPMENT = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
)

BlobFailure = AzureError


@dataclass(frozen=True)
class Checkpoint:
    """Where a partition continues: after this event."""

    offset: str | None
    sequence_number: int | None


class BlobAccount:
    """The account behind `AzureWebJobsStorage`, by connection string or identity."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._credential: Any = None
        options: dict[str, Any] = {
            "retry_policy": ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=2, random_jitter_range=1),
            "logger": _LOGGER,
            # Environment proxies would cost a look into .netrc on a thread for every request.
            "transport": AioHttpTransport(use_env_settings=False, connection_timeout=5, read_timeout=10),
        }
        text = setting(environ, "AzureWebJobsStorage")
        if text:
            if "usedevelopmentstorage=true" in text.replace(" ", "").lower():
                text = _DEVELOPMENT
            try:
                self._client = BlobServiceClient.from_connection_string(text, **options)
            except ValueError as error:
                raise IndexingError(
                    f"The setting AzureWebJobsStorage is no storage connection string: {error}"
                ) from error
            return
        uri = setting(environ, "AzureWebJobsStorage__blobServiceUri")
        name = setting(environ, "AzureWebJobsStorage__accountName")
        if not uri and not name:
            raise IndexingError(
                "Value for AzureWebJobsStorage is missing: give a connection string (UseDevelopmentStorage=true for "
                "Azurite), AzureWebJobsStorage__blobServiceUri or AzureWebJobsStorage__accountName"
            )
        self._credential = default_credential(environ, "AzureWebJobsStorage")
        address = uri or f"https://{name}.blob.core.windows.net"
        self._client = BlobServiceClient(address, credential=self._credential, **options)

    async def container(self, name: str) -> ContainerClient:
        """A container, made when it is not there yet.

        Raises:
            BlobFailure: the account is out of reach or refuses us.
        """
        container = self._client.get_container_client(name)
        with contextlib.suppress(ResourceExistsError):
            await container.create_container()
        return container

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        if self._credential is not None:
            await self._credential.close()


def default_credential(environ: Mapping[str, str], prefix: str) -> Any:
    """The credential an identity-based connection stands for: DefaultAzureCredential, with a client id when given."""
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential  # noqa: PLC0415 - slow to import

    client_id = setting(environ, f"{prefix}__clientId")
    if (setting(environ, f"{prefix}__credential") or "").lower() == "managedidentity":
        return ManagedIdentityCredential(client_id=client_id)
    if client_id:
        return DefaultAzureCredential(managed_identity_client_id=client_id, workload_identity_client_id=client_id)
    return DefaultAzureCredential()


class PartitionBlobs:
    """Checkpoint and ownership blobs of one consumer group, named and filled as the extension does: all lower case."""

    def __init__(self, container: ContainerClient, namespace: str, hub: str, group: str, owner_id: str) -> None:
        self._container = container
        self._prefix = f"{namespace}/{hub}/{group}/".lower()
        self._owner_id = owner_id
        self._clients: dict[str, BlobClient] = {}  # building one costs as much as a request

    async def ownerships(self) -> list[Ownership]:
        """Every ownership blob of the group."""
        prefix = f"{self._prefix}ownership/"
        blobs = self._container.list_blobs(name_starts_with=prefix, include=["metadata"])
        return [_ownership(blob, blob.name.removeprefix(prefix)) async for blob in blobs]

    async def claim(
        self, partition_id: str, current: Ownership | None, owner_id: str | None = None
    ) -> Ownership | None:
        """Take a partition, or renew it, if nobody else wrote since `current` was read; None when somebody did."""
        owner = self._owner_id if owner_id is None else owner_id
        blob = self._blob(f"ownership/{partition_id}")
        metadata = {"ownerid": owner}
        try:
            if current is None:
                answer = await blob.upload_blob(b"", metadata=metadata, overwrite=False)
            else:
                answer = await blob.set_blob_metadata(
                    metadata, etag=current.etag, match_condition=MatchConditions.IfNotModified
                )
        except (ResourceExistsError, ResourceNotFoundError):
            return None
        except HttpResponseError as error:
            if error.status_code in (409, 412):
                return None
            raise
        return Ownership(partition_id, owner, answer["last_modified"], str(answer["etag"]))

    async def checkpoint(self, partition_id: str) -> Checkpoint | None:
        """The checkpoint of a partition; None when it has none."""
        try:
            blob = await self._checkpoint_blob(partition_id).get_blob_properties()
        except ResourceNotFoundError:
            return None
        values = {name.lower(): value for name, value in (blob.metadata or {}).items()}
        sequence = values.get("sequencenumber")
        number = int(sequence) if sequence and sequence.lstrip("-").isdecimal() else None
        if not values.get("offset") and number is None:
            return None
        return Checkpoint(values.get("offset") or None, number)

    async def write_checkpoint(self, partition_id: str, offset: str, sequence_number: int) -> None:
        """Record that everything up to this event has been handed to the function."""
        blob = self._checkpoint_blob(partition_id)
        metadata = {
            "offset": offset,
            "sequencenumber": str(sequence_number),
            "clientidentifier": self._owner_id,
        }
        try:
            await blob.set_blob_metadata(metadata)
        except ResourceNotFoundError:
            await blob.upload_blob(b"", metadata=metadata, overwrite=True)

    def _checkpoint_blob(self, partition_id: str) -> BlobClient:
        return self._blob(f"checkpoint/{partition_id}")

    def _blob(self, name: str) -> BlobClient:
        client = self._clients.get(name)
        if client is None:
            client = self._clients[name] = self._container.get_blob_client(self._prefix + name)
        return client


def _ownership(blob: BlobProperties, partition_id: str) -> Ownership:
    metadata = {name.lower(): value for name, value in (blob.metadata or {}).items()}
    return Ownership(partition_id, metadata.get("ownerid") or "", blob.last_modified, str(blob.etag))
