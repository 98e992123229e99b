"""Asks each origin again and again whether it is well, each time on a new connection."""

import asyncio
import time

import aiohttp
from yarl import URL

from local.edge.description import Probe
from local.edge.forwarding import strike
from local.edge.state import Group, Origin, Sample
from local.faults import FaultBook

PROBE_TIMEOUT_S = 5.0
HEADERS = {"User-Agent": "Edge Health Probe", "X-FD-HealthProbe": "1"}


class Prober:
    """One task per origin that has a probe."""

    def __init__(self, groups: list[Group], faults: FaultBook, interval_s: float | None = None) -> None:
        self._groups = groups
        self._faults = faults
        self._interval_s = interval_s
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Probe everything once, then go on in the background."""
        pairs = [(group, group.settings.probe, origin) for group in self._groups for origin in group.origins]
        probed = [(group, probe, origin) for group, probe, origin in pairs if probe is not None]
        await asyncio.gather(*(self._look(*one) for one in probed))
        self._tasks = [asyncio.create_task(self._repeat(*one)) for one in probed]

    async def stop(self) -> None:
        """End the tasks."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _repeat(self, group: Group, probe: Probe, origin: Origin) -> None:
        interval_s = self._interval_s or probe.interval_s
        due = time.monotonic()
        while True:
            # By the clock, not after the answer: an origin that hangs is asked as often as others.
            due += interval_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self._look(group, probe, origin)

    async def _look(self, group: Group, probe: Probe, origin: Origin) -> None:
        begun = time.monotonic()
        status, error = None, None
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await strike(self._faults, group, origin)
                status = await _status(probe, origin)
        except TimeoutError:
            error = "timed out"
        except aiohttp.ClientConnectorError:
            error = "refused"
        except aiohttp.ClientError as broken:
            error = str(broken) or type(broken).__name__
        origin.saw(Sample(time.time(), status, (time.monotonic() - begun) * 1000, error))


async def _status(probe: Probe, origin: Origin) -> int:
    url = URL(origin.address + probe.path, encoded=True)
    connector = aiohttp.TCPConnector(force_close=True)
    async with (
        aiohttp.ClientSession(connector=connector, headers=HEADERS) as session,
        session.request(probe.method, url, allow_redirects=False) as answer,
    ):
        return answer.status
