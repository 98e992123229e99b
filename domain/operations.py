"""What became of a write, from the proof that its effect left or the failure that was recorded."""

from dataclasses import dataclass
from datetime import datetime

from domain.identity import OPERATIONS_READABLE, OperationId, OperationKind
from domain.models import Operation
from domain.ports import ActivityStore, ItemStore, Outcomes


def resource_of(operation: OperationId) -> str:
    """Where the operation's resource is readable, relative to the host."""
    item = f"/api/1.0/catalogitem/{operation.item_id}"
    match operation.kind:
        case OperationKind.ADD_COMMENT | OperationKind.DELETE_COMMENT:
            return f"{item}/comments/{operation.target_id}"
        case OperationKind.ADD_RATING | OperationKind.DELETE_RATING:
            return f"{item}/ratings/{operation.target_id}"
        case _:
            return item


@dataclass
class Operations:
    """Answers `GET /operations/{id}`."""

    items: ItemStore
    activity: ActivityStore
    outcomes: Outcomes

    async def status_of(self, text: str, now: datetime) -> Operation | None:
        """The operation's state; None when the id is not ours or older than seven days.

        The proof is asked first: a failure that a late duplicate recorded does not undo the effect of the original.
        """
        operation = OperationId.parse(text)
        if operation is None or now - operation.accepted > OPERATIONS_READABLE:
            return None
        status, reason = "pending", None
        if await self._is_proven(operation):
            status = "succeeded"
        else:
            failure = await self.outcomes.find(operation.command_id, operation.digest)
            if failure is not None:
                status, reason = "failed", failure.reason
        return Operation(id=text, status=status, resource=resource_of(operation), reason=reason)

    async def _is_proven(self, operation: OperationId) -> bool:
        if operation.kind in {OperationKind.ADD_COMMENT, OperationKind.ADD_RATING}:
            digests = await self.activity.stored_digests(operation.item_id, [operation.command_id])
            return digests.get(operation.command_id) == operation.digest
        if operation.kind in {OperationKind.DELETE_COMMENT, OperationKind.DELETE_RATING}:
            state = await self.activity.state_of(operation.item_id, operation.target_id)
            return state is not None and state.removed_by is not None
        marker = await self.items.find_marker(operation.item_id, operation.command_id)
        return marker is not None and marker.digest == operation.digest
