"""Creates what infrastructure and deployment create in Azure: database, containers, the published page. Repeatable."""

import asyncio
import contextlib

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.cosmos.aio import CosmosClient
from azure.cosmos.partition_key import PartitionKey
from azure.storage.blob import PublicAccess
from azure.storage.blob.aio import BlobClient, BlobServiceClient

from local.stack import COSMOS_KEY, ROOT, Stack, resources
from ops import site


async def provision(stack: Stack) -> None:
    """Create everything that `infra/resources.json` names."""
    await asyncio.gather(cosmos(stack), storage(stack))


async def cosmos(stack: Stack) -> None:
    """Database and containers."""
    described = resources()["cosmos"]
    async with CosmosClient(f"http://127.0.0.1:{stack.cosmos_port}/", COSMOS_KEY) as client:
        database = await client.create_database_if_not_exists(described["database"])
        for container in described["containers"]:
            key = container["partitionKey"]
            await database.create_container_if_not_exists(
                container["id"],
                PartitionKey(key["paths"][0], kind=key["kind"], version=key["version"]),
                default_ttl=container["defaultTtl"],
                indexing_policy=container["indexingPolicy"],
                conflict_resolution_policy=container.get("conflictResolutionPolicy"),
            )


async def storage(stack: Stack) -> None:
    """Blob containers, and the switch of each stamp."""
    names = resources()["storage"]
    wanted = [(stack.global_account, names["websiteContainer"]), (stack.global_account, names["imageUploadContainer"])]
    for index in range(len(stack.regions)):
        wanted += [
            (stack.stamp_account(index), names["websiteContainer"]),
            (stack.stamp_account(index), names["hostContainer"]),
            (stack.stamp_account(index), names["healthContainer"]),
            (stack.region_account(index), names["deadLetterContainer"]),
        ]
    for account, container in wanted:
        async with BlobServiceClient.from_connection_string(stack.storage_connection(account)) as service:
            try:
                # Azurite has no static-website endpoint: the edge reads the container itself, without a token.
                public = PublicAccess.BLOB if container == names["websiteContainer"] else None
                await service.create_container(container, public_access=public)
            except ResourceExistsError:
                continue
            if container == names["healthContainer"]:
                # An operator deletes it to take the stamp out of rotation; so it is made with its container only.
                await service.get_blob_client(container, names["healthBlob"]).upload_blob(b"")


async def page(stack: Stack) -> int:
    """Publish the page to every stamp, and the file that probes ask the images' account for; the files that changed."""
    container = resources()["storage"]["websiteContainer"]
    changed = []
    for account in (stack.global_account, *map(stack.stamp_account, range(len(stack.regions)))):
        async with BlobServiceClient.from_connection_string(stack.storage_connection(account)) as service:
            website = service.get_container_client(container)
            if account == stack.global_account:
                await site.publish_probe(website)
            else:
                changed.append(await site.publish(website, ROOT / "web" / "dist", stack.page_config))
    return sum(changed)


async def switch_on(stack: Stack, index: int) -> None:
    """Put a stamp back into rotation: the blob that an operator deletes to take it out."""
    async with _switch(stack, index) as blob:
        await blob.upload_blob(b"", overwrite=True)


async def switch_off(stack: Stack, index: int) -> None:
    """Take a stamp out of rotation, as an operator does."""
    async with _switch(stack, index) as blob:
        with contextlib.suppress(ResourceNotFoundError):
            await blob.delete_blob()


def _switch(stack: Stack, index: int) -> BlobClient:
    names = resources()["storage"]
    connection = stack.storage_connection(stack.stamp_account(index))
    return BlobClient.from_connection_string(connection, names["healthContainer"], names["healthBlob"])
