"""Builds each object once, on first use, inside the worker's event loop; importing this opens nothing."""

import asyncio
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from uuid import UUID, uuid4

from azure.core.credentials_async import AsyncTokenCredential
from azure.cosmos.aio import CosmosClient
from azure.eventhub import parse_connection_string
from azure.eventhub.aio import EventHubProducerClient
from azure.storage.blob.aio import BlobServiceClient

from adapters.blob_checkpoints import BlobCheckpoints
from adapters.blob_images import BlobImageStore
from adapters.blobs import CLIENT_SETTINGS, BlobDeadLetters, BlobLetterBox
from adapters.cosmos import CALLS_AT_ONCE, Container, CosmosSettings, cosmos_client
from adapters.cosmos_activity import CosmosActivityStore
from adapters.cosmos_heartbeats import CosmosHeartbeats
from adapters.cosmos_items import CosmosItemStore
from adapters.cosmos_outcomes import CosmosOutcomes
from adapters.event_hubs import EventHubsCommandQueue, QueueSettings, producer_client
from adapters.queue_progress import EventHubsProgress
from adapters.shared_progress import CONTAINER as SHARED_IN
from adapters.shared_progress import SharedProgress
from adapters.stamp_storage import CHECKPOINTS, StampStorage
from domain.acceptance import Acceptance
from domain.backlog import QueueProgress
from domain.commands import canary
from domain.health import IN_ROTATION, Canaries, Heartbeats, Monitor, Probe
from domain.letter_watch import LetterWatch
from domain.operations import Operations
from domain.ordering import EventStamp
from domain.ports import (
    ActivityStore,
    CheckpointBox,
    CommandQueue,
    DeadLetters,
    ImageStore,
    ItemStore,
    LetterBox,
    Outcomes,
    ReplayQueue,
)
from domain.processing import Processor
from domain.queue_watch import QueueWatch
from domain.sweeping import Sweeper
from settings import (
    ACTIVITY,
    CONSUMER_GROUP,
    DATABASE,
    DEAD_LETTER_CONTAINER,
    HUB,
    IMAGE_UPLOADS,
    ITEMS,
    OUTCOMES,
    WEBSITE,
    Settings,
)


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
    def images(self) -> ImageStore:
        """Where images of items live."""
        account = self._image_account
        return BlobImageStore(account.get_container_client(IMAGE_UPLOADS), account.get_container_client(WEBSITE))

    @cached_property
    def sweeper(self) -> Sweeper:
        """Puts right what regions could not do at once."""
        return Sweeper(self.items, self.activity, self.settings.region, self.now)

    @cached_property
    def heartbeats(self) -> Heartbeats:
        """Where canaries leave their times."""
        return CosmosHeartbeats(self._container(ACTIVITY), self.settings.region)

    @cached_property
    def queue_progress(self) -> QueueProgress:
        """Tells how far the processor is behind."""
        return self._progress

    @cached_property
    def checkpoint_box(self) -> CheckpointBox:
        """The processor's checkpoints, for operators."""
        return self._checkpoints

    @cached_property
    def queue_watch(self) -> QueueWatch:
        """Keeps the last backlog for the monitor."""
        shared_in = self._stamp_account.get_container_client(SHARED_IN)
        progress = SharedProgress(self.queue_progress, shared_in, self.now)
        # The first report opens a link to each partition, and has three seconds: a reading would get in its way.
        return QueueWatch(progress, self.now, first_after=timedelta(seconds=5))

    @cached_property
    def monitor(self) -> Monitor:
        """Watches the stamp's components in the background."""
        storage = StampStorage(self._stamp_account)
        watch = self.queue_watch
        letters = LetterWatch(self.letter_box, f"{self.hub_name}/", self.now)
        canaries = Canaries(
            partitions=[str(number) for number in range(self.settings.event_hub_partitions)],
            send=self._send_canary,
            heartbeats=self.heartbeats,
            now=self.now,
        )
        return Monitor(
            region=self.settings.region,
            stamp=self.settings.region.lower().replace(" ", ""),
            probes=[
                Probe("database-read", self._read_score, shared=True),
                Probe("database-write", self._write_score, shared=True),
                Probe("queue-send", canaries.send_score),
                Probe("processor-heartbeat", canaries.heartbeat_score, shared=False, score_when_away=IN_ROTATION),
                # Without checkpoints the processor stands still, and its heartbeat says so.
                Probe("checkpoint-storage", storage.checkpoints_score, score_when_away=IN_ROTATION),
                # These three tell operators what to do; where they cannot look, others say what that means.
                Probe("queue-lag", watch.lag, score_when_away=IN_ROTATION),
                Probe("checkpoints", watch.checkpoints, score_when_away=IN_ROTATION),
                Probe("dead-letters", letters.letters, score_when_away=IN_ROTATION),
                # A switch that cannot be read is not switched off.
                Probe("operator", storage.switch_score, score_when_away=1.0),
            ],
            now=self.now,
            monotonic=time.monotonic,
            queue=watch.backlog,
        )

    async def _read_score(self) -> float:
        await self.items.find(UUID(int=0))
        return 1.0

    async def _write_score(self) -> float:
        # A partition that no hub has: the document says that this region could write, and is nobody's heartbeat.
        await self.heartbeats.beat(EventStamp(self.settings.region, "write", 0, self.now()))
        return 1.0

    async def _send_canary(self, partition: str) -> None:
        message = canary(partition, self.new_id())
        await self._hub.send_raw(partition, message.to_bytes(), {"kind": message.kind})

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
            heartbeats=self.heartbeats,
            images=self.images,
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
        if "monitor" in built:
            await self.monitor.stop()
        if "queue_watch" in built:
            await self.queue_watch.stop()
        if "_progress" in built:
            await self._progress.close()
        if "_stamp_account" in built:
            await self._stamp_account.close()
        if "_image_account" in built:
            await self._image_account.close()
        if "_letter_account" in built:
            await self._letter_account.close()
        if "_credential" in built:
            await self._credential.close()

    @cached_property
    def _hub(self) -> EventHubsCommandQueue:
        return EventHubsCommandQueue(self._producer, QueueSettings(self.settings.event_hub_partitions))

    @cached_property
    def hub_name(self) -> str:
        """`{namespace}/{hub}` as events and checkpoints are named after it: lower case."""
        return f"{self._namespace}/{HUB}".lower()

    @property
    def _namespace(self) -> str:
        ours = self.settings
        if ours.event_hubs:
            return str(parse_connection_string(ours.event_hubs).fully_qualified_namespace)
        return ours.event_hubs__fullyqualifiednamespace

    @cached_property
    def _checkpoints(self) -> BlobCheckpoints:
        container = self._stamp_account.get_container_client(CHECKPOINTS)
        return BlobCheckpoints(container, self._namespace, HUB, CONSUMER_GROUP)

    @cached_property
    def _progress(self) -> EventHubsProgress:
        return EventHubsProgress(self._producer(), self._checkpoints, self.settings.event_hub_partitions, self.now)

    @cached_property
    def _letter_account(self) -> BlobServiceClient:
        ours = self.settings
        if ours.dead_letters:
            return BlobServiceClient.from_connection_string(ours.dead_letters, **CLIENT_SETTINGS)
        return BlobServiceClient(ours.dead_letters__blobserviceuri, credential=self._credential, **CLIENT_SETTINGS)

    @cached_property
    def _image_account(self) -> BlobServiceClient:
        ours = self.settings
        if ours.images:
            return BlobServiceClient.from_connection_string(ours.images, **CLIENT_SETTINGS)
        return BlobServiceClient(ours.images__blobserviceuri, credential=self._credential, **CLIENT_SETTINGS)

    @cached_property
    def _stamp_account(self) -> BlobServiceClient:
        ours = self.settings
        # Short: whoever asks for health waits for nothing longer than the monitor's time-out.
        options = CLIENT_SETTINGS | {"retry_total": 1, "connection_timeout": 1, "read_timeout": 2}
        if ours.azurewebjobsstorage:
            return BlobServiceClient.from_connection_string(ours.azurewebjobsstorage, **options)
        return BlobServiceClient(ours.azurewebjobsstorage__blobserviceuri, credential=self._credential, **options)

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
        if ours.event_hubs:
            return producer_client(HUB, connection=ours.event_hubs)
        namespace = ours.event_hubs__fullyqualifiednamespace
        return producer_client(HUB, namespace=namespace, credential=self._credential)


_parts: list[Parts] = []


def parts() -> Parts:
    """The process's objects."""
    if not _parts:
        use(Parts(os.environ))
    return _parts[0]


def use(chosen: Parts) -> None:
    """Make these the process's objects."""
    _parts[:] = [chosen]
