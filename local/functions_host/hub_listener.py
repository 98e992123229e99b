"""The Event Hubs trigger: which partitions this host reads, shared with other hosts through ownership blobs."""

import asyncio
import contextlib
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from azure.core.utils import parse_connection_string
from azure.eventhub import TransportType
from azure.eventhub.aio import EventHubConsumerClient
from azure.eventhub.exceptions import EventHubError

from .amqp_links import HubConnection
from .balancing import Ownership, active, next_claim
from .blob_store import CHECKPOINT_CONTAINER, BlobAccount, BlobFailure, PartitionBlobs, default_credential
from .environment import resolve, setting
from .errors import IndexingError
from .host_io import host_context
from .hub_partition import HubTrigger, PartitionProcessor
from .listeners import ListenerContext
from .worker import Function

STOP_STEP_TIMEOUT_S = 5.0


class HubListener:
    """All partitions of one function that this host owns."""

    def __init__(self, function: Function, context: ListenerContext) -> None:
        self._function = function
        self._context = context
        self._options = context.options.event_hubs
        self._owner_id = str(uuid.uuid4())
        binding = function.trigger
        self._group = resolve(str(binding.get("consumerGroup") or "$Default"), context.environ)
        hub = resolve(str(binding["eventHubName"]), context.environ)
        client, self._namespace, self._hub, self._credential = _consumer_client(
            str(binding["connection"]), hub, self._group, context
        )
        self._client = client
        self._account = BlobAccount(context.environ)
        self._connection = HubConnection(client, self._group)
        self._blobs: PartitionBlobs | None = None
        self._partition_ids: list[str] = []
        self._owned: dict[str, Ownership] = {}
        self._processors: dict[str, PartitionProcessor] = {}
        self._zombies: dict[str, PartitionProcessor] = {}
        self._stopped = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._started = asyncio.Event()
        self._host_context = host_context()

    async def start(self) -> None:
        """Reach hub and blobs, however long that takes, and claim a first share."""
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._run(), context=self._host_context)
        started = loop.create_task(self._started.wait())
        await asyncio.wait({self._task, started}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        """Read no more and give the partitions up; invocations in flight go on, without a checkpoint."""
        if self._stopped:
            return
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await asyncio.gather(*(processor.abandon() for processor in self._processors.values()))
        owned, self._owned = self._owned, {}
        if self._blobs is not None and owned:
            steps = [self._give_up(ownership) for ownership in owned.values()]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_STEP_TIMEOUT_S):
                    await asyncio.gather(*steps)

    async def close(self) -> None:
        """Close the connections to hub and blobs."""
        await self._connection.close()
        await self._client.close()
        await self._account.close()
        if self._credential is not None:
            await self._credential.close()

    def run_by_hand(self, text: str) -> bool:
        """Not played: an event has to come through the hub."""
        return False

    async def _give_up(self, ownership: Ownership) -> None:
        try:
            if self._blobs is not None:
                await self._blobs.claim(ownership.partition_id, ownership, owner_id="")
        except BlobFailure as error:
            self._say(f"partition {ownership.partition_id} could not be given up: {error}")

    async def _run(self) -> None:
        trigger = await self._reach()
        while True:
            try:
                await self._balance(trigger)
            except BlobFailure as error:
                self._say(f"balancing failed: {error}")
                self._drop_expired()
            self._started.set()
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._options.load_balancing_interval_s)

    async def _reach(self) -> HubTrigger:
        """Wait until hub and blob account answer."""
        failures = 0
        while True:
            try:
                container = await self._account.container(CHECKPOINT_CONTAINER)
                async with asyncio.timeout(self._options.try_timeout_s):
                    self._partition_ids = list(await self._client.get_partition_ids())
                break
            except (BlobFailure, EventHubError, TimeoutError) as error:
                self._say(f"the listener was unable to start: {error or 'no answer'}; trying again")
                failures += 1
                await asyncio.sleep(self._options.reconnect_delay_s(failures))
        self._blobs = PartitionBlobs(container, self._namespace, self._hub, self._group, self._owner_id)
        binding = self._function.trigger
        return HubTrigger(
            function=self._function,
            namespace=self._namespace,
            hub=self._hub,
            consumer_group=self._group,
            many=str(binding.get("cardinality") or "one").lower() == "many",
            data_type=str(binding.get("dataType") or "").lower(),
            options=self._options,
            blobs=self._blobs,
            connection=self._connection,
            invoker=self._context.invoker,
            console=self._context.console,
        )

    async def _balance(self, trigger: HubTrigger) -> None:
        """One round: renew, claim a fair share at once (greedy), start and stop processors."""
        blobs = trigger.blobs
        await self._renew(blobs)
        while True:
            listed = {ownership.partition_id: ownership for ownership in await blobs.ownerships()}
            now = datetime.now(UTC)
            in_force = active(listed.values(), now, self._options.ownership_expiration_s)
            await self._match_processors(in_force, trigger)
            wanted = next_claim(self._owner_id, self._partition_ids, in_force)
            claims = [blobs.claim(name, listed.get(name)) for name in self._claims(wanted, in_force)]
            claimed = [ownership for ownership in await asyncio.gather(*claims) if ownership is not None]
            for ownership in claimed:
                self._own(ownership, trigger)
            if not claimed:
                return

    def _claims(self, first: str | None, in_force: Mapping[str, Ownership]) -> list[str]:
        """What to claim in one go: all that balancing would claim one by one from this listing."""
        claims: list[str] = []
        view = dict(in_force)
        wanted = first
        while wanted is not None:
            claims.append(wanted)
            view[wanted] = Ownership(wanted, self._owner_id, datetime.now(UTC), "")
            wanted = next_claim(self._owner_id, self._partition_ids, view)
        return claims

    async def _renew(self, blobs: PartitionBlobs) -> None:
        held = list(self._owned.values())
        renewed = await asyncio.gather(*(blobs.claim(ownership.partition_id, ownership) for ownership in held))
        for before, now in zip(held, renewed, strict=True):
            if self._owned.get(before.partition_id) is not before:
                continue  # it was lost while we renewed
            if now is None:
                del self._owned[before.partition_id]
            else:
                self._owned[before.partition_id] = now

    async def _match_processors(self, in_force: Mapping[str, Ownership], trigger: HubTrigger) -> None:
        for partition_id in list(self._owned):
            ownership = in_force.get(partition_id)
            if ownership is None or ownership.owner_id != self._owner_id:
                del self._owned[partition_id]
        for partition_id, processor in list(self._processors.items()):
            if processor.ended:
                del self._processors[partition_id]
            elif partition_id not in self._owned:
                self._say(f"partition {partition_id} is no longer ours: another host took it, or it expired")
                await self._release(processor)
        for partition_id, ownership in in_force.items():
            if ownership.owner_id == self._owner_id and partition_id not in self._processors:
                self._own(replace(ownership), trigger)

    def _own(self, ownership: Ownership, trigger: HubTrigger) -> None:
        self._owned[ownership.partition_id] = ownership
        if ownership.partition_id in self._processors:
            return
        processor = PartitionProcessor(ownership.partition_id, trigger, self._on_stolen)
        self._processors[ownership.partition_id] = processor
        zombie = self._zombies.pop(ownership.partition_id, None)
        after = zombie.wait_ended() if zombie is not None and not zombie.ended else None
        processor.start(self._host_context.copy(), after)

    async def _release(self, processor: PartitionProcessor) -> None:
        self._processors.pop(processor.partition_id, None)
        self._zombies[processor.partition_id] = processor
        await processor.abandon()

    def _on_stolen(self, processor: PartitionProcessor) -> None:
        """Another reader took the link: the partition is no longer ours, whatever the blob said last."""
        self._owned.pop(processor.partition_id, None)
        if self._processors.get(processor.partition_id) is processor:
            del self._processors[processor.partition_id]
            self._zombies[processor.partition_id] = processor

    def _drop_expired(self) -> None:
        """Blobs are out of reach: what we could not renew in time is no longer ours."""
        now = datetime.now(UTC)
        for partition_id, ownership in list(self._owned.items()):
            if (now - ownership.modified).total_seconds() >= self._options.ownership_expiration_s:
                del self._owned[partition_id]

    def _say(self, text: str) -> None:
        self._context.console.warning(f"{self._function.name} on {self._hub}: {text}", "Host.Triggers.EventHubs")


