"""The life of one pod: its process, its probes, its restarts and its end, as a node would have it."""

import asyncio
import contextlib
import os
import shutil
import signal
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from local.kubernetes import image as images
from local.kubernetes.cluster import Cluster, Document, Refused
from local.kubernetes.image import Image
from local.kubernetes.probes import NotPlayed, Probe, first

ADDRESS = "rehearsal/address"
"""The annotation that says where a pod's host listens: the port that a node would give to the pod alone."""
_READY_LINE = b"ready: "
_LONGEST_BACK_OFF_S = 20.0
# What a node gives a process at least, when preStop has used up the grace period.
_LEAST_GRACE_S = 2.0


type Said = Callable[[str, str, str], None]
"""Hears what happens to pods: namespace, name, words."""


@dataclass(frozen=True)
class Surroundings:
    """What all pods share: the cluster, the image, and what stands in for Azure."""

    cluster: Cluster
    image: Image
    session: aiohttp.ClientSession
    folder: Path
    replaced: Mapping[str, str | None]
    """Variables that only Azure could serve: the value to use here, or None to leave one out."""
    starts: asyncio.Semaphore
    """How many pods may be between their process's start and their startup probe's success at one time."""
    said: Said


@dataclass
class _Run:
    """One process of a container, from start to end."""

    process: asyncio.subprocess.Process
    output: asyncio.Task[None]
    address: str = ""


