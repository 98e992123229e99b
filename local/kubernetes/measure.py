"""Looks at everything once a second while a rehearsal runs: lag, what the autoscaler wants, pods, what got done."""

import asyncio
import contextlib
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from azure.core.exceptions import AzureError
from azure.storage.blob.aio import BlobServiceClient

from local.kubernetes.cluster import Refused
from local.kubernetes.stage import NAMESPACE, Stage, memory_mib
from local.stack import resources

EVERY_S = 1.0
_MOMENT = 1000


@dataclass(frozen=True)
class Sample:
    """One look. Counts that could not be had are None: the hub was down, or there was no autoscaler yet."""

    t: float
    lag: int | None
    done: int | None
    """Events behind the checkpoints of all partitions."""
    metric: float | None
    """What KEDA told the autoscaler: events for each replica."""
    wanted: int | None
    replicas: int
    ready: int
    processes: int
    memory_mib: float


@dataclass
class Record:
    """What one run was: its samples, and what happened when."""

    name: str
    began: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)
    events: list[tuple[float, str]] = field(default_factory=list)

    def mark(self, words: str) -> None:
        """Something happened now."""
        self.events.append((round(time.monotonic() - self.began, 1), words))

    @property
    def last(self) -> Sample:
        """The newest look."""
        return self.samples[-1]

    def first(self, true: Any) -> float | None:
        """When a condition on a sample was first met."""
        return next((one.t for one in self.samples if true(one)), None)

    def write(self, folder: Path) -> None:
        """Keep it as JSON."""
        text = json.dumps({"name": self.name, "events": self.events, "samples": [asdict(one) for one in self.samples]})
        (folder / f"{self.name}.json").write_text(text)


class Sampler:
    """Adds a sample to the record every second."""

    def __init__(self, stage: Stage, record: Record, session: aiohttp.ClientSession) -> None:
        self._stage = stage
        self._record = record
        self._session = session
        connection = stage.stack.storage_connection(stage.stack.stamp_account(0))
        self._blobs = BlobServiceClient.from_connection_string(connection, retry_total=0)
        names = resources()
        self._prefix = f"127.0.0.1/{names['eventHubs']['hub']}/{names['eventHubs']['consumerGroup']}/checkpoint/"
        self._container = names["storage"]["hostContainer"]

    @contextlib.asynccontextmanager
    async def at_work(self) -> Any:
        """Sample until the block ends."""
        task = asyncio.create_task(self._run())
        try:
            yield self._record
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._blobs.close()

    async def _run(self) -> None:
        while True:
            began = time.monotonic()
            self._record.samples.append(await self._look())
            await asyncio.sleep(max(0.1, EVERY_S - (time.monotonic() - began)))

    async def _look(self) -> Sample:
        ends, done = await asyncio.gather(self.ends(), self.checkpoints())
        scaler, deployment = await asyncio.to_thread(self._ask)
        lag = None
        if ends is not None and done is not None:
            lag = sum(_waiting(last, done.get(partition, -1)) for partition, last in ends.items())
        status = (scaler or {}).get("status", {})
        metrics = [one["external"]["current"] for one in status.get("currentMetrics") or [] if "external" in one]
        pods = self._stage.agent.named("processor")
        return Sample(
            t=round(time.monotonic() - self._record.began, 2),
            lag=lag,
            done=None if done is None else sum(one + 1 for one in done.values()),
            metric=quantity(metrics[0].get("averageValue")) if metrics else None,
            wanted=status.get("desiredReplicas"),
            replicas=deployment.get("status", {}).get("replicas", 0),
            ready=deployment.get("status", {}).get("readyReplicas", 0),
            processes=sum(1 for one in pods if one.pid is not None),
            memory_mib=memory_mib([one.pid for one in self._stage.agent.lives.values() if one.pid is not None]),
        )

    def _ask(self) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        with contextlib.suppress(Refused):
            return self._stage.autoscaler("processor"), self._stage.cluster.get("Deployment", "processor", NAMESPACE)
        return None, {}

    async def ends(self) -> dict[str, int] | None:
        """The last sequence number of each partition; None while the hub is down."""
        try:
            async with self._session.get(self._stage.hub_control) as answer:
                return {one["id"]: one["lastSequence"] for one in (await answer.json())["partitions"]}
        except aiohttp.ClientError:
            return None

    async def checkpoints(self) -> dict[str, int] | None:
        """The checkpoint of each partition that has one; None while the store is down."""
        try:
            found = {}
            container = self._blobs.get_container_client(self._container)
            async for blob in container.list_blobs(name_starts_with=self._prefix, include=["metadata"]):
                values = {key.lower(): value for key, value in (blob.metadata or {}).items()}
                if "sequencenumber" in values:
                    found[blob.name.removeprefix(self._prefix)] = int(values["sequencenumber"])
        except AzureError:
            return None
        return found


def _waiting(last: int, checkpoint: int) -> int:
    """Events not processed; behind a checkpoint of another life of the hub that is all of them.

    A checkpoint that was read a moment after the log may be a little ahead of it.
    """
    return max(0, last - checkpoint) if checkpoint <= last + _MOMENT else last + 1


def quantity(given: object) -> float | None:
    """A Kubernetes quantity of events: whole, or in thousandths."""
    text = str(given or "")
    if not text:
        return None
    scale = {"m": 0.001, "k": 1000.0, "M": 1_000_000.0}.get(text[-1])
    return float(text) if scale is None else float(text[:-1]) * scale
