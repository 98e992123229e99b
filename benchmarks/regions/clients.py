"""A constant load of mixed reads and writes, by a client that retries or by one that does not."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from uuid import UUID, uuid5

import aiohttp

RETRIED = {408, 429, 500, 502, 503, 504}
GIVES_UP_AFTER_S = 60.0
LONGEST_PAUSE_S = 2.0
# One attempt may hang as long as the edge lets it.
ATTEMPT_S = 35.0
_KEYS = UUID("6f1d3c1e-2d52-4c3a-9d59-6f6c0a0a7b11")


@dataclass
class Call:
    """One operation of a client."""

    at: float
    """When it was begun, on the monotonic clock."""
    write: bool
    ended: bool = False
    ok: bool = False
    outcome: str = ""
    attempts: int = 0
    took_s: float = 0.0


@dataclass
class Client:
    """Begins `per_second` operations each second, whatever became of the earlier ones: people do not wait either."""

    name: str
    url: str
    items: Sequence[str]
    retries: bool
    per_second: float
    seed: int = 1
    calls: list[Call] = field(default_factory=list)
    locations: list[str] = field(default_factory=list)
    """Of every write that was accepted."""
    votes: dict[str, int] = field(default_factory=dict)
    """Accepted ratings by item."""
    doubtful: int = 0
    """Writes without an answer that says whether they were accepted."""

    async def run(self, stop: asyncio.Event) -> None:
        """Go on until told to stop, then wait for what is under way."""
        dice = random.Random(self.seed)
        begun, number = time.monotonic(), 0
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(ATTEMPT_S)) as session,
            asyncio.TaskGroup() as group,
        ):
            while not stop.is_set():
                group.create_task(self._operate(session, dice.random(), dice.choice(self.items), number))
                number += 1
                await asyncio.sleep(max(0.0, begun + number / self.per_second - time.monotonic()))

    async def _operate(self, session: aiohttp.ClientSession, kind: float, item: str, number: int) -> None:
        path = f"{self.url}/api/1.0/catalogitem"
        if kind < 0.6:
            await self._repeat(session, "GET", f"{path}/{item}", None, number)
        elif kind < 0.7:
            await self._repeat(session, "GET", f"{path}?limit=20", None, number)
        elif kind < 0.9:
            if await self._repeat(session, "POST", f"{path}/{item}/ratings", {"rating": 1 + number % 5}, number):
                self.votes[item] = self.votes.get(item, 0) + 1
        else:
            body = {"authorName": self.name, "text": f"Comment {number}"}
            await self._repeat(session, "POST", f"{path}/{item}/comments", body, number)

    async def _repeat(self, session: aiohttp.ClientSession, method: str, url: str, body: object, number: int) -> bool:
        call = Call(time.monotonic(), write=body is not None)
        self.calls.append(call)
        # The same key at every attempt: should an earlier one have succeeded, this one changes nothing.
        headers = {"Idempotency-Key": str(uuid5(_KEYS, f"{self.name} {number}"))} if call.write else {}
        while True:
            call.attempts += 1
            again = await self._attempt(call, session.request(method, url, json=body, headers=headers))
            call.took_s = time.monotonic() - call.at
            if call.ok or not again or not self.retries or call.took_s > GIVES_UP_AFTER_S:
                break
            await asyncio.sleep(random.uniform(0.5, 1) * min(LONGEST_PAUSE_S, 0.1 * 2**call.attempts))
        call.ended = True
        if call.write and not call.ok:
            self.doubtful += 1
        return call.ok

    async def _attempt(self, call: Call, request: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> bool:
        """One try; whether another may help."""
        try:
            async with request as answer:
                await answer.read()
                call.outcome, call.ok = str(answer.status), answer.status in {200, 202}
                if answer.status == 202:
                    self.locations.append(answer.headers["Location"])
                return answer.status in RETRIED
        except (aiohttp.ClientError, TimeoutError) as error:
            call.outcome = type(error).__name__
            return True

    def failed(self, since: float = 0, until: float = float("inf")) -> list[Call]:
        """The operations begun in this time that ended without success."""
        return [call for call in self.calls if since <= call.at < until and call.ended and not call.ok]
