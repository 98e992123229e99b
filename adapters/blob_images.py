"""Images of items in the global storage account: staged by the API, published by the processor, served by the edge.

Published means: in the account's static website. Its endpoint is the only one that Front Door can reach over a private
link without a token, so the account needs neither public containers nor a public address.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobProperties, ContentSettings
from azure.storage.blob.aio import BlobClient, ContainerClient

from adapters.blobs import ERRORS
from domain.errors import ItemChanged, StoreUnavailable

ATTEMPTS = 5
# The page shows an item's image by the item's address, and it may change: browsers and edge ask again after a minute.
CACHE_CONTROL = "public, max-age=60"


class BlobImageStore:
    """Fulfils ImageStore."""

    def __init__(self, staged: ContainerClient, published: ContainerClient) -> None:
        self._staged = staged
        self._published = published

    async def stage(self, digest: str, content: bytes, content_type: str) -> None:
        """See ImageStore."""
        with _errors_as_ours():
            # Over what is there: the bytes are the same, by their name, but their age counts from now. Storage
            # removes what was staged long ago, and a delayed processor must still find these.
            await self._staged.upload_blob(
                digest, content, overwrite=True, content_settings=ContentSettings(content_type=content_type)
            )

    async def publish(self, item_id: UUID, digest: str, version: int) -> None:
        """See ImageStore."""
        blob = self._published.get_blob_client(path_of(item_id))
        for _ in range(ATTEMPTS):
            with _errors_as_ours():
                current = await _properties(blob)
                if current is not None and _version(current) >= version:
                    return
                download = await self._staged.download_blob(digest)
                content = await download.readall()
                try:
                    await blob.upload_blob(
                        content,
                        overwrite=current is not None,
                        metadata={"version": str(version), "digest": digest},
                        content_settings=ContentSettings(
                            content_type=download.properties.content_settings.content_type, cache_control=CACHE_CONTROL
                        ),
                        **_unchanged(current),
                    )
                except (ResourceModifiedError, ResourceExistsError):
                    continue  # somebody published meanwhile: look again who is newer
                return
        raise ItemChanged("The image was changed by others at every attempt.")

    async def withdraw(self, item_id: UUID, version: int) -> None:
        """See ImageStore."""
        blob = self._published.get_blob_client(path_of(item_id))
        for _ in range(ATTEMPTS):
            with _errors_as_ours():
                current = await _properties(blob)
                if current is None or _version(current) >= version:
                    return
                try:
                    await blob.delete_blob(etag=current.etag, match_condition=MatchConditions.IfNotModified)
                except ResourceNotFoundError:
                    return
                except ResourceModifiedError:
                    continue
                return
        raise ItemChanged("The image was changed by others at every attempt.")


def path_of(item_id: UUID) -> str:
    """Where an item's image lies in the account's static website: the path that browsers ask the edge for."""
    return f"images/{item_id}"


def _unchanged(current: BlobProperties | None) -> dict[str, Any]:
    if current is None:  # `overwrite=False` is the condition
        return {}
    return {"etag": current.etag, "match_condition": MatchConditions.IfNotModified}


async def _properties(blob: BlobClient) -> BlobProperties | None:
    try:
        return await blob.get_blob_properties()
    except ResourceNotFoundError:
        return None


def _version(properties: BlobProperties) -> int:
    return int((properties.metadata or {}).get("version", "0"))


@contextmanager
def _errors_as_ours() -> Iterator[None]:
    try:
        yield
    except ERRORS.caught as error:
        raise StoreUnavailable("The image store is not available.") from error
