"""Triggers called in process, their ports filled with fakes."""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import azure.functions as func
import pytest

import function_app
import wiring
from tests.builders import NOON
from tests.fakes import (
    InMemoryActivityStore,
    InMemoryCommandQueue,
    InMemoryDeadLetters,
    InMemoryHeartbeats,
    InMemoryImageStore,
    InMemoryItemStore,
    InMemoryOutcomes,
)

KEY = "an-admin-key-of-16"
ENVIRONMENT = {
    "REGION": "West Europe",
    "EVENT_HUBS": "unused: the queue is a fake",
    "COSMOS_ENDPOINT": "http://unused.test/",
    "COSMOS_REGIONS": "West Europe",
    "DEAD_LETTERS": "unused: the letters are a fake",
    "IMAGES": "unused: the images are a fake",
    "AzureWebJobsStorage": "unused: no test of a trigger looks at it",
    "API_KEY_1": KEY,
}
# Once: asking the app a second time finds every name taken, by itself.
BUILT = function_app.app.get_functions()
FUNCTIONS: dict[str, Callable[..., Awaitable[Any]]] = {
    str(one.get_function_name()): one.get_user_function() for one in BUILT
}


class FakeParts(wiring.Parts):
    def now(self) -> datetime:
        return NOON


@dataclass
class App:
    """The function app on fakes."""

    items: InMemoryItemStore = field(default_factory=InMemoryItemStore)
    activity: InMemoryActivityStore = field(default_factory=InMemoryActivityStore)
    outcomes: InMemoryOutcomes = field(default_factory=InMemoryOutcomes)
    dead_letters: InMemoryDeadLetters = field(default_factory=InMemoryDeadLetters)
    queue: InMemoryCommandQueue = field(default_factory=InMemoryCommandQueue)
    heartbeats: InMemoryHeartbeats = field(default_factory=InMemoryHeartbeats)
    images: InMemoryImageStore = field(default_factory=InMemoryImageStore)

    def install(self, **environment: str) -> None:
        parts = FakeParts(ENVIRONMENT | environment)
        parts.items = self.items
        parts.activity = self.activity
        parts.outcomes = self.outcomes
        parts.dead_letters = self.dead_letters
        parts.command_queue = self.queue
        parts.heartbeats = self.heartbeats
        parts.images = self.images
        wiring.use(parts)

    async def call(
        self,
        name: str,
        *,
        body: object = None,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
        **route: object,
    ) -> func.HttpResponse:
        """One request to a function, as the host hands it over: header names in lower case, bodies as bytes."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json"} if body is not None else {}
        sent |= {key.lower(): value for key, value in (headers or {}).items()}
        request = func.HttpRequest(
            method="GET",
            url=f"http://api.test/{name}",
            headers=sent,
            params=params or {},
            route_params={key: str(value) for key, value in route.items()},
            body=raw,
        )
        response = await FUNCTIONS[name](request)
        assert isinstance(response, func.HttpResponse)
        return response

    async def as_admin(self, name: str, **request: Any) -> func.HttpResponse:
        headers = {"X-API-KEY": KEY} | request.pop("headers", {})
        return await self.call(name, headers=headers, **request)


@pytest.fixture
def app() -> Iterator[App]:
    app = App()
    app.install()
    yield app
    wiring._parts.clear()


def json_of(response: func.HttpResponse) -> Any:
    return json.loads(response.get_body())
