"""One AMQP session: windows, delivery ids, and the links by handle."""

from collections import deque
from typing import TYPE_CHECKING, Any

from local.eventhubs import performatives as amqp
from local.eventhubs.attach import AttachRequest, open_link, refuse
from local.eventhubs.codec import Uint
from local.eventhubs.errors import (
    HANDLE_IN_USE,
    INVALID_FIELD,
    UNATTACHED_HANDLE,
    AmqpError,
    DecodeError,
    unauthorized,
)
from local.eventhubs.links import Link

if TYPE_CHECKING:
    from local.eventhubs.connection import Connection

INCOMING_WINDOW = 2**31 - 1
HANDLE_MAX = 4999


class Session:
    """The server's end of a session; it answers on the channel on which the client began it."""

    def __init__(self, connection: "Connection", channel: int, fields: list[Any]) -> None:
        next_outgoing_id, incoming_window = fields[1], fields[2]
        if not isinstance(next_outgoing_id, Uint) or not isinstance(incoming_window, Uint):
            raise DecodeError("begin lacks next-outgoing-id or incoming-window")
        self.connection = connection
        self.channel = channel
        self.links: dict[int, Link] = {}
        self._detaching: set[int] = set()  # handles that we detached and whose detach has not come back
        self._next_incoming_id = int(next_outgoing_id)
        self._remote_window = int(incoming_window)
        self._next_outgoing_id = 0
        self._next_delivery_id = 0
        self._held_back: deque[list[bytes]] = deque()  # frames beyond the client's window
        connection.write(
            amqp.begin(channel, incoming_window=INCOMING_WINDOW, outgoing_window=INCOMING_WINDOW, handle_max=HANDLE_MAX)
        )

    def take(self, code: int, fields: list[Any], payload: bytes) -> None:
        """Handle one performative of this session."""
        if code == amqp.TRANSFER:
            self._take_transfer(fields, payload)
        elif code == amqp.FLOW:
            self._take_flow(fields)
        elif code == amqp.DISPOSITION:
            self._take_disposition(fields)
        elif code == amqp.ATTACH:
            self._take_attach(fields)
        elif code == amqp.DETACH:
            self._take_detach(fields)
        elif code == amqp.END:
            self.connection.write(amqp.frame(self.channel, amqp.performative(amqp.END)))
            self.connection.session_ended(self.channel)
        else:
            raise DecodeError(f"performative 0x{code:02x} is not allowed in a session")

    def end(self, problem: AmqpError) -> None:
        """End the session, telling the client why."""
        self.connection.write(amqp.frame(self.channel, amqp.performative(amqp.END, amqp.error_of(problem))))
        self.connection.session_ended(self.channel)

    def forget(self) -> None:
        """Release what the links hold; the client is gone, or knows."""
        self._held_back.clear()
        links, self.links = self.links, {}
        for link in links.values():
            link.release()

    # Links ------------------------------------------------------------------------------------------------------

    def _take_attach(self, fields: list[Any]) -> None:
        request = AttachRequest.of(fields)
        if request.handle in self.links or request.handle > HANDLE_MAX:
            self.end(AmqpError(HANDLE_IN_USE, f"The handle {request.handle} is in use or too high."))
            return
        self._detaching.discard(request.handle)
        try:
            link = open_link(self, request)
        except AmqpError as problem:
            self._detaching.add(request.handle)
            refuse(self, request, problem)
            return
        if link is not None:
            self.links[request.handle] = link
            link.attached()

    def _take_detach(self, fields: list[Any]) -> None:
        handle = fields[0]
        if handle in self._detaching:
            self._detaching.discard(handle)
            return
        link = self.links.pop(handle, None)
        if link is not None:
            link.release()
            self.connection.write(amqp.detach(self.channel, link.handle))

    def detach(self, link: Link, problem: AmqpError | None) -> None:
        """Detach a link, telling the client why."""
        if self.links.get(link.handle) is not link:
            return
        del self.links[link.handle]
        self._detaching.add(link.handle)
        link.release()
        self.connection.write(amqp.detach(self.channel, link.handle, problem))

    def detach_unauthorized(self) -> None:
        """Detach the links whose entity no live token opens any more."""
        for link in list(self.links.values()):
            if link.entity_path is None:
                continue
            try:
                self.connection.require(link.entity_path)
            except AmqpError:
                link.evict(unauthorized("ExpiredToken: The token is expired."))

    def _link(self, handle: Any) -> Link | None:
        link = self.links.get(handle)
        if link is None and handle not in self._detaching:
            self.end(AmqpError(UNATTACHED_HANDLE, f"No link is attached with handle {handle}."))
        return link

    # Incoming ---------------------------------------------------------------------------------------------------

    def _take_transfer(self, fields: list[Any], payload: bytes) -> None:
        self._next_incoming_id = (self._next_incoming_id + 1) & 0xFFFFFFFF
        link = self._link(fields[0])
        if link is not None:
            link.take_transfer(fields, payload)

    def _take_flow(self, fields: list[Any]) -> None:
        next_incoming_id, incoming_window, handle, echo = fields[0], fields[1], fields[4], fields[9]
        if not isinstance(incoming_window, Uint):
            raise AmqpError(INVALID_FIELD, "flow lacks incoming-window")
        base = int(next_incoming_id) if next_incoming_id is not None else 0
        self._remote_window = max(0, (base + int(incoming_window) - self._next_outgoing_id) & 0xFFFFFFFF)
        if self._remote_window > INCOMING_WINDOW and int(incoming_window) <= INCOMING_WINDOW:
            self._remote_window = 0  # we have sent more than the client knows of
        self._release_held_back()
        if handle is None:
            if echo:
                self._write_session_flow()
            self.pump()
            return
        link = self._link(handle)
        if link is not None:
            link.take_flow(fields)
        self.pump()

    def _take_disposition(self, fields: list[Any]) -> None:
        role, first, last, settled = fields[0], fields[1], fields[2], fields[3]
        if role is amqp.ROLE_RECEIVER and not settled and isinstance(first, Uint):
            # a receiver of the settle mode "second" waits for our word; there is nothing to keep
            last = last if isinstance(last, Uint) else first
            self.connection.write(
                amqp.frame(self.channel, amqp.performative(amqp.DISPOSITION, False, first, last, True, fields[4]))
            )

    # Outgoing ---------------------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Let every link send what it may."""
        for link in list(self.links.values()):
            link.pump()

    @property
    def may_send(self) -> bool:
        """Whether the client's window and the socket have room."""
        return self._remote_window > 0 and not self._held_back and not self.connection.write_is_paused

    def deliver(self, frames: amqp.TransferFrames, payload: bytes) -> None:
        """Send one delivery, as far as the client's window reaches; the rest of it waits for the window."""
        delivery_id = self._next_delivery_id
        self._next_delivery_id = (delivery_id + 1) & 0xFFFFFFFF
        pieces = frames.of(delivery_id, payload)
        if len(pieces) == 2 and self._remote_window > 0 and not self._held_back:
            self._remote_window -= 1
            self._next_outgoing_id = (self._next_outgoing_id + 1) & 0xFFFFFFFF
            self.connection.write(*pieces)
            return
        self._held_back.extend(pieces[at : at + 2] for at in range(0, len(pieces), 2))
        self._release_held_back()

    def _release_held_back(self) -> None:
        while self._held_back and self._remote_window > 0:
            self._remote_window -= 1
            self._next_outgoing_id = (self._next_outgoing_id + 1) & 0xFFFFFFFF
            self.connection.write(*self._held_back.popleft())

    def write_flow(self, handle: int, delivery_count: int, link_credit: int, *, drain: bool = False) -> None:
        """Tell the client the state of a link, and of the session with it."""
        self.connection.write(
            amqp.flow(
                self.channel,
                next_incoming_id=self._next_incoming_id,
                incoming_window=INCOMING_WINDOW,
                next_outgoing_id=self._next_outgoing_id,
                outgoing_window=INCOMING_WINDOW,
                handle=handle,
                delivery_count=delivery_count,
                link_credit=link_credit,
                drain=drain,
            )
        )

    def _write_session_flow(self) -> None:
        self.connection.write(
            amqp.frame(
                self.channel,
                amqp.performative(
                    amqp.FLOW,
                    Uint(self._next_incoming_id),
                    Uint(INCOMING_WINDOW),
                    Uint(self._next_outgoing_id),
                    Uint(INCOMING_WINDOW),
                ),
            )
        )
