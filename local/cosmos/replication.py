"""Asynchronous replication: each region pulls the others' change logs, one link for each pair and direction.

How far a link has come is stored in the target's file, in the transaction that stores what it brought. So pending
replication is never lost and never applied halfway, whatever dies when.
"""

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from local.cosmos.account import Account, Region
from local.cosmos.conflicts import Version, merge, unpack
from local.cosmos.errors import CosmosError
from local.cosmos.state import RegionStore
from local.cosmos.tables import VERSION_COLUMNS, Merged, Row, Table

_BATCH = 200
# What the target wrote itself it need not be told, unless other versions came up against it here.
_NO_ECHO = "NOT (origin = ? AND losers IS NULL)"
_RETRY_S = 0.05  # while a fault rule or a full disk holds a link up


class Link:
    """One direction between two regions."""

    def __init__(self, account: Account, source: Region, target: Region) -> None:
        self.source = source
        self.target = target
        self.partitioned = False
        self.lag_ms = account.settings.replication_lag_ms
        self._account = account
        self._wake = asyncio.Event()
        self._written: deque[tuple[float, int]] = deque()  # (when durable, LSN), only while there is a lag
        # Per container: how far there is nothing for the target, and the target's count of rollbacks when that was
        # found. Only in memory: to store it would mean a write there for every write here.
        self._passed: dict[int, tuple[int, int]] = {}
        self.due = source.store.durable_lsn  # changes up to here may pass; what was there at the start is due at once
        source.store.changed.append(self._source_changed)

    def _source_changed(self) -> None:
        if self.lag_ms:
            self._written.append((time.monotonic(), self.source.store.durable_lsn))
        self._wake.set()

    def wake(self) -> None:
        """Look again: a partition healed, a lag changed."""
        self._wake.set()

    @property
    def held(self) -> bool:
        """Does nothing pass at present?"""
        if self.partitioned or self.source.down or self.target.down:
            return True
        faults = self._account.faults
        return any(faults.active("replication-stop", region=r.name) is not None for r in (self.source, self.target))

    async def run(self) -> None:
        """Move changes until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while not self.held:
                wait_s = self._take_due()
                try:
                    moved = self.step()
                except (CosmosError, sqlite3.Error):  # the disk is full: nothing was stored, try again
                    await asyncio.sleep(_RETRY_S)
                    continue
                if moved:
                    await asyncio.sleep(0)
                elif wait_s is not None:
                    await asyncio.sleep(wait_s)
                else:
                    break
            if self.held and self._account.faults.as_json():
                await asyncio.sleep(_RETRY_S)  # rules expire by themselves
                self._wake.set()

    def _take_due(self) -> float | None:
        """Move the mark up to which changes may pass; seconds until the next one, None when there is none."""
        if not self.lag_ms:
            self._written.clear()
            self.due = self.source.store.durable_lsn
            return None
        now = time.monotonic()
        while self._written:
            due_at = self._written[0][0] + self.lag_ms / 1000
            if due_at > now:
                return due_at - now
            self.due = max(self.due, self._written.popleft()[1])
        return None

    def step(self) -> int:
        """Bring one batch of each container over; how many changes."""
        moved = 0
        for container in self._account.catalog.containers():
            source_table = self.source.store.tables.get(container.number)
            target_table = self.target.store.tables.get(container.number)
            if source_table is not None and target_table is not None:
                moved += self._step_table(source_table, target_table)
        return moved

    def _step_table(self, source_table: Table, target_table: Table) -> int:
        target, number = self.target.store, target_table.container.number
        after = self._reached(number)
        rows = self.source.store.db.execute(
            f"SELECT lsn, pk, id, losers, {VERSION_COLUMNS} FROM {source_table.name}"
            f" WHERE lsn > ? AND lsn <= ? AND {_NO_ECHO} ORDER BY lsn LIMIT ?",
            (after, self.due, target.number, _BATCH),
        ).fetchall()
        if not rows:
            self._passed[number] = (target.rollbacks, self.due)
            return 0
        target.group.begin()
        absorb(target, target_table, rows)
        target.set_cursor(self.source.name, number, rows[-1][0])
        return len(rows)

    def _reached(self, container: int) -> int:
        """The source's LSN up to which the target lacks nothing."""
        cursor = cursor_of(self.target.store, self.source.name, container)
        rollbacks, passed = self._passed.get(container, (0, 0))
        return max(cursor, passed) if rollbacks == self.target.store.rollbacks else cursor

    def pending(self) -> int:
        """Changes that the target has not seen yet."""
        count = 0
        for number, table in self.source.store.tables.items():
            query = f"SELECT count(*) FROM {table.name} WHERE lsn > ? AND {_NO_ECHO}"
            arguments = (self._reached(number), self.target.number)
            count += self.source.store.db.execute(query, arguments).fetchone()[0]
        return count


def cursor_of(target: RegionStore, source: str, container: int) -> int:
    """The source's LSN up to which the target has taken its changes over."""
    query = "SELECT lsn FROM cursors WHERE source=? AND container=?"
    found = target.db.execute(query, (source, container)).fetchone()
    return found[0] if found else 0


def absorb(store: RegionStore, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Merge another region's states (lsn, pk, id, losers, version …) of some documents into this one's."""
    merged: list[Merged] = []
    for _, pk, item_id, losers, *fields in rows:
        arriving = Version(*fields)
        before = store.row(table, pk, item_id)
        if losers is None and (before is None or _simply_newer(arriving, before)):
            merged.append(Merged(pk, item_id, before, [arriving]))
            continue
        mine = [] if before is None else before.all_versions()
        remaining = merge(mine, [arriving, *unpack(losers)])
        if [(one.origin, one.olsn) for one in remaining] != [(one.origin, one.olsn) for one in mine]:
            merged.append(Merged(pk, item_id, before, remaining))
    store.put_merged(table, merged)


def _simply_newer(arriving: Version, before: Row) -> bool:
    """Is it the next write of the one region that ever wrote this document? The common case, decided cheaply."""
    mine = before.version
    return (
        mine.context is None
        and arriving.context is None
        and not before.losers
        and arriving.origin == mine.origin
        and arriving.olsn > mine.olsn
    )


class Replication:
    """All links of an account."""

    def __init__(self, account: Account) -> None:
        self.links = [
            Link(account, source, target)
            for source in account.regions
            for target in account.regions
            if source is not target
        ]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to move changes."""
        for link in self.links:
            self._tasks.append(asyncio.ensure_future(link.run()))
            link.wake()

    async def stop(self) -> None:
        """Stop; what is pending stays pending."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def between(self, one: str, other: str) -> list[Link]:
        """Both links between two regions."""
        pair = {one, other}
        return [link for link in self.links if {link.source.name, link.target.name} == pair]

    def change(self, links: list[Link], act: Callable[[Link], None]) -> None:
        """Change some links and let them look again."""
        for link in links:
            act(link)
            link.wake()
