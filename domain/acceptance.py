"""Whether a write may be accepted: what can be answered now is, the rest the processor decides."""

import asyncio
from dataclasses import dataclass

from domain.commands import AddComment, AddRating, Command, DeleteComment, DeleteItem, DeleteRating, PutItem, UpdateItem
from domain.errors import KeyReused, PreconditionFailed, StoreUnavailable, UnknownItem
from domain.ports import ActivityStore, CommandQueue, ItemStore
from domain.records import EntryKind, StoredItem


@dataclass
class Acceptance:
    """Checks a command against the database, then puts it into the queue."""

    items: ItemStore
    activity: ActivityStore
    queue: CommandQueue
    check_timeout_s: float = 3.0

    async def accept(self, command: Command, properties: dict[str, str], *, key_given: bool) -> None:
        """Return once the queue has acknowledged the command.

        Raises:
            UnknownItem: the item is not there (an upsert needs none).
            PreconditionFailed: `If-Match` does not name the stored version.
            KeyReused: the idempotency key stands for another body.
            QueueUnavailable, Overloaded, EventTooLarge: as the queue says.
        """
        try:
            async with asyncio.timeout(self.check_timeout_s):
                done = await self._check(command, key_given=key_given)
        except (StoreUnavailable, TimeoutError):
            done = False  # the database cannot say now; the processor will, before anything takes effect
        if not done:
            await self.queue.send(command, properties)

    async def _check(self, command: Command, *, key_given: bool) -> bool:
        """Whether the command is known to have taken effect, so that nothing needs to be sent."""
        if isinstance(command, DeleteComment | DeleteRating):
            return await self._check_removal(command)
        digest, item = await asyncio.gather(
            self._stored_digest(command) if key_given else _nothing(),  # a random id cannot be stored yet
            self.items.find(command.item_id) if not isinstance(command, PutItem) else _nothing(),
        )
        if digest is not None:
            if digest != command.digest:
                raise KeyReused("This Idempotency-Key was used with another body.")
            return True
        _refuse_what_cannot_be(command, item)
        return False

    async def _check_removal(self, command: DeleteComment | DeleteRating) -> bool:
        state = await self.activity.state_of(command.item_id, command.entry_id)
        kind = EntryKind.COMMENT if isinstance(command, DeleteComment) else EntryKind.RATING
        if state is not None and state.kind == kind:
            if state.removed_by is None:
                return False
            if state.removed_by == command.command_id:  # a late retry of the request that removed it
                return True
        raise UnknownItem(f"The {kind} is not in the catalogue.")

    async def _stored_digest(self, command: Command) -> str | None:
        """The digest under which the command took effect; None when it did not yet."""
        if isinstance(command, AddComment | AddRating):
            digests = await self.activity.stored_digests(command.item_id, [command.command_id])
            return digests.get(command.command_id)
        marker = await self.items.find_marker(command.item_id, command.command_id)
        return None if marker is None else marker.digest


async def _nothing() -> None:
    return None


def _refuse_what_cannot_be(command: Command, item: StoredItem | None) -> None:
    if isinstance(command, PutItem):
        return
    if item is None or item.deleted:
        raise UnknownItem("The item is not in the catalogue.")
    precondition = command.if_match if isinstance(command, UpdateItem | DeleteItem) else None
    if precondition is not None and not precondition.allows(item.version):
        raise PreconditionFailed("If-Match does not name the item's version.")
