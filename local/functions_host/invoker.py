"""Runs invocations as the host does: ids, time-outs, retries, log lines, and what becomes of a worker that exits."""

import asyncio
import contextlib
import contextvars
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .logs import HostLog, RunningInvocations
from .worker import Attempt, Function, Outcome, RetryPolicy, Worker

type Jitter = Callable[[float, float], float]


@dataclass(frozen=True)
class RetryError:
    """The failure of the attempt before, as `context.retry_context.exception` shows it."""

    message: str
    stack_trace: str
    source: str = ""


def retry_delay_s(policy: RetryPolicy, retry: int, jitter: Jitter = random.uniform) -> float:
    """Seconds before retry number `retry` (1 is the first one), as the WebJobs SDK waits.

    Fixed: always the same. Exponential: the minimum first, then minimum + minimum·2^(retry-2) ±20 %, up to the maximum.
    """
    if policy.strategy == "fixed_delay":
        return policy.delay_s
    if retry <= 1:
        return min(policy.minimum_s, policy.maximum_s)
    doublings = min(retry - 2, 40)
    return min(policy.maximum_s, policy.minimum_s + policy.minimum_s * 2.0**doublings * jitter(0.8, 1.2))


@dataclass(frozen=True)
class Invocation:
    """One invocation to run: `attempt` holds its inputs; `abandoned` set while a retry waits ends it there."""

    function: Function
    attempt: Attempt
    reason: str
    details: str = ""
    abandoned: asyncio.Event | None = None


@dataclass
class _Running:
    """One attempt in flight."""

    answer: asyncio.Future[Outcome]
    task: asyncio.Task[None]


