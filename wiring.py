"""Builds each object once, on first use, inside the worker's event loop; importing this opens nothing."""

import asyncio
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from azure.core.credentials_async import AsyncTokenCredential
from azure.cosmos.aio import CosmosClient
from azure.eventhub.aio import EventHubProducerClient
from azure.storage.blob.aio import BlobServiceClient

from adapters.blobs import BlobDeadLetters, BlobLetterBox
from adapters.cosmos import CALLS_AT_ONCE, Container, CosmosSettings, cosmos_client
from adapters.cosmos_activity import CosmosActivityStore
from adapters.cosmos_items import CosmosItemStore
from adapters.cosmos_outcomes import CosmosOutcomes
from adapters.event_hubs import EventHubsCommandQueue, QueueSettings
from domain.acceptance import Acceptance
from domain.operations import Operations
from domain.ports import ActivityStore, CommandQueue, DeadLetters, ItemStore, LetterBox, Outcomes, ReplayQueue
from domain.processing import Processor
from settings import ACTIVITY, DATABASE, DEAD_LETTER_CONTAINER, HUB, ITEMS, OUTCOMES, Settings


class Parts:
    """The process's objects; a test gives its own for some of them by assigning to the attribute first."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    @cached_property
    def settings(self) -> Settings:
        """The process's settings; raises SettingError with the names of what is missing."""
        return Settings.read(self._environment)

    def now(self) -> datetime:
        """The pod's clock: for expiry and for letters, never for order."""
        return datetime.now(UTC)

    def new_id(self) -> UUID:
        """An id for a command whose client gave no key."""
        return uuid4()

    @cached_property
    def items(self) -> ItemStore:
        """Where items live."""
        return CosmosItemStore(self._container(ITEMS))

    @cached_property
    def activity(self) -> ActivityStore:
        """Where comments, ratings and totals live."""
        return CosmosActivityStore(self._container(ACTIVITY))

    @cached_property
    def outcomes(self) -> Outcomes:
        """Where failed writes are remembered."""
        return CosmosOutcomes(self._container(OUTCOMES))

    @cached_property
    def command_queue(self) -> CommandQueue:
        """The way to the processor."""
        return self._hub

    @cached_property
    def replay_queue(self) -> ReplayQueue:
        """The same way, for parked events."""
        return self._hub

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """Where events that cannot succeed are parked."""
        return BlobDeadLetters(self._letter_account.get_container_client(DEAD_LETTER_CONTAINER))

    @cached_property
    def letter_box(self) -> LetterBox:
        """The same place, for operators."""
        return BlobLetterBox(self._letter_account.get_container_client(DEAD_LETTER_CONTAINER))

    @cached_property
    def acceptance(self) -> Acceptance:
        """Takes writes in."""
        return Acceptance(self.items, self.activity, self.command_queue)

    @cached_property
    def operations(self) -> Operations:
        """Says what became of writes."""
        return Operations(self.items, self.activity, self.outcomes)

    @cached_property
    def processor(self) -> Processor:
        """Applies commands."""
        return Processor(
            items=self.items,
            activity=self.activity,
            outcomes=self.outcomes,
            dead_letters=self.dead_letters,
            region=self.settings.region,
            now=self.now,
        )

    async def close(self) -> None:
        """Close what was opened; for programs that end (a worker process is killed, and never comes here)."""
        built = self.__dict__
        if "_hub" in built:
            await self._hub.close()
        if "_cosmos" in built:
            await self._cosmos[0].close()
        if "_letter_account" in built:
            await self._letter_account.close()
        if "_credential" in built:
            await self._credential.close()

    @cached_property
    def _hub(self) -> EventHubsCommandQueue:
        return EventHubsCommandQueue(self._producer, QueueSettings(self.settings.event_hub_partitions))

    @cached_property
    def _letter_account(self) -> BlobServiceClient:
        ours = self.settings
        if ours.dead_letters:
            return BlobServiceClient.from_connection_string(ours.dead_letters)
        return BlobServiceClient(ours.dead_letters__blobserviceuri, credential=self._credential)

    @cached_property
    def _credential(self) -> AsyncTokenCredential:
        """The pod's workload identity (or whoever is signed in, on a developer's machine)."""
        from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - slow to import, and not needed locally

        return DefaultAzureCredential()

    @cached_property
    def _cosmos(self) -> tuple[CosmosClient, asyncio.Semaphore]:
        ours = self.settings
        account = CosmosSettings(ours.cosmos_endpoint, ours.cosmos_regions)
        return cosmos_client(account, ours.cosmos_key or self._credential), asyncio.Semaphore(CALLS_AT_ONCE)

    def _container(self, name: str) -> Container:
        client, calls = self._cosmos
        return Container(client.get_database_client(DATABASE).get_container_client(name), calls)

    def _producer(self) -> EventHubProducerClient:
        ours = self.settings
        options: dict[str, Any] = {
            "eventhub_name": HUB,
            # One quick retry: it mends a link that the service closed while idle. More is the client's business, who
            # is told 503 within the deadline. If the first try was stored, the retry is a duplicate of the same id.
            "retry_total": 1,
            "retry_backoff_factor": 0.1,
            "retry_backoff_max": 1,
            "keep_alive": 30,
        }
        if ours.event_hubs:
            return EventHubProducerClient.from_connection_string(ours.event_hubs, **options)
        return EventHubProducerClient(ours.event_hubs__fullyqualifiednamespace, credential=self._credential, **options)


_parts: list[Parts] = []


def parts() -> Parts:
    """The process's objects."""
    if not _parts:
        use(Parts(os.environ))
    return _parts[0]


def use(chosen: Parts) -> None:
    """Make these the process's objects."""
    _parts[:] = [chosen]
