"""Starts the programs under test and ends them, by pid and whatever happens."""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

ROOT = Path(__file__).parents[3]
APPS = Path(__file__).parent / "apps"
AZURITE = ROOT / "local" / "node_modules" / ".bin" / "azurite-blob"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Child(Protocol):
    """What a process of the operating system can do."""

    @property
    def pid(self) -> int:
        """The process id."""

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended."""

    def send_signal(self, sig: int) -> None:
        """Send a signal."""


class Process:
    """A program; its lines on stdout and stderr are kept."""

    def __init__(self, child: Child, out: IO[str], err: IO[str]) -> None:
        self._child = child
        self._streams = (out, err)
        self.out: list[str] = []
        self.err: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read_out, args=(out,), daemon=True),
            threading.Thread(target=self._read_err, args=(err,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_out(self, stream: IO[str]) -> None:
        for line in stream:
            self.out.append(line.rstrip("\n"))
            self._lines.put(line)
        self._lines.put(None)

    def _read_err(self, stream: IO[str]) -> None:
        for line in stream:
            self.err.append(line.rstrip("\n"))

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._child.poll() is None

    @property
    def log(self) -> str:
        """Everything on stderr so far."""
        return "\n".join(self.err)

    def ready(self, timeout_s: float = 60.0) -> str:
        """What follows `ready: ` on its one line of stdout."""
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise AssertionError(f"not ready after {timeout_s} s:\n{self.log}") from None
        assert line is not None, f"ended before it was ready:\n{self.log}"
        assert line.startswith("ready: ")
        return line.removeprefix("ready: ").strip()

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._child.send_signal(number)

    def wait(self, timeout_s: float = 60.0) -> int:
        """The exit code, once all output has been read."""
        code = self._child.wait(timeout_s)
        for reader in self._readers:
            reader.join(timeout_s)
        return code

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask it to end and wait."""
        if self.running:
            self.send(number)
        return self.wait()

    def kill(self) -> None:
        """End it without asking."""
        if self.running:
            self.send(signal.SIGKILL)
        self.wait()
        for stream in self._streams:
            with contextlib.suppress(OSError):
                stream.close()


def run(command: Sequence[str], environ: Mapping[str, str] | None = None) -> Process:
    """Start a program from its command line."""
    child = subprocess.Popen(
        list(command),
        cwd=ROOT,
        env=_environment(environ or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    return Process(child, child.stdout, child.stderr)


class _Forked:
    """A process that the zygote made."""

    def __init__(self, connection: socket.socket) -> None:
        self._answers = connection.makefile("r")
        self.pid = int(self._answers.readline())
        self._code: int | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        self._code = int(self._answers.readline())
        self._answers.close()
        self._ended.set()

    def poll(self) -> int | None:
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        assert self._ended.wait(timeout), f"process {self.pid} still runs"
        assert self._code is not None
        return self._code

    def send_signal(self, sig: int) -> None:
        os.kill(self.pid, sig)


def fork_host(zygote: str, arguments: Sequence[str], environ: Mapping[str, str]) -> Process:
    """Start a functions host from the zygote listening at this path."""
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    order = {"arguments": list(arguments), "environ": _environment(environ), "folder": str(ROOT)}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(zygote)
        socket.send_fds(connection, [json.dumps(order).encode()], [out_write, err_write])
        os.close(out_write)
        os.close(err_write)
        child = _Forked(connection)
    return Process(child, os.fdopen(out_read), os.fdopen(err_read))


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def wait_until(condition: Callable[[], object], timeout_s: float = 60.0, step_s: float = 0.02) -> None:
    """Wait for a condition; the time limit only keeps a broken test from hanging."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"still not after {timeout_s} s"
        time.sleep(step_s)


def python_module(module: str, *arguments: str) -> list[str]:
    """The command line of a module."""
    return [sys.executable, "-m", module, *arguments]