def _consumer_client(
    prefix: str, hub: str, group: str, context: ListenerContext
) -> tuple[EventHubConsumerClient, str, str, Any]:
    """Client, namespace (with its port), hub and credential of a binding's `connection`.

    Raises:
        IndexingError: the app settings do not hold a usable connection.
    """
    environ = context.environ
    options: dict[str, Any] = {
        "retry_total": 0,  # this listener tries again by itself, with the delays of clientRetryOptions
        "retry_backoff_factor": 0.01,
        "transport_type": TransportType.Amqp,
    }
    if context.options.event_hubs.custom_endpoint_address is not None:
        options["custom_endpoint_address"] = context.options.event_hubs.custom_endpoint_address
    text = setting(environ, prefix) or setting(environ, f"ConnectionStrings__{prefix}")
    if text:
        try:
            parts = {name.lower(): value for name, value in parse_connection_string(text).items()}
            namespace = str(parts["endpoint"]).partition("://")[2].strip("/")
            name = str(parts.get("entitypath") or hub)  # the connection string's hub wins over the decorator's
            client = EventHubConsumerClient.from_connection_string(text, group, eventhub_name=name, **options)
        except (ValueError, KeyError) as error:
            raise IndexingError(f"The setting {prefix!r} is no Event Hubs connection string: {error}") from error
        return client, namespace, name, None
    namespace_setting = setting(environ, f"{prefix}__fullyQualifiedNamespace")
    if not namespace_setting:
        raise IndexingError(
            f"EventHub account connection string '{prefix}' does not exist. Make sure that it is a defined App Setting "
            f"(or give {prefix}__fullyQualifiedNamespace)."
        )
    credential = default_credential(environ, prefix)
    client = EventHubConsumerClient(namespace_setting, hub, group, credential=credential, **options)
    return client, namespace_setting, hub, credential
