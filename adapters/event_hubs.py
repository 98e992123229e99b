"""Event Hubs as the command queue: group commit, one lane per partition.

A producer link takes one outstanding send (the SDK holds a lock until the broker's disposition), so commands that
arrive meanwhile wait together and go as the next batch. Every caller waits for the acknowledgement of its own batch.

When a send fails we do not know whether the broker stored it. The SDK may have sent it twice by then; callers answer
503 and clients come back with the same command id. Both end as duplicates in the hub, which the processor recognises.
"""

import asyncio
import hashlib
import logging
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

import certifi
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import SerializationError
from azure.eventhub import EventData, EventDataBatch, exceptions
from azure.eventhub.aio import EventHubProducerClient

from adapters.vendor_errors import HTTP_CLIENT_ERRORS, ErrorTable
from domain.commands import Command
from domain.errors import CatalogError, EventTooLarge, Overloaded, QueueUnavailable

log = logging.getLogger("catalog.event_hubs")

# What every error of the SDK means, and every condition that AMQP and the service know, as the SDK writes them: without
# `amqp:` or `com.microsoft:`. Only its size is the event's own fault; all else may mend itself, or somebody mends it,
# while clients try again.
ERRORS = ErrorTable(
    types=dict.fromkeys(
        (
            *HTTP_CLIENT_ERRORS,  # of the credential, which asks for tokens over HTTP
            SerializationError,
            exceptions.EventHubError,
            exceptions.ClientClosedError,
            exceptions.ConnectionLostError,
            exceptions.ConnectError,
            exceptions.AuthenticationError,
            exceptions.EventDataError,
            exceptions.EventDataSendError,
            exceptions.OperationTimeoutError,
            exceptions.OwnershipLostError,
        ),
        QueueUnavailable,
    ),
    conditions=dict.fromkeys(
        (
            *("internal-error", "not-found", "unauthorized-access", "decode-error", "resource-limit-exceeded"),
            *("not-allowed", "invalid-field", "not-implemented", "resource-locked", "precondition-failed"),
            *("resource-deleted", "illegal-state", "frame-size-too-small"),
            *("connection:forced", "connection:framing-error", "connection:redirect"),
            *("session:window-violation", "session:errant-link", "session:handle-in-use", "session:unattached-handle"),
            *("link:detach-forced", "link:transfer-limit-exceeded", "link:redirect", "link:stolen"),
            *("client-error", "unknown-error", "vendor-error", "socket-error"),
            *("server-busy", "timeout", "operation-cancelled", "auth-failed", "entity-disabled", "message-lock-lost"),
            *("argument-error", "argument-out-of-range", "partition-not-owned", "publisher-revoked", "store-lock-lost"),
            *("container-close", "producer-epoch-stolen", "out-of-order-sequence"),
        ),
        QueueUnavailable,
    )
    | {"link:message-size-exceeded": EventTooLarge},
)

# The service takes 1 MiB a message; the rest is room for what the envelope adds.
MAX_BATCH_BYTES = 1_000_000
# A lane that holds this many commands is more than a deadline behind: better to say so at once.
MAX_WAITING_PER_LANE = 5_000


@dataclass(frozen=True)
class QueueSettings:
    """How many lanes there are, and how long to wait."""

    partitions: int
    send_timeout_s: float = 4.0
    """One attempt, with the SDK's own retry inside."""
    deadline_s: float = 8.0
    """The longest that a caller waits for its acknowledgement."""


def partition_of(item_id: UUID, partitions: int) -> int:
    """The partition of an item: stable over processes, releases and machines."""
    digest = hashlib.blake2b(item_id.bytes, digest_size=8).digest()
    return int.from_bytes(digest, "big") % partitions


@dataclass(eq=False)
class _Waiting:
    event: EventData
    acknowledged: asyncio.Future[None]


@dataclass
class _Lane:
    """One partition: what waits, and the client that sends it."""

    partition: int
    waiting: deque[_Waiting] = field(default_factory=deque)
    client: EventHubProducerClient | None = None
    sender: asyncio.Task[None] | None = None


@cache
def _tls() -> ssl.SSLContext:
    """One for all connections: reading the trusted certificates for each stops the event loop for 40 ms and more."""
    return ssl.create_default_context(cafile=certifi.where())


def producer_client(
    hub: str, *, connection: str = "", namespace: str = "", credential: AsyncTokenCredential | None = None
) -> EventHubProducerClient:
    """A client with the settings of docs/decisions/0002-client-settings.md, by connection string or by identity."""
    options: dict[str, Any] = {
        "eventhub_name": hub,
        # One quick retry: it mends a link that the service closed while idle. More is the client's business, who is
        # told 503 within the deadline. If the first try was stored, the retry is a duplicate of the same id.
        "retry_total": 1,
        "retry_backoff_factor": 0.1,
        "retry_backoff_max": 1,
        "keep_alive": 30,
        "ssl_context": _tls(),
    }
    if connection:
        return EventHubProducerClient.from_connection_string(connection, **options)
    if credential is None:
        raise ValueError("a namespace needs a credential")
    return EventHubProducerClient(namespace, credential=credential, **options)


