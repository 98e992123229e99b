"""Every write is a command: frozen, with an id chosen before it is sent, safe to deliver more than once.

Messages between our own versions ignore members they do not know: in a roll-out old readers meet new senders.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Discriminator, Field, PlainSerializer, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from domain.errors import UndecodableEvent, UnknownCommand
from domain.identity import OperationKind

SCHEMA_VERSION = 1

# As text, because a JSON number passes through binary fractions in other languages' tools.
_Price = Annotated[Decimal, PlainSerializer(str, return_type=str)]


class _Command(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    schema_version: int = SCHEMA_VERSION
    command_id: UUID
    item_id: UUID
    """The partition key: one item's commands stay in order."""
    digest: str = Field(pattern="^[0-9a-f]{32}$")

    def to_bytes(self) -> bytes:
        """The event body."""
        return self.model_dump_json(exclude_none=True).encode()


class Precondition(BaseModel):
    """A parsed `If-Match`: any version (`*`), or one of these."""

    model_config = ConfigDict(frozen=True)

    any_version: bool = False
    versions: tuple[int, ...] = ()

    def allows(self, version: int) -> bool:
        """Whether an existing item of this version may be changed."""
        return self.any_version or version in self.versions


class PutItem(_Command):
    """Create the item, or replace all that customers may set of it."""

    kind: Literal["put-item"] = "put-item"
    name: str
    description: str
    price: _Price


class UpdateItem(_Command):
    """Change the fields given, keep the others."""

    kind: Literal["update-item"] = "update-item"
    name: str | None = None
    description: str | None = None
    price: _Price | None = None
    if_match: Precondition | None = None


class DeleteItem(_Command):
    """Remove the item with its comments, ratings and image."""

    kind: Literal["delete-item"] = "delete-item"
    if_match: Precondition | None = None


class SetImage(_Command):
    """Give the item an image that the API has staged under this name."""

    kind: Literal["set-image"] = "set-image"
    image: str = Field(pattern="^[0-9a-f]{64}$")


class AddComment(_Command):
    """Store one comment; its id is the command's."""

    kind: Literal["add-comment"] = "add-comment"
    author_name: str
    text: str
    test_data: bool = False


class AddRating(_Command):
    """Store one rating; its id is the command's."""

    kind: Literal["add-rating"] = "add-rating"
    rating: int = Field(ge=1, le=5)
    test_data: bool = False


class DeleteComment(_Command):
    """Remove one comment."""

    kind: Literal["delete-comment"] = "delete-comment"
    entry_id: UUID


class DeleteRating(_Command):
    """Remove one rating, and its part in the totals."""

    kind: Literal["delete-rating"] = "delete-rating"
    entry_id: UUID


class Canary(_Command):
    """Go through hub, processor and database, and leave the time of your passing; changes nothing else."""

    kind: Literal["canary"] = "canary"


def canary(partition: str, command_id: UUID) -> Canary:
    """A canary; its item is nobody's, and keeps it apart from the batch's other groups."""
    return Canary(command_id=command_id, item_id=UUID(int=int(partition)), digest="0" * 32)


ItemCommand = PutItem | UpdateItem | DeleteItem | SetImage
EntryCommand = AddComment | AddRating
RemovalCommand = DeleteComment | DeleteRating
Command = ItemCommand | EntryCommand | RemovalCommand
Message = Command | Canary

_MESSAGES: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Discriminator("kind")])

KIND_OF: dict[str, OperationKind] = {
    "put-item": OperationKind.PUT_ITEM,
    "update-item": OperationKind.UPDATE_ITEM,
    "delete-item": OperationKind.DELETE_ITEM,
    "set-image": OperationKind.SET_IMAGE,
    "add-comment": OperationKind.ADD_COMMENT,
    "add-rating": OperationKind.ADD_RATING,
    "delete-comment": OperationKind.DELETE_COMMENT,
    "delete-rating": OperationKind.DELETE_RATING,
}


def target_of(command: Command) -> UUID:
    """The id of what the command is about: a comment or rating, or the item itself."""
    if isinstance(command, EntryCommand):
        return command.command_id
    return command.entry_id if isinstance(command, RemovalCommand) else command.item_id


def message_of(body: bytes) -> Message:
    """The command or canary in an event's bytes.

    Raises:
        UnknownCommand: a well-formed command of a kind that this version does not know.
        UndecodableEvent: anything else that is no command of ours.
    """
    try:
        return _MESSAGES.validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        if any(problem["type"] == "union_tag_invalid" for problem in problems):
            raise UnknownCommand("The event asks for a command that this version does not know.") from None
        raise UndecodableEvent(f"The event is no command: {_where(problems[0])}.") from None


def command_of(body: bytes) -> Command:
    """The command in an event's bytes; raises like `message_of`, for a canary too."""
    message = message_of(body)
    if isinstance(message, Canary):
        raise UndecodableEvent("The event is a canary, and no command.")
    return message


def _where(problem: Any) -> str:
    return f"{'.'.join(str(part) for part in problem['loc']) or 'body'}: {problem['msg']}"
