"""One clock: the broker's. Where an event stands in its hub, and the version that follows from it."""

from dataclasses import dataclass
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


def version_of(stamp: EventStamp) -> int:
    """A hybrid clock: enqueued milliseconds since 2020 × 4096 + the low 12 bits of the sequence number.

    53 bits, which every JSON number holds exactly, are enough until 2089.
    """
    milliseconds = (stamp.enqueued - EPOCH) // timedelta(milliseconds=1)
    return (milliseconds << SEQUENCE_BITS) | (stamp.sequence & ((1 << SEQUENCE_BITS) - 1))
