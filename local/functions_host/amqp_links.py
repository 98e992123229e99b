"""Reading many partitions over one AMQP connection, with the parts of `azure-eventhub` below its consumer client.

Why not `EventHubConsumerClient.receive_batch`: it opens one TCP connection per partition and polls each every 50 ms,
and its transport cannot write before a pending read has timed out. COVERAGE.md has the figures of both. Here one task
awaits the socket, every partition is a link in a session of its own (as the .NET and JavaScript clients do), credit is
topped up at half, and nothing runs while nothing arrives. Tokens, connection strings, filters, frames and messages are
still the SDK's own code; the names with a leading underscore are why its version is pinned.
"""

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from azure.eventhub._constants import (
    EPOCH_SYMBOL,
    GEOREPLICATION_SYMBOL,
    RECEIVER_RUNTIME_METRIC_SYMBOL,
    TIMEOUT_SYMBOL,
)
from azure.eventhub._pyamqp.aio import AMQPClientAsync
from azure.eventhub._pyamqp.constants import LinkState, ReceiverSettleMode, SenderSettleMode
from azure.eventhub._pyamqp.error import AMQPException, ErrorCondition
from azure.eventhub._utils import create_properties, event_position_selector
from azure.eventhub.aio import EventHubConsumerClient
from azure.eventhub.aio._transport._pyamqp_transport_async import PyamqpTransportAsync

from .host_io import host_context

TOKEN_CHECK_S = 10.0
OPEN_TIMEOUT_S = 30.0
# Parts of the SDK without (or with wrong) type hints.
_Transport: Any = PyamqpTransportAsync
_AmqpClient: Any = AMQPClientAsync
_FRAME_LIMIT = 1024 * 1024
_WINDOW = 64 * 1024

# What the SDK hands over: a named tuple of the message's sections.
type AmqpMessage = Any

PROP_OFFSET = b"x-opt-offset"
PROP_SEQUENCE_NUMBER = b"x-opt-sequence-number"
PROP_ENQUEUED_TIME = b"x-opt-enqueued-time"
PROP_PARTITION_KEY = b"x-opt-partition-key"


class LinkLost(Exception):
    """A link or its connection ended; `stolen` when another reader with an epoch took the partition."""

    def __init__(self, reason: str, stolen: bool = False) -> None:
        super().__init__(reason)
        self.stolen = stolen


def _lost(error: BaseException | None) -> LinkLost:
    if isinstance(error, LinkLost):
        return error
    condition = getattr(error, "condition", None)
    return LinkLost(str(error or "detached"), stolen=condition == ErrorCondition.LinkStolen)


class _NoLock:
    """Lets one task read while others write: the SDK's transport holds one lock for both."""

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


@dataclass(frozen=True)
class LinkOptions:
    """How much a link may buffer, and whether the service adds its newest sequence number to each event."""

    capacity: int
    capacity_bytes: int | None = None
    track_last_enqueued: bool = False


