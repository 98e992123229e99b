"""Builds each object once, on first use, inside the worker's event loop; importing this opens nothing."""

import asyncio
import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.cosmos.aio import CosmosClient
from azure.eventhub.aio import EventHubProducerClient
from azure.storage.blob.aio import BlobServiceClient

from adapters.blobs import BlobDeadLetters
from adapters.cosmos import CALLS_AT_ONCE, Container, CosmosSettings, cosmos_client
from adapters.cosmos_activity import CosmosActivityStore
from adapters.cosmos_items import CosmosItemStore
from adapters.cosmos_outcomes import CosmosOutcomes
from adapters.event_hubs import EventHubsCommandQueue, QueueSettings
from domain.acceptance import Acceptance
from domain.operations import Operations
from domain.processing import Processor
from settings import ACTIVITY, DATABASE, DEAD_LETTER_CONTAINER, HUB, ITEMS, OUTCOMES, Settings


@cache
def settings() -> Settings:
    """The process's settings; raises SettingError with the names of what is missing."""
    return Settings.read(os.environ)


def now() -> datetime:
    """The pod's clock: for expiry and for letters, never for order."""
    return datetime.now(UTC)


@cache
def credential() -> AsyncTokenCredential:
    """The pod's workload identity (or whoever is signed in, on a developer's machine)."""
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - half of the import time, not needed locally

    return DefaultAzureCredential()


@cache
def _cosmos() -> tuple[CosmosClient, asyncio.Semaphore]:
    ours = settings()
    client = cosmos_client(
        CosmosSettings(ours.cosmos_endpoint, DATABASE, ours.cosmos_regions), ours.cosmos_key or credential()
    )
    return client, asyncio.Semaphore(CALLS_AT_ONCE)


def _container(name: str) -> Container:
    client, calls = _cosmos()
    return Container(client.get_database_client(DATABASE).get_container_client(name), calls)


@cache
def items() -> CosmosItemStore:
    """Where items live."""
    return CosmosItemStore(_container(ITEMS))


@cache
def activity() -> CosmosActivityStore:
    """Where comments, ratings and totals live."""
    return CosmosActivityStore(_container(ACTIVITY))


@cache
def outcomes() -> CosmosOutcomes:
    """Where failed writes are remembered."""
    return CosmosOutcomes(_container(OUTCOMES))


def _producer() -> EventHubProducerClient:
    ours = settings()
    options: dict[str, Any] = {"retry_total": 1, "retry_backoff_factor": 0.1, "retry_backoff_max": 1, "keep_alive": 30}
    if ours.event_hubs:
        return EventHubProducerClient.from_connection_string(ours.event_hubs, eventhub_name=HUB, **options)
    return EventHubProducerClient(ours.event_hubs__fullyqualifiednamespace, HUB, credential=credential(), **options)


@cache
def command_queue() -> EventHubsCommandQueue:
    """The way to the processor."""
    ours = settings()
    return EventHubsCommandQueue(_producer, QueueSettings(HUB, ours.event_hub_partitions))


@cache
def dead_letters() -> BlobDeadLetters:
    """Where events that cannot succeed are parked."""
    ours = settings()
    if ours.dead_letters:
        service = BlobServiceClient.from_connection_string(ours.dead_letters)
    else:
        service = BlobServiceClient(ours.dead_letters__blobserviceuri, credential=credential())
    return BlobDeadLetters(service.get_container_client(DEAD_LETTER_CONTAINER))


@cache
def acceptance() -> Acceptance:
    """Takes writes in."""
    return Acceptance(items(), activity(), command_queue())


@cache
def operations() -> Operations:
    """Says what became of writes."""
    return Operations(items(), activity(), outcomes())


@cache
def processor() -> Processor:
    """Applies commands."""
    return Processor(
        items=items(),
        activity=activity(),
        outcomes=outcomes(),
        dead_letters=dead_letters(),
        region=settings().region,
        now=now,
    )
