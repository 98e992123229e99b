"""The whole local stack, once for all journeys, on ports of its own with a part of the sample catalogue."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from local.catalogue.films import films
from local.catalogue.load import load
from local.control import ask
from local.stack import API_KEY, REGIONS, Stack
from tests.processes import StandIn, free_block, python, start

SAMPLE = 150


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class RunningStack:
    """`python -m local`, as people start it."""

    stack: Stack
    process: StandIn
    log: Path

    @property
    def base_url(self) -> str:
        return self.stack.base_url

    @property
    def api_key(self) -> str:
        return API_KEY

    def control(self, action: str, target: str | None = None) -> dict[str, str]:
        """What `python -m local kill …` and its like do; each component's state."""
        return ask(self.stack.control_port, action, target)

    def rotation(self, group: str = "api") -> dict[str, bool]:
        """Which stamps the edge thinks are well."""
        [found] = [one for one in self.request("GET", "/_control/status").json["originGroups"] if one["name"] == group]
        return {origin["name"]: origin["healthy"] for origin in found["origins"]}

    def request(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
        """One HTTP request through the edge; no redirect, no retry."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(self.base_url + path, method=method, data=data, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())


def start_stack(folder: Path, regions: int = 1, *more: str) -> RunningStack:
    """Start the stack without the sample catalogue; the caller stops `process`."""
    stack = Stack(free_block(), folder / "data", REGIONS[:regions])
    log = folder / "stack.log"
    options = ["--port", str(stack.port), "--data", str(stack.data), "--regions", str(regions), "--no-seed", *more]
    return RunningStack(stack, start(python("local", *options), log), log)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The stack with 150 films in it."""
    running = start_stack(tmp_path_factory.mktemp("stack"))
    try:
        asyncio.run(load(running.base_url, API_KEY, films()[:SAMPLE], lambda _name, _count: None))
        yield running
    finally:
        running.process.stop()


@pytest.fixture(scope="session")
def regions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Two regions behind an edge that probes ten times as often as Front Door, so that tests wait less."""
    running = start_stack(tmp_path_factory.mktemp("regions"), 2, "--probe-interval", "0.5")
    try:
        yield running
    finally:
        running.process.stop()
