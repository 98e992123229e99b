"""Group commit: whatever arrived for a partition while its last group was being synced goes to disk as the next one."""

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from local.eventhubs.log import Group, PartitionLog

_QUICK_S = 0.002  # how long a round may hold up everybody else
_WORKERS = 4


class Committer:
    """Commits the logs of a whole namespace.

    A sync that is known to be quick runs in the event loop, for handing it to a thread would cost more than it takes;
    on a slow disk, or with many partitions at once, threads do it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix="commit")
        self._dirty: list[PartitionLog] = []
        self._round_is_due = False
        self._sync_s = _QUICK_S / 2  # of one sync, averaged
        self._under_way: set[asyncio.Future[None]] = set()
        # the answers of a whole round leave together
        self.before_round: Callable[[], None] = lambda: None
        self.after_round: Callable[[], None] = lambda: None

    def commit_soon(self, log: PartitionLog) -> None:
        """Commit what the log holds, after the appends that are already on their way in this turn of the loop."""
        if log.commit_wanted:
            return
        log.commit_wanted = True
        self._dirty.append(log)
        if not self._round_is_due:
            self._round_is_due = True
            self._loop.call_soon(self._round)

    async def settle(self) -> None:
        """Wait until nothing is being written; the caller has stopped the senders."""
        while self._dirty or self._under_way:
            await asyncio.sleep(0)
            if self._under_way:
                await asyncio.wait(self._under_way)

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown()

    def _round(self) -> None:
        self._round_is_due = False
        logs, self._dirty = self._dirty, []
        if len(logs) * self._sync_s < _QUICK_S:
            self.before_round()
            self._commit_here(logs)
            self.after_round()
        else:
            for log in logs:
                self._commit_in_thread(log)

    def _commit_here(self, logs: Iterable[PartitionLog]) -> None:
        for log in logs:
            group = log.take_group()
            log.commit_wanted = False
            if group is None:
                continue
            try:
                self._timed_write(log, group)
            except OSError as reason:
                log.failed(group, reason)
            else:
                log.committed(group)

    def _commit_in_thread(self, log: PartitionLog) -> None:
        group = log.take_group()
        if group is None:
            log.commit_wanted = False
            return
        written = self._loop.run_in_executor(self._threads, self._timed_write, log, group)
        self._under_way.add(written)
        written.add_done_callback(lambda outcome: self._finish(log, group, outcome))

    def _finish(self, log: PartitionLog, group: Group, outcome: asyncio.Future[None]) -> None:
        self._under_way.discard(outcome)
        self.before_round()
        log.commit_wanted = False  # before the callbacks: what they append is a new wish
        reason = outcome.exception()
        if reason is None:
            log.committed(group)
        elif isinstance(reason, OSError):
            log.failed(group, reason)
        else:
            raise reason
        if log.has_pending:
            self.commit_soon(log)
        self.after_round()

    def _timed_write(self, log: PartitionLog, group: Group) -> None:
        started = time.perf_counter()
        log.write(group)
        self._sync_s += 0.1 * (time.perf_counter() - started - self._sync_s)
