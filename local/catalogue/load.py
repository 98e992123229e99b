"""Loads the sample catalogue through the API, as any client would: the first load test of the write path."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

AT_ONCE = 64
# What a client does with 429, 503 or a cut connection: ask again, with the same key, so that the effect is one.
ATTEMPTS = 8
RETRIED = {429, 502, 503, 504}


class LoadFailed(Exception):
    """An item was refused, or not acknowledged after all attempts, or not readable in time."""


@dataclass(frozen=True)
class Loaded:
    """What loading took."""

    items: int
    accepted_s: float
    readable_s: float


async def load(
    base_url: str,
    api_key: str,
    items: Sequence[dict[str, Any]],
    progress: Callable[[str, int], None],
    *,
    read_from: str | None = None,
    front_door_id: str = "",
) -> Loaded:
    """POST every item, then wait until the API lists them all: at `read_from`, which may be another region's.

    `front_door_id` is for addresses behind the edge. `progress` gets ("accepted" or "readable", how many so far).

    Raises:
        LoadFailed: the message says which item, and what the API answered.
    """
    started = time.monotonic()
    headers = {"X-Azure-FDID": front_door_id} if front_door_id else {}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE), headers=headers) as session:
        queue = iter(items)
        done = 0

        async def worker() -> None:
            nonlocal done
            for item in queue:
                await _post(session, f"{base_url}/api/1.0/catalogitem", api_key, item)
                done += 1
                progress("accepted", done)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(worker())
        accepted = time.monotonic()
        await _until_readable(session, read_from or base_url, {item["id"] for item in items}, progress)
    return Loaded(len(items), accepted - started, time.monotonic() - started)


async def _post(session: aiohttp.ClientSession, url: str, api_key: str, item: dict[str, Any]) -> None:
    headers = {"X-API-KEY": api_key, "Idempotency-Key": f"sample-{item['id']}"}
    problem = ""
    for attempt in range(ATTEMPTS):
        try:
            async with session.post(url, json=item, headers=headers) as answer:
                if answer.status == 202:
                    return
                problem = f"{answer.status} {(await answer.text())[:300]}"
                if answer.status not in RETRIED:
                    break
        except (aiohttp.ClientError, TimeoutError) as error:
            problem = f"{type(error).__name__} {error}"
        await asyncio.sleep(random.uniform(0.1, 0.2) * 2**attempt)  # noqa: S311 - jitter, no secret
    raise LoadFailed(f"{item['name']!r} was not accepted: {problem}")


async def _until_readable(
    session: aiohttp.ClientSession, base_url: str, wanted: set[str], progress: Callable[[str, int], None]
) -> None:
    """Only what the API answers counts as loaded."""
    last_change = time.monotonic()
    found = -1
    while time.monotonic() - last_change < 60:
        now = len(wanted & await _listed(session, base_url))
        if now != found:
            found, last_change = now, time.monotonic()
            progress("readable", found)
        if found == len(wanted):
            return
        await asyncio.sleep(0.2)
    raise LoadFailed(f"{found} of {len(wanted)} items became readable, and no more for 60 s")


async def _listed(session: aiohttp.ClientSession, base_url: str) -> set[str]:
    listed: set[str] = set()
    page: str | None = f"{base_url}/api/1.0/catalogitem?limit=500"
    while page is not None:
        async with session.get(page) as answer:
            if answer.status != 200:
                return listed
            listed |= {item["id"] for item in await answer.json()}
            following = answer.links.get("next")
            page = str(following["url"]) if following else None
    return listed
