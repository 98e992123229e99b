"""The node agent: follows the pods bound to our nodes and gives each one its process."""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import urllib3
from kubernetes import client

from local.kubernetes.cluster import Cluster, Document, Refused
from local.kubernetes.image import Image
from local.kubernetes.nodes import BEAT_S, Nodes
from local.kubernetes.pods import PodLife, Said, Surroundings

_log = logging.getLogger("local.kubernetes")


@dataclass
class Agent:
    """All our nodes in one process. Use it through `running`."""

    cluster: Cluster
    nodes: Nodes
    labels: str
    around: Surroundings
    lives: dict[str, PodLife] = field(default_factory=dict)
    """By the pods' unique ids."""
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _failed: list[BaseException] = field(default_factory=list)

    def named(self, app: str) -> list[PodLife]:
        """The lives of one Deployment's pods."""
        return [one for one in self.lives.values() if one.pod["metadata"]["labels"].get(_APP) == app]

    async def lose_zone(self, zone: str) -> list[str]:
        """All machines of a zone vanish: processes at once, then nodes. Returns the pods that were there."""
        names = self.nodes.in_zone(zone)
        struck = [one for one in self.lives.values() if one.pod["spec"].get("nodeName") in names]
        for one in struck:
            one.lose()
        await asyncio.to_thread(self.nodes.leave, names)
        return [one.name for one in struck]

    def check(self) -> None:
        """Raise what a pod's life died of, if one did: a fault of the agent, never of the pod."""
        if self._failed:
            raise self._failed[0]

    async def follow(self) -> None:
        """Watch pods until cancelled."""
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[tuple[str, Document]] = asyncio.Queue()
        stop = threading.Event()
        thread = threading.Thread(target=self._watch, args=(loop, events, stop), name="pods", daemon=True)
        thread.start()
        try:
            while True:
                kind, pod = await events.get()
                self._heard(kind, pod)
        finally:
            stop.set()

    async def beat(self) -> None:
        """Keep the nodes alive until cancelled."""
        while True:
            await asyncio.to_thread(self.nodes.beat)
            await asyncio.sleep(BEAT_S)

    async def end(self) -> None:
        """Kill what still runs."""
        for one in list(self.lives.values()):
            one.lose()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _heard(self, kind: str, pod: Document) -> None:
        uid = pod["metadata"]["uid"]
        life = self.lives.get(uid)
        if kind == "DELETED":
            if life is not None:
                life.lose()
        elif life is None:
            mine = pod["spec"].get("nodeName") in self.nodes.names
            if mine and pod.get("status", {}).get("phase", "Pending") in ("Pending", "Running"):
                life = self.lives[uid] = PodLife(pod, self.around)
                self._tasks[uid] = asyncio.create_task(self._live(uid, life))
        if life is not None and kind != "DELETED" and "deletionTimestamp" in pod["metadata"]:
            life.end(pod)

    async def _live(self, uid: str, life: PodLife) -> None:
        try:
            await life.live()
        except Exception as error:
            _log.exception("%s: the agent failed", life.name)
            self._failed.append(error)
            raise
        finally:
            del self.lives[uid]
            self._tasks.pop(uid, None)

    def _watch(
        self,
        loop: asyncio.AbstractEventLoop,
        events: "asyncio.Queue[tuple[str, Document]]",
        stop: threading.Event,
    ) -> None:
        """In a thread: the official client's watch blocks. A broken one is begun anew, with all pods there are."""
        while not stop.is_set():
            try:
                for event in self.cluster.watch_pods(self.labels):
                    if stop.is_set() or loop.is_closed():
                        return
                    loop.call_soon_threadsafe(events.put_nowait, event)
            except (client.ApiException, urllib3.exceptions.HTTPError) as error:
                _log.warning("watching pods again after: %s", error)
                stop.wait(0.5)


_APP = "app.kubernetes.io/name"


@contextlib.asynccontextmanager
async def running(
    cluster: Cluster,
    nodes: Nodes,
    image: Image,
    folder: Path,
    *,
    replaced: Mapping[str, str | None],
    said: Said,
    labels: str = "app.kubernetes.io/part-of=catalog",
) -> AsyncIterator[Agent]:
    """An agent at work: its nodes have joined, other nodes take no more pods; all of that is undone at the end."""
    await asyncio.to_thread(lambda: folder.mkdir(parents=True, exist_ok=True))
    await asyncio.to_thread(nodes.join)
    closed = await asyncio.to_thread(nodes.cordon_others)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as session:
        # A machine that starts everything at once starts nothing in time: nodes have cores for what they take.
        starts = asyncio.Semaphore(os.cpu_count() or 1)
        agent = Agent(cluster, nodes, labels, Surroundings(cluster, image, session, folder, replaced, starts, said))
        tasks = [asyncio.create_task(agent.follow()), asyncio.create_task(agent.beat())]
        try:
            yield agent
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await agent.end()
            with contextlib.suppress(Refused, urllib3.exceptions.HTTPError):  # the cluster may be gone before us
                await asyncio.to_thread(nodes.leave)
                await asyncio.to_thread(nodes.uncordon, closed)
