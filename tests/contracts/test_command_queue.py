"""The contract of CommandQueue, on the real producer against the broker: acknowledged means stored, in order."""

import asyncio
from uuid import UUID, uuid4

import pytest
from azure.eventhub.aio import EventHubProducerClient

from adapters.event_hubs import EventHubsCommandQueue, QueueSettings, partition_of
from domain.errors import EventTooLarge, QueueUnavailable
from settings import HUB
from tests.builders import an_add_comment, an_add_rating
from tests.contracts.conftest import PARTITIONS, Cloud, received
from tests.processes import free_port


async def test_one_items_commands_keep_the_order_of_their_calls(
    cloud: Cloud, command_queue: EventHubsCommandQueue
) -> None:
    item_id = uuid4()
    commands = [an_add_rating(item_id, stars=1 + number % 5) for number in range(50)]

    async with asyncio.TaskGroup() as group:
        for command in commands:
            group.create_task(command_queue.send(command, {}))

    wanted = [command.command_id for command in commands]
    assert await received(cloud, wanted) == {str(partition_of(item_id, PARTITIONS)): wanted}


async def test_every_acknowledged_command_is_in_the_hub_once(
    cloud: Cloud, command_queue: EventHubsCommandQueue
) -> None:
    commands = [an_add_comment(uuid4(), text="x" * 2000) for _ in range(600)]

    async with asyncio.TaskGroup() as group:
        for command in commands:
            group.create_task(command_queue.send(command, {"traceparent": "00-1"}))

    wanted = {command.command_id for command in commands}
    found = [one for part in (await received(cloud, wanted)).values() for one in part]
    assert sorted(found) == sorted(wanted)


async def test_what_is_too_large_alone_harms_no_neighbour(command_queue: EventHubsCommandQueue) -> None:
    item_id = uuid4()
    sends = [
        command_queue.send(an_add_comment(item_id, text="x" * size), {})
        for size in (10, 2_000_000, 10, 600_000, 600_000)
    ]

    results = await asyncio.gather(*sends, return_exceptions=True)

    assert [type(result) for result in results] == [type(None), EventTooLarge, *[type(None)] * 3]


async def test_a_broker_that_is_away_is_said_within_the_deadline_and_comes_back(cloud: Cloud) -> None:
    wrong = cloud.hub_connection.replace(str(cloud.stack.hub_port(0)), str(free_port()))
    address = [wrong]

    def client() -> EventHubProducerClient:
        return EventHubProducerClient.from_connection_string(address[0], eventhub_name=HUB, retry_total=0)

    queue = EventHubsCommandQueue(client, QueueSettings(PARTITIONS, send_timeout_s=2, deadline_s=3))
    command = an_add_rating()
    try:
        with pytest.raises(QueueUnavailable):
            await queue.send(command, {})
        address[0] = cloud.hub_connection
        await queue.send(command, {})
    finally:
        await queue.close()


async def test_a_caller_that_gave_up_does_not_stop_the_others(
    cloud: Cloud, command_queue: EventHubsCommandQueue
) -> None:
    item_id = uuid4()
    impatient = asyncio.create_task(command_queue.send(an_add_rating(item_id), {}))
    await asyncio.sleep(0)
    patient = [asyncio.create_task(command_queue.send(an_add_rating(item_id), {})) for _ in range(5)]
    impatient.cancel()

    await asyncio.gather(*patient)

    with pytest.raises(asyncio.CancelledError):
        await impatient


def test_an_items_partition_is_the_same_for_ever() -> None:
    """Another value would send an item's newer commands past its older ones."""
    assert partition_of(UUID("6f0c4a52-8e0d-4c1b-9d3e-2b6a7c1f9e10"), 32) == 7
    counts = [0] * 32
    for number in range(3200):
        counts[partition_of(UUID(int=number), 32)] += 1
    assert min(counts) > 50
