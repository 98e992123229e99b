"""The way in from Event Hubs: a batch of one partition's events, in order."""

import asyncio
import json
from datetime import UTC
from typing import Any, List  # noqa: UP035 - the worker refuses list[...] in a signature

import azure.functions as func

from domain.errors import TransientError
from domain.ordering import EventStamp
from domain.records import Delivery
from domain.replays import as_first_sent
from settings import CONSUMER_GROUP, HUB
from wiring import parts

processor = func.Blueprint()  # type: ignore[no-untyped-call]


@processor.function_name("process_commands")
@processor.event_hub_message_trigger(
    arg_name="events",
    event_hub_name=HUB,
    connection="EVENT_HUBS",
    consumer_group=CONSUMER_GROUP,
    cardinality="many",  # without it the host sends single events
    data_type="binary",  # anything else: the host may parse, reorder or drop bodies
)
@processor.retry(
    # For ever: when its retries end the host checkpoints, whatever the outcome. Bad events are parked and never raise.
    strategy="exponential_backoff",
    max_retry_count="-1",
    minimum_interval="00:00:01",
    maximum_interval="00:01:00",
)
async def process_commands(events: List[func.EventHubEvent]) -> None:  # noqa: UP006 - see above
    """Apply the batch; raises to have it delivered again."""
    try:
        await parts().processor.process(deliveries_of(events))
    except asyncio.CancelledError as error:
        # The worker never answers a cancelled handler, and the partition would stand still until the time-out.
        raise TransientError("The batch was cancelled.") from error


def deliveries_of(events: list[func.EventHubEvent]) -> list[Delivery]:
    """The batch as the domain sees it."""
    # The metadata is the batch's, shared by its events, and is parsed anew at each access: ask once.
    metadata = events[0].metadata or {}
    context = _parsed(metadata.get("PartitionContext") or metadata.get("TriggerPartitionContext"), {})
    properties = _parsed(metadata.get("PropertiesArray"), [])
    hub = f"{context['FullyQualifiedNamespace']}/{context['EventHubName']}".lower()
    return [
        _delivery(event, hub, context["PartitionId"], properties[index] if index < len(properties) else None)
        for index, event in enumerate(events)
    ]


def _delivery(event: func.EventHubEvent, hub: str, partition: str, properties: dict[str, Any] | None) -> Delivery:
    texts = {name: str(value) for name, value in (properties or {}).items()}
    stamp = EventStamp(hub, partition, _sequence(event), _enqueued(event))
    return Delivery(body=event.get_body(), stamp=as_first_sent(stamp, texts), properties=texts)


def _parsed(value: Any, absent: Any) -> Any:
    if value is None:
        return absent
    return json.loads(value) if isinstance(value, str) else value


def _sequence(event: func.EventHubEvent) -> int:
    if event.sequence_number is None:
        raise TransientError("The host gave an event without its sequence number.")
    return int(event.sequence_number)


def _enqueued(event: func.EventHubEvent) -> Any:
    if event.enqueued_time is None:
        raise TransientError("The host gave an event without its enqueued time.")
    return event.enqueued_time.replace(tzinfo=UTC)  # the host writes UTC, without saying so
