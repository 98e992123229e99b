"""The account as a server: one listener for each region, one for the global endpoint."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from local.cosmos.account import Account, Region
from local.cosmos.http import HttpConnection
from local.cosmos.routes import RegionApp
from local.cosmos.settings import CosmosSettings

_HOST = "127.0.0.1"


@dataclass(slots=True)
class Listener:
    """One port: open or closed, with its live connections."""

    app: RegionApp
    port: int
    tls: ssl.SSLContext | None
    connections: set[HttpConnection] = field(default_factory=set)
    server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen; keeps its port once it has one."""
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(
            lambda: HttpConnection(self.app, self.connections), _HOST, self.port, ssl=self.tls, backlog=1024
        )
        self.port = self.server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Close the port and cut all connections."""
        if self.server is not None:
            self.server.close()
            self.server = None
        for connection in list(self.connections):
            connection.reset()

    def close(self) -> None:
        """Stop listening and close all connections."""
        if self.server is not None:
            self.server.close()
            self.server = None
        for connection in list(self.connections):
            connection.close()


class CosmosServer:
    """A whole account, to be started inside an event loop."""

    def __init__(self, settings: CosmosSettings) -> None:
        self.settings = settings
        self.account: Account
        self.listeners: dict[str, Listener] = {}
        self._global: Listener
        self._control: web.AppRunner | None = None

    @property
    def endpoint(self) -> str:
        """The global endpoint."""
        return self._address(self._global)

    @property
    def region_endpoints(self) -> dict[str, str]:
        """Each region's own endpoint."""
        return {region.name: region.address for region in self.account.regions}

    def _address(self, listener: Listener) -> str:
        return f"{'https' if self.settings.tls else 'http'}://{_HOST}:{listener.port}/"

    async def start(self) -> None:
        """Open the data and all ports.

        Raises:
            OSError: a port is taken. BadSettings: the data folder does not fit.
        """
        self.account = Account(self.settings, asyncio.get_running_loop())
        try:
            for region in self.account.regions:
                app = RegionApp(self.account, _always(region))
                listener = Listener(app, self.settings.regions[region.name], None)
                await listener.open()
                self.listeners[region.name] = listener
                region.address = self._address(listener)
            app = RegionApp(self.account, self._first_region)
            self._global = Listener(app, self.settings.global_port, None)
            await self._global.open()
        except BaseException:
            await self.stop()
            raise

    def _first_region(self) -> Region:
        for region in self.account.regions:
            if region.member and not region.down:
                return region
        return self.account.regions[0]

    async def stop(self) -> None:
        """Answer what is being written, close everything."""
        for listener in [*self.listeners.values(), *([self._global] if hasattr(self, "_global") else [])]:
            listener.close()
        for region in self.account.regions:
            with contextlib.suppress(OSError):
                await region.store.group.durable()
        if self._control is not None:
            await self._control.cleanup()
        await asyncio.sleep(0)
        self.account.close()


def _always(region: Region) -> Callable[[], Region]:
    return lambda: region
