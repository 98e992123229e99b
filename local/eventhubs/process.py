"""The stand-in as a child process, for tests and benchmarks that must kill it."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from local.eventhubs.errors import EventHubsError
from local.eventhubs.settings import DEFAULT_KEYS
from local.faults import ControlClient

_READY = re.compile(r"ready: sb://127\.0\.0\.1:(\d+) control (http://\S+)")


class DidNotStart(EventHubsError):
    """The process ended before it was ready; the message is what it wrote."""


class EventHubsProcess:
    """One run of `python -m local.eventhubs`; start it again after `kill` with the same ports and data."""

    def __init__(self, data: Path, hubs: Sequence[str], *, arguments: Sequence[str] = ()) -> None:
        self._data = data
        self._hubs = list(hubs)
        self._arguments = list(arguments)
        self._process: subprocess.Popen[str] | None = None
        self.port = 0
        self.control_url = ""

    @property
    def pid(self) -> int:
        """The process id while it runs."""
        assert self._process is not None, "the process has not been started"  # noqa: S101
        return self._process.pid

    @property
    def connection_string(self) -> str:
        """For any SDK, with the default key."""
        name, key = next(iter(DEFAULT_KEYS.items()))
        return (
            f"Endpoint=sb://127.0.0.1:{self.port};SharedAccessKeyName={name};SharedAccessKey={key};"
            "UseDevelopmentEmulator=true"
        )

    @property
    def control(self) -> ControlClient:
        """A client of its control port."""
        return ControlClient(self.control_url)

    def start(self) -> None:
        """Start, and return when it serves; the ports of an earlier start are taken again.

        Raises:
            DidNotStart: with what it wrote.
        """
        control_port = self.control_url.rpartition(":")[2] or "0"
        command = [sys.executable, "-m", "local.eventhubs", "--port", str(self.port), "--control-port", control_port]
        command += ["--data", str(self._data), *self._arguments]
        for hub in self._hubs:
            command += ["--hub", hub]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        line = self._process.stdout.readline()
        found = _READY.match(line)
        if found is None:
            status = self._process.wait()
            raise DidNotStart(f"ended with status {status}; its stderr says why")
        self.port, self.control_url = int(found[1]), found[2]

    def kill(self) -> None:
        """SIGKILL: what is not on disk is lost."""
        self._end(hard=True)

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        return self._end(hard=False)

    def _end(self, *, hard: bool) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if hard:
            process.kill()
        else:
            process.terminate()
        status = process.wait(timeout=30)
        assert process.stdout is not None  # noqa: S101
        process.stdout.close()
        return status
