"""Failed writes, for who polls them, in container `outcomes`; the container's TTL forgets them after 7 days."""

from uuid import UUID

from adapters.cosmos import Container
from domain.records import Failure


class CosmosOutcomes:
    """Fulfils Outcomes."""

    def __init__(self, container: Container) -> None:
        self._container = container

    async def record(self, failure: Failure) -> None:
        """See Outcomes."""
        document = {
            "id": _id(failure.command_id, failure.digest),
            "commandId": str(failure.command_id),
            "digest": failure.digest,
            "reason": failure.reason,
        }
        async with self._container.call() as proxy:
            # An upsert of the same bytes: a second delivery changes nothing but the time to live.
            await proxy.upsert_item(document)

    async def find(self, command_id: UUID, digest: str) -> Failure | None:
        """See Outcomes."""
        document_id = _id(command_id, digest)
        document = await self._container.read(document_id, document_id)
        return None if document is None else Failure(command_id, digest, document["reason"])


def _id(command_id: UUID, digest: str) -> str:
    # With the digest: the loser of a reused key failed, the winner did not.
    return f"{command_id}-{digest}"
