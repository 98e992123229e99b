"""The stamp's own storage account: the host's checkpoints, and the operator's switch."""

from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from adapters.blobs import ERRORS
from domain.errors import StoreUnavailable

CHECKPOINTS = "azure-webjobs-eventhub"
HEALTH = "health"
SWITCH = "stamp.health"


class StampStorage:
    """Looks at the account; both methods raise StoreUnavailable when it does not answer."""

    def __init__(self, service: BlobServiceClient) -> None:
        self._service = service

    async def checkpoints_score(self) -> float:
        """1 when the checkpoints can be read."""
        with errors_as_ours():
            async for _ in self._service.get_container_client(CHECKPOINTS).list_blobs(results_per_page=1):
                break
        return 1.0

    async def switch_score(self) -> float:
        """0 when an operator has deleted the blob `stamp.health`, to take the stamp out of rotation; else 1."""
        with errors_as_ours():
            try:
                await self._service.get_blob_client(HEALTH, SWITCH).get_blob_properties()
            except ResourceNotFoundError:
                return 0.0
        return 1.0


@contextmanager
def errors_as_ours() -> Iterator[None]:
    """Raise StoreUnavailable for every error of the SDK that is not caught inside."""
    try:
        yield
    except ERRORS.caught as error:
        raise StoreUnavailable("The stamp's storage account is not available.") from error
