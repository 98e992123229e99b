"""Starts stand-ins as processes for tests: on free ports, in a folder of their own, ended by their own id."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass
class StandIn:
    """A running stand-in and the line with which it said that it serves."""

    process: subprocess.Popen[str]
    ready: str

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait until it is gone."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(command: Sequence[str], log: Path, *, ready: str = "ready:", **environment: str) -> StandIn:
    """Start a process and wait for its ready line; its errors go to `log`."""
    with log.open("ab") as errors:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **environment},
        )
    assert process.stdout is not None
    for line in process.stdout:
        if ready in line:
            return StandIn(process, line.strip())
    process.wait()
    raise AssertionError(f"{command} ended with {process.returncode}:\n{log.read_text()[-2000:]}")


def python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_block(size: int = 60) -> int:
    """The first of `size` ports in a row that nobody uses."""
    for _ in range(200):
        first = free_port()
        if first + size > 65_000:
            continue
        try:
            for port in range(first, first + size):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no block of free ports")
