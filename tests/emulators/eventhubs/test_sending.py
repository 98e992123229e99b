"""Producers: where events go, what is refused, and when a send is acknowledged."""

from azure.eventhub import EventData

from local.eventhubs.server import EventHubsServer
from tests.emulators.eventhubs.clients import producer, read, send
from tests.emulators.eventhubs.conformance import conforms


@conforms(9, "one event arrives as it was sent")
async def test_a_single_event_arrives(broker: EventHubsServer) -> None:
    async with producer(broker) as client:
        await client.send_event(EventData("one"), partition_id="2")

    seen = await read(broker, 1)

    assert [(partition, event.body_as_str()) for partition, event in seen.events] == [("2", "one")]


@conforms(10, "a batch keeps its order within the partition")
async def test_a_batch_keeps_its_order(broker: EventHubsServer) -> None:
    bodies = [f"event {n}" for n in range(500)]
    await send(broker, bodies)

    seen = await read(broker, 500)

    assert seen.bodies == bodies
    assert seen.sequences == list(range(500))
