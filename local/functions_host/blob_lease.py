"""A lock over processes: the lease on a blob."""

import asyncio
import uuid

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, BlobLeaseClient

_HELD_BY_ANOTHER = (409, 412)


class LeaseLost(Exception):
    """Another process holds the lease, or may soon: it could not be renewed in time."""


class BlobLease:
    """A lease of `period_s` seconds (the service allows 15 to 60), renewed at half its time while kept."""

    def __init__(self, blob: BlobClient, period_s: float) -> None:
        self._blob = blob
        self._period_s = period_s
        self._lease: BlobLeaseClient | None = None

    async def acquire(self) -> bool:
        """Try to take the lease; the blob is made when it is not there."""
        lease = BlobLeaseClient(self._blob, lease_id=str(uuid.uuid4()))
        try:
            try:
                await lease.acquire(lease_duration=round(self._period_s))
            except ResourceNotFoundError:
                await self._create()
                await lease.acquire(lease_duration=round(self._period_s))
        except HttpResponseError as error:
            if error.status_code in _HELD_BY_ANOTHER:
                return False
            raise
        self._lease = lease
        return True

    async def _create(self) -> None:
        try:
            await self._blob.upload_blob(b"", overwrite=False)
        except ResourceExistsError:
            return  # another process made it first

    async def keep(self) -> None:
        """Renew for ever.

        Raises:
            LeaseLost: the lease is no longer ours.
        """
        while self._lease is not None:
            await asyncio.sleep(self._period_s / 2)
            try:
                async with asyncio.timeout(self._period_s / 2):
                    await self._lease.renew()
            except (AzureError, TimeoutError) as error:
                self._lease = None
                raise LeaseLost(str(error) or "no answer in time") from error

    async def release(self) -> None:
        """Give the lease back so that another process need not wait for its end."""
        lease, self._lease = self._lease, None
        if lease is None:
            return
        try:
            async with asyncio.timeout(3.0):
                await lease.release()
        except (AzureError, TimeoutError):
            return  # it ends by itself
