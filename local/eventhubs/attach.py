"""Answering an attach: which kind of link it asks for, and how a refusal must look to be understood."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.eventhubs import performatives as amqp
from local.eventhubs.address import node_of, receiver_source, sender_target
from local.eventhubs.codec import Array, Described, Symbol, Ubyte, Uint, Ulong
from local.eventhubs.errors import INVALID_FIELD, LINK_STOLEN, SERVER_BUSY, AmqpError, DecodeError
from local.eventhubs.faults import problem_of

if TYPE_CHECKING:
    from local.eventhubs.links import Link
    from local.eventhubs.session import Session


@dataclass(frozen=True)
class AttachRequest:
    """A client's attach, its fields checked for type."""

    name: str
    handle: int
    client_receives: bool
    sender_settle_mode: int | None
    receiver_settle_mode: int | None
    source: Any
    target: Any
    initial_delivery_count: int
    capabilities: frozenset[str]
    properties: dict[Any, Any]

    @classmethod
    def of(cls, fields: list[Any]) -> "AttachRequest":
        """Read the fields.

        Raises:
            DecodeError: one that must be there is missing or of another type.
        """
        name, handle, role = fields[0], fields[1], fields[2]
        if not isinstance(name, str) or not isinstance(handle, Uint) or not isinstance(role, bool):
            raise DecodeError("attach lacks name, handle or role")
        return cls(
            name=name,
            handle=int(handle),
            client_receives=role,
            sender_settle_mode=_mode(fields[3]),
            receiver_settle_mode=_mode(fields[4]),
            source=fields[5],
            target=fields[6],
            initial_delivery_count=int(fields[9]) if isinstance(fields[9], Uint) else 0,
            capabilities=_symbols(fields[12]),
            properties=fields[13] if isinstance(fields[13], dict) else {},
        )

    @property
    def source_fields(self) -> list[Any]:
        """The fields of the source; none when it is missing."""
        return _terminus(self.source)

    @property
    def address(self) -> str:
        """What the link is about: the source of a receiver, the target of a sender.

        Raises:
            AmqpError: there is none.
        """
        fields = _terminus(self.source if self.client_receives else self.target)
        if fields and isinstance(fields[0], str):
            return fields[0]
        raise AmqpError(INVALID_FIELD, "The link has no address.")

    @property
    def reply_address(self) -> str | None:
        """The address that replies to the client go to."""
        fields = _terminus(self.target)
        return fields[0] if fields and isinstance(fields[0], str) else None


def _mode(value: Any) -> int | None:
    return int(value) if isinstance(value, Ubyte) else None


def _terminus(value: Any) -> list[Any]:
    if isinstance(value, Described) and isinstance(value.value, list):
        return value.value
    return []


def _symbols(value: Any) -> frozenset[str]:
    if isinstance(value, Symbol):
        return frozenset({value})
    if isinstance(value, Array):
        return frozenset(item for item in value.items if isinstance(item, str))
    return frozenset()


def open_link(session: "Session", request: AttachRequest) -> "Link | None":
    """Answer the attach with one of ours; the caller registers the link.

    Raises:
        AmqpError: why the link is refused.
    """
    from local.eventhubs.consumer import ConsumerLink  # noqa: PLC0415 - links know sessions, sessions know links
    from local.eventhubs.nodes import ReplyLink, RequestLink  # noqa: PLC0415
    from local.eventhubs.producer import ProducerLink  # noqa: PLC0415

    node = node_of(request.address)
    if node is not None:
        kind = ReplyLink if request.client_receives else RequestLink
        link: Link = kind(session, request, node)
        _answer(session, request, request.source, request.target, max_message_bytes=1024 * 1024)
        return link
    _refuse_by_fault(session, request)
    if request.client_receives:
        link = ConsumerLink(session, request, receiver_source(request.address))
    else:
        link = ProducerLink(session, request, sender_target(request.address))
    limit = session.connection.broker.settings.max_message_bytes
    _answer(session, request, request.source, request.target, max_message_bytes=limit)
    return link


def _refuse_by_fault(session: "Session", request: AttachRequest) -> None:
    broker = session.connection.broker
    facts = {"link": request.name, "client": session.connection.container_id}
    if request.client_receives:
        where = receiver_source(request.address)
        facts |= {"operation": "receive", "hub": where.hub, "partition": where.partition, "group": where.group}
    else:
        target = sender_target(request.address)
        facts |= {"operation": "send", "hub": target.hub}
        if target.partition is not None:
            facts["partition"] = target.partition
    rule = broker.faults.take(("refuse-attach",), **facts)
    if rule is not None:
        raise problem_of(rule, SERVER_BUSY)


def refuse(session: "Session", request: AttachRequest, problem: AmqpError) -> None:
    """Refuse a link so that the client learns why.

    A refusal is an attach without source and target (Go looks for both to be missing), then a detach. Two exceptions:
    a stolen link is echoed first, for Go knows lost ownership by that alone; and a Python receiver gets the echo
    always, for without a source it attaches again every second, for ever, and reports nothing.
    """
    python_receiver = request.client_receives and session.connection.product.startswith("azsdk-python")
    echo = problem.condition == LINK_STOLEN or python_receiver
    limit = session.connection.broker.settings.max_message_bytes
    source, target = (request.source, request.target) if echo else (None, None)
    _answer(session, request, source, target, max_message_bytes=limit)
    session.connection.write(amqp.detach(session.channel, request.handle, problem))


def _answer(session: "Session", request: AttachRequest, source: Any, target: Any, *, max_message_bytes: int) -> None:
    session.connection.write(
        amqp.frame(
            session.channel,
            amqp.performative(
                amqp.ATTACH,
                request.name,
                Uint(request.handle),
                not request.client_receives,
                _as_ubyte(request.sender_settle_mode),
                _as_ubyte(request.receiver_settle_mode),
                source,
                target,
                None,
                None,
                Uint(0) if request.client_receives else None,
                Ulong(max_message_bytes),
            ),
        )
    )


def _as_ubyte(mode: int | None) -> Ubyte | None:
    return None if mode is None else Ubyte(mode)
