"""Puts the edge together: description, origins, probes, cache, and the port."""

from collections.abc import Sequence

from aiohttp import web

from local.edge.cache import Cache
from local.edge.description import Description
from local.edge.forwarding import Forwarder
from local.edge.probing import Prober
from local.edge.routes import Router
from local.edge.state import Group, Origin
from local.edge.status import control_routes
from local.faults import FaultBook

MAX_BODY_BYTES = 128 * 1024 * 1024
IDLE_CLIENT_S = 90.0


class Edge:
    """One Front Door."""

    def __init__(
        self,
        description: Description,
        origins: Sequence[tuple[str, Origin]],
        front_door_id: str,
        probe_interval_s: float | None = None,
    ) -> None:
        """`origins` are pairs of a kind and an origin; `probe_interval_s` replaces the described intervals."""
        self.groups = _groups(description, origins)
        self.faults = FaultBook(faults=("unreachable", "slow"), facts=("origin", "group"))
        cache = Cache()
        self._forwarder = Forwarder(front_door_id, description.origin_timeout_s, self.faults)
        self._prober = Prober(self.groups, self.faults, probe_interval_s)
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.add_routes(control_routes(self.groups, cache, self.faults))
        router = Router(description, self.groups, self._forwarder, cache)
        app.router.add_route("*", "/{path:[\\s\\S]*}", router.handle)
        self._runner = web.AppRunner(app, access_log=None, keepalive_timeout=IDLE_CLIENT_S, shutdown_timeout=5)

    async def start(self, port: int = 0) -> int:
        """Probe every origin once, then listen; the port, which is a free one for 0."""
        await self._forwarder.open()
        await self._prober.start()
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, backlog=1024)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Finish what is under way, and close."""
        await self._prober.stop()
        await self._runner.cleanup()
        await self._forwarder.close()


def _groups(description: Description, origins: Sequence[tuple[str, Origin]]) -> list[Group]:
    """Each group with origins of its own: what one group's probes see is not known to another."""
    return [
        Group(
            settings,
            [
                Origin(origin.name, origin.address, origin.priority, origin.weight)
                for kind, origin in origins
                if kind == settings.kind and settings.only in {None, origin.name}
            ],
        )
        for settings in description.groups
    ]
