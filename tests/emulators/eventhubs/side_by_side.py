"""Tests that run beside each other: the SDK sleeps and polls most of its time, so one after another would take minutes.

The first of them that pytest reaches starts all that were selected, a few at a time, each with brokers of its own; each
test then waits for its own outcome.
"""

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from local.eventhubs.entities import HubSettings
from local.eventhubs.server import EventHubsServer
from local.eventhubs.settings import Settings

type StartBroker = Callable[..., Awaitable[EventHubsServer]]
type Scenario = Callable[..., Awaitable[None]]

AT_ONCE = 6
_SCENARIO = "__scenario__"
_RUNS = pytest.StashKey[dict[Scenario, asyncio.Task[None]]]()


@contextlib.asynccontextmanager
async def brokers(folder: Path) -> AsyncIterator[StartBroker]:
    """Starts brokers on one data folder; all are stopped at the end."""
    started: list[EventHubsServer] = []

    async def start(**settings: Any) -> EventHubsServer:
        defaults: dict[str, Any] = {
            "data": folder / "eventhubs",
            "hubs": (HubSettings("commands", 4, ("processor",)),),
            "port": 0,
            "control_port": 0,
        }
        server = EventHubsServer(Settings(**(defaults | settings)))
        await server.start()
        started.append(server)
        return server

    try:
        yield start
    finally:
        for server in started:
            await server.stop()


def side_by_side(scenario: Scenario) -> Callable[..., Awaitable[None]]:
    """Make a test of a scenario that may ask for `broker`, `start_broker` and `tmp_path`; the outermost decorator."""

    async def test(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
        runs = request.session.stash.setdefault(_RUNS, {})
        if not runs:
            runs |= _start_all(request.session, tmp_path_factory)
        await runs[scenario]

    test.__name__, test.__doc__, test.__module__ = scenario.__name__, scenario.__doc__, scenario.__module__
    test.pytestmark = list(getattr(scenario, "pytestmark", []))  # type: ignore[attr-defined]
    setattr(test, _SCENARIO, scenario)
    return test


def _start_all(session: pytest.Session, folders: pytest.TempPathFactory) -> dict[Scenario, asyncio.Task[None]]:
    turns = asyncio.Semaphore(AT_ONCE)
    found = [getattr(item.obj, _SCENARIO, None) for item in session.items if isinstance(item, pytest.Function)]
    return {
        scenario: asyncio.create_task(_play(scenario, folders.mktemp("scenario"), turns))
        for scenario in found
        if scenario is not None
    }


async def _play(scenario: Scenario, folder: Path, turns: asyncio.Semaphore) -> None:
    wanted = inspect.signature(scenario).parameters
    async with turns, brokers(folder) as start:
        given: dict[str, Any] = {"start_broker": start, "tmp_path": folder}
        if "broker" in wanted:
            given["broker"] = await start()
        await scenario(**{name: given[name] for name in wanted})
