"""An account in a process of its own, for tests and benchmarks that kill it."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.cosmos.settings import WELL_KNOWN_KEY
from local.faults import ControlClient


class CosmosProcess:
    """`python -m local.cosmos`, started and stopped by a script; keeps its ports over a restart."""

    def __init__(self, data: Path, regions: Sequence[str], *options: str) -> None:
        self._data = data
        self._ports = dict.fromkeys(regions, 0)
        self._global_port = 0
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self.key = WELL_KNOWN_KEY
        self.endpoint = ""
        self.regions: Mapping[str, str] = {}

    def start(self, preexec: Sequence[str] = ()) -> None:
        """Start and wait until it serves. `preexec`: a command to run it under, `prlimit …` say.

        Raises:
            RuntimeError: it did not come up; its own words are on stderr.
        """
        command = [*preexec, sys.executable, "-m", "local.cosmos", "--data", str(self._data)]
        command += ["--global-port", str(self._global_port), *self._options]
        for name, port in self._ports.items():
            command += ["--region", f"{name}={port}"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.startswith("ready: "):
            raise RuntimeError(f"the account did not start: {line!r}")
        address, _, regions = line.removeprefix("ready: ").partition(" regions ")
        self.endpoint = address + "/"
        self.regions = json.loads(regions)
        self._global_port = int(address.rpartition(":")[2])
        self._ports = {name: int(url.rstrip("/").rpartition(":")[2]) for name, url in self.regions.items()}

    @property
    def pid(self) -> int:
        """The process's id."""
        if self._process is None:
            raise RuntimeError("the account is not started")
        return self._process.pid

    @property
    def control(self) -> ControlClient:
        """The account's control API."""
        return ControlClient(self.endpoint)

    def kill(self) -> None:
        """SIGKILL."""
        self._end(kill=True)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(kill=False)

    def _end(self, *, kill: bool) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if kill:
            process.kill()
        else:
            process.terminate()
        code = process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()
        return code
