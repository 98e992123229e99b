"""Starts the local cloud's processes, watches them, brings back the one that dies, and stops them in order."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# As a Kubernetes node would: soon, but not for ever.
RESTART_AFTER_S = 1.0
DEATHS_BEFORE_GIVING_UP = 5


class ComponentFailed(Exception):
    """A component did not start, or keeps dying; the message has its name and its last log lines."""


@dataclass(frozen=True)
class Component:
    """One process of the local cloud."""

    name: str
    command: Sequence[str]
    ready: str
    """Its standard output has a line that contains this once it serves."""
    address: str
    """What people use it by."""
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    start_timeout_s: float = 60.0


@dataclass(eq=False)
class _Process:
    """A component's present process, if it has one."""

    component: Component
    log: Path
    process: asyncio.subprocess.Process | None = None
    output: asyncio.Task[None] | None = None
    wanted: bool = True
    deaths: int = 0


class Supervisor:
    """Holds the processes; each has a session of its own, so that Ctrl-C reaches only us and the order is kept."""

    def __init__(self, data: Path, say: Callable[[str], None]) -> None:
        self._data = data
        self._say = say
        self._processes: dict[str, _Process] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (data / "logs").mkdir(parents=True, exist_ok=True)

    async def start(self, component: Component) -> None:
        """Start it, wait until it is ready, and bring it back from now on when it dies.

        Raises:
            ComponentFailed: it ended, or did not get ready in time.
        """
        one = self._processes.get(component.name)
        if one is None:
            one = _Process(component, self._data / "logs" / f"{component.name}.log")
            self._processes[component.name] = one
        one.wanted = True
        await self._launch(one)
        self._watches[component.name] = asyncio.create_task(self._watch(one))

    async def failure(self) -> None:
        """Wait for ever, or until a component keeps dying.

        Raises:
            ComponentFailed: which one, and its last words.
        """
        await asyncio.shield(self._failed)

    def state(self) -> dict[str, str]:
        """Each component: `running`, `stopped`, or `died` while it waits to be brought back."""
        return {
            name: "stopped" if not one.wanted else "running" if _alive(one) else "died"
            for name, one in self._processes.items()
        }

    async def stop(self, name: str, *, kill: bool = False, patience_s: float = 12.0) -> None:
        """Stop one component and leave it down; `kill` gives it no chance to say goodbye."""
        one = self._processes[name]
        one.wanted = False
        watch = self._watches.pop(name, None)
        if watch is not None:
            watch.cancel()
            await asyncio.wait({watch})
        if one.process is not None and _alive(one):
            _signal(one.process, signal.SIGKILL if kill else one.component.stop_signal)
            try:
                async with asyncio.timeout(patience_s):
                    await one.process.wait()
            except TimeoutError:
                _signal(one.process, signal.SIGKILL)
                await one.process.wait()
        if one.output is not None:
            await one.output
        self._remember()

    async def stop_all(self) -> None:
        """Stop everything, the last started first."""
        for name in reversed(list(self._processes)):
            await self.stop(name)

    async def restart(self, name: str) -> None:
        """Start a component that was stopped; one that runs stays as it is."""
        one = self._processes[name]
        if not (one.wanted and _alive(one)):
            await self.stop(name)
            await self.start(one.component)

    def matching(self, target: str) -> list[str]:
        """The components that a name means: one of them, or all of a region, in the order of start."""
        return [name for name in self._processes if name == target or name.endswith(f"-{target}")]

    async def _launch(self, one: _Process) -> None:
        component = one.component
        with one.log.open("ab") as errors:
            one.process = await asyncio.create_subprocess_exec(
                *component.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **component.environment},
                start_new_session=True,
            )
        self._remember()
        try:
            async with asyncio.timeout(component.start_timeout_s):
                ready = await _ready(one)
        except TimeoutError:
            raise ComponentFailed(_last_words(one, "did not get ready")) from None
        if not ready:
            await one.process.wait()
            raise ComponentFailed(_last_words(one, f"ended with code {one.process.returncode} before it was ready"))
        one.output = asyncio.create_task(_drain(one))

    async def _watch(self, one: _Process) -> None:
        try:
            while one.process is not None:
                await one.process.wait()
                one.deaths += 1
                self._say(_last_words(one, f"died with code {one.process.returncode}"))
                if one.deaths > DEATHS_BEFORE_GIVING_UP:
                    raise ComponentFailed(f"{one.component.name} died {one.deaths} times.")
                await asyncio.sleep(RESTART_AFTER_S)
                await self._launch(one)
                self._say(f"{one.component.name} is back.")
        except ComponentFailed as failure:
            if not self._failed.done():
                self._failed.set_exception(failure)

    def _remember(self) -> None:
        """Write down which processes are ours, for the start after a crash of ours."""
        pids = {name: one.process.pid for name, one in self._processes.items() if one.process and _alive(one)}
        (self._data / "processes.json").write_text(json.dumps(pids))


def _alive(one: _Process) -> bool:
    return one.process is not None and one.process.returncode is None


async def _ready(one: _Process) -> bool:
    output = one.process.stdout if one.process is not None else None
    while output is not None and (data := await output.readline()):
        _append(one.log, data)
        if one.component.ready in data.decode(errors="replace"):
            return True
    return False


async def _drain(one: _Process) -> None:
    """Keep the pipe empty, or a talkative component would stand still when it is full."""
    output = one.process.stdout if one.process is not None else None
    while output is not None and (data := await output.readline()):
        _append(one.log, data)


def _append(log: Path, data: bytes) -> None:
    with log.open("ab") as file:
        file.write(data)


def _last_words(one: _Process, what: str) -> str:
    lines = one.log.read_text(errors="replace").splitlines()[-15:]
    return "\n".join(
        [f"{one.component.name} {what}. Its last log lines ({one.log}):", *(f"  {line}" for line in lines)]
    )


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def stop_leftovers(data: Path) -> list[str]:
    """End what a killed predecessor left running on this data folder; returns the names."""
    try:
        pids: dict[str, int] = json.loads((data / "processes.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return []
    ended = []
    for name, pid in pids.items():
        # A process id may long be somebody else's: only one that was started with our data folder is ours.
        if str(data) in _command_line(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                ended.append(name)
    (data / "processes.json").write_text("{}")
    return ended


def _command_line(pid: int) -> str:
    """Arguments and environment of a process, as far as the system shows them; empty when it is gone."""
    process = Path("/proc") / str(pid)
    if process.parent.joinpath("self").exists():
        with contextlib.suppress(OSError):
            parts = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
            return b"\0".join(parts).decode(errors="replace")
        return ""
    command = ["/bin/ps", "eww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
