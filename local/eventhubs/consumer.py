"""A link on which a client reads a partition."""

from typing import TYPE_CHECKING

from local.eventhubs import codec
from local.eventhubs.address import ReceiverSource, start_position
from local.eventhubs.codec import Long, Symbol, Timestamp
from local.eventhubs.entities import Partition
from local.eventhubs.errors import INTERNAL_ERROR, AmqpError, DamagedLog
from local.eventhubs.links import OutgoingLink
from local.eventhubs.reader import LogReader

if TYPE_CHECKING:
    from local.eventhubs.attach import AttachRequest
    from local.eventhubs.session import Session

_EPOCH = "com.microsoft:epoch"
_RUNTIME_METRICS = "com.microsoft:enable-receiver-runtime-metric"
_BLOCKED_RETRY_S = 0.1


class ConsumerLink(OutgoingLink):
    """Delivers events from a position on, as far as credit, window and socket allow."""

    def __init__(self, session: "Session", request: "AttachRequest", source: ReceiverSource) -> None:
        super().__init__(session, request)
        broker = session.connection.broker
        hub = broker.namespace.hub(source.hub)
        self.group = hub.group(source.group)
        self.partition: Partition = hub.partition(source.partition)
        self.hub = hub.name
        self.entity_path = f"{hub.name}/ConsumerGroups/{self.group}/Partitions/{self.partition.id}"
        session.connection.require(self.entity_path)
        epoch = request.properties.get(_EPOCH)
        self.epoch: int | None = int(epoch) if isinstance(epoch, int) and not isinstance(epoch, bool) else None
        self._wants_metrics = _RUNTIME_METRICS in request.capabilities
        source_fields = request.source_fields
        position = start_position(source_fields[7] if len(source_fields) > 7 else None)
        try:
            self._reader = LogReader(self.partition.log, self.partition.start_of(position))
        except (DamagedLog, OSError) as problem:
            raise _unreadable(problem) from problem
        self._broker = broker
        self._pump_is_due = False
        self.partition.join(self.group, self)

    def release(self) -> None:
        """Leave the partition."""
        super().release()
        self.partition.leave(self)
        self._reader.close()

    def pump(self) -> None:
        """Deliver one chunk; the next one in the loop's next turn, so that others get theirs."""
        self._deliver_chunk()
        self.end_drain()

    def _deliver_chunk(self) -> None:
        if not self.is_open or self.credit <= 0 or not self.session.may_send:
            return
        if self._is_blocked():
            self._pump_later(_BLOCKED_RETRY_S)
            return
        try:
            events = self._reader.read(self.credit)
        except (DamagedLog, OSError) as problem:
            self.evict(_unreadable(problem))
            return
        if not events:
            self.partition.wait(self)
            return
        metrics = self._metrics() if self._wants_metrics else b""
        for event in events:
            message = event.message
            if metrics:
                message = message[: event.header_size] + metrics + message[event.header_size :]
            self.deliver(message)
        if self._reader.at_end:
            self.partition.wait(self)
        elif self.credit > 0:
            self._pump_later(0.0)

    @property
    def has_more(self) -> bool:
        """Whether the partition holds events that have not been delivered yet."""
        return not self._reader.at_end

    def _pump_later(self, delay_s: float) -> None:
        if self._pump_is_due:
            return
        self._pump_is_due = True
        loop = self.session.connection.loop
        if delay_s:
            loop.call_later(delay_s, self._pump_now)
        else:
            loop.call_soon(self._pump_now)

    def _pump_now(self) -> None:
        self._pump_is_due = False
        self.pump()

    def _is_blocked(self) -> bool:
        facts = {
            "operation": "receive",
            "hub": self.hub,
            "partition": self.partition.id,
            "group": self.group,
            "link": self.name,
            "client": self.session.connection.container_id,
        }
        faults = self._broker.faults
        return faults.active("stop-partition", **facts) is not None or faults.active("hang", **facts) is not None

    def _metrics(self) -> bytes:
        log = self.partition.log
        facts = {
            Symbol("last_enqueued_sequence_number"): Long(log.last_sequence),
            Symbol("last_enqueued_offset"): str(log.last_offset),
            Symbol("last_enqueued_time_utc"): Timestamp(log.last_time_ms),
            Symbol("runtime_info_retrieval_time_utc"): Timestamp(self._broker.clock()),
        }
        return b"\x00\x53\x71" + codec.encode(facts)


def _unreadable(problem: Exception) -> AmqpError:
    return AmqpError(INTERNAL_ERROR, f"The partition cannot be read: {problem}")
