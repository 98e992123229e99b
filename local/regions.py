"""Takes components and whole regions of the local cloud down and up again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import aiohttp
from azure.core.exceptions import AzureError
from azure.storage.blob.aio import ContainerClient

from adapters.blob_checkpoints import BlobCheckpoints
from domain.errors import StoreUnavailable
from local.provision import switch_off, switch_on
from local.stack import Stack, resources
from local.supervisor import Supervisor

ACTIONS = ("kill", "stop", "start", "drain")
LOOK_EVERY_S = 0.25
OUT_OF_ROTATION_WITHIN_S = 60
QUEUE_EMPTY_WITHIN_S = 90
READY_WITHIN_S = 60


class UnknownTarget(Exception):
    """No component and no region has this name; the message lists those there are."""


class Operator:
    """What a person, or fate, does to the running cloud."""

    def __init__(self, supervisor: Supervisor, stack: Stack) -> None:
        self._supervisor = supervisor
        self._stack = stack
        self._stamps = {stack.stamp(index): index for index in range(len(stack.regions))}

    def state(self) -> dict[str, str]:
        """Each component's state."""
        return self._supervisor.state()

    def matching(self, target: str) -> list[str]:
        """The components that a name means, in the order of start.

        Raises:
            UnknownTarget: it means none.
        """
        names = self._supervisor.matching(target)
        if not names:
            known = ", ".join([*self._stamps, *self._supervisor.state()])
            raise UnknownTarget(f"no component or region is called {target}; there are {known}")
        return names

    async def act(self, action: str, target: str) -> AsyncIterator[str]:
        """Do it, saying what is happening.

        Raises:
            UnknownTarget: nothing has this name, or a component cannot be drained.
            ComponentFailed: something did not start.
            TimeoutError: a drain or a start waited too long for what its message names.
        """
        names = self.matching(target)
        index = self._stamps.get(target)
        if action == "drain" and index is None:
            raise UnknownTarget(f"only a region can be drained; there are {', '.join(self._stamps)}")
        if action == "start":
            steps = self._start(names, index)
        elif action == "drain" and index is not None:
            steps = self._drain(index)
        else:
            steps = self._take_down(names, index, kill=action == "kill")
        async for said in steps:
            yield said

    async def _take_down(self, names: list[str], index: int | None, *, kill: bool) -> AsyncIterator[str]:
        if index is not None:
            await self._cosmos_region(index, "down")
        if kill:  # all at once, as a region dies
            await asyncio.gather(*(self._supervisor.stop(name, kill=True) for name in names))
            yield f"killed {', '.join(names)}"
            return
        for name in reversed(names):
            await self._supervisor.stop(name)
            yield f"stopped {name}"

    async def _start(self, names: list[str], index: int | None) -> AsyncIterator[str]:
        if index is not None:
            await self._cosmos_region(index, "up")
        stores = [name for name in names if not name.startswith(("api", "processor"))]
        for some in (stores, [name for name in names if name not in stores]):
            if some:
                await asyncio.gather(*map(self._supervisor.restart, some))
                yield f"started {', '.join(some)}"
        if index is not None:
            await switch_on(self._stack, index)
            await _until(partial(self._answers, index), READY_WITHIN_S, f"{self._stack.stamp(index)} is not ready")
            yield "ready; the edge sends requests there after its next good probes"

    async def _drain(self, index: int) -> AsyncIterator[str]:
        """Out of rotation first, then the API, then the queue to its end, then the rest: nothing is cut off."""
        stamp = self._stack.stamp(index)
        await switch_off(self._stack, index)
        yield f"deleted the blob stamp.health: {stamp} now reports that it does not serve"
        await _until(
            partial(self._out_of_rotation, stamp), OUT_OF_ROTATION_WITHIN_S, f"the edge still sends requests to {stamp}"
        )
        yield "the edge has seen it: no more requests, none under way"
        await self._supervisor.stop(f"api-{stamp}")
        yield f"stopped api-{stamp}"
        await _until(partial(self._queue_is_empty, index), QUEUE_EMPTY_WITHIN_S, "the queue is not empty")
        yield "every accepted write is processed"
        for name in reversed(self._supervisor.matching(stamp)):
            await self._supervisor.stop(name)
        yield f"stopped the rest of {stamp}"

    async def _cosmos_region(self, index: int, action: str) -> None:
        region = self._stack.regions[index]
        url = f"http://127.0.0.1:{self._stack.cosmos_port}/_control/regions/{region}/{action}"
        async with aiohttp.ClientSession() as session, session.post(url) as answer:
            answer.raise_for_status()

    async def _answers(self, index: int) -> bool:
        url = f"http://127.0.0.1:{self._stack.api_port(index)}/health/ready"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status == 200

    async def _out_of_rotation(self, stamp: str) -> bool:
        async with aiohttp.ClientSession() as session, session.get(f"{self._stack.base_url}/_control/status") as answer:
            groups = (await answer.json())["originGroups"]
        mine = [
            origin
            for group in groups
            if group["name"] == "api"
            for origin in group["origins"]
            if origin["name"] == stamp
        ]
        return all(not origin["healthy"] and origin["traffic"]["inFlight"] == 0 for origin in mine)

    async def _queue_is_empty(self, index: int) -> bool:
        """Whether every partition's checkpoint is at its last event."""
        hub = resources()["eventHubs"]
        url = f"http://127.0.0.1:{self._stack.hub_port(index) + 1}/_control/hubs/{hub['hub']}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            partitions = (await answer.json())["partitions"]
        last = {str(one["id"]): int(one["lastSequence"]) for one in partitions}
        done = await self._checkpoints(index)
        return all(done.get(partition, -1) >= sequence for partition, sequence in last.items())

    async def _checkpoints(self, index: int) -> dict[str, int]:
        stack, shared = self._stack, resources()
        hub, container = shared["eventHubs"], shared["storage"]["hostContainer"]
        namespace = f"127.0.0.1:{stack.hub_port(index)}"
        connection = stack.storage_connection(stack.stamp_account(index))
        async with ContainerClient.from_connection_string(connection, container) as account:
            box = BlobCheckpoints(account, namespace, hub["hub"], hub["consumerGroup"])
            return {partition: one.sequence for partition, one in (await box.checkpoints()).items()}


async def _until(condition: Callable[[], Awaitable[bool]], seconds: float, complaint: str) -> None:
    """Wait until it holds.

    Raises:
        TimeoutError: it did not within the time; the message is the complaint and what to do.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        # Not up yet, or going down: look again.
        with contextlib.suppress(aiohttp.ClientError, AzureError, StoreUnavailable):
            if await condition():
                return
        await asyncio.sleep(LOOK_EVERY_S)
    raise TimeoutError(f"{complaint} after {seconds:.0f} s; `python -m local status` shows what runs")
