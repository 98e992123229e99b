"""Everything this system raises on purpose: the type answers «will trying again help?»."""


class CatalogError(Exception):
    """Root of the tree; `reason` is the word that an operation or a dead letter shows."""

    reason = "failed"


class PermanentError(CatalogError):
    """Trying again cannot help: answer 4xx, or park the event with the reason."""


class TransientError(CatalogError):
    """A later attempt may succeed: answer 503, or let the event come back."""


class InvalidInput(PermanentError):
    """A value breaks its rule; `fields` maps a field to what is wrong with it (empty: the whole input)."""

    reason = "invalid"

    def __init__(self, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or {}


class UndecodableEvent(PermanentError):
    """An event's bytes are no command of ours."""

    reason = "undecodable"


class UnknownCommand(PermanentError):
    """A well-formed event asks for something this version does not know."""

    reason = "unknown-command"


class UnknownItem(PermanentError):
    """The item, comment or rating is not in the catalogue."""

    reason = "unknown-item"


class PreconditionFailed(PermanentError):
    """`If-Match` names no version that the item has."""

    reason = "precondition-failed"


class Superseded(PermanentError):
    """A newer write of the item came through another region."""

    reason = "superseded"


class KeyReused(PermanentError):
    """The idempotency key already stands for another request body."""

    reason = "key-reused"


class EventTooLarge(PermanentError):
    """One command alone exceeds what the broker takes in a message."""

    reason = "too-large"


class ItemChanged(TransientError):
    """Another writer changed the item between our read and our write; reading again helps."""


class StoreUnavailable(TransientError):
    """The database throttled us, timed out or is failing over."""


class QueueUnavailable(TransientError):
    """The broker did not acknowledge in time."""


class DeadLettersUnavailable(TransientError):
    """The dead-letter store did not take the letter."""


class Overloaded(TransientError):
    """This process has as much in flight as it may have."""