class PartitionLink:
    """A receiving link: buffers what arrives and grants credit for what was taken out."""

    def __init__(self, session: Any, options: LinkOptions, on_lost: Callable[[LinkLost], None]) -> None:
        self._session = session
        self._capacity = options.capacity
        self._capacity_bytes = options.capacity_bytes
        self._on_lost = on_lost
        self._link: Any = None
        self._buffer: deque[tuple[AmqpMessage, int]] = deque()
        self._buffered_bytes = 0
        self._arrived = asyncio.Event()
        self._attached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost: LinkLost | None = None

    async def open(self, source: Any, properties: dict[Any, Any], capabilities: list[bytes]) -> None:
        """Attach and wait for the answer.

        Raises:
            LinkLost: refused, or the connection ended.
        """
        await self._session.begin()
        self._link = self._session.create_receiver_link(
            source_address=source,
            link_credit=self._capacity,
            send_settle_mode=SenderSettleMode.Unsettled,
            rcv_settle_mode=ReceiverSettleMode.First,
            max_message_size=_FRAME_LIMIT,
            on_transfer=self._on_transfer,
            properties=properties,
            desired_capabilities=capabilities,
            on_link_state_change=self._on_state_change,
        )
        await self._link.attach()
        await self._attached

    async def receive(self, at_most: int, at_least: int, wait_s: float) -> list[AmqpMessage]:
        """Up to `at_most` events; waits for one without limit, then up to `wait_s` for `at_least`.

        Raises:
            LinkLost: the link ended and its buffer is empty.
        """
        await self._wait_for(1)
        if len(self._buffer) < at_least:
            try:
                async with asyncio.timeout(wait_s):
                    await self._wait_for(at_least)
            except (TimeoutError, LinkLost):
                pass  # take what there is; a lost link shows again once the buffer is empty
        events: list[AmqpMessage] = []
        while self._buffer and len(events) < at_most:
            message, size = self._buffer.popleft()
            self._buffered_bytes -= size
            events.append(message)
        if not self._buffer:
            self._arrived.clear()
        await self._grant()
        return events

    async def _wait_for(self, count: int) -> None:
        while len(self._buffer) < count:
            if self.lost is not None:
                raise self.lost
            self._arrived.clear()
            await self._arrived.wait()

    async def close(self) -> None:
        """Detach and end the session; nothing is reported as lost."""
        self._on_lost = _ignore
        if self.lost is None and self._link is not None:
            await self._link.detach(close=True)
        await self._session.end()

    def fail(self, error: LinkLost) -> None:
        """The link is gone."""
        if self.lost is not None:
            return
        self.lost = error
        self._arrived.set()
        if not self._attached.done():
            self._attached.set_exception(error)
            self._attached.exception()  # seen: open() may have been cancelled meanwhile
        self._on_lost(error)

    async def _grant(self) -> None:
        if self.lost is not None:
            return
        room = self._capacity - len(self._buffer)
        if self._capacity_bytes is not None and self._buffered_bytes >= self._capacity_bytes:
            return
        if room - self._link.current_link_credit >= max(1, self._capacity // 2):
            # The SDK remembers every delivery tag for settlement, which Event Hubs readers never do.
            self._link._received_delivery_tags.clear()
            try:
                await self._link.flow(link_credit=room)
            except AMQPException as error:
                self.fail(_lost(error))

    async def _on_transfer(self, _frame: Any, message: AmqpMessage) -> None:
        size = sum(len(part) for part in message.data) if message.data else 0
        self._buffer.append((message, size))
        self._buffered_bytes += size
        self._arrived.set()

    async def _on_state_change(self, _before: LinkState, now: LinkState) -> None:
        if now is LinkState.ATTACHED:
            if not self._attached.done():
                self._attached.set_result(None)
        elif now in (LinkState.ERROR, LinkState.DETACHED):
            self.fail(_lost(self._link._error))


def _ignore(_error: LinkLost) -> None:
    """For a link that is being closed on purpose."""


class HubConnection:
    """One AMQP connection for all partitions of one consumer group; opened on first use, again after it broke."""

    def __init__(self, client: EventHubConsumerClient, consumer_group: str) -> None:
        self._client: Any = client
        self._group = consumer_group
        self._amqp: Any = None
        self._links: set[PartitionLink] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._opening = asyncio.Lock()

    async def open_link(
        self, partition_id: str, position: Any, options: LinkOptions, on_lost: Callable[[LinkLost], None]
    ) -> PartitionLink:
        """A link with epoch 0 that reads after `position` (offset text, sequence number or time).

        Raises:
            LinkLost: it was refused, or the service is out of reach.
        """
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                async with self._opening:
                    if self._amqp is None:
                        await self._open()
                return await self._attach(partition_id, position, options, on_lost)
        except TimeoutError as error:
            raise LinkLost(f"no answer within {OPEN_TIMEOUT_S:g} s") from error
        except (AMQPException, OSError, ValueError) as error:
            raise _lost(error) from error

    async def _attach(
        self, partition_id: str, position: Any, options: LinkOptions, on_lost: Callable[[LinkLost], None]
    ) -> PartitionLink:
        if self._amqp is None:
            raise LinkLost("the connection ended while the link was opened")
        connection = self._amqp._connection
        session = connection.create_session(incoming_window=_WINDOW, outgoing_window=_WINDOW)
        link = PartitionLink(session, options, on_lost)
        self._links.add(link)
        address = self._client._address
        url = f"amqps://{address.hostname}{address.path}/ConsumerGroups/{self._group}/Partitions/{partition_id}"
        source = _Transport.create_source(url, position, event_position_selector(position))
        properties = _Transport.create_link_properties({EPOCH_SYMBOL: 0, TIMEOUT_SYMBOL: 0})
        capabilities = [GEOREPLICATION_SYMBOL]
        if options.track_last_enqueued:
            capabilities.insert(0, RECEIVER_RUNTIME_METRIC_SYMBOL)
        try:
            await link.open(source, properties, capabilities)
        except BaseException:
            self._links.discard(link)
            raise
        return link

    async def close_link(self, link: PartitionLink) -> None:
        """Close one link; the connection stays."""
        self._links.discard(link)
        try:
            await link.close()
        except (AMQPException, OSError) as error:
            link.fail(_lost(error))

    async def close(self) -> None:
        """Close the connection and fail what still reads from it."""
        await self._shut(LinkLost("closed"))

    async def _open(self) -> None:
        client = self._client
        config = client._config
        auth = await client._create_auth_async(auth_uri=client._auth_uri)
        amqp = _AmqpClient(
            config.hostname,
            auth=auth,
            client_name=f"EHReceiver-{uuid.uuid4()}",
            properties=create_properties(config.user_agent, amqp_transport=_Transport),
            custom_endpoint_address=config.custom_endpoint_address,
            connection_verify=config.connection_verify,
            ssl_context=config.ssl_context,
            transport_type=config.transport_type,
            http_proxy=config.http_proxy,
            socket_timeout=config.socket_timeout,
            keep_alive_interval=0,
            use_tls=config.use_tls,
        )
        try:
            await amqp.open_async()
            authorised = False
            while not authorised:  # each turn reads one frame
                authorised = await amqp.auth_complete_async()
        except BaseException:
            await amqp.close_async()
            raise
        self._amqp = amqp
        amqp._connection._transport.socket_lock = _NoLock()
        loop = asyncio.get_running_loop()
        context = host_context()
        self._tasks = [
            loop.create_task(self._pump(amqp), context=context),
            loop.create_task(self._tend(amqp), context=context),
        ]

    async def _pump(self, amqp: Any) -> None:
        """Hand every frame that arrives to its link, until the connection ends."""
        connection = amqp._connection
        try:
            while True:
                await connection.listen(wait=True, batch=64)
                await asyncio.sleep(0)
        except (AMQPException, OSError, ValueError) as error:
            await self._shut(_lost(error))

    async def _tend(self, amqp: Any) -> None:
        """Send heartbeats where the service asked for them, and renew the token before it expires."""
        connection = amqp._connection
        due = time.monotonic() + TOKEN_CHECK_S
        try:
            while True:
                await asyncio.sleep(1.0)
                await connection._get_remote_timeout(time.time())
                if time.monotonic() >= due:
                    due = time.monotonic() + TOKEN_CHECK_S
                    await amqp._cbs_authenticator.handle_token()
        except (AMQPException, OSError, ValueError) as error:
            await self._shut(_lost(error))

    async def _shut(self, reason: LinkLost) -> None:
        amqp, self._amqp = self._amqp, None
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            if task is not asyncio.current_task():
                task.cancel()
        links, self._links = self._links, set()
        for link in links:
            link.fail(LinkLost(str(reason)))
        if amqp is not None:
            try:
                async with asyncio.timeout(2.0):
                    await amqp._connection.close()
            except (AMQPException, OSError, TimeoutError):
                return  # it broke; there is nothing left to close
