"""What customers send and get: the contract's resources, strict on the way in, exact on the way out."""

from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel

from domain.errors import InvalidInput
from domain.identity import uuid_of
from domain.strict_json import read_object

MAX_PRICE = Decimal(1_000_000_000)
READ_ONLY = {"imageUrl", "lastUpdated", "version"}


def _uuid_with_hyphens(value: object) -> UUID:
    if isinstance(value, UUID):
        return value
    parsed = uuid_of(value) if isinstance(value, str) else None
    if parsed is None:
        raise ValueError("must be a UUID with hyphens")
    return parsed


def _exact_price(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic reports ValueError, and lets TypeError escape
    price = Decimal(value)
    # The order matters: `1E999999` must not reach arithmetic that would write its zeros out.
    if not 0 <= price <= MAX_PRICE:
        raise ValueError("must be from 0 to 1,000,000,000")
    if price != price.quantize(Decimal("0.01")):
        raise ValueError("must have at most 2 decimals")
    return price.quantize(Decimal("0.01")) + 0  # + 0 turns -0.00 into 0.00


def _stars(value: object) -> int:
    if isinstance(value, str) and value in {"1", "2", "3", "4", "5"}:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 5:
        raise ValueError("must be an integer from 1 to 5")
    return value


Id = Annotated[UUID, BeforeValidator(_uuid_with_hyphens), WithJsonSchema({"type": "string", "format": "uuid"})]
Price = Annotated[
    Decimal,
    BeforeValidator(_exact_price),
    PlainSerializer(float, return_type=float, when_used="json"),
    # No multipleOf: validators divide binary fractions, and 0.07 / 0.01 is not whole.
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": int(MAX_PRICE), "description": "At most 2 decimals."}),
]
Stars = Annotated[
    int,
    BeforeValidator(_stars),
    WithJsonSchema(
        {"oneOf": [{"type": "integer", "minimum": 1, "maximum": 5}, {"type": "string", "pattern": "^[1-5]$"}]}
    ),
]
Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]


class _Sent(BaseModel):
    """A request body: unknown members are refused, no value is guessed from another type."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, serialize_by_alias=True
    )

    @classmethod
    def read(cls, body: bytes) -> Self:
        """The body as this model.

        Raises:
            InvalidInput: with what is wrong, keyed by field, and never the input itself.
        """
        return cls.read_members(read_object(body))

    @classmethod
    def read_members(cls, members: dict[str, Any]) -> Self:
        """Like `read`, from members that are already parsed."""
        try:
            return cls.model_validate(members)
        except ValidationError as error:
            raise InvalidInput("The body breaks the rules of its fields.", _by_field(error)) from None


def _by_field(error: ValidationError) -> dict[str, str]:
    fields: dict[str, str] = {}
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        # Only our own names are shown: an unknown member's name is the caller's text.
        known = problem["type"] != "extra_forbidden" and problem["loc"]
        name = str(problem["loc"][0]) if known else "(other)"
        text = "is not a field of this resource" if problem["type"] == "extra_forbidden" else problem["msg"]
        fields[name] = text.removeprefix("Value error, ")
    return fields


class NewItem(_Sent):
    """POST of an item; what only we set (image, times, version) may be sent back unchanged and is ignored."""

    id: Id | None = None
    name: str = Field(min_length=1, max_length=200)
    description: str = Field(min_length=1, max_length=4000)
    price: Price

    @classmethod
    def read_members(cls, members: dict[str, Any]) -> Self:
        """A null `id` is refused like every null; so leave it out to get one."""
        if members.get("id", "") is None:
            raise InvalidInput("The body breaks the rules of its fields.", {"id": "must be a UUID with hyphens"})
        return super().read_members(_without_read_only(members))


class ItemChanges(_Sent):
    """PUT of an item: any subset of its fields, at least one."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: str | None = Field(default=None, min_length=1, max_length=200)
    description: str | None = Field(default=None, min_length=1, max_length=4000)
    price: Price | None = None

    @classmethod
    def read_members(cls, members: dict[str, Any]) -> Self:
        """Raises InvalidInput for a null, too: leaving a field out is how it stays."""
        nulls = {name: "must not be null" for name, value in members.items() if value is None and name in _CHANGEABLE}
        if nulls:
            raise InvalidInput("The body breaks the rules of its fields.", nulls)
        return super().read_members(_without_read_only(members))

    @model_validator(mode="after")
    def _something_changes(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("at least one of name, description and price is needed")
        return self


_CHANGEABLE = {"name", "description", "price"}


def _without_read_only(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in READ_ONLY}


class NewComment(_Sent):
    """POST of a comment."""

    author_name: str = Field(min_length=1, max_length=64)
    text: str = Field(min_length=1, max_length=2000)


class NewRating(_Sent):
    """POST of a rating; a numeric string counts, as one ASCII digit."""

    rating: Stars


class _Answered(BaseModel):
    """An answer: camelCase, nulls left out."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True)

    def as_json(self) -> str:
        """The body of an answer that is this one resource."""
        return self.model_dump_json(exclude_none=True)


class CatalogItem(_Answered):
    """One item; lists leave `description` out."""

    id: Id
    name: str
    description: str | None = None
    price: Price
    image_url: str | None = None
    last_updated: Time
    version: int


class Comment(_Answered):
    """One comment of an item."""

    id: Id
    catalog_item_id: Id
    author_name: str
    text: str
    creation_date: Time


class Rating(_Answered):
    """One rating of an item."""

    id: Id
    catalog_item_id: Id
    rating: int
    creation_date: Time


class RatingSummary(_Answered):
    """An item's ratings in one number; 0 and 0 without votes."""

    average_rating: float
    number_of_votes: int


class Operation(_Answered):
    """What became of a write."""

    id: str
    status: str
    resource: str
    reason: str | None = None


class Problem(_Answered):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    correlation_id: str
    errors: dict[str, str] | None = None
