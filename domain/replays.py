"""A parked event that an operator sends again: what it says of the first event, and how far it is believed."""

from dataclasses import replace
from datetime import datetime

from domain.ordering import EventStamp
from domain.records import DeadLetter
from domain.times import iso

REPLAY_OF = "replay-of"
ORIGINAL_ENQUEUED = "original-enqueued"
ORIGINAL_SEQUENCE = "original-sequence"


def replay_properties(name: str, letter: DeadLetter) -> dict[str, str]:
    """What a parked event is sent with again; a replay of a replay still tells of the first event."""
    stamp = letter.delivery.stamp
    first = stamp.sequence if stamp.first_sequence is None else stamp.first_sequence
    return letter.delivery.properties | {
        REPLAY_OF: name,
        ORIGINAL_ENQUEUED: iso(stamp.enqueued),
        ORIGINAL_SEQUENCE: str(first),
    }


def as_first_sent(stamp: EventStamp, properties: dict[str, str]) -> EventStamp:
    """The broker's stamp, or for a replay the same with time and number of the first event.

    What does not parse, or claims a time after the broker's own, is not believed: the event then counts as a new one.
    """
    try:
        enqueued = datetime.fromisoformat(properties[ORIGINAL_ENQUEUED])
        sequence = int(properties[ORIGINAL_SEQUENCE])
    except (KeyError, ValueError):
        return stamp
    if enqueued.tzinfo is None or enqueued > stamp.enqueued or sequence < 0:
        return stamp
    return replace(stamp, enqueued=enqueued, first_sequence=sequence)
