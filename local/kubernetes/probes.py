"""Probes as a node makes them: startup first, then readiness and liveness, each with its own period and thresholds."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

type Document = dict[str, Any]


class NotPlayed(Exception):
    """The manifest asks for something that the agent does not have; the message names it."""


@dataclass(frozen=True)
class Probe:
    """One HTTP probe with the defaults that Kubernetes gives."""

    path: str
    delay_s: float
    period_s: float
    timeout_s: float
    failures: int
    successes: int

    @classmethod
    def read(cls, given: Document | None) -> Self | None:
        """A container's probe; None when it has none.

        Raises:
            NotPlayed: it is no HTTP probe.
        """
        if given is None:
            return None
        if "httpGet" not in given:
            raise NotPlayed(f"only httpGet probes are played, not {sorted(given)}")
        return cls(
            given["httpGet"].get("path", "/"),
            given.get("initialDelaySeconds", 0),
            given.get("periodSeconds", 10),
            given.get("timeoutSeconds", 1),
            given.get("failureThreshold", 3),
            given.get("successThreshold", 1),
        )

    async def passes(self, session: aiohttp.ClientSession, address: str) -> bool:
        """Ask once: 200 to 399 within the time-out passes."""
        try:
            async with asyncio.timeout(self.timeout_s):
                async with session.get(address + self.path, allow_redirects=False) as answer:
                    return 200 <= answer.status < 400
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def watch(
        self, session: aiohttp.ClientSession, address: Callable[[], str], tell: Callable[[bool], None]
    ) -> None:
        """Ask for ever; `tell` hears True after enough successes in a row, False after enough failures, once each."""
        await asyncio.sleep(self.delay_s)
        told: bool | None = None
        last, row = False, 0
        while True:
            where = address()
            passed = bool(where) and await self.passes(session, where)
            row = row + 1 if passed is last else 1
            last = passed
            if row >= (self.successes if passed else self.failures) and passed is not told:
                told = passed
                tell(passed)
            await asyncio.sleep(self.period_s)


async def first(probe: Probe, session: aiohttp.ClientSession, address: Callable[[], str], *, wanted: bool) -> None:
    """Wait until a probe first tells what is wanted."""
    heard = asyncio.Event()

    def tell(passed: bool) -> None:
        if passed is wanted:
            heard.set()

    watching = asyncio.create_task(probe.watch(session, address, tell))
    try:
        await heard.wait()
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
