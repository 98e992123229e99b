"""What a rehearsal plays: a backlog grows while the processor is paused, then drains, undisturbed or not."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import aiohttp

from local.kubernetes.cluster import Document
from local.kubernetes.load import Account, Load, account
from local.kubernetes.measure import Record, Sample, Sampler
from local.kubernetes.stage import NAMESPACE, Stage

LONGEST_S = 900.0
RESUMED = "processor resumed"
# Two are enough to take the commands in, and a machine with few cores has better use for the rest.
API_PODS = 2


class Failed(Exception):
    """A rehearsal showed something that must not be; the message says what."""


@dataclass(frozen=True)
class Outcome:
    """What one run showed."""

    record: Record
    account: Account
    most: int
    """Most processors that there were."""
    fill_s: float
    """How long the API took to accept the commands; the times below count from the processor's resumption."""
    first_pod_s: float | None
    first_new_pod_s: float | None
    most_wanted_s: float | None
    drained_s: float | None
    least_again_s: float | None
    memory_mib: float
    problems: list[str]


type Disturbance = Callable[[Stage, Record, "Watch"], Coroutine[Any, Any, list[str]]]


class Watch:
    """Waits for states of the record."""

    def __init__(self, record: Record, agent_check: Callable[[], None]) -> None:
        self._record = record
        self._check = agent_check

    async def until(self, true: Callable[[Sample], bool], what: str, seconds: float = LONGEST_S) -> Sample:
        """The first sample from now on that is as wanted.

        Raises:
            Failed: none came in time.
        """
        deadline = time.monotonic() + seconds
        seen = len(self._record.samples)
        while True:
            self._check()
            for sample in self._record.samples[seen:]:
                if true(sample):
                    return sample
            seen = len(self._record.samples)
            if time.monotonic() > deadline:
                raise Failed(f"not within {seconds:.0f} s: {what}; last seen: {self._record.samples[-1:]}")
            await asyncio.sleep(0.2)


def smaller(*, quick: bool) -> Callable[[Document], None]:
    """What a rehearsal changes in the manifests: fewer API pods, and when in haste the autoscaler's patience."""

    def change(given: Document) -> None:
        if given["kind"] != "ScaledObject":
            return
        if given["metadata"]["name"] == "api":
            given["spec"]["minReplicaCount"] = API_PODS
        elif quick:
            down = given["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
            down["stabilizationWindowSeconds"] = 10
            down["policies"] = [{"type": "Percent", "value": 100, "periodSeconds": 15}]

    return change


async def nothing(stage: Stage, record: Record, watch: Watch) -> list[str]:
    """No disturbance."""
    return []


async def unprepared(stage: Stage) -> None:
    """Nothing to do before the commands are sent."""


@dataclass(frozen=True)
class Scenario:
    """What is played beside the plain course of things."""

    disturb: Disturbance = nothing
    """Runs while the queue drains; returns what it found wrong."""
    prepare: Callable[[Stage], Coroutine[Any, Any, None]] = unprepared
    """Runs while the processor is paused, before the commands are sent."""


async def play(stage: Stage, name: str, scenario: Scenario, commands: int, say: Callable[[str], None]) -> Outcome:
    """Fill, drain, shrink; the disturbance runs beside the draining."""

    def tell(words: str) -> None:
        say(f"{name}: {words}")

    async with aiohttp.ClientSession() as session:
        load = Load(name, lambda: [one.address for one in stage.ready("api")], session)
        fill_s = await _fill(stage, load, scenario, commands, tell)
        record = Record(name)
        async with Sampler(stage, record, session).at_work():
            problems = await _drain(stage, record, scenario, commands, tell)
        found = await account(stage.stack, load.accepted)
    if not found.exact:
        problems.append(f"accepted commands and database disagree: {found}")
    least, _ = await asyncio.to_thread(_bounds, stage)
    return _outcome(record, found, least, fill_s, problems)


async def _fill(stage: Stage, load: Load, scenario: Scenario, commands: int, tell: Callable[[str], None]) -> float:
    """Let the API take in the commands while the processor is held at no pods; the seconds that took."""
    await _until_ready(stage)
    tell("creating items")
    await load.items()
    await asyncio.to_thread(stage.pause, 0)
    await _until_gone(stage)
    await scenario.prepare(stage)
    tell(f"sending {commands} commands while the processor is paused")
    began = time.monotonic()
    await load.ratings(commands, _tenths(commands, tell))
    return time.monotonic() - began


async def _drain(
    stage: Stage, record: Record, scenario: Scenario, commands: int, tell: Callable[[str], None]
) -> list[str]:
    """Let KEDA go, disturb, and wait until all is as before; what was found wrong."""
    least, _ = await asyncio.to_thread(_bounds, stage)
    watch = Watch(record, stage.agent.check)
    await watch.until(lambda one: one.lag is not None and one.lag >= commands, "the whole backlog counted")
    await asyncio.to_thread(stage.pause, None)
    record.mark(RESUMED)
    tell(f"processor resumed with {record.last.lag} events waiting")

    async def drained() -> None:
        await watch.until(lambda one: one.lag == 0, "an empty queue")
        record.mark("drained")
        tell("drained")

    try:
        async with asyncio.TaskGroup() as group:
            disturbing = group.create_task(scenario.disturb(stage, record, watch))
            group.create_task(drained())
    except* Failed as failures:
        raise failures.exceptions[0] from None
    await watch.until(lambda one: one.lag == 0 and one.replicas == least, f"{least} processors again")
    record.mark("at the minimum")
    return disturbing.result()


def _outcome(record: Record, found: Account, least: int, fill_s: float, problems: list[str]) -> Outcome:
    resumed = next(when for when, words in record.events if words == RESUMED)
    samples = [one for one in record.samples if one.t >= resumed]

    def since(true: Callable[[Sample], bool]) -> float | None:
        at = next((one.t for one in samples if true(one)), None)
        return None if at is None else round(at - resumed, 1)

    most = max(one.replicas for one in samples)
    drained = since(lambda one: one.lag == 0)
    return Outcome(
        record,
        found,
        most,
        fill_s,
        first_pod_s=since(lambda one: one.ready > 0),
        first_new_pod_s=since(lambda one: one.ready > least),
        most_wanted_s=since(lambda one: one.replicas == most),
        drained_s=drained,
        least_again_s=since(lambda one: one.t >= resumed + (drained or 0) and one.replicas == least),
        memory_mib=max(one.memory_mib for one in samples),
        problems=problems,
    )


def _bounds(stage: Stage) -> tuple[int, int]:
    spec = stage.cluster.get("ScaledObject", "processor", NAMESPACE)["spec"]
    return spec["minReplicaCount"], spec["maxReplicaCount"]


async def _until_ready(stage: Stage) -> None:
    async with _patience("the API and the processor never got ready"):
        while len(stage.ready("api")) < API_PODS or not stage.ready("processor"):
            stage.agent.check()
            await asyncio.sleep(0.2)


async def _until_gone(stage: Stage) -> None:
    async with _patience("the paused processor never went away"):
        while stage.agent.named("processor"):
            stage.agent.check()
            await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def _patience(words: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(240):
            yield
    except TimeoutError:
        raise Failed(words) from None


def _tenths(total: int, say: Callable[[str], None]) -> Callable[[int], None]:
    said = 0

    def tell(done: int) -> None:
        nonlocal said
        if done * 10 // total > said:
            said = done * 10 // total
            say(f"{done} of {total} accepted")

    return tell
