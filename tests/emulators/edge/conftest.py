"""Real origins behind the real edge, all in one process, over sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDictProxy
from yarl import URL

from local.edge.description import Description, OriginGroup, Probe, Route
from local.edge.server import Edge
from local.edge.state import Group, Origin

FRONT_DOOR_ID = "11111111-2222-3333-4444-555555555555"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Backend:
    """An origin that remembers what it was asked and answers as it is told."""

    name: str
    health: int = 200
    asked: list[web.Request] = field(default_factory=list)
    probes: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answer: Answer | None = None
    runner: web.AppRunner | None = None
    port: int = 0

    async def start(self) -> None:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("User-Agent") == "Edge Health Probe":
            self.probes.append(request)
            return web.Response(status=self.health)
        self.asked.append(request)
        self.bodies.append(await request.read())
        if self.answer is not None:
            return await self.answer(request)
        return web.Response(text=self.name)


@dataclass
class Running:
    edge: Edge
    url: str
    backends: dict[str, Backend]
    session: aiohttp.ClientSession

    @property
    def group(self) -> Group:
        return self.edge.groups[0]

    async def get(self, path: str, **options: object) -> tuple[int, CIMultiDictProxy[str], str]:
        return await self.ask("GET", path, **options)

    async def ask(self, method: str, path: str, **options: object) -> tuple[int, CIMultiDictProxy[str], str]:
        async with self.session.request(method, URL(self.url + path, encoded=True), **options) as answer:  # type: ignore[arg-type]
            return answer.status, answer.headers, await answer.text()


Starter = Callable[..., Awaitable[Running]]
API = OriginGroup("api", "gateway", 4, 3, 1000, Probe("/health/stamp", "HEAD", 5.0))
API_ROUTE = Route("api", ("/api/*",), "api")


def a_description(*routes: Route, group: OriginGroup = API, timeout_s: float = 16) -> Description:
    return Description(timeout_s, (group,), routes or (API_ROUTE,))


def a_cached_route(**changes: object) -> Route:
    types = frozenset({"text/html", "text/javascript"})
    return replace(Route("site", ("/*",), "api", caches=True, compressed=types), **changes)  # type: ignore[arg-type]


@pytest.fixture
async def start_edge() -> AsyncIterator[Starter]:
    """Starts two origins, `a` and `b`, behind an edge with this description."""
    started: list[Running] = []

    async def start(description: Description | None = None, *, names: str = "ab", probe_s: float = 60) -> Running:
        backends = {name: Backend(name) for name in names}
        for backend in backends.values():
            await backend.start()
        origins = [("gateway", Origin(b.name, f"http://127.0.0.1:{b.port}")) for b in backends.values()]
        edge = Edge(description or a_description(), origins, FRONT_DOOR_ID, probe_s)
        port = await edge.start()
        session = aiohttp.ClientSession(auto_decompress=False)
        running = Running(edge, f"http://127.0.0.1:{port}", backends, session)
        started.append(running)
        return running

    yield start
    for running in started:
        await running.session.close()
        await running.edge.stop()
        await asyncio.gather(*(backend.stop() for backend in running.backends.values()))
