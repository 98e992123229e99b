"""The Cosmos DB account: one client, its measured settings, and the one table that makes its errors ours."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import SerializationError
from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos.aio import ContainerProxy, CosmosClient
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosClientTimeoutError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from adapters.vendor_errors import HTTP_CLIENT_ERRORS, ErrorTable
from domain.errors import CatalogError, InvalidInput, StoreUnavailable

log = logging.getLogger("catalog.cosmos")

# aiohttp's pool holds 100 connections; more callers than that queue inside it with seconds of tail latency.
CALLS_AT_ONCE = 100

# Longer than any failover takes with our settings (4.7 s measured). Where the service keeps saying that it is not the
# region to write to (403/3), the SDK would try again for two minutes, and no option of it is shorter.
CALL_DEADLINE_S = 8.0

# 404 with one of these does not mean that the document is missing: this region's replica has not seen what we have seen
# (1002), or the container is not there (1003).
NOT_MISSING = {1002, 1003}

# What every error of the SDK means, and every status that the service documents. 404, 409 and 412 are answers, not
# failures: the adapters handle them where they are expected; elsewhere they count as unavailable, and the event comes
# back. So do 401 and 403: rights can be given while events wait, and a parked event would have to be sent again.
ERRORS = ErrorTable(
    types=dict.fromkeys(HTTP_CLIENT_ERRORS, StoreUnavailable)
    | {
        SerializationError: InvalidInput,  # our document is none that JSON can say
        CosmosHttpResponseError: StoreUnavailable,
        CosmosResourceNotFoundError: StoreUnavailable,
        CosmosResourceExistsError: StoreUnavailable,
        CosmosAccessConditionFailedError: StoreUnavailable,
        CosmosBatchOperationError: StoreUnavailable,
        CosmosClientTimeoutError: StoreUnavailable,
    },
    statuses={
        400: InvalidInput,
        401: StoreUnavailable,
        403: StoreUnavailable,
        404: StoreUnavailable,
        405: StoreUnavailable,
        408: StoreUnavailable,
        409: StoreUnavailable,
        410: StoreUnavailable,
        412: StoreUnavailable,
        413: InvalidInput,
        423: StoreUnavailable,
        424: StoreUnavailable,
        429: StoreUnavailable,
        449: StoreUnavailable,
        500: StoreUnavailable,
        502: StoreUnavailable,
        503: StoreUnavailable,
        504: StoreUnavailable,
    },
)


@dataclass(frozen=True)
class CosmosSettings:
    """Where the account is and in which order its regions are used."""

    endpoint: str
    preferred_regions: Sequence[str]


def cosmos_client(settings: CosmosSettings, credential: str | AsyncTokenCredential) -> CosmosClient:
    """A client with the settings of docs/decisions/0002-client-settings.md; needs the running event loop."""
    return CosmosClient(
        settings.endpoint,
        credential=credential,
        multiple_write_locations=True,
        preferred_locations=list(settings.preferred_regions),
        connection_timeout=1,
        read_timeout=2,
        retry_connect=1,
        retry_read=0,
        retry_backoff_factor=0.1,
        retry_throttle_total=3,
        retry_throttle_backoff_max=2,
        transport=AioHttpTransport(use_env_settings=False),
    )


class Container:
    """One container: a cap on concurrent calls, and errors as ours."""

    def __init__(self, proxy: ContainerProxy, calls: asyncio.Semaphore, *, deadline_s: float = CALL_DEADLINE_S) -> None:
        self.proxy = proxy
        self._calls = calls
        self._deadline_s = deadline_s

    @asynccontextmanager
    async def call(self) -> AsyncIterator[ContainerProxy]:
        """Room for one call; what it raises and the caller did not expect becomes ours.

        Raises:
            StoreUnavailable: a later attempt may succeed.
            InvalidInput: the service refuses this document for what it is.
        """
        async with self._calls:
            try:
                async with asyncio.timeout(self._deadline_s):
                    yield self.proxy
            except ERRORS.caught as error:
                raise as_ours(error) from error

    async def read(self, document_id: str, partition_key: str) -> dict[str, Any] | None:
        """One document; None when it is missing."""
        async with self.call() as proxy:
            try:
                return dict(await proxy.read_item(document_id, partition_key=partition_key))
            except CosmosResourceNotFoundError as error:
                if error.sub_status in NOT_MISSING:
                    raise
                return None

    async def query(self, text: str, partition_key: str | None = None, **parameters: Any) -> list[dict[str, Any]]:
        """All rows of a query; parameters go by name."""
        where: dict[str, Any] = {} if partition_key is None else {"partition_key": partition_key}
        named = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
        async with self.call() as proxy:
            return [row async for row in proxy.query_items(text, parameters=named, **where)]


def as_ours(error: Exception) -> CatalogError:
    """Our error for one of the vendor's."""
    status = status_of(error)
    ours = ERRORS.meaning(error, status=status)
    if ours is InvalidInput:
        return InvalidInput(f"The database refuses the document ({status}).")
    log.warning("call failed: %s %s", type(error).__name__, status or "")
    return ours("The database is not available.")


def status_of(error: Exception) -> int | None:
    """The HTTP status in a vendor's error; None for faults of the connection and for answers cut short."""
    if isinstance(error, CosmosHttpResponseError | CosmosBatchOperationError):
        return int(error.status_code) if error.status_code else None
    return None
