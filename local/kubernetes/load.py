"""Sends commands through the API and keeps what was accepted, to be held against the database afterwards."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid5

import aiohttp
from azure.cosmos.aio import CosmosClient

from local.stack import API_KEY, COSMOS_KEY, FRONT_DOOR_ID, Stack, resources

ITEMS = 320
AT_ONCE = 48
ATTEMPTS = 12
_RETRIED = {429, 502, 503, 504}
_NAMES = UUID("b8f5f1c0-32a5-4e0d-9f0a-6f1d2a7c4e11")


class LoadFailed(Exception):
    """A command was refused or never acknowledged; the message has the API's words."""


@dataclass
class Accepted:
    """What the API took: the rating's id for each 202, by item."""

    items: list[str] = field(default_factory=list)
    ratings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Account:
    """Accepted commands held against the database."""

    accepted: int
    applied: int
    lost: int
    doubled: int
    """Ratings counted in the totals beyond those stored."""
    unknown: int
    """Ratings stored that nobody accepted."""

    @property
    def exact(self) -> bool:
        """Whether both agree to the last command."""
        return (self.lost, self.doubled, self.unknown) == (0, 0, 0) and self.accepted == self.applied


class Load:
    """One run's commands, under ids of their own."""

    def __init__(self, run: str, addresses: Callable[[], Sequence[str]], session: aiohttp.ClientSession) -> None:
        self._run = run
        self._addresses = addresses
        self._session = session
        self.accepted = Accepted([str(uuid5(_NAMES, f"{run} item {number}")) for number in range(ITEMS)])

    async def items(self) -> None:
        """Create the items that will be rated, and wait until they can be read."""
        bodies = [
            {"id": item, "name": f"Item {number} of {self._run}", "description": "To be rated.", "price": 1}
            for number, item in enumerate(self.accepted.items)
        ]
        await self._all([(f"item-{body['id']}", "catalogitem", body) for body in bodies])
        for item in self.accepted.items:
            for _ in range(1200):
                async with self._session.get(f"{self._next()}/api/1.0/catalogitem/{item}", headers=_HEADERS) as answer:
                    if answer.status == 200:
                        break
                await asyncio.sleep(0.1)
            else:
                raise LoadFailed(f"item {item} was accepted and never became readable")

    async def ratings(self, count: int, tell: Callable[[int], None]) -> None:
        """Send so many ratings, spread evenly over the items."""
        items = itertools.cycle(self.accepted.items)
        wanted = [
            (f"{self._run}-{number}", f"catalogitem/{next(items)}/ratings", {"rating": number % 5 + 1})
            for number in range(count)
        ]
        await self._all(wanted, tell)

    async def _all(
        self, wanted: Sequence[tuple[str, str, Mapping[str, object]]], tell: Callable[[int], None] = lambda _: None
    ) -> None:
        queue = iter(wanted)
        done = 0

        async def worker() -> None:
            nonlocal done
            for key, path, body in queue:
                location = await self._post(key, path, body)
                if "/ratings/" in location:
                    self.accepted.ratings[location.rpartition("/")[2]] = location.split("/")[-3]
                done += 1
                tell(done)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(worker())
        except* LoadFailed as failures:
            raise failures.exceptions[0] from None

    async def _post(self, key: str, path: str, body: Mapping[str, object]) -> str:
        problem = ""
        for attempt in range(ATTEMPTS):
            try:
                async with self._session.post(
                    f"{self._next()}/api/1.0/{path}", json=body, headers={**_HEADERS, "Idempotency-Key": key}
                ) as answer:
                    if answer.status == 202:
                        return answer.headers["Location"]
                    problem = f"{answer.status} {(await answer.text())[:300]}"
                    if answer.status not in _RETRIED:
                        break
            except (aiohttp.ClientError, TimeoutError) as error:
                problem = f"{type(error).__name__} {error}"
            await asyncio.sleep(random.uniform(0.1, 0.2) * 2 ** min(attempt, 5))  # noqa: S311 - jitter, no secret
        raise LoadFailed(f"{path} was not accepted: {problem}")

    def _next(self) -> str:
        addresses = self._addresses()
        if not addresses:
            raise LoadFailed("no API pod is ready")
        return random.choice(addresses)  # noqa: S311 - any will do


_HEADERS = {"X-API-KEY": API_KEY, "X-Azure-FDID": FRONT_DOOR_ID}


async def account(stack: Stack, accepted: Accepted) -> Account:
    """Ask the database for every rating of the run's items, and for their totals."""
    async with CosmosClient(f"http://127.0.0.1:{stack.cosmos_port}/", COSMOS_KEY) as client:
        container = client.get_database_client(resources()["cosmos"]["database"]).get_container_client("activity")
        query = "SELECT c.id, c.itemId, c.kind, c.votes FROM c WHERE c.kind IN ('rating', 'summary')"
        rows = [row async for row in container.query_items(query)]
    ours = set(accepted.items)
    stored = Counter(row["id"] for row in rows if row["kind"] == "rating" and row["itemId"] in ours)
    votes = sum(int(row["votes"]) for row in rows if row["kind"] == "summary" and row["itemId"] in ours)
    return Account(
        accepted=len(accepted.ratings),
        applied=len(stored),
        lost=len(accepted.ratings.keys() - stored.keys()),
        doubled=abs(votes - sum(stored.values())),
        unknown=len(stored.keys() - accepted.ratings.keys()),
    )
