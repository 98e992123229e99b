"""The links of the request-response nodes `$cbs` and `$management`."""

from collections import deque
from typing import TYPE_CHECKING

from local.eventhubs import cbs, management
from local.eventhubs.address import CBS_NODE
from local.eventhubs.errors import NOT_FOUND, AmqpError
from local.eventhubs.links import IncomingLink, OutgoingLink
from local.eventhubs.requests import Reply, Request, message_of, parse

if TYPE_CHECKING:
    from local.eventhubs.attach import AttachRequest
    from local.eventhubs.session import Session


class ReplyLink(OutgoingLink):
    """Carries replies to the client; they wait for its credit."""

    def __init__(self, session: "Session", request: "AttachRequest", node: str) -> None:
        super().__init__(session, request)
        self.node = node
        self.reply_address = request.reply_address
        self._waiting: deque[bytes] = deque()

    def send(self, message: bytes) -> None:
        """Send a reply as soon as there is credit."""
        self._waiting.append(message)
        self.pump()

    def pump(self) -> None:
        """Send what waits."""
        while self._waiting and self.credit > 0 and self.is_open:
            self.deliver(self._waiting.popleft())


class RequestLink(IncomingLink):
    """Takes requests, has them answered, and sends the replies on the client's reply link."""

    def __init__(self, session: "Session", request: "AttachRequest", node: str) -> None:
        super().__init__(session, request)
        self.node = node

    def take_delivery(self, delivery_id: int | None, message_format: int, payload: bytes) -> None:
        """Answer one request."""
        try:
            request = parse(payload)
            reply_link = self._reply_link(request.reply_to)
        except AmqpError as problem:
            self.settle(delivery_id, problem)
            return
        self.settle(delivery_id)
        reply = self._answer(request)
        if reply is not None:
            reply_link.send(message_of(reply, request))

    def _answer(self, request: Request) -> Reply | None:
        connection = self.session.connection
        operation = "cbs" if self.node == CBS_NODE else "management"
        facts = {"operation": operation, "client": connection.container_id, "link": self.name}
        hub = request.properties.get("name")
        if operation == "management" and isinstance(hub, str):
            facts["hub"] = hub
        rule = connection.broker.faults.take(("hang", f"fail-{operation}"), **facts)
        if rule is not None and rule.fault == "hang":
            return None
        if rule is not None:
            condition = rule.args.get("condition") if operation == "management" else None
            description = str(rule.args.get("description", "Refused by a fault rule of the Event Hubs stand-in."))
            return Reply(int(rule.args.get("status", 503)), description, condition)
        if operation == "cbs":
            return cbs.put_token(connection, request)
        return management.read(connection, request)

    def _reply_link(self, reply_to: str | None) -> ReplyLink:
        here = [link for link in self.session.links.values() if isinstance(link, ReplyLink) and link.node == self.node]
        everywhere = [
            link
            for session in self.session.connection.sessions.values()
            for link in session.links.values()
            if isinstance(link, ReplyLink) and link.node == self.node
        ]
        for link in (*here, *everywhere):
            if reply_to is not None and link.reply_address == reply_to:
                return link
        if not here:
            raise AmqpError(NOT_FOUND, f"No link of this session takes the replies of {self.node}.")
        return here[-1]
