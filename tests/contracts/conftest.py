"""Every port twice: on its fake, and on the real adapter with the real SDK against the stand-in."""

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from azure.cosmos.aio import CosmosClient
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient, PartitionContext
from azure.storage.blob.aio import BlobServiceClient

from adapters.blobs import BlobDeadLetters, BlobLetterBox
from adapters.cosmos import CALLS_AT_ONCE, Container, CosmosSettings, cosmos_client
from adapters.cosmos_activity import CosmosActivityStore
from adapters.cosmos_heartbeats import CosmosHeartbeats
from adapters.cosmos_items import CosmosItemStore
from adapters.cosmos_outcomes import CosmosOutcomes
from adapters.event_hubs import EventHubsCommandQueue, QueueSettings
from domain.commands import command_of
from domain.errors import PermanentError
from domain.ports import DeadLetters, LetterBox
from local.provision import provision
from local.stack import COSMOS_KEY, Stack
from settings import ACTIVITY, CONSUMER_GROUP, DATABASE, DEAD_LETTER_CONTAINER, HUB, ITEMS, OUTCOMES
from tests.fakes import (
    InMemoryActivityStore,
    InMemoryDeadLetters,
    InMemoryHeartbeats,
    InMemoryItemStore,
    InMemoryLetterBox,
    InMemoryOutcomes,
)
from tests.processes import free_block, start

REGION = "West Europe"
PARTITIONS = 4


@dataclass(frozen=True)
class Cloud:
    """The stand-ins that the adapters talk to."""

    stack: Stack

    @property
    def cosmos_endpoint(self) -> str:
        return f"http://127.0.0.1:{self.stack.cosmos_port}/"

    @property
    def hub_connection(self) -> str:
        return self.stack.hub_connection(0)

    @property
    def letters_connection(self) -> str:
        return self.stack.storage_connection(self.stack.region_account(0))


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The stack's own stores, without its hosts."""
    folder = tmp_path_factory.mktemp("contracts")
    stack = Stack(free_block(), folder, (REGION,))
    stores = stack.stages[0]
    running = []
    try:
        for component in stores:
            command = [re.sub(f"^{HUB}=32:", f"{HUB}={PARTITIONS}:", part) for part in component.command]
            log = folder / f"{component.name}.log"
            running.append(start(command, log, ready=component.ready, **component.environment))
        asyncio.run(provision(stack))
        yield Cloud(stack)
    finally:
        for one in reversed(running):
            one.stop()


@pytest.fixture
async def account(cloud: Cloud) -> AsyncIterator[CosmosClient]:
    async with cosmos_client(CosmosSettings(cloud.cosmos_endpoint, [REGION]), COSMOS_KEY) as client:
        yield client


def container(client: CosmosClient, name: str) -> Container:
    proxy = client.get_database_client(DATABASE).get_container_client(name)
    return Container(proxy, asyncio.Semaphore(CALLS_AT_ONCE))


@pytest.fixture(params=["fake", "stand-in"])
def item_store(request: pytest.FixtureRequest) -> object:
    if request.param == "fake":
        return InMemoryItemStore()
    return CosmosItemStore(container(request.getfixturevalue("account"), ITEMS))


@pytest.fixture(params=["fake", "stand-in"])
def activity_store(request: pytest.FixtureRequest) -> object:
    if request.param == "fake":
        return InMemoryActivityStore()
    return CosmosActivityStore(container(request.getfixturevalue("account"), ACTIVITY))


@pytest.fixture(params=["fake", "stand-in"])
def outcomes(request: pytest.FixtureRequest) -> object:
    if request.param == "fake":
        return InMemoryOutcomes()
    return CosmosOutcomes(container(request.getfixturevalue("account"), OUTCOMES))


@pytest.fixture
async def letter_box(cloud: Cloud) -> AsyncIterator[BlobServiceClient]:
    async with BlobServiceClient.from_connection_string(cloud.letters_connection) as service:
        yield service


@pytest.fixture(params=["fake", "stand-in"])
def dead_letters(request: pytest.FixtureRequest) -> object:
    if request.param == "fake":
        return InMemoryDeadLetters()
    service = request.getfixturevalue("letter_box")
    return BlobDeadLetters(service.get_container_client(DEAD_LETTER_CONTAINER))


@dataclass(frozen=True)
class Letters:
    """Both sides of one store of letters."""

    parked: DeadLetters
    box: LetterBox


@pytest.fixture(params=["fake", "stand-in"])
def letters(request: pytest.FixtureRequest) -> Letters:
    if request.param == "fake":
        parked = InMemoryDeadLetters()
        return Letters(parked, InMemoryLetterBox(parked))
    container = request.getfixturevalue("letter_box").get_container_client(DEAD_LETTER_CONTAINER)
    return Letters(BlobDeadLetters(container), BlobLetterBox(container))


@pytest.fixture
async def command_queue(cloud: Cloud) -> AsyncIterator[EventHubsCommandQueue]:
    def client() -> EventHubProducerClient:
        return EventHubProducerClient.from_connection_string(
            cloud.hub_connection, eventhub_name=HUB, retry_total=1, retry_backoff_factor=0.1, retry_backoff_max=1
        )

    queue = EventHubsCommandQueue(client, QueueSettings(PARTITIONS, send_timeout_s=3, deadline_s=5))
    yield queue
    await queue.close()


def id_of(event: EventData) -> UUID | None:
    """The command's id; None for an event that is no command, which other tests leave in the hub too."""
    try:
        return command_of(event.body_as_str().encode()).command_id
    except (PermanentError, TypeError):  # the SDK's word for bytes that are no text
        return None


async def received(cloud: Cloud, wanted: Collection[UUID]) -> dict[str, list[UUID]]:
    """The ids of the wanted commands as they stand in the hub, by partition and in order, once all are there."""
    found: dict[str, list[UUID]] = {}
    complete = asyncio.Event()

    async def on_event_batch(context: PartitionContext, events: list[EventData]) -> None:
        for one in map(id_of, events):
            if one is not None and one in wanted:
                found.setdefault(context.partition_id, []).append(one)
        if set(wanted) <= {one for part in found.values() for one in part}:
            complete.set()

    async with EventHubConsumerClient.from_connection_string(
        cloud.hub_connection, consumer_group=CONSUMER_GROUP, eventhub_name=HUB
    ) as consumer:
        reading = asyncio.create_task(consumer.receive_batch(on_event_batch, starting_position="-1"))
        try:
            async with asyncio.timeout(20):
                await complete.wait()
            await asyncio.sleep(0.2)  # a duplicate behind the last one would still come
        finally:
            reading.cancel()
    return found


@pytest.fixture(params=["fake", "stand-in"])
def heartbeats(request: pytest.FixtureRequest) -> object:
    if request.param == "fake":
        return InMemoryHeartbeats()
    return CosmosHeartbeats(container(request.getfixturevalue("account"), ACTIVITY), f"Region {uuid4()}")


@pytest.fixture
async def image_account(cloud: Cloud) -> AsyncIterator[BlobServiceClient]:
    account = cloud.stack.storage_connection(cloud.stack.global_account)
    async with BlobServiceClient.from_connection_string(account) as service:
        yield service
