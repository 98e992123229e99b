"""What all links have in common, by direction: towards us (credit we grant) and towards the client (credit we get)."""

from typing import TYPE_CHECKING, Any

from local.eventhubs import performatives as amqp
from local.eventhubs.codec import Uint
from local.eventhubs.errors import AmqpError, DecodeError, MessageTooLarge

if TYPE_CHECKING:
    from local.eventhubs.attach import AttachRequest
    from local.eventhubs.session import Session

CREDIT = 1000


class Link:
    """One end of a link."""

    entity_path: str | None = None  # what a token must open as long as the link lives; None for protocol nodes

    def __init__(self, session: "Session", request: "AttachRequest") -> None:
        self.session = session
        self.handle = request.handle
        self.name = request.name
        self.is_open = True

    def attached(self) -> None:
        """The attach has been answered: the first flow may go out."""

    def release(self) -> None:
        """The link is over: let go of what it holds. Called once or more."""
        self.is_open = False

    def evict(self, problem: AmqpError) -> None:
        """Detach, telling the client why."""
        self.session.detach(self, problem)

    def pump(self) -> None:
        """Send what may be sent now."""

    def take_flow(self, fields: list[Any]) -> None:
        """The client told the link's state."""

    def take_transfer(self, fields: list[Any], payload: bytes) -> None:
        """A frame of a delivery came."""
        raise DecodeError("a transfer came on a link towards the client")


class IncomingLink(Link):
    """A link on which the client sends; puts deliveries together and keeps the credit up."""

    max_message_bytes = 1024 * 1024

    def __init__(self, session: "Session", request: "AttachRequest") -> None:
        super().__init__(session, request)
        self._delivery_count = request.initial_delivery_count
        self._credit = 0
        self._unsettled = 0
        self._parts: list[bytes] = []
        self._size = 0
        self._delivery_id = 0
        self._format = 0
        self._is_settled = False

    def attached(self) -> None:
        """Grant the first credit."""
        self._top_up()

    def take_flow(self, fields: list[Any]) -> None:
        """Answer when the client asks for the state."""
        if fields[9]:
            self._write_flow()

    def take_transfer(self, fields: list[Any], payload: bytes) -> None:
        """Collect the frames of a delivery and hand it on when it is whole."""
        if not self._parts:
            delivery_id = fields[1]
            if not isinstance(delivery_id, Uint):
                raise DecodeError("the first transfer of a delivery has no delivery-id")
            self._delivery_id, self._size = int(delivery_id), 0
            self._format = int(fields[3] or 0)
        self._is_settled = bool(fields[4])
        self._size += len(payload)
        # beyond the limit only the size is kept; the empty part marks that a delivery is under way
        self._parts.append(payload if self._size <= self.max_message_bytes else b"")
        if fields[9]:
            self._parts.clear()  # aborted by the client
            self._count_delivery()
        elif not fields[5]:
            self._deliver()

    def _deliver(self) -> None:
        parts, self._parts = self._parts, []
        self._count_delivery()
        delivery_id = None if self._is_settled else self._delivery_id
        if delivery_id is not None:
            self._unsettled += 1
        if self._size > self.max_message_bytes:
            self.settle(delivery_id, MessageTooLarge(self._size, self.max_message_bytes))
            return
        self.take_delivery(delivery_id, self._format, parts[0] if len(parts) == 1 else b"".join(parts))

    def take_delivery(self, delivery_id: int | None, message_format: int, payload: bytes) -> None:
        """A whole delivery came; its id is None when the client wants no answer."""
        raise NotImplementedError

    def settle(self, delivery_id: int | None, problem: AmqpError | None = None) -> None:
        """Answer a delivery: accepted, or rejected with the reason. Every one must be answered."""
        if delivery_id is None or not self.is_open:
            return
        self._unsettled -= 1
        channel = self.session.channel
        if problem is None:
            self.session.connection.write(amqp.accepted_disposition(channel, delivery_id))
        else:
            self.session.connection.write(amqp.rejected_disposition(channel, delivery_id, problem))
        self._top_up()

    def _count_delivery(self) -> None:
        self._delivery_count = (self._delivery_count + 1) & 0xFFFFFFFF
        self._credit -= 1
        self._top_up()

    def _top_up(self) -> None:
        if self._credit <= CREDIT // 2 and self._unsettled <= CREDIT // 2 and self.is_open:
            self._credit = CREDIT
            self._write_flow()

    def _write_flow(self) -> None:
        self.session.write_flow(self.handle, self._delivery_count, max(0, self._credit))


class OutgoingLink(Link):
    """A link on which the client receives; never sends more than it granted."""

    def __init__(self, session: "Session", request: "AttachRequest") -> None:
        super().__init__(session, request)
        self.delivery_count = 0
        self.credit = 0
        self._drains = False
        # Unsettled only for those who asked for it: Go renews its credit for settled transfers alone.
        self.sends_settled = request.sender_settle_mode != 0
        self._frames = amqp.TransferFrames(
            session.channel, self.handle, session.connection.max_frame_bytes, settled=self.sends_settled
        )

    def take_flow(self, fields: list[Any]) -> None:
        """Take the client's credit and send what it allows."""
        delivery_count, link_credit, drain, echo = fields[5], fields[6], fields[8], fields[9]
        if isinstance(link_credit, Uint):
            seen = int(delivery_count) if delivery_count is not None else 0
            credit = (seen + int(link_credit) - self.delivery_count) & 0xFFFFFFFF
            self.credit = credit if credit <= 0x7FFFFFFF else 0
        self._drains = bool(drain)
        self.pump()
        self.end_drain()  # at once, where nothing was to be sent
        if echo and not self._drains:
            self.session.write_flow(self.handle, self.delivery_count, self.credit)

    @property
    def has_more(self) -> bool:
        """Whether there is something that could be sent if there were credit."""
        return False

    def end_drain(self) -> None:
        """Use the credit up if the client asked for that and there is nothing left to send."""
        if self._drains and self.is_open and (self.credit == 0 or not self.has_more):
            self._drains = False
            self.delivery_count = (self.delivery_count + self.credit) & 0xFFFFFFFF
            self.credit = 0
            self.session.write_flow(self.handle, self.delivery_count, 0, drain=True)

    def deliver(self, payload: bytes) -> None:
        """Send one message; the caller has checked the credit."""
        self.credit -= 1
        self.delivery_count = (self.delivery_count + 1) & 0xFFFFFFFF
        self.session.deliver(self._frames, payload)
