"""A batch of events as the host encodes it for the worker: bodies, and every metadata array of the extension."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .amqp_links import PROP_ENQUEUED_TIME, PROP_OFFSET, PROP_PARTITION_KEY, PROP_SEQUENCE_NUMBER, AmqpMessage
from .errors import HostError
from .worker import bytes_datum, collection_bytes_datum, collection_string_datum, json_datum, text_datum

_PROPERTY_NAMES = {
    "message_id": "message-id",
    "user_id": "user-id",
    "to": "to",
    "subject": "subject",
    "reply_to": "reply-to",
    "correlation_id": "correlation-id",
    "content_type": "content-type",
    "content_encoding": "content-encoding",
    "absolute_expiry_time": "absolute-expiry-time",
    "creation_time": "creation-time",
    "group_id": "group-id",
    "group_sequence": "group-sequence",
    "reply_to_group_id": "reply-to-group-id",
}


class Undecodable(HostError):
    """The host could not encode a batch for the function: the invocation fails before any user code."""


@dataclass(frozen=True)
class HubEvent:
    """One event, with the parts the host looks at taken out of the AMQP message."""

    body: bytes
    sequence_number: int
    offset: str
    enqueued_time: str  # in UTC, without a zone, as .NET writes it
    partition_key: str | None
    properties: Mapping[str, Any]
    system_properties: Mapping[str, Any]


@dataclass(frozen=True)
class PartitionContext:
    """Where a batch comes from."""

    namespace: str
    hub: str
    consumer_group: str
    partition_id: str
    checkpointing: bool

    def as_json(self) -> dict[str, Any]:
        """As the extension serialises it."""
        return {
            "FullyQualifiedNamespace": self.namespace,
            "EventHubName": self.hub,
            "ConsumerGroup": self.consumer_group,
            "PartitionId": self.partition_id,
            "IsCheckpointingAfterInvocation": self.checkpointing,
        }


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _plain(value: Any) -> Any:
    """An AMQP value as JSON can hold it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Mapping):
        return {_text(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _time_text(milliseconds: int) -> str:
    """A time as .NET writes one without a zone: no fraction when it is zero, no trailing zeros."""
    base = datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{milliseconds % 1000:03d}".rstrip("0")
    return f"{base}.{fraction}" if fraction else base


def event_of(message: AmqpMessage) -> HubEvent:
    """Take an AMQP message apart."""
    annotations: Mapping[Any, Any] = message.message_annotations or {}
    milliseconds = int(annotations[PROP_ENQUEUED_TIME])
    key = annotations.get(PROP_PARTITION_KEY)
    enqueued = _time_text(milliseconds)
    system: dict[str, Any] = {}
    if message.properties is not None:
        for field, name in _PROPERTY_NAMES.items():
            value = getattr(message.properties, field)
            if value is not None:
                system[name] = _plain(value)
    for name, value in annotations.items():
        system[_text(name)] = f"{enqueued}+00:00" if name == PROP_ENQUEUED_TIME else _plain(value)
    return HubEvent(
        body=_body(message),
        sequence_number=int(annotations[PROP_SEQUENCE_NUMBER]),
        offset=_text(annotations[PROP_OFFSET]),
        enqueued_time=enqueued,
        partition_key=None if key is None else _text(key),
        properties={_text(name): _plain(value) for name, value in (message.application_properties or {}).items()},
        system_properties=system,
    )


def _body(message: AmqpMessage) -> bytes:
    if message.data is not None:
        return b"".join(message.data)
    # .NET's EventData has no other body: one sent as value or sequence reads as empty.
    return b""


def _offset_number(offset: str) -> int:
    """The offset as the extension's old long: -1 where the service's is no number."""
    try:
        return int(offset)
    except ValueError:
        return -1


def _system_properties(event: HubEvent) -> dict[str, Any]:
    return {
        **event.system_properties,
        "SequenceNumber": event.sequence_number,
        "Offset": _offset_number(event.offset),
        "OffsetString": event.offset,
        "PartitionKey": event.partition_key,
        "EnqueuedTimeUtc": event.enqueued_time,
    }


def batch_metadata(events: Sequence[HubEvent], context: PartitionContext) -> dict[str, Any]:
    """Trigger metadata of a batch; `PartitionKeyArray` leaves out events without a key, as the real one does."""
    place = json_datum(context.as_json())
    return {
        "PartitionContext": place,
        "TriggerPartitionContext": place,
        "PropertiesArray": json_datum([event.properties for event in events]),
        "SystemPropertiesArray": json_datum([_system_properties(event) for event in events]),
        "SequenceNumberArray": json_datum([event.sequence_number for event in events]),
        "OffsetArray": json_datum([_offset_number(event.offset) for event in events]),
        "OffsetStringArray": json_datum([event.offset for event in events]),
        "PartitionKeyArray": json_datum([event.partition_key for event in events if event.partition_key is not None]),
        "EnqueuedTimeUtcArray": json_datum([event.enqueued_time for event in events]),
    }


def single_metadata(event: HubEvent, context: PartitionContext) -> dict[str, Any]:
    """Trigger metadata of one event, for functions without cardinality many."""
    place = json_datum(context.as_json())
    metadata = {
        "PartitionContext": place,
        "TriggerPartitionContext": place,
        "Properties": json_datum(event.properties),
        "SystemProperties": json_datum(_system_properties(event)),
        "SequenceNumber": json_datum(event.sequence_number),
        "Offset": text_datum(str(_offset_number(event.offset))),
        "OffsetString": text_datum(event.offset),
        "EnqueuedTimeUtc": json_datum(event.enqueued_time),
    }
    if event.partition_key is not None:
        metadata["PartitionKey"] = text_datum(event.partition_key)
    return metadata


def batch_datum(events: Sequence[HubEvent], data_type: str) -> Any:
    """The bodies of a batch: bytes for `binary`, text for `string` (empty ones dropped), parsed JSON otherwise.

    Raises:
        Undecodable: no data type is given and a body is no JSON.
    """
    if data_type == "binary":
        return collection_bytes_datum([event.body for event in events])
    if data_type == "string":
        return collection_string_datum([event.body.decode("utf-8", "replace") for event in events if event.body])
    return json_datum([_parsed(event) for event in events])


def single_datum(event: HubEvent, data_type: str) -> Any:
    """The body of one event."""
    if data_type == "binary":
        return bytes_datum(event.body)
    return text_datum(event.body.decode("utf-8", "replace"))


def _parsed(event: HubEvent) -> Any:
    try:
        return json.loads(event.body)
    except ValueError as error:
        message = f"the event {event.sequence_number} is no JSON, and the binding has no dataType: {error}"
        raise Undecodable(message) from error
