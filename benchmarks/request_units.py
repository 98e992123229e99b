"""Request units per operation, ours beside the naive design, in one run against the Cosmos DB stand-in.

`python -m benchmarks.request_units` counts the charge of every answer. The stand-in's charges are an estimate (its
COVERAGE.md says how they grow), so read the ratios. The naive design reads the item, writes the comment or rating,
an event record and the item again, and computes totals by an aggregate query over all ratings.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos.aio import ContainerProxy, CosmosClient

from adapters.cosmos import CALLS_AT_ONCE, Container
from adapters.cosmos_activity import CosmosActivityStore
from adapters.cosmos_items import CosmosItemStore
from domain.records import Entry, Marker
from local.provision import cosmos
from local.stack import COSMOS_KEY, Stack
from settings import ACTIVITY, DATABASE, ITEMS
from tests.builders import a_comment, a_rating, an_item
from tests.processes import free_block, start

RATINGS = 1000


class Charges:
    """Adds up `x-ms-request-charge` of every answer."""

    def __init__(self) -> None:
        self.total = 0.0

    def trace(self) -> aiohttp.TraceConfig:
        config = aiohttp.TraceConfig()

        async def ended(_s: object, _c: object, answer: aiohttp.TraceRequestEndParams) -> None:
            self.total += float(answer.response.headers.get("x-ms-request-charge", 0))

        config.on_request_end.append(ended)
        return config

    async def of(self, work: Callable[[], Awaitable[object]]) -> float:
        before = self.total
        await work()
        return self.total - before


@asynccontextmanager
async def account(charges: Charges) -> AsyncIterator[CosmosClient]:
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(free_block(), Path(folder), ("West Europe",))
        component = next(one for one in stack.stages[0] if one.name == "cosmos")
        stand_in = start(component.command, Path(folder) / "log", ready=component.ready)
        try:
            await cosmos(stack)
            async with aiohttp.ClientSession(trace_configs=[charges.trace()]) as session:
                transport = AioHttpTransport(session=session, session_owner=False, use_env_settings=False)
                endpoint = f"http://127.0.0.1:{stack.cosmos_port}/"
                async with CosmosClient(endpoint, COSMOS_KEY, transport=transport) as client:
                    yield client
        finally:
            stand_in.stop()


async def measure() -> None:
    charges = Charges()
    async with account(charges) as client:
        database = client.get_database_client(DATABASE)
        raw_items, raw_activity = (database.get_container_client(name) for name in (ITEMS, ACTIVITY))
        calls = asyncio.Semaphore(CALLS_AT_ONCE)
        items, activity = (
            CosmosItemStore(Container(raw_items, calls)),
            CosmosActivityStore(Container(raw_activity, calls)),
        )
        item = an_item(price=Decimal("19.90"), description="A city of the future. " * 10)
        await items.commit(item, Marker(uuid4(), "0" * 32))
        for _ in range(0, RATINGS, 40):
            await activity.add(item.item_id, [a_rating(item.item_id) for _ in range(40)])

        async def ours(*entries: Entry) -> None:
            await items.find(item.item_id)
            await activity.add(item.item_id, entries)

        naive = Naive(raw_items, raw_activity, str(item.item_id))
        # The service indexes from the start, the stand-in when a query has looked at many documents in vain.
        for _ in range(2):
            await activity.totals(item.item_id)
            await naive.average()
        fold = [a_rating(item.item_id) for _ in range(40)]
        rows = [
            (
                "create a comment",
                await charges.of(lambda: ours(a_comment(item.item_id))),
                await charges.of(naive.comment),
            ),
            ("add a rating", await charges.of(lambda: ours(a_rating(item.item_id))), await charges.of(naive.rate)),
            (
                "add a rating, 40 in one batch",
                await charges.of(lambda: ours(*fold)) / 40,
                await charges.of(naive.rate),
            ),
            (
                f"average of {RATINGS} ratings",
                await charges.of(lambda: activity.totals(item.item_id)),
                await charges.of(naive.average),
            ),
            ("read an item", await charges.of(lambda: items.find(item.item_id)), await charges.of(naive.query_item)),
            ("list 100 items", await charges.of(lambda: items.page(None, 100)), await charges.of(naive.list_whole)),
        ]
    print(f"{'request units (estimated by the stand-in)':<44} {'ours':>8} {'naive':>8} {'naive/ours':>11}")
    for name, our, their in rows:
        print(f"{name:<44} {our:8.2f} {their:8.2f} {their / our:11.1f}")


class Naive:
    """What one writes first."""

    def __init__(self, items: ContainerProxy, activity: ContainerProxy, item_id: str) -> None:
        self._items = items
        self._activity = activity
        self._item_id = item_id

    async def comment(self) -> None:
        await self._three_writes({"kind": "comment", "authorName": "Ada", "text": "Splendid."})

    async def rate(self) -> None:
        await self._three_writes({"kind": "rating", "rating": 4})

    async def _three_writes(self, entry: dict[str, Any]) -> None:
        item = dict(await self._items.read_item(self._item_id, self._item_id))
        await self._activity.upsert_item({"id": str(uuid4()), "itemId": self._item_id, **entry})
        await self._activity.upsert_item({"id": str(uuid4()), "itemId": self._item_id, "kind": "processed"})
        await self._items.upsert_item({**item, "activity": item.get("activity", 0) + 1})

    async def average(self) -> None:
        await self._query(self._activity, "SELECT VALUE AVG(c.rating) FROM c WHERE c.kind = 'rating'", self._item_id)

    async def query_item(self) -> None:
        await self._query(self._items, f"SELECT * FROM c WHERE c.id = '{self._item_id}'", self._item_id)

    async def list_whole(self) -> None:
        await self._query(self._items, "SELECT TOP 100 * FROM c WHERE c.kind = 'item' ORDER BY c.name", None)

    async def _query(self, container: ContainerProxy, text: str, key: str | None) -> None:
        where: dict[str, Any] = {} if key is None else {"partition_key": key}
        async for _ in container.query_items(text, **where):
            pass


if __name__ == "__main__":
    asyncio.run(measure())
