"""Creates what infrastructure code creates in Azure: database, containers, blob containers. Safe to repeat."""

import asyncio

from azure.core.exceptions import ResourceExistsError
from azure.cosmos.aio import CosmosClient
from azure.cosmos.partition_key import PartitionKey
from azure.storage.blob import PublicAccess
from azure.storage.blob.aio import BlobServiceClient

from local.stack import COSMOS_KEY, Stack, resources


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
