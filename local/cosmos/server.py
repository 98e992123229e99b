"""The account as a server: one listener for each region, one for the global endpoint."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from local.cosmos.account import Account, Region
from local.cosmos.certificate import server_context
from local.cosmos.control import control_app
from local.cosmos.errors import CosmosError
from local.cosmos.http import HttpConnection
from local.cosmos.replication import Replication
from local.cosmos.routes import RegionApp
from local.cosmos.settings import CosmosSettings
from local.cosmos.syn_drop import SynDrop

_HOST = "127.0.0.1"


_PURGE_EVERY_S = 30.0


@dataclass(slots=True)
class Listener:
    """One port: open, closed or dropping, with its live connections."""

    app: RegionApp
    port: int
    tls: ssl.SSLContext | None
    connections: set[HttpConnection] = field(default_factory=set)
    server: asyncio.Server | None = None
    dropper: SynDrop | None = None

    async def open(self) -> None:
        """Listen; keeps its port once it has one."""
        if self.server is not None:
            return
        self._stop_dropping()
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(
            lambda: HttpConnection(self.app, self.connections), _HOST, self.port, ssl=self.tls, backlog=1024
        )
        self.port = self.server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Close the port and cut all connections."""
        self._stop_dropping()
        self._stop_listening()

    def drop(self) -> None:
        """Neither accept nor refuse; live connections are cut."""
        if self.dropper is None:
            self._stop_listening()
            self.dropper = SynDrop(self.port)

    def close(self) -> None:
        """Stop listening and close all connections."""
        self._stop_dropping()
        if self.server is not None:
            self.server.close()
            self.server = None
        for connection in list(self.connections):
            connection.close()

    def _stop_listening(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None
        for connection in list(self.connections):
            connection.reset()

    def _stop_dropping(self) -> None:
        if self.dropper is not None:
            self.dropper.close()
            self.dropper = None


class CosmosServer:
    """A whole account, to be started inside an event loop."""

    def __init__(self, settings: CosmosSettings) -> None:
        self.settings = settings
        self.account: Account
        self.replication: Replication
        self.listeners: dict[str, Listener] = {}
        self._global: Listener | None = None
        self._control: web.AppRunner | None = None
        self._applying = asyncio.Lock()
        self._timers: set[asyncio.TimerHandle] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def endpoint(self) -> str:
        """The global endpoint."""
        if self._global is None:
            raise RuntimeError("the server is not started")
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
        self.replication = Replication(self.account)
        try:
            tls = server_context(self.settings.data) if self.settings.tls else None
            self._control = web.AppRunner(control_app(self), access_log=None)
            await self._control.setup()
            for region in self.account.regions:
                app = RegionApp(self.account, region.name, _always(region))
                listener = Listener(app, self.settings.regions[region.name], tls)
                await listener.open()
                self.listeners[region.name] = listener
                region.address = self._address(listener)
            app = RegionApp(self.account, "global", self._first_region, self._control_protocol)
            listener = Listener(app, self.settings.global_port, tls)
            await listener.open()
            self._global = listener
        except BaseException:
            await self.stop()
            raise
        self.replication.start()
        self._in(_PURGE_EVERY_S, self._purge)

    def _in(self, seconds: float, act: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()

        def run() -> None:
            self._timers.discard(handle)
            act()

        handle = loop.call_later(seconds, run)
        self._timers.add(handle)

    def _purge(self) -> None:
        self._in(_PURGE_EVERY_S, self._purge)
        for region in self.account.regions:
            region.store.purge(time.time())

    # ---- what the control API asks for

    def faults_changed(self) -> None:
        """Rules came or went: listeners and replication follow."""
        rules = self.account.faults.as_json()
        self.account.faults_on = bool(rules)
        task = asyncio.ensure_future(self.apply_listeners())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        for link in self.replication.links:
            link.wake()
        ends = [rule["secondsLeft"] for rule in rules if rule["secondsLeft"] is not None]
        if ends:
            self._in(min(ends) + 0.001, self.faults_changed)

    async def apply_listeners(self) -> None:
        """Open, close or block each region's port as faults and the region's state say."""
        faults = self.account.faults
        async with self._applying:  # two at once would both open the port
            for region in self.account.regions:
                listener = self.listeners[region.name]
                if region.down or faults.active("refuse", region=region.name) is not None:
                    listener.refuse()
                elif faults.active("syn-drop", region=region.name) is not None:
                    listener.drop()
                else:
                    await listener.open()

    def describe(self) -> dict[str, Any]:
        """The account's inside, as `/_control/state` shows it."""
        regions = {}
        for region in self.account.regions:
            store = region.store
            counts = {}
            for table in store.tables.values():
                where = "state=0 AND (expiry IS NULL OR expiry > ?)"
                query = f"SELECT count(*) FROM {table.name} WHERE {where}"
                count = store.db.execute(query, (time.time(),)).fetchone()[0]
                counts[f"{table.container.database}/{table.container.id}"] = count
            regions[region.name] = {
                "endpoint": region.address,
                "down": region.down,
                "member": region.member,
                "lsn": store.lsn,
                "durableLsn": store.durable_lsn,
                "documents": counts,
            }
        links = [
            {
                "from": link.source.name,
                "to": link.target.name,
                "partitioned": link.partitioned,
                "lagMs": link.lag_ms,
                "pending": link.pending(),
            }
            for link in self.replication.links
        ]
        return {"regions": regions, "replication": links, "faults": self.account.faults.as_json()}

    async def reset(self) -> None:
        """Empty the account and undo all that was switched."""
        for database in list(self.account.catalog.databases.values()):
            self.account.drop_database(database)
        await self.undo()

    async def undo(self) -> None:
        """Undo all that was switched: faults, cuts, lags, regions out or down, the enforcement of throughput."""
        for region in self.account.regions:
            region.member, region.down = True, False
            region.spent.clear()
        self.account.enforce_throughput = self.settings.enforce_throughput
        for link in self.replication.links:
            link.partitioned, link.lag_ms = False, self.settings.replication_lag_ms
            link.wake()
        self.account.faults.clear()
        self.account.faults_on = False
        await self.apply_listeners()

    def _control_protocol(self) -> asyncio.Protocol | None:
        server = None if self._control is None else self._control.server
        return None if server is None else server()

    def _first_region(self) -> Region:
        for region in self.account.regions:
            if region.member and not region.down:
                return region
        return self.account.regions[0]

    async def stop(self) -> None:
        """Answer what is being written, close everything."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        await self.replication.stop()
        for region in self.account.regions:
            with contextlib.suppress(CosmosError, OSError):  # who waited for it was told
                await region.store.group.durable()
        for listener in self.listeners.values():
            listener.close()
        if self._global is not None:
            self._global.close()
        if self._control is not None:
            await self._control.cleanup()
        await asyncio.sleep(0)  # lets closed connections go
        self.account.close()


def _always(region: Region) -> Callable[[], Region]:
    return lambda: region
