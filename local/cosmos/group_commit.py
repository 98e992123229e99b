"""One SQLite connection whose commits are shared by all requests of a moment, and synced off the event loop.

SQLite in WAL mode with synchronous=FULL syncs the log inside each COMMIT. Here COMMIT only writes the log
(synchronous=NORMAL), then the log file is synced by fdatasync in a thread, and only then are the writers answered:
the same guarantee without blocking the loop. What arrives while the disk is busy shares the next commit and sync.
"""

import asyncio
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from local.cosmos.key_hash import effective_key

Waiter = Callable[[Exception | None], None]


class GroupCommit:
    """Opens a transaction at the first write of a loop turn and commits it at the turn's end."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.path = path
        self.connection = connect(path)
        self._wal = -1
        self._open = False
        self._open_waiters: list[Waiter] = []
        self._unsynced: list[Waiter] = []
        self._syncing = False
        self._thread: threading.Thread | None = None
        self._batches: queue.SimpleQueue[list[Waiter] | None] = queue.SimpleQueue()
        self.closed = False
        self.on_rollback: Callable[[], None] = lambda: None
        self.on_commit: Callable[[], Waiter] | None = None  # what it returns waits for the sync

    def begin(self) -> None:
        """Join the open transaction, or open one."""
        if not self._open:
            self.connection.execute("BEGIN IMMEDIATE")
            self._open = True
            if not self._syncing:
                self._loop.call_soon(self._commit_if_open)

    def when_durable(self, waiter: Waiter) -> None:
        """Call `waiter` with None once everything written so far is on disk, with the error if it never will be."""
        if self._open:
            self._open_waiters.append(waiter)
        elif self._syncing or self._unsynced:
            self._unsynced.append(waiter)
            self._start_sync()
        else:
            waiter(None)

    async def durable(self) -> None:
        """Wait as `when_durable`."""
        future: asyncio.Future[None] = self._loop.create_future()

        def resolve(error: Exception | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self.when_durable(resolve)
        await future

    def abort(self, error: Exception) -> None:
        """Undo the open transaction; all who wrote in it learn the error."""
        if not self._open:
            return
        self._open = False
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
        self.on_rollback()
        waiters, self._open_waiters = self._open_waiters, []
        for waiter in waiters:
            waiter(error)

    def commit_now(self) -> None:
        """Commit what is open at once (before changing the schema, at the end)."""
        self._commit_if_open()

    def close(self) -> None:
        """Commit, sync and close."""
        self._commit_if_open()
        self.closed = True
        if self._thread is not None:
            self._batches.put(None)
            self._thread.join()
        if self._wal >= 0:
            os.fdatasync(self._wal)
            os.close(self._wal)
            self._wal = -1
        waiters, self._unsynced = self._unsynced, []
        for waiter in waiters:
            waiter(None)
        self.connection.close()

    def _commit_if_open(self) -> None:
        if not self._open:
            return
        try:
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.abort(error)
            return
        self._open = False
        if self.on_commit is not None:
            self._unsynced.append(self.on_commit())
        self._unsynced += self._open_waiters
        self._open_waiters = []
        self._start_sync()

    def _start_sync(self) -> None:
        if self._syncing or not self._unsynced or self.closed:
            return
        if self._wal < 0:
            self._wal = os.open(f"{self.path}-wal", os.O_RDONLY)
        self._syncing = True
        batch, self._unsynced = self._unsynced, []
        if self._thread is None:
            self._thread = threading.Thread(target=self._sync_for_ever, name="cosmos-sync", daemon=True)
            self._thread.start()
        self._batches.put(batch)

    def _sync_for_ever(self) -> None:
        while (batch := self._batches.get()) is not None:
            error: Exception | None = None
            try:
                os.fdatasync(self._wal)
            except OSError as failure:
                error = failure
            try:
                self._loop.call_soon_threadsafe(self._synced, batch, error)
            except RuntimeError:  # the loop was closed without waiting: nobody is left to be told
                return

    def _synced(self, batch: list[Waiter], error: Exception | None) -> None:
        self._syncing = False
        self._commit_if_open()
        for waiter in batch:
            waiter(error)
        self._start_sync()


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection with our settings."""
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=1024, check_same_thread=False)
    connection.create_function("epk", 1, effective_key, deterministic=True)
    connection.execute("PRAGMA busy_timeout=5000")
    if read_only:
        connection.execute("PRAGMA query_only=1")
    else:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint=10000")
    connection.execute(f"PRAGMA cache_size={-8000 if read_only else -64000}")  # in KiB
    connection.execute("PRAGMA temp_store=MEMORY")
    return connection
