"""One partition that this host owns: read, invoke, checkpoint; one batch at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .amqp_links import HubConnection, LinkLost, LinkOptions, PartitionLink
from .blob_store import BlobFailure, PartitionBlobs
from .host_json import EventHubOptions
from .hub_batches import (
    HubEvent,
    PartitionContext,
    Undecodable,
    batch_datum,
    batch_metadata,
    event_of,
    single_datum,
    single_metadata,
)
from .invoker import Invocation, Invoker, attempt_of
from .logs import HostLog
from .worker import Function, Outcome


@dataclass(frozen=True)
class HubTrigger:
    """What the partitions of one trigger share."""

    function: Function
    namespace: str
    hub: str
    consumer_group: str
    many: bool
    data_type: str
    options: EventHubOptions
    blobs: PartitionBlobs
    connection: HubConnection
    invoker: Invoker
    console: HostLog

    @property
    def parameter(self) -> str:
        """The function's parameter for the events."""
        return str(self.function.trigger["name"])


class PartitionProcessor:
    """Runs from the claim of a partition until it is lost or the host stops.

    An invocation that runs when the partition is lost goes on to its end (a zombie, as in production): its result
    counts for nothing, no checkpoint follows. `ended` is set once nothing of this processor runs any more.
    """

    def __init__(
        self, partition_id: str, trigger: HubTrigger, on_stolen: Callable[["PartitionProcessor"], None]
    ) -> None:
        self.partition_id = partition_id
        self.abandoned = asyncio.Event()
        self._trigger = trigger
        self._on_stolen = on_stolen
        self._link: PartitionLink | None = None
        self._invoking = False
        self._task: asyncio.Task[None] | None = None
        self._position: Any = None
        self._batches_since_checkpoint = 0
        self._progressed = False

    def start(self, context: Any, after: Awaitable[None] | None) -> None:
        """Begin, once `after` (an earlier processor of this partition in this host) has ended."""
        self._task = asyncio.get_running_loop().create_task(self._run(after), context=context)
        self._task.add_done_callback(self._report)

    def _report(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._say(f"reading ended: {error!r}; it starts again with the next balancing")

    @property
    def ended(self) -> bool:
        """Whether nothing of this processor runs any more."""
        return self._task is None or self._task.done()

    async def wait_ended(self) -> None:
        """Return once it has ended."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def abandon(self) -> None:
        """Give the partition up: read no more at once; an invocation that runs goes on and is not checkpointed."""
        self.abandoned.set()
        if not self._invoking and self._task is not None:
            self._task.cancel()
        link, self._link = self._link, None
        if link is not None:
            await self._trigger.connection.close_link(link)

    async def _run(self, after: Awaitable[None] | None) -> None:
        if after is not None:
            await after
        failures = 0
        while not self.abandoned.is_set():
            try:
                if self._position is None:
                    self._position = await self._starting_position()
                await self._read()
            except (LinkLost, BlobFailure) as error:
                if self.abandoned.is_set():
                    return
                if isinstance(error, LinkLost) and error.stolen:
                    self._stolen()
                    return
                progressed, self._progressed = self._progressed, False
                failures = 0 if progressed else failures + 1
                wait_s = self._trigger.options.reconnect_delay_s(max(1, failures))
                self._say(f"reading failed: {error}; trying again in {wait_s:.1f} s")
                await asyncio.sleep(wait_s)

    async def _starting_position(self) -> Any:
        checkpoint = await self._trigger.blobs.checkpoint(self.partition_id)
        if checkpoint is not None:
            return checkpoint.offset if checkpoint.offset is not None else checkpoint.sequence_number
        options = self._trigger.options
        return {"fromStart": "-1", "fromEnd": "@latest"}.get(options.initial_offset, options.initial_offset_time)

    async def _read(self) -> None:
        """Read over one link until it ends."""
        options = self._trigger.options
        link = await self._trigger.connection.open_link(
            self.partition_id,
            self._position,
            LinkOptions(
                capacity=max(options.prefetch_count, options.max_event_batch_size),
                capacity_bytes=options.prefetch_size_in_bytes,
                track_last_enqueued=options.track_last_enqueued,
            ),
            self._link_lost,
        )
        self._link = link
        try:
            while not self.abandoned.is_set():
                count = options.max_event_batch_size if self._trigger.many else 1
                messages = await link.receive(count, options.min_event_batch_size, options.max_wait_time_s)
                events = [event_of(message) for message in messages]
                self._position = events[-1].offset
                self._progressed = True
                await self._process(events)
        finally:
            if self._link is link:
                self._link = None
                await self._trigger.connection.close_link(link)

    def _link_lost(self, error: LinkLost) -> None:
        """Called the moment the link ends; a steal counts at once, also while an invocation runs."""
        if error.stolen:
            self._stolen()

    def _stolen(self) -> None:
        if not self.abandoned.is_set():
            self.abandoned.set()
            self._say("another host has taken the partition")
            self._on_stolen(self)

    async def _process(self, events: Sequence[HubEvent]) -> None:
        trigger = self._trigger
        checkpointing = trigger.options.enable_checkpointing and (
            self._batches_since_checkpoint + 1 >= trigger.options.batch_checkpoint_frequency
        )
        place = PartitionContext(
            trigger.namespace, trigger.hub, trigger.consumer_group, self.partition_id, checkpointing
        )
        self._invoking = True
        try:
            outcome = await self._invoke(events, place)
        finally:
            self._invoking = False
        if outcome is None or self.abandoned.is_set():
            return
        self._batches_since_checkpoint += 1
        if checkpointing:
            await self._checkpoint(events[-1])

    async def _invoke(self, events: Sequence[HubEvent], place: PartitionContext) -> Outcome | None:
        trigger = self._trigger
        try:
            if trigger.many:
                datum, metadata = batch_datum(events, trigger.data_type), batch_metadata(events, place)
            else:
                datum, metadata = single_datum(events[0], trigger.data_type), single_metadata(events[0], place)
        except Undecodable as error:
            trigger.console.error(f"Executed 'Functions.{trigger.function.name}' (Failed): {error}")
            return Outcome(False, error=str(error))
        first, last = events[0], events[-1]
        details = (
            f"PartitionId: {self.partition_id}, Offset: {first.offset}-{last.offset}, "
            f"SequenceNumber: {first.sequence_number}-{last.sequence_number}, Count: {len(events)}"
        )
        attempt = attempt_of([(trigger.parameter, datum)], metadata)
        invocation = Invocation(trigger.function, attempt, "(null)", details, self.abandoned)
        return await trigger.invoker.invoke(invocation)

    async def _checkpoint(self, event: HubEvent) -> None:
        try:
            await self._trigger.blobs.write_checkpoint(self.partition_id, event.offset, event.sequence_number)
            self._batches_since_checkpoint = 0
        except BlobFailure as error:
            # The extension reports it and reads on; the next batch writes again.
            self._say(f"the checkpoint after event {event.sequence_number} could not be written: {error}")

    def _say(self, text: str) -> None:
        self._trigger.console.warning(
            f"{self._trigger.hub} partition {self.partition_id}: {text}", "Host.Triggers.EventHubs"
        )
