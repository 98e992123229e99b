"""The server: data folder, listeners, retention, and their orderly end."""

import asyncio
import errno
import fcntl
import logging
import os
import resource
import ssl
import time
from pathlib import Path

from aiohttp import web

from local.eventhubs.auth import TokenVerifier
from local.eventhubs.broker import Broker
from local.eventhubs.commit import Committer
from local.eventhubs.connection import Connection
from local.eventhubs.control import control_app
from local.eventhubs.entities import Clock, Namespace, Partition
from local.eventhubs.errors import CONNECTION_FORCED, AmqpError, SettingsError
from local.eventhubs.faults import fault_book
from local.eventhubs.settings import Settings

HOST = "127.0.0.1"
_BACKLOG = 1024

_log = logging.getLogger(__name__)


class EventHubsServer:
    """One Event Hubs namespace; `start` it inside a running event loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = Clock()
        self.faults = fault_book()
        self.port = 0
        self.control_port = 0
        self._lock_fd = -1
        self._committer: Committer | None = None
        self._broker: Broker | None = None
        self._listener: asyncio.Server | None = None
        self._control: web.AppRunner | None = None
        self._retention: asyncio.Task[None] | None = None

    @property
    def broker(self) -> Broker:
        """What the connections share; there is one between `start` and `stop`."""
        assert self._broker is not None, "the server has not been started"  # noqa: S101
        return self._broker

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"sb://{HOST}:{self.port}"

    @property
    def control_url(self) -> str:
        """Where `/_control` is served."""
        return f"http://{HOST}:{self.control_port}"

    @property
    def connection_string(self) -> str:
        """For any SDK; add `;EntityPath=` where one is wanted."""
        name, key = next(iter(self.settings.keys.items()))
        emulator = "" if self.settings.tls_cert else ";UseDevelopmentEmulator=true"
        return f"Endpoint={self.address};SharedAccessKeyName={name};SharedAccessKey={key}{emulator}"

    async def start(self) -> None:
        """Open the data folder and serve.

        Raises:
            SettingsError: the message says what to change.
        """
        tls = _tls_context(self.settings)
        _allow_many_sockets()
        self._lock_fd = _lock(self.settings.data)
        loop = asyncio.get_running_loop()
        self._committer = Committer(loop)
        namespace = Namespace(self.settings.data, self.settings.hubs, self.settings.limits, self._committer, self.clock)
        namespace.before_write = self._fail_when_told
        verifier = TokenVerifier(self.settings.keys, self.settings.accept_jwt, time.time)
        self._broker = broker = Broker(self.settings, namespace, verifier, self.faults, self.clock)
        self._committer.before_round, self._committer.after_round = broker.gather, broker.flush
        try:
            self._listener = await loop.create_server(
                lambda: Connection(broker), HOST, self.settings.port, ssl=tls, backlog=_BACKLOG
            )
            self.port = self._listener.sockets[0].getsockname()[1]
            self._control = web.AppRunner(control_app(broker), access_log=None)
            await self._control.setup()
            site = web.TCPSite(self._control, HOST, self.settings.control_port)
            await site.start()
            self.control_port = self._control.addresses[0][1]
        except OSError as error:
            await self.stop()
            raise _listen_error(error) from error
        self._retention = asyncio.create_task(self._apply_retention())

    async def stop(self) -> None:
        """Tell the clients, write what was accepted, close the files."""
        if self._retention is not None:
            self._retention.cancel()
        if self._listener is not None:
            self._listener.close()
        if self._broker is not None:
            for connection in list(self._broker.connections):
                connection.close(AmqpError(CONNECTION_FORCED, "The Event Hubs stand-in is stopping."))
        if self._control is not None:
            await self._control.cleanup()
        if self._committer is not None:
            await self._committer.settle()
        if self._broker is not None:
            self._broker.namespace.close()
        if self._committer is not None:
            self._committer.close()
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def _fail_when_told(self, partition: Partition) -> None:
        rule = self.faults.take(("disk-full",), operation="send", hub=partition.hub, partition=partition.id)
        if rule is not None:
            raise OSError(errno.ENOSPC, "No space left on device (a fault rule says so)")

    async def _apply_retention(self) -> None:
        while True:
            await asyncio.sleep(self.settings.retention_check_s)
            try:
                dropped = self.broker.namespace.expire()
            except OSError as error:
                _log.error("retention could not be applied: %s", error)
                continue
            if dropped:
                _log.info("retention dropped %d segments", dropped)


def _tls_context(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"cannot use the certificate {settings.tls_cert}: {error}") from error
    return context


def _lock(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise SettingsError(f"cannot use {folder} as data folder: {error.strerror}; choose another --data") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise SettingsError(
            f"{folder} is in use by another Event Hubs stand-in: stop it or choose another --data"
        ) from error
    return handle


def _allow_many_sockets() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _listen_error(error: OSError) -> SettingsError:
    if error.errno == errno.EADDRINUSE:
        return SettingsError(f"the port is in use ({error.strerror}): choose another --port or --control-port, or 0")
    return SettingsError(f"cannot listen: {error.strerror}")
