"""The node agent without a cluster: each pod's process lives and ends as the manifest says."""

import asyncio
import copy
import os
import signal
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.kubernetes import manifests
from local.kubernetes.cluster import Document, Refused
from local.kubernetes.image import BadImage, our_image
from local.kubernetes.pods import ADDRESS, PodLife, Surroundings
from local.kubernetes.probes import NotPlayed, Probe


class Books:
    """What the agent asks of an API server and tells it, kept in memory."""

    def __init__(self) -> None:
        self.secrets: dict[str, dict[str, str]] = {}
        self.statuses: list[Document] = []
        self.deleted: list[tuple[str, int | None]] = []
        self.address = ""

    def get(self, kind: str, name: str, namespace: str | None = None) -> Document:
        if name not in self.secrets:
            raise Refused(404, f'secrets "{name}" not found')
        return {"data": {key: b64encode(value.encode()).decode() for key, value in self.secrets[name].items()}}

    def patch(
        self, kind: str, name: str, change: Document, namespace: str | None = None, *, part: str = ""
    ) -> Document:
        self.address = change["metadata"]["annotations"][ADDRESS]
        return {}

    def patch_status(self, pod: str, namespace: str, status: Document) -> None:
        self.statuses.append(status)

    def delete(self, kind: str, name: str, namespace: str | None = None, *, grace_s: int | None = None) -> None:
        self.deleted.append((name, grace_s))

    @property
    def container(self) -> Document:
        found: Document = self.statuses[-1]["containerStatuses"][0]
        return found

    @property
    def ready(self) -> bool:
        return bool(self.statuses) and bool(self.container["ready"])


class Node:
    """One pod on one node."""

    def __init__(self, folder: Path, session: aiohttp.ClientSession) -> None:
        self.books = Books()
        self.heard: list[str] = []
        self._around = Surroundings(
            cluster=self.books,  # type: ignore[arg-type]
            image=our_image(),
            session=session,
            folder=folder,
            replaced={},
            starts=asyncio.Semaphore(2),
            said=lambda _, __, words: self.heard.append(words),
        )
        self.life: PodLife | None = None
        self.task: asyncio.Task[None] | None = None

    def run(self, change: Callable[[Document], Any] = lambda _: None) -> PodLife:
        pod = _pod()
        change(pod)
        self.life = PodLife(pod, self._around)
        self.task = asyncio.create_task(self.life.live())
        return self.life

    async def until(self, true: Callable[[], object], what: str, seconds: float = 40) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert self.task is not None
            if self.task.done():
                await self.task
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}; heard {self.heard}"
            await asyncio.sleep(0.05)

    async def end(self, grace_s: int) -> None:
        assert self.life is not None
        assert self.task is not None
        pod = copy.deepcopy(self.life.pod)
        pod["metadata"]["deletionGracePeriodSeconds"] = grace_s
        self.life.end(pod)
        await self.task


