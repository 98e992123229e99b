"""One clock: the broker's. Where an event stands in its hub, and the version that follows from it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
SEQUENCE_BITS = 12


@dataclass(frozen=True)
class EventStamp:
    """What the broker says of one event; never a pod's clock."""

    hub: str
    """`{namespace}/{hub}`, lower case."""
    partition: str
    sequence: int
    enqueued: datetime
    """Of a replay: when the first event was enqueued."""
    first_sequence: int | None = field(default=None, compare=False)
    """Only of a replay, which an operator sent: the number that the first event had in its hub."""

    @property
    def is_sent_again(self) -> bool:
        """Whether an operator sent this event again, after it had been parked."""
        return self.first_sequence is not None


def version_of(stamp: EventStamp) -> int:
    """A hybrid clock: enqueued milliseconds since 2020 × 4096 + the low 12 bits of the sequence number.

    53 bits, which every JSON number holds exactly, are enough until 2089. A replay gets what the
    first event would have got.
    """
    milliseconds = (stamp.enqueued - EPOCH) // timedelta(milliseconds=1)
    sequence = stamp.sequence if stamp.first_sequence is None else stamp.first_sequence
    return (milliseconds << SEQUENCE_BITS) | (sequence & ((1 << SEQUENCE_BITS) - 1))
