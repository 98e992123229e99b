"""Starts the local cloud's processes, waits until each says it is ready, watches them, and stops them in order."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


class ComponentFailed(Exception):
    """A component did not start, or died; the message has its name and its last log lines."""


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


@dataclass
class Running:
    """A component's process."""

    component: Component
    process: asyncio.subprocess.Process
    log: Path
    output: asyncio.Task[None] | None = None


class Supervisor:
    """Holds the processes; each has a session of its own, so that Ctrl-C reaches only us and order is kept."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._running: dict[str, Running] = {}
        (data / "logs").mkdir(parents=True, exist_ok=True)

    @property
    def running(self) -> dict[str, Running]:
        """By name, in the order of their start."""
        return self._running

    async def start(self, component: Component) -> str:
        """Start it and wait until it is ready; returns the line that said so.

        Raises:
            ComponentFailed: it ended, or did not get ready in time.
        """
        log = self._data / "logs" / f"{component.name.replace(' ', '-').lower()}.log"
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *component.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **component.environment},
                start_new_session=True,
            )
        one = Running(component, process, log)
        self._running[component.name] = one
        self._remember()
        try:
            async with asyncio.timeout(component.start_timeout_s):
                line = await self._ready_line(one)
        except TimeoutError:
            raise ComponentFailed(_last_words(one, "did not get ready")) from None
        if line is None:
            await process.wait()
            raise ComponentFailed(_last_words(one, f"ended with code {process.returncode} before it was ready"))
        one.output = asyncio.create_task(_drain(one))
        return line

    async def _ready_line(self, one: Running) -> str | None:
        output = one.process.stdout
        if output is None:
            return None
        while data := await output.readline():
            line = data.decode(errors="replace").rstrip()
            _append(one.log, data)
            if one.component.ready in line:
                return line
        return None

    async def first_death(self) -> ComponentFailed:
        """Wait until a component ends by itself, and say which and how."""
        waits = {asyncio.create_task(one.process.wait()): one for one in self._running.values()}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        one = waits[done.pop()]
        return ComponentFailed(_last_words(one, f"died with code {one.process.returncode}"))

    async def stop(self, name: str, *, kill: bool = False, patience_s: float = 10.0) -> None:
        """Stop one component; `kill` gives it no chance to say goodbye."""
        one = self._running.pop(name)
        if one.process.returncode is None:
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
        for name in reversed(list(self._running)):
            await self.stop(name)

    def _remember(self) -> None:
        """Write down which processes are ours, for the start after a crash of ours."""
        pids = {name: one.process.pid for name, one in self._running.items()}
        (self._data / "processes.json").write_text(json.dumps(pids))


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
            return (process / "cmdline").read_bytes().decode(errors="replace") + (
                process / "environ"
            ).read_bytes().decode(errors="replace")
        return ""
    command = ["/bin/ps", "eww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


async def _drain(one: Running) -> None:
    """Keep the pipe empty, or a talkative component would stand still when it is full."""
    if one.process.stdout is not None:
        while data := await one.process.stdout.readline():
            _append(one.log, data)


def _append(log: Path, data: bytes) -> None:
    with log.open("ab") as file:
        file.write(data)


def _last_words(one: Running, what: str) -> str:
    lines = one.log.read_text(errors="replace").splitlines()[-15:]
    return "\n".join(
        [f"{one.component.name} {what}. Its last log lines ({one.log}):", *(f"  {line}" for line in lines)]
    )
