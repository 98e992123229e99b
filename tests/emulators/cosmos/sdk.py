"""Both Python clients behind one set of words, so that each point of the checklist is tested with both."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient

RESPONSIVE = {
    "connection_timeout": 1,
    "read_timeout": 2,
    "retry_connect": 1,
    "retry_read": 0,
    "retry_backoff_factor": 0.1,
    "multiple_write_locations": True,
}


class Sdk:
    """One client; `do` calls a method, `all` lists what a method iterates over."""

    def __init__(self, kind: str, endpoint: str, key: str, **options: Any) -> None:
        self.kind = kind
        self.asynchronous = kind == "python-async"
        self._endpoint, self._key, self._options = endpoint, key, options
        self.client: Any = None

    async def __aenter__(self) -> "Sdk":
        if self.asynchronous:
            self.client = AsyncCosmosClient(self._endpoint, self._key, **self._options)
            try:
                await self.client.__aenter__()
            except BaseException:
                await self.client.close()
                raise
        else:
            self.client = await asyncio.to_thread(CosmosClient, self._endpoint, self._key, **self._options)
        return self

    async def __aexit__(self, *error: object) -> None:
        if self.asynchronous:
            await self.client.close()

    async def do(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """The method's result."""
        if self.asynchronous:
            return await method(*args, **options)
        return await asyncio.to_thread(method, *args, **options)

    async def all(self, method: Callable[..., Any], *args: Any, **options: Any) -> list[Any]:
        """Everything the method's iterator yields."""
        if self.asynchronous:
            return [one async for one in method(*args, **options)]
        return await asyncio.to_thread(lambda: list(method(*args, **options)))

    async def pages(
        self, method: Callable[..., Any], *args: Any, token: str | None = None, limit: int = 10**6, **options: Any
    ) -> tuple[list[list[Any]], str | None]:
        """The first pages after a token, and the token to go on with."""
        pager = method(*args, **options).by_page(token)
        pages: list[list[Any]] = []
        if self.asynchronous:
            while len(pages) < limit:
                try:
                    pages.append([one async for one in await pager.__anext__()])
                except StopAsyncIteration:
                    break
        else:
            while len(pages) < limit:
                page = await asyncio.to_thread(lambda: next(pager, None))
                if page is None:
                    break
                pages.append(await asyncio.to_thread(list, page))
        return pages, pager.continuation_token

    async def database(self) -> Any:
        """A new database."""
        return await self.do(self.client.create_database, f"db-{uuid.uuid4().hex[:12]}")

    async def container(self, database: Any, path: str = "/pk", **options: Any) -> Any:
        """A new container."""
        name = options.pop("id", f"c-{uuid.uuid4().hex[:8]}")
        return await self.do(database.create_container, name, PartitionKey(path=path), **options)
