"""Batches as the host encodes them, read back by the worker library's own converter."""

from typing import Any

import pytest
from azure.eventhub._pyamqp.message import Message, Properties
from azure.functions.eventhub import EventHubTriggerConverter

from local.functions_host.hub_batches import (
    HubEvent,
    PartitionContext,
    Undecodable,
    batch_datum,
    batch_metadata,
    event_of,
    single_datum,
    single_metadata,
)

PLACE = PartitionContext("127.0.0.1:5672", "h", "g", "3", True)


def _message(body: bytes, sequence: int = 0, **more: Any) -> Message:
    annotations = {
        b"x-opt-sequence-number": sequence,
        b"x-opt-offset": str(sequence * 100).encode(),
        b"x-opt-enqueued-time": 1_795_631_266_372 + sequence,
        **more.pop("annotations", {}),
    }
    return Message(message_annotations=annotations, data=[body], **more)


def _decoded(messages: list[Message], data_type: str) -> list[Any]:
    events = [event_of(message) for message in messages]
    metadata = batch_metadata(events, PLACE)
    decoded: Any = EventHubTriggerConverter.decode(batch_datum(events, data_type), trigger_metadata=metadata)
    return list(decoded)


def test_binary_keeps_every_byte() -> None:
    body = bytes(range(256))

    assert [event.get_body() for event in _decoded([_message(body), _message(b"")], "binary")] == [body, b""]


def test_string_drops_empty_bodies_and_so_fails_the_batch() -> None:
    assert [event.get_body() for event in _decoded([_message("é".encode())], "string")] == ["é".encode()]
    with pytest.raises(AssertionError, match="Number of bodies and metadata mismatched"):
        _decoded([_message(b"x"), _message(b"")], "string")


def test_without_a_data_type_bodies_are_json_serialised_again() -> None:
    assert _decoded([_message(b'{"a":  1}')], "")[0].get_body() == b'{"a": 1}'
    with pytest.raises(Undecodable, match="is no JSON"):
        _decoded([_message(b"plain")], "")


def test_a_batchs_events_have_their_facts() -> None:
    key = {b"x-opt-partition-key": b"k"}
    first, second = _decoded([_message(b"a", 7, annotations=key), _message(b"b", 8)], "binary")

    assert (first.sequence_number, first.offset, first.partition_key) == (7, 700, "k")
    assert second.partition_key is None
    assert first.enqueued_time.tzinfo is None
    assert first.enqueued_time.isoformat() == "2026-11-25T18:27:46.379000"


def test_an_offset_that_is_no_number_is_minus_one_in_a_batch() -> None:
    message = _message(b"a", annotations={b"x-opt-offset": b"12:34:0"})
    event = _decoded([message], "binary")[0]

    assert event.offset == -1
    assert event.metadata["OffsetStringArray"] == ["12:34:0"]


def test_properties_of_every_type_reach_the_function() -> None:
    properties = {b"text": b"t", b"number": 1, b"flag": True, b"nothing": None, b"list": [1, b"x"]}
    message = _message(b"a", application_properties=properties, properties=Properties(subject=b"s", reply_to=b"r"))

    metadata = _decoded([message], "binary")[0].metadata

    expected = {"text": "t", "number": 1, "flag": True, "nothing": None, "list": [1, "x"]}
    assert metadata["PropertiesArray"] == [expected]
    assert metadata["SystemPropertiesArray"][0]["subject"] == "s"
    assert metadata["SystemPropertiesArray"][0]["reply-to"] == "r"


def test_a_single_event_has_its_own_metadata() -> None:
    event: HubEvent = event_of(_message(b"a", 7, application_properties={b"p": b"q"}))

    decoded: Any = EventHubTriggerConverter.decode(
        single_datum(event, "binary"), trigger_metadata=single_metadata(event, PLACE)
    )

    assert (decoded.get_body(), decoded.sequence_number, decoded.offset) == (b"a", 7, "700")
    assert decoded.metadata["Properties"] == {"p": "q"}


def test_bodies_that_are_no_data_read_as_empty() -> None:
    message = _message(b"")._replace(data=None, value=b"v")

    assert event_of(message).body == b""
