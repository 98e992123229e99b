"""A link on which a client sends events: routing, faults, storing, and the answer that says it is on disk."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.eventhubs.address import SenderTarget
from local.eventhubs.entities import Partition
from local.eventhubs.errors import ARGUMENT_ERROR, DETACH_FORCED, INTERNAL_ERROR, SERVER_BUSY, AmqpError
from local.eventhubs.faults import SEND_FAULTS, problem_of
from local.eventhubs.links import IncomingLink
from local.eventhubs.sections import Incoming, events_of
from local.faults import FaultRule

if TYPE_CHECKING:
    from local.eventhubs.attach import AttachRequest
    from local.eventhubs.session import Session

MAX_PARTITION_KEY = 128
_BUSY = "The request was terminated because the entity is being throttled. Please wait 4 seconds and try again."


@dataclass(frozen=True)
class _Delivery:
    id: int | None
    incoming: Incoming
    partition: Partition
    size: int


class ProducerLink(IncomingLink):
    """Stores what comes in; a delivery is one append, all or nothing."""

    def __init__(self, session: "Session", request: "AttachRequest", target: SenderTarget) -> None:
        super().__init__(session, request)
        self._broker = session.connection.broker
        hub = self._broker.namespace.hub(target.hub)
        self.entity_path = hub.name
        self._fixed: Partition | None = None
        if target.partition is not None:
            self._fixed = hub.partition(target.partition)
            self.entity_path = f"{hub.name}/Partitions/{target.partition}"
        session.connection.require(self.entity_path)
        self.hub = hub.name
        self.partition = target.partition
        self.max_message_bytes = self._broker.settings.max_message_bytes

    def take_delivery(self, delivery_id: int | None, message_format: int, payload: bytes) -> None:
        """Route and store; a client's mistake or a fault is answered at once."""
        try:
            incoming = events_of(payload, message_format)
            if incoming.partition_key is not None and len(incoming.partition_key) > MAX_PARTITION_KEY:
                raise AmqpError(ARGUMENT_ERROR, f"The partition key is longer than {MAX_PARTITION_KEY} characters.")
            partition = self._route(incoming)
        except AmqpError as problem:
            self.settle(delivery_id, problem)
            return
        delivery = _Delivery(delivery_id, incoming, partition, len(payload))
        rule = self._broker.faults.take(
            SEND_FAULTS,
            operation="send",
            hub=self.hub,
            partition=partition.id,
            link=self.name,
            client=self.session.connection.container_id,
        )
        if rule is None:
            self._store(delivery)
        else:
            self._strike(rule, delivery)

    def _route(self, incoming: Incoming) -> Partition:
        if self._fixed is not None and not self._fixed.log.closed:
            return self._fixed
        hub = self._broker.namespace.hub(self.hub)  # looked up again, for it may have been made anew
        if self.partition is None:
            return hub.partition_for(incoming.partition_key)
        self._fixed = hub.partition(self.partition)
        return self._fixed

    def _store(self, delivery: _Delivery, acknowledge_after_s: float = 0.0) -> None:
        connection = self.session.connection
        connection.holds(delivery.size)

        def done(problem: AmqpError | None) -> None:
            connection.holds(-delivery.size)
            if acknowledge_after_s:
                connection.loop.call_later(acknowledge_after_s, self.settle, delivery.id, problem)
            else:
                self.settle(delivery.id, problem)

        delivery.partition.append(delivery.incoming.events, done)

    def _strike(self, rule: FaultRule, delivery: _Delivery) -> None:
        match rule.fault:
            case "server-busy" | "stop-partition":
                self.settle(delivery.id, AmqpError(SERVER_BUSY, _BUSY))
            case "reject":
                self.settle(delivery.id, problem_of(rule, INTERNAL_ERROR))
            case "detach":
                self.evict(problem_of(rule, DETACH_FORCED))
            case "drop-before":
                self.session.connection.reset()
            case "drop-after":
                delivery.partition.append(delivery.incoming.events, lambda _: self.session.connection.reset())
            case "delay":
                self._store(delivery, float(rule.args.get("ms", 1000)) / 1000)
            case _:  # "hang": no answer
                pass