class Invoker:
    """Every invocation of the process goes through here."""

    def __init__(self, worker: Worker, console: HostLog, running: RunningInvocations, timeout_s: float | None) -> None:
        self._worker = worker
        self._console = console
        self._names = running
        self._timeout_s = timeout_s
        self._in_flight: set[int] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._attempts: dict[int, _Running] = {}
        self._next_key = 0
        self._context = contextvars.copy_context()
        self.outstanding_retries = 0

    @property
    def outstanding(self) -> int:
        """Invocations that have not ended, retries included."""
        return len(self._in_flight)

    async def wait_until_idle(self, timeout_s: float) -> int:
        """Wait until every invocation has ended; the number of those that have not in time."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        return len(self._in_flight)

    async def invoke(self, invocation: Invocation) -> Outcome | None:
        """Run an invocation with its retries.

        Returns: the last outcome, or None when it was abandoned between two attempts (no outcome: nothing may be
        checkpointed).
        """
        key = self._next_key
        self._next_key += 1
        self._in_flight.add(key)
        self._idle.clear()
        function = invocation.function
        category = f"Function.{function.name}"
        chatty = self._console.enabled(category, 20)
        started = time.perf_counter()
        if chatty:
            details = f" Trigger Details: {invocation.details}" if invocation.details else ""
            self._console.info(
                f"Executing 'Functions.{function.name}' "
                f"(Reason='{invocation.reason}', Id={invocation.attempt.invocation_id}){details}",
                category,
            )
        try:
            outcome = await self._with_retries(invocation)
        finally:
            self._in_flight.discard(key)
            if not self._in_flight:
                self._idle.set()
        took = f"Id={invocation.attempt.invocation_id}, Duration={(time.perf_counter() - started) * 1000:.0f}ms"
        if outcome is None:
            self._console.warning(f"Abandoned 'Functions.{function.name}' between two attempts ({took})", category)
        elif outcome.ok:
            if chatty:
                self._console.info(f"Executed 'Functions.{function.name}' (Succeeded, {took})", category)
        else:
            self._console.error(
                f"Executed 'Functions.{function.name}' (Failed, {took})\n{outcome.traceback or outcome.error}", category
            )
        return outcome

    async def _with_retries(self, invocation: Invocation) -> Outcome | None:
        policy = invocation.function.retry
        attempt = invocation.attempt
        if policy is not None:
            attempt = replace(attempt, max_retry_count=policy.max_retry_count)
        while True:
            outcome = await self._attempt(invocation.function, attempt)
            if outcome.ok or policy is None:
                return outcome
            if policy.max_retry_count != -1 and attempt.retry_count >= policy.max_retry_count:
                return outcome
            if not await self._wait_for_retry(invocation, policy, attempt.retry_count + 1, outcome):
                return None
            error = RetryError(outcome.error, outcome.traceback)
            attempt = replace(attempt, retry_count=attempt.retry_count + 1, retry_error=error)

    async def _wait_for_retry(self, invocation: Invocation, policy: RetryPolicy, retry: int, outcome: Outcome) -> bool:
        """Sleep before a retry; False when the invocation was abandoned meanwhile."""
        delay = retry_delay_s(policy, retry)
        category = f"Function.{invocation.function.name}"
        self._console.warning(
            f"'Functions.{invocation.function.name}' (Id={invocation.attempt.invocation_id}) failed: {outcome.error}. "
            f"Waiting {delay:.3f} s before retry {retry} of {policy.max_retry_count}.",
            category,
        )
        self.outstanding_retries += 1
        try:
            if invocation.abandoned is None:
                await asyncio.sleep(delay)
                return True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(invocation.abandoned.wait(), delay)
            return not invocation.abandoned.is_set()
        finally:
            self.outstanding_retries -= 1

    async def _attempt(self, function: Function, attempt: Attempt) -> Outcome:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Outcome] = loop.create_future()
        key = self._next_key
        self._next_key += 1
        # A task of its own, as in the worker: each invocation has its own copy of the context variables.
        task = loop.create_task(self._run(function, attempt, answer), context=self._context.copy())
        self._attempts[key] = _Running(answer, task)
        self._names[attempt.invocation_id] = function.name
        timer = loop.call_later(self._timeout_s, self._time_out, function, key) if self._timeout_s else None
        try:
            return await answer
        finally:
            if timer is not None:
                timer.cancel()
            self._attempts.pop(key, None)
            self._names.pop(attempt.invocation_id, None)

    async def _run(self, function: Function, attempt: Attempt, answer: asyncio.Future[Outcome]) -> None:
        outcome = await self._worker.run(function, attempt)
        if outcome.worker_exit:
            self._fail_everything(outcome)
        elif not outcome.answered:
            self._console.warning(
                f"'Functions.{function.name}' (Id={attempt.invocation_id}): {outcome.error}; the real worker never "
                "answers this and the call hangs until functionTimeout",
                f"Function.{function.name}",
            )
        elif not answer.done():
            answer.set_result(outcome)

    def _time_out(self, function: Function, key: int) -> None:
        running = self._attempts.get(key)
        if running is None or running.answer.done():
            return
        message = (
            f"Timeout value of {self._timeout_s:g} s exceeded by function: 'Functions.{function.name}'; "
            "the real host kills the worker process now"
        )
        running.answer.set_result(Outcome(False, error=message))
        running.task.cancel()  # as near to the kill as one process gets

    def _fail_everything(self, outcome: Outcome) -> None:
        """The worker process is gone: every call in flight fails. The real host then starts a new worker."""
        self._console.error(f"{outcome.error}: failing {len(self._attempts)} invocations in flight", "Worker")
        for running in list(self._attempts.values()):
            if not running.answer.done():
                running.answer.set_result(Outcome(False, error=outcome.error))
            if running.task is not asyncio.current_task():
                running.task.cancel()


def new_invocation_id() -> str:
    """A fresh invocation id."""
    return str(uuid.uuid4())


def new_trace_parent(incoming: str | None) -> str:
    """A trace parent for an invocation: the caller's trace when it sent one, else a new one."""
    trace_id = ""
    if incoming:
        parts = incoming.split("-")
        if len(parts) >= 4 and len(parts[1]) == 32:
            trace_id = parts[1]
    bits = random.getrandbits(192)
    return f"00-{trace_id or f'{bits >> 64:032x}'}-{bits & (2**64 - 1):016x}-00"


def attempt_of(inputs: list[tuple[str, Any]], metadata: dict[str, Any], trace_parent: str | None = None) -> Attempt:
    """The first attempt of a new invocation."""
    return Attempt(new_invocation_id(), inputs, metadata, trace_parent=new_trace_parent(trace_parent))