@dataclass
class PodLife:
    """One pod bound to a node of ours. `live` runs until the pod is gone."""

    pod: Document
    around: Surroundings
    restarts: int = 0
    _run: _Run | None = None
    _ready: bool = False
    _up: bool = False
    _starting: bool = False
    _why: str = "ContainerCreating"
    _began: str = ""
    _ending: asyncio.Event = field(default_factory=asyncio.Event)
    _lost: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def namespace(self) -> str:
        """Where it lives."""
        return str(self.pod["metadata"]["namespace"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.pod["metadata"]["name"])

    @property
    def address(self) -> str:
        """Where its host listens; empty while it does not."""
        return self._run.address if self._run is not None else ""

    @property
    def is_ready(self) -> bool:
        """Whether its readiness probe passes."""
        return self._ready

    @property
    def pid(self) -> int | None:
        """Its process, while there is one."""
        return self._run.process.pid if self._run is not None else None

    def end(self, pod: Document) -> None:
        """The API server wants it gone, within its grace period."""
        self.pod = pod
        self._ending.set()

    def lose(self) -> None:
        """Its node is gone, or somebody removed it by force: no preStop, no signal, no grace."""
        self._lost = True
        self._ending.set()
        self._kill()

    async def live(self) -> None:
        """Run it until it is told to end, then end it."""
        telling = asyncio.create_task(self._tell())
        working = asyncio.create_task(self._work())
        ending = asyncio.create_task(self._ending.wait())
        try:
            await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                await working
            if not self._lost:
                await self._end_gently()
        finally:
            for task in (working, ending, telling):
                task.cancel()
            await asyncio.gather(working, ending, telling, return_exceptions=True)
            self._kill()
            if self._run is not None:
                await self._run.process.wait()
                await self._run.output
            shutil.rmtree(self._folder, ignore_errors=True)
        if not self._lost:
            await asyncio.to_thread(self.around.cluster.delete, "Pod", self.name, self.namespace, grace_s=0)

    async def _work(self) -> None:
        """Start, watch, and start again: for ever."""
        wait_s = 1.0
        while True:
            environment = await self._environment()
            began = time.monotonic()
            await self.around.starts.acquire()
            self._starting = True
            try:
                run = await self._start(environment)
                watching = asyncio.create_task(self._watch())
                try:
                    code = await run.process.wait()
                finally:
                    watching.cancel()
                    await asyncio.gather(watching, return_exceptions=True)
            finally:
                self._has_started()
            await run.output
            self._run, self._ready, self._up, self._why = None, False, False, "CrashLoopBackOff"
            self.restarts += 1
            self._changed.set()
            self._say(f"ended with code {code}; restart {self.restarts}")
            wait_s = 1.0 if time.monotonic() - began > 60 else min(2 * wait_s, _LONGEST_BACK_OFF_S)
            await asyncio.sleep(wait_s)

    def _has_started(self) -> None:
        """Let the next pod start."""
        if self._starting:
            self._starting = False
            self.around.starts.release()

    async def _environment(self) -> dict[str, str]:
        """The container's variables; waits while a Secret that it names is not there, as a node does."""
        while True:
            try:
                return await asyncio.to_thread(self._read_environment)
            except Refused as error:
                if self._why != "CreateContainerConfigError":
                    self._say(f"cannot be started: {error.message}")
                self._why = "CreateContainerConfigError"
                self._changed.set()
                await asyncio.sleep(1)

    def _read_environment(self) -> dict[str, str]:
        values: dict[str, str] = dict(self.around.image.environment)
        for one in self._container.get("env", []):
            if "value" in one:
                values[one["name"]] = one["value"]
            elif "secretKeyRef" in (source := one.get("valueFrom", {})):
                values[one["name"]] = self._secret(**source["secretKeyRef"])
            else:
                raise NotPlayed(f"variable {one['name']} comes from {sorted(one.get('valueFrom', {}))}")
        for name, value in self.around.replaced.items():
            values.pop(name, None)
            if value is not None:
                values[name] = value
        return values

    def _secret(self, name: str, key: str) -> str:
        document = self.around.cluster.get("Secret", name, self.namespace)
        try:
            return b64decode(document["data"][key]).decode()
        except KeyError:
            raise Refused(404, f"couldn't find key {key} in Secret {self.namespace}/{name}") from None

    async def _start(self, environment: Mapping[str, str]) -> _Run:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "functions-keys").mkdir(exist_ok=True)
        arguments = [*self._container.get("args", []), *images.host_arguments(self.name)]
        log = (self.around.folder / f"{self.name}.log").open("ab")
        with log:
            process = await asyncio.create_subprocess_exec(
                str(self.around.image.entry_point),
                *arguments,
                cwd=images.ROOT,
                env={**environment, **images.host_environment(self._folder)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        run = _Run(process, asyncio.create_task(asyncio.sleep(0)))
        run.output = asyncio.create_task(self._listen(run))
        self._run, self._began = run, _now()
        self._changed.set()
        return run

    async def _listen(self, run: _Run) -> None:
        """Learn the address, and keep the pipe empty."""
        output = run.process.stdout
        while output is not None and (line := await output.readline()):
            if line.startswith(_READY_LINE):
                run.address = line.removeprefix(_READY_LINE).decode().strip()
                self._changed.set()

    async def _watch(self) -> None:
        """Probe one process of the container."""
        container, session = self._container, self.around.session
        start, ready, live = (
            Probe.read(container.get(f"{kind}Probe")) for kind in ("startup", "readiness", "liveness")
        )
        if start is not None:
            passing = asyncio.create_task(first(start, session, lambda: self.address, wanted=True))
            failing = asyncio.create_task(first(start, session, lambda: self.address, wanted=False))
            try:
                await asyncio.wait({passing, failing}, return_when=asyncio.FIRST_COMPLETED)
                if not passing.done():
                    self._say("its startup probe failed: killed")
                    self._kill()
                    return
            finally:
                passing.cancel()
                failing.cancel()
                await asyncio.gather(passing, failing, return_exceptions=True)
        self._up = True
        self._has_started()
        self._changed.set()
        async with asyncio.TaskGroup() as group:
            if ready is None:
                self._set_ready(True)
            else:
                group.create_task(ready.watch(session, lambda: self.address, self._set_ready))
            if live is not None:
                group.create_task(live.watch(session, lambda: self.address, self._set_alive))

    def _set_ready(self, passed: bool) -> None:
        if passed is not self._ready:
            self._ready = passed
            self._changed.set()
            self._say("is ready" if passed else "is not ready any more")

    def _set_alive(self, passed: bool) -> None:
        if not passed and not self._ending.is_set():
            self._say("its liveness probe failed: killed")
            self._kill()

    async def _end_gently(self) -> None:
        """PreStop, stop signal, and the rest of the grace period; whatever is left then is killed by `live`."""
        grace_s = float(self.pod["metadata"].get("deletionGracePeriodSeconds", 30))
        began = time.monotonic()
        run = self._run
        if run is None:
            return
        # The process may also end by itself meanwhile.
        gone = asyncio.create_task(run.process.wait())
        stop = asyncio.create_task(self._pre_stop())
        await asyncio.wait({gone, stop}, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        if not stop.done():
            stop.cancel()
        for failure in (await asyncio.gather(stop, return_exceptions=True))[:1]:
            if isinstance(failure, Exception):
                self._say(f"preStop failed: {failure}")
        if not gone.done():
            with contextlib.suppress(ProcessLookupError):
                run.process.send_signal(self.around.image.stop_signal)
            left_s = max(_LEAST_GRACE_S, grace_s - (time.monotonic() - began))
            await asyncio.wait({gone}, timeout=left_s)
        how = "ended" if gone.done() else "killed at the end of its grace period"
        self._say(f"{how} {time.monotonic() - began:.1f} s after it was asked")
        gone.cancel()

    async def _pre_stop(self) -> None:
        hook = self._container.get("lifecycle", {}).get("preStop", {})
        if "sleep" in hook:
            await asyncio.sleep(hook["sleep"]["seconds"])
        elif "exec" in hook:
            program, *arguments = hook["exec"]["command"]
            environment = await asyncio.to_thread(self._read_environment)
            # All pods share one machine, so the port is not the manifest's.
            listens_at = self.address or images.NOBODY
            process = await asyncio.create_subprocess_exec(
                self.around.image.program(program),
                *arguments,
                env=environment | images.host_environment(self._folder) | {"ASPNETCORE_URLS": listens_at},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                _, errors = await process.communicate()
            except asyncio.CancelledError:
                process.kill()
                raise
            if process.returncode:
                raise NotPlayed(f"{program} ended with {process.returncode}: {errors.decode().strip()}")
        elif hook:
            raise NotPlayed(f"preStop by {sorted(hook)}")

    def _kill(self) -> None:
        """End the process and what it started, at once."""
        if self._run is not None and self._run.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._run.process.pid, signal.SIGKILL)

    async def _tell(self) -> None:
        """Write what changed into the pod's status, newest state only."""
        self._changed.set()
        while True:
            await self._changed.wait()
            self._changed.clear()
            with contextlib.suppress(Refused):  # it is gone: whoever took it away needs no status
                await asyncio.to_thread(self._write_status)

    def _write_status(self) -> None:
        status = self._status()
        if address := self.address:
            change = {"metadata": {"annotations": {ADDRESS: address}}}
            self.around.cluster.patch("Pod", self.name, change, self.namespace)
        self.around.cluster.patch_status(self.name, self.namespace, status)

    def _status(self) -> Document:
        now = _now()
        running = self._run is not None
        state: Document = {"running": {"startedAt": self._began}} if running else {"waiting": {"reason": self._why}}
        conditions = {
            "PodReadyToStartContainers": True,
            "Initialized": True,
            "ContainersReady": self._ready,
            "Ready": self._ready,
        }
        known = {one["type"]: one for one in self.pod.get("status", {}).get("conditions", [])}
        told = []
        for kind, value in conditions.items():
            text = str(value)
            since = (
                known.get(kind, {}).get("lastTransitionTime", now) if known.get(kind, {}).get("status") == text else now
            )
            known[kind] = {"type": kind, "status": text, "lastTransitionTime": since}
            told.append(known[kind])
        self.pod.setdefault("status", {})["conditions"] = list(known.values())
        return {
            "phase": "Running" if running or self.restarts else "Pending",
            "startTime": self.pod["metadata"]["creationTimestamp"],
            "hostIP": "127.0.0.1",
            "conditions": told,
            "containerStatuses": [
                {
                    "name": self._container["name"],
                    "image": self._container["image"],
                    "imageID": "",
                    "ready": self._ready,
                    "started": self._up,
                    "restartCount": self.restarts,
                    "state": state,
                }
            ],
        }

    @property
    def _container(self) -> Document:
        containers: list[Document] = self.pod["spec"]["containers"]
        if len(containers) != 1 or self.pod["spec"].get("initContainers"):
            raise NotPlayed(f"{self.name} has {len(containers)} containers and init containers: one is played")
        return containers[0]

    @property
    def _folder(self) -> Path:
        return self.around.folder / self.name

    def _say(self, words: str) -> None:
        self.around.said(self.namespace, self.name, words)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