class EventHubsCommandQueue:
    """Fulfils CommandQueue; belongs to the event loop that first uses it."""

    def __init__(self, make_client: Callable[[], EventHubProducerClient], settings: QueueSettings) -> None:
        self._make_client = make_client
        self._settings = settings
        self._lanes = [_Lane(number) for number in range(settings.partitions)]
        self._closing: set[asyncio.Task[None]] = set()

    async def send(self, command: Command, properties: dict[str, str]) -> None:
        """See CommandQueue."""
        event = EventData(command.to_bytes())
        event.content_type = "application/json"
        event.properties = dict([("kind", command.kind), *properties.items()])
        await self._send(partition_of(command.item_id, len(self._lanes)), event)

    async def send_raw(self, place: UUID | str, body: bytes, properties: dict[str, str]) -> None:
        """See ReplayQueue."""
        event = EventData(body)
        event.properties = dict(properties.items())
        if isinstance(place, UUID):
            event.content_type = "application/json"
            await self._send(partition_of(place, len(self._lanes)), event)
        else:
            await self._send(int(place) % len(self._lanes), event)

    async def _send(self, partition: int, event: EventData) -> None:
        lane = self._lanes[partition]
        if len(lane.waiting) >= MAX_WAITING_PER_LANE:
            raise Overloaded("Too many writes are waiting for the queue.")
        one = _Waiting(event, asyncio.get_running_loop().create_future())
        lane.waiting.append(one)
        if lane.sender is None:
            lane.sender = asyncio.create_task(self._send_all(lane))
        try:
            async with asyncio.timeout(self._settings.deadline_s):
                await one.acknowledged
        except TimeoutError:
            raise QueueUnavailable("The queue did not acknowledge in time.") from None

    async def close(self) -> None:
        """Let what is under way end, then close every client."""
        senders = [lane.sender for lane in self._lanes if lane.sender is not None]
        await asyncio.gather(*senders)
        for lane in self._lanes:
            self._discard_client(lane)
        await asyncio.gather(*self._closing)

    async def _send_all(self, lane: _Lane) -> None:
        try:
            while lane.waiting:
                batch, members = self._fill(lane)
                if members:
                    await self._send_batch(lane, batch, members)
        finally:
            lane.sender = None

    def _fill(self, lane: _Lane) -> tuple[EventDataBatch, list[_Waiting]]:
        """As much as fits into one message; what alone is too large fails alone."""
        batch = EventDataBatch(max_size_in_bytes=MAX_BATCH_BYTES, partition_id=str(lane.partition))
        members: list[_Waiting] = []
        while lane.waiting:
            one = lane.waiting[0]
            if one.acknowledged.done():  # its caller has gone and was told so: what is not under way is not sent
                lane.waiting.popleft()
                continue
            try:
                batch.add(one.event)
            except ValueError:
                if members:
                    break
                _fail(one, EventTooLarge("The command is larger than the queue takes."))
            else:
                members.append(one)
            lane.waiting.popleft()
        return batch, members

    async def _send_batch(self, lane: _Lane, batch: EventDataBatch, members: list[_Waiting]) -> None:
        failure: Exception = QueueUnavailable("The send was cut off.")
        try:
            await self._attempt(lane, lambda client: client.send_batch(batch, timeout=self._settings.send_timeout_s))
        except EventTooLarge as error:
            failure = error
            if len(members) > 1:  # one of them is; the others go alone and are not harmed
                for one in members:
                    await self._send_batch(lane, _batch_of(lane, one), [one])
        except CatalogError as error:
            failure = error
        else:
            for one in members:
                if not one.acknowledged.done():
                    one.acknowledged.set_result(None)
        finally:
            for one in members:
                _fail(one, failure)

    async def _attempt[T](self, lane: _Lane, work: Callable[[EventHubProducerClient], Awaitable[T]]) -> T:
        if lane.client is None:
            lane.client = self._make_client()
        try:
            async with self._errors_as_ours(), asyncio.timeout(self._settings.send_timeout_s):
                return await work(lane.client)
        except CatalogError:
            # What state a failed or cancelled send leaves the link in is nobody's promise: the next send opens anew.
            self._discard_client(lane)
            raise

    @asynccontextmanager
    async def _errors_as_ours(self) -> AsyncIterator[None]:
        try:
            yield
        except ERRORS.caught as error:
            raise as_ours(error) from error

    def _discard_client(self, lane: _Lane) -> None:
        client, lane.client = lane.client, None
        if client is not None:
            task = asyncio.create_task(_close(client))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def as_ours(error: Exception) -> CatalogError:
    """Our error for one of the vendor's."""
    condition = getattr(error, "error", None) if isinstance(error, exceptions.EventHubError) else None
    ours = ERRORS.meaning(error, condition=condition)
    if ours is EventTooLarge:
        return EventTooLarge("The command is larger than the queue takes.")
    log.warning("send failed: %s %s", type(error).__name__, condition or "")
    return ours("The queue is not available.")


def _batch_of(lane: _Lane, one: _Waiting) -> EventDataBatch:
    batch = EventDataBatch(max_size_in_bytes=MAX_BATCH_BYTES, partition_id=str(lane.partition))
    batch.add(one.event)
    return batch


def _fail(one: _Waiting, error: Exception) -> None:
    if not one.acknowledged.done():
        one.acknowledged.set_exception(error)


async def _close(client: EventHubProducerClient) -> None:
    try:
        async with asyncio.timeout(5):
            await client.close()
    except ERRORS.caught as error:
        log.info("closing a broken producer: %s", type(error).__name__)
