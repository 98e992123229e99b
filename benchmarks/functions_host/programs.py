"""Starts the programs of a measurement and reads what they cost."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
AZURITE = ROOT / "local" / "node_modules" / ".bin" / "azurite-blob"
APP = Path(__file__).parent / "app"
# The storage emulator's published key; no secret.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Program:
    """A running program and the address it printed."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self._process = process
        self.address = address

    @property
    def cpu_s(self) -> float:
        """Processor seconds used so far, its threads included."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """The exit code, once it has ended."""
        return self._process.wait()

    def get(self, path: str) -> Any:
        """A JSON answer of the program."""
        with urllib.request.urlopen(self.address + path, timeout=30) as answer:
            return json.loads(answer.read())


@contextlib.contextmanager
def running(command: list[str], **environ: str) -> Iterator[Program]:
    """A Python module that prints `ready: <address>`, ended on the way out."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("ready: "):
            raise RuntimeError(f"{command[0]} did not start")
        yield Program(process, line.removeprefix("ready: ").strip())
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def storage() -> Iterator[str]:
    """Azurite; its connection string."""
    port = free_port()
    options = [
        "--silent",
        "--skipApiVersionCheck",
        "--loose",
        "--inMemoryPersistence",
        "--disableTelemetry",
        "--blobPort",
        str(port),
    ]
    process = subprocess.Popen([str(AZURITE), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.1)
        endpoint = f"BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
        yield f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={ACCOUNT_KEY};{endpoint}"
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def broker(*hubs: str) -> Iterator[str]:
    """The Event Hubs stand-in; its connection string."""
    options = [option for hub in hubs for option in ("--hub", hub)]
    with tempfile.TemporaryDirectory() as folder:
        command = ["local.eventhubs", "--port", "0", "--control-port", "0", "--data", folder, *options]
        with running(command) as program:
            address = program.address.partition(" control ")[0]
            yield (
                f"Endpoint={address};SharedAccessKeyName=RootManageSharedAccessKey;"
                "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true"
            )
