"""Azurite, the Event Hubs stand-in and function hosts as processes on free ports."""

import json
import socket
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .processes import ACCOUNT_KEY, APPS, AZURITE, Process, fork_host, python_module, run, wait_until

if TYPE_CHECKING:
    from .hubs import HubLab

PARTITIONS = 4
HUBS = [f"hub{number}" for number in range(24)]  # one for each test, and one that some share


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def storage() -> Iterator[str]:
    """The connection string of a blob account."""
    port = _free_port()
    options = [
        "--silent",
        "--skipApiVersionCheck",
        "--loose",
        "--inMemoryPersistence",
        "--disableTelemetry",
        "--blobPort",
        str(port),
    ]
    azurite = run([str(AZURITE), *options])
    try:
        wait_until(lambda: _connects(port))
        yield (
            f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
        )
    finally:
        azurite.kill()


@dataclass
class Broker:
    """The Event Hubs stand-in."""

    process: Process
    address: str
    control: str

    @property
    def connection(self) -> str:
        """Its connection string."""
        return (
            f"Endpoint={self.address};SharedAccessKeyName=RootManageSharedAccessKey;"
            "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true"
        )

    @property
    def namespace(self) -> str:
        """Host and port, as they stand in checkpoint names."""
        return self.address.removeprefix("sb://")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One namespace with a hub for each test, and one with 32 partitions."""
    folder = tmp_path_factory.mktemp("eventhubs")
    hubs = [option for hub in [*HUBS, "shared"] for option in ("--hub", f"{hub}={PARTITIONS}:processor")]
    command = python_module(
        "local.eventhubs",
        "--port",
        "0",
        "--control-port",
        "0",
        "--data",
        str(folder),
        *hubs,
        "--hub",
        "big=32:processor",
    )
    process = run(command)
    try:
        address, _, control = process.ready().partition(" control ")
        yield Broker(process, address, control)
    finally:
        process.kill()


_free_hubs = iter(HUBS)


@pytest.fixture
def hub() -> str:
    """A hub that no other test has used."""
    return next(_free_hubs)


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@dataclass
class Host:
    """A running functions host."""

    process: Process
    url: str

    @property
    def port(self) -> int:
        """Its HTTP port."""
        return int(self.url.rpartition(":")[2])

    def call(
        self, path: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One HTTP request."""
        request = urllib.request.Request(self.url + path, method=method, data=body, headers=dict(headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def raw(self, data: bytes) -> bytes:
        """Bytes in, everything the host answers until it closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(data)
            connection.settimeout(0.4)
            received = b""
            try:
                while chunk := connection.recv(65536):
                    received += chunk
            except (TimeoutError, ConnectionResetError):
                pass
            return received


type StartHost = Callable[..., Host]


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where hosts are forked from."""
    path = str(tmp_path_factory.mktemp("zygote") / "socket")
    process = run(python_module("tests.emulators.functions_host.zygote", path))
    try:
        yield process.ready()
    finally:
        process.kill()


def _starting_hosts(zygote: str) -> Iterator[StartHost]:
    started: list[Process] = []

    def start(app: str | Path, *arguments: str, ready: bool = True, port: int = 0, **environ: str) -> Host:
        folder = APPS / app if isinstance(app, str) else app
        process = fork_host(zygote, ["--app", str(folder), "--port", str(port), *arguments], environ)
        started.append(process)
        return Host(process, process.ready() if ready else f"http://127.0.0.1:{port}")

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def start_host(zygote: str) -> Iterator[StartHost]:
    """Starts hosts; those still running at the end of the test are killed."""
    yield from _starting_hosts(zygote)


@pytest.fixture(scope="module")
def start_shared_host(zygote: str) -> Iterator[StartHost]:
    """The same, until the end of the module."""
    yield from _starting_hosts(zygote)


@pytest.fixture
def lab(start_host: StartHost, broker: Broker, hub: str, storage: str, tmp_path: Path) -> "HubLab":
    """A hub of one's own and hosts for it."""
    from .hubs import Control, HubLab

    folder = tmp_path / "control"
    folder.mkdir()
    return HubLab(broker, hub, storage, Control(folder), start_host)


@pytest.fixture
def free_port() -> int:
    """A port that was free a moment ago."""
    return _free_port()
