"""The Event Hubs trigger: its binding, and its way from the host's batch to the domain."""

import asyncio
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import uuid4

import azure.functions as func
import pytest
from azure.functions.eventhub import EventHubTriggerConverter
from azure.functions.meta import Datum

from domain.errors import StoreUnavailable, TransientError
from settings import CONSUMER_GROUP, HUB
from tests.builders import an_add_rating, an_item
from tests.triggers.conftest import BUILT, FUNCTIONS, App


def a_batch(*bodies: bytes, properties: dict[str, str] | None = None) -> list[func.EventHubEvent]:
    """A batch decoded by the worker's own converter, from what the host sends."""
    each = {"kind": "test"} | (properties or {})
    context = {"FullyQualifiedNamespace": "EVHNS.test", "EventHubName": "Commands", "PartitionId": "3"}
    system = [
        {"SequenceNumber": number, "Offset": str(number), "EnqueuedTimeUtc": f"2026-11-25T12:00:{number:02d}.123"}
        for number in range(1, len(bodies) + 1)
    ]
    metadata = {
        "PartitionContext": Datum(json.dumps(context), "json"),
        "PropertiesArray": Datum(json.dumps([each for _ in bodies]), "json"),
        "SystemPropertiesArray": Datum(json.dumps(system), "json"),
    }
    data = Datum(SimpleNamespace(bytes=list(bodies)), "collection_bytes")
    events = EventHubTriggerConverter.decode(data, trigger_metadata=metadata)
    return events if isinstance(events, list) else [events]


async def test_a_batch_takes_effect(app: App) -> None:
    item = an_item()
    app.items.stored[item.item_id] = item
    commands = [an_add_rating(item.item_id, stars=stars) for stars in (2, 4)]

    await FUNCTIONS["process_commands"](a_batch(*(command.to_bytes() for command in commands)))

    assert (await app.activity.totals(item.item_id)).stars == 6
    stamps = [entry.written_by for entry in app.activity.entries.values()]
    assert {(stamp.hub, stamp.partition) for stamp in stamps} == {("evhns.test/commands", "3")}
    assert all(stamp.enqueued.tzinfo is not None for stamp in stamps)


async def test_a_replay_keeps_the_time_of_the_first_event(app: App) -> None:
    """The property as the host hands it over: its JSON library may have cut a time's zeros."""
    item = an_item()
    app.items.stored[item.item_id] = item
    command = an_add_rating(item.item_id)
    first = {"replay-of": "a-letter", "original-enqueued": "2026-11-24T08:30:00.5Z", "original-sequence": "41"}

    await FUNCTIONS["process_commands"](a_batch(command.to_bytes(), properties=first))

    [stored] = app.activity.entries.values()
    assert stored.written_by.enqueued == datetime(2026, 11, 24, 8, 30, 0, 500_000, UTC)
    assert stored.written_by.sequence == 1


async def test_a_time_after_the_brokers_is_not_believed(app: App) -> None:
    """Else a sender could order its write after everybody else's."""
    item = an_item()
    app.items.stored[item.item_id] = item
    future = {"original-enqueued": "2030-01-01T00:00:00.000000Z", "original-sequence": "41"}

    await FUNCTIONS["process_commands"](a_batch(an_add_rating(item.item_id).to_bytes(), properties=future))

    [stored] = app.activity.entries.values()
    assert stored.written_by.enqueued == datetime(2026, 11, 25, 12, 0, 1, 123_000, UTC)


async def test_a_bad_event_never_raises(app: App) -> None:
    await FUNCTIONS["process_commands"](a_batch(b"\xff", b""))

    assert app.dead_letters.reasons == ["undecodable", "undecodable"]


async def test_a_dependency_that_is_away_raises_so_that_the_batch_comes_again(app: App) -> None:
    app.items.outage.failures = 1

    with pytest.raises(StoreUnavailable):
        await FUNCTIONS["process_commands"](a_batch(an_add_rating(uuid4()).to_bytes()))


async def test_a_cancelled_batch_raises_an_error_that_the_worker_answers(app: App) -> None:
    class Cancelled:
        async def find(self, item_id: object) -> object:
            raise asyncio.CancelledError

    app.items = Cancelled()  # type: ignore[assignment]
    app.install()

    with pytest.raises(TransientError):
        await FUNCTIONS["process_commands"](a_batch(an_add_rating(uuid4()).to_bytes()))


def test_the_binding_is_what_the_loss_free_path_needs() -> None:
    [function] = [one for one in BUILT if one.get_function_name() == "process_commands"]
    trigger, retry = function.get_trigger(), function.get_settings_dict("retry_policy")
    assert trigger is not None
    assert retry is not None
    binding = trigger.get_dict_repr()

    assert {name: str(binding[name]).split(".")[-1].lower() for name in ("cardinality", "dataType")} == {
        "cardinality": "many",
        "dataType": "binary",
    }
    assert (binding["eventHubName"], binding["consumerGroup"]) == (HUB, CONSUMER_GROUP)
    assert (retry["max_retry_count"], retry["strategy"]) == ("-1", "exponential_backoff")
    assert retry["minimum_interval"]
    assert retry["maximum_interval"]
