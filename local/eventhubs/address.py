"""Link addresses and start positions: what a client wrote, as names and numbers."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from local.eventhubs import codec
from local.eventhubs.errors import INVALID_FIELD, AmqpError, entity_not_found

CBS_NODE = "$cbs"
MANAGEMENT_NODE = "$management"
_SELECTOR = "apache.org:selector-filter:string"
_EXPRESSION = re.compile(
    r"\s*amqp\.annotation\.(x-opt-offset|x-opt-sequence-number|x-opt-enqueued-time(?:-utc)?)\s*(>=?)\s*'([^']*)'\s*"
)


@dataclass(frozen=True)
class SenderTarget:
    """Where a client sends: a hub, or one of its partitions."""

    hub: str
    partition: str | None


@dataclass(frozen=True)
class ReceiverSource:
    """Where a client reads."""

    hub: str
    group: str
    partition: str


@dataclass(frozen=True)
class Position:
    """Where reading starts; exactly one of the three is given, `latest` beside none."""

    offset: int | None = None
    sequence: int | None = None
    time_ms: int | None = None
    inclusive: bool = False

    @property
    def is_latest(self) -> bool:
        """After (or, when inclusive, at) the last event of the moment."""
        return self.offset is None and self.sequence is None and self.time_ms is None


def path_of(address: str) -> str:
    """The path of an address that may be a URL, without scheme, host, port and outer slashes."""
    if "://" in address:
        address = address.split("://", 1)[1].partition("/")[2]
    return unquote(address).strip("/")


def node_of(address: str) -> str | None:
    """`$cbs` or `$management` where the address means one of them (`hub/$management` does too)."""
    last = path_of(address).rsplit("/", 1)[-1].lower()
    return last if last in {CBS_NODE, MANAGEMENT_NODE} else None


def sender_target(address: str) -> SenderTarget:
    """Read `hub` or `hub/Partitions/N`.

    Raises:
        AmqpError: it is neither.
    """
    match path_of(address).split("/"):
        case [hub] if hub:
            return SenderTarget(hub, None)
        case [hub, word, partition] if word.lower() == "partitions":
            return SenderTarget(hub, partition)
    raise entity_not_found(address)


def receiver_source(address: str) -> ReceiverSource:
    """Read `hub/ConsumerGroups/group/Partitions/N`.

    Raises:
        AmqpError: it is something else.
    """
    match path_of(address).split("/"):
        case [hub, groups, group, partitions, number] if (groups.lower(), partitions.lower()) == (
            "consumergroups",
            "partitions",
        ):
            return ReceiverSource(hub, group, number)
    raise entity_not_found(address)


def start_position(filters: Any) -> Position:
    """The position that a receiver's filter asks for; without one, the latest.

    Raises:
        AmqpError: the expression is none that the service knows.
    """
    if not isinstance(filters, dict) or _SELECTOR not in filters:
        return Position()
    value = filters[_SELECTOR]
    if isinstance(value, codec.Described):
        value = value.value
    found = _EXPRESSION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise AmqpError(INVALID_FIELD, f"The filter {value!r} is not supported.")
    field, comparison, operand = found.groups()
    inclusive = comparison == ">="
    if operand == "@latest":
        return Position(inclusive=inclusive)
    if not re.fullmatch(r"-?\d{1,19}", operand):
        raise AmqpError(INVALID_FIELD, f"The filter {value!r} needs a number.")
    number = int(operand)
    if field == "x-opt-offset":
        return Position(offset=number, inclusive=inclusive)
    if field == "x-opt-sequence-number":
        return Position(sequence=number, inclusive=inclusive)
    return Position(time_ms=number, inclusive=inclusive)
