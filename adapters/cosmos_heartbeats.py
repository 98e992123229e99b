"""The times of the newest canaries, one small document per partition, in container `activity`."""

from datetime import datetime

from adapters.cosmos import Container
from domain.ordering import EventStamp, version_of
from domain.times import from_iso, iso

TTL_S = 24 * 3600


class CosmosHeartbeats:
    """Fulfils Heartbeats: a stamp's documents share one logical partition, so one cheap query reads them all."""

    def __init__(self, container: Container, region: str) -> None:
        self._container = container
        self._key = f"heartbeat:{region}"

    async def beat(self, stamp: EventStamp) -> None:
        """See Heartbeats."""
        document = {
            "id": stamp.partition,
            "itemId": self._key,
            "kind": "heartbeat",
            "enqueued": iso(stamp.enqueued),
            "version": version_of(stamp),
            "ttl": TTL_S,
        }
        async with self._container.call() as proxy:
            # A replay may set an older time for a moment: then the partition looks late, never healthier than it is.
            await proxy.upsert_item(document)

    async def latest(self) -> dict[str, datetime]:
        """See Heartbeats."""
        rows = await self._container.query("SELECT c.id, c.enqueued FROM c WHERE c.kind = 'heartbeat'", self._key)
        return {row["id"]: from_iso(row["enqueued"]) for row in rows}