def _pod() -> Document:
    """The processor's pod with the one function that needs nothing from anybody, and quick probes."""
    deployment = next(
        one
        for one in manifests.built("rehearsal")
        if (one["kind"], one["metadata"]["name"]) == ("Deployment", "processor")
    )
    spec = deployment["spec"]["template"]["spec"]
    container = spec["containers"][0]
    container["env"] = [
        one for one in container["env"] if "__functions__" not in one["name"] and not one["name"].startswith("API_KEY")
    ]
    container["env"].append({"name": "AzureFunctionsJobHost__functions__0", "value": "health_live"})
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        container[kind]["periodSeconds"] = 1
    metadata = {"name": "processor-1", "namespace": "catalog", "uid": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": {**metadata, "labels": {}}, "spec": spec, "status": {}}


def _container(pod: Document) -> Document:
    found: Document = pod["spec"]["containers"][0]
    return found


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with aiohttp.ClientSession() as session:
        made = Node(tmp_path, session)
        yield made
        if made.life is not None and made.task is not None:
            made.life.lose()
            await asyncio.gather(made.task, return_exceptions=True)


async def test_a_pod_gets_ready_by_its_own_probe_and_is_drained_when_it_is_deleted(node: Node) -> None:
    life = node.run()
    await node.until(lambda: node.books.ready, "ready")
    pid = life.pid
    assert pid is not None
    environment = _environment(pid)
    given = {one["name"]: one["value"] for one in _container(life.pod)["env"]}
    added = {"PATH", "HOME", "TMPDIR", "FUNCTIONS_KEYS_DIR", "FUNCTIONS_HOST", "AzureWebJobsSecretStorageType", "PWD"}

    await node.end(grace_s=60)

    # The shell that starts the host marks its level and its last argument in some systems.
    assert set(environment) - added - {"SHLVL", "_", "OLDPWD"} == set(given) | set(our_image().environment)
    assert all(environment[name] == value for name, value in given.items())
    assert node.books.address.startswith("http://127.0.0.1:")
    assert not any("preStop failed" in words for words in node.heard)
    assert any(words.startswith("ended") for words in node.heard)
    assert node.books.deleted == [("processor-1", 0)]
    assert not _alive(pid)


async def test_a_pod_waits_for_the_secret_that_it_names(node: Node) -> None:
    key = {"name": "API_KEY_1", "valueFrom": {"secretKeyRef": {"name": "api-keys", "key": "api-key-1"}}}
    node.run(lambda pod: _container(pod)["env"].append(key))
    await node.until(lambda: node.heard, "a word of what is missing")
    await asyncio.sleep(0.2)
    waiting = node.books.container["state"]["waiting"]["reason"]

    node.books.secrets["api-keys"] = {"api-key-1": "a-key-of-16-characters"}
    await node.until(lambda: node.books.ready, "ready")

    assert waiting == "CreateContainerConfigError"


async def test_a_pod_that_never_starts_is_killed_and_started_again(node: Node) -> None:
    """The probe asks a function that the allow-list does not enable."""

    def ask_another(pod: Document) -> None:
        _container(pod)["startupProbe"]["httpGet"]["path"] = "/health/ready"
        _container(pod)["startupProbe"]["failureThreshold"] = 6

    node.run(ask_another)
    await node.until(lambda: node.books.statuses and node.books.container["restartCount"] >= 1, "a restart")

    assert "its startup probe failed: killed" in node.heard
    assert not any(status["containerStatuses"][0]["ready"] for status in node.books.statuses)


async def test_a_pod_that_stops_answering_is_not_ready_and_then_started_again(node: Node) -> None:
    def impatient(pod: Document) -> None:
        _container(pod)["readinessProbe"] |= {"failureThreshold": 1, "timeoutSeconds": 1}
        _container(pod)["livenessProbe"] |= {"failureThreshold": 3, "timeoutSeconds": 1}

    life = node.run(impatient)
    await node.until(lambda: node.books.ready, "ready")
    first = life.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    await node.until(lambda: life.restarts == 1 and node.books.ready, "ready again")

    assert node.heard.index("is not ready any more") < node.heard.index("its liveness probe failed: killed")
    assert life.pid != first


async def test_a_pre_stop_that_outlasts_the_grace_period_is_cut_short(node: Node) -> None:
    life = node.run(lambda pod: _container(pod).update(lifecycle={"preStop": {"sleep": {"seconds": 60}}}))
    await node.until(lambda: node.books.ready, "ready")
    began = time.monotonic()

    await node.end(grace_s=1)

    assert time.monotonic() - began < 20
    assert not _alive(life.pid)


async def test_a_pod_of_a_lost_node_gets_no_goodbye(node: Node) -> None:
    life = node.run()
    await node.until(lambda: node.books.ready, "ready")
    pid = life.pid
    life.lose()
    assert node.task is not None
    await node.task

    assert not _alive(pid)
    assert node.books.deleted == []
    assert not any(words.startswith("ended") for words in node.heard)


def test_what_the_agent_cannot_play_is_named() -> None:
    with pytest.raises(NotPlayed, match="tcpSocket"):
        Probe.read({"tcpSocket": {"port": 1}})


def test_a_dockerfile_without_a_stop_signal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM scratch\nENTRYPOINT ["/start"]\n')

    with pytest.raises(BadImage, match="STOPSIGNAL"):
        our_image(tmp_path)


def _alive(pid: int | None) -> bool:
    return pid is not None and Path(f"/proc/{pid}").exists()


def _environment(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(line.split("=", 1) for line in lines if "=" in line)
