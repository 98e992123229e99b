"""Starts the programs under test and ends them, by pid and whatever happens."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
APPS = Path(__file__).parent / "apps"
AZURITE = ROOT / "local" / "node_modules" / ".bin" / "azurite-blob"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Process:
    """A program; its lines on stdout and stderr are kept."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            list(command),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read, args=(self._process.stdout, self.out, True), daemon=True),
            threading.Thread(target=self._read, args=(self._process.stderr, self.err, False), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: object, kept: list[str], signalled: bool) -> None:
        for line in stream:  # type: ignore[attr-defined]
            kept.append(line.rstrip("\n"))
            if signalled:
                self._lines.put(line)
        if signalled:
            self._lines.put(None)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def log(self) -> str:
        """Everything on stderr so far."""
        return "\n".join(self.err)

    def ready(self, timeout_s: float = 30.0) -> str:
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
        self._process.send_signal(number)

    def wait(self, timeout_s: float = 30.0) -> int:
        """The exit code, once all output has been read."""
        code = self._process.wait(timeout_s)
        for reader in self._readers:
            reader.join(timeout_s)
        return code

    def stop(self, number: signal.Signals = signal.SIGINT, timeout_s: float = 30.0) -> int:
        """Ask it to end and wait."""
        if self.running:
            self.send(number)
        return self.wait(timeout_s)

    def kill(self) -> None:
        """End it without asking."""
        if self.running:
            self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join(5.0)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def wait_until(condition: object, timeout_s: float = 30.0, step_s: float = 0.02) -> None:
    """Wait for a condition; the time limit only keeps a broken test from hanging."""
    deadline = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"still not after {timeout_s} s"
        time.sleep(step_s)


def python_module(module: str, *arguments: str) -> list[str]:
    """The command line of a module."""
    return [sys.executable, "-m", module, *arguments]
