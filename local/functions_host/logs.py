"""What the host would log, on stderr: its own lines, and the app's lines while their invocation runs.

The real host keeps a user's line only while the invocation runs that it belongs to. Lines it would lose (at import,
after the answer, from threads the app started) are shown with a mark, because a developer needs to see them here.
"""

import asyncio
import contextlib
import logging
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime

from azure_functions_runtime import invocation_id_cv  # type: ignore[import-untyped]
from azure_functions_runtime.bindings.context import _invocation_id_local  # type: ignore[import-untyped]

from .host_io import is_host_io

LOST_MARK = "[lost by the real host] "
_SEVERITY = {"trace": 0, "debug": 10, "information": 20, "warning": 30, "error": 40, "critical": 50, "none": 99}
_SYSTEM_PREFIXES = ("azure.functions", "azure_functions_worker", "azure_functions_runtime")


class HostLog:
    """Writes lines to stderr, filtered by host.json's logLevel; many lines of one loop turn are one write."""

    def __init__(self, name: str = "") -> None:
        self._prefix = f"{name} " if name else ""
        self._levels: dict[str, int] = {}
        self._cache: dict[str, int] = {}
        self._pending: list[str] = []
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def configure(self, levels: Mapping[str, str]) -> None:
        """Take the levels of host.json; the longest category prefix decides, `default` the rest."""
        self._levels = {name.lower(): _SEVERITY[level] for name, level in levels.items()}
        self._cache = {}

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on gather the lines of one turn of this loop into one write."""
        self._loop = loop

    def enabled(self, category: str, severity: int) -> bool:
        """Whether a line of this category and severity is shown."""
        threshold = self._cache.get(category)
        if threshold is None:
            threshold = self._cache[category] = self._threshold(category.lower())
        return severity >= threshold

    def _threshold(self, category: str) -> int:
        matching = [name for name in self._levels if category == name or category.startswith(name + ".")]
        if matching:
            return self._levels[max(matching, key=len)]
        return self._levels.get("default", _SEVERITY["information"])

    def info(self, text: str, category: str = "Host") -> None:
        """A line at Information."""
        self.write(20, category, text)

    def warning(self, text: str, category: str = "Host") -> None:
        """A line at Warning."""
        self.write(30, category, text)

    def error(self, text: str, category: str = "Host") -> None:
        """A line at Error."""
        self.write(40, category, text)

    def write(self, severity: int, category: str, text: str) -> None:
        """Write a line when its category lets it through."""
        if not self.enabled(category, severity):
            return
        stamp = datetime.now(UTC).strftime("%H:%M:%S.%f")[:-3]
        word = "" if severity == 20 else {30: "warn: ", 40: "fail: "}.get(severity, "")
        line = f"{self._prefix}[{stamp}] {word}{text}\n"
        with self._lock:
            self._pending.append(line)
            first = len(self._pending) == 1
        if not first:
            return
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self.flush)
        else:
            self.flush()

    def flush(self) -> None:
        """Write what is pending."""
        with self._lock:
            lines, self._pending = self._pending, []
        if lines:
            with contextlib.suppress(BrokenPipeError):  # nobody reads our stderr any more; that ends no host
                sys.stderr.write("".join(lines))
                sys.stderr.flush()


class RunningInvocations(dict[str, str]):
    """Invocation id to function name, for each invocation that runs now."""


class UserLogHandler(logging.Handler):
    """The worker's handler on the root logger: finds the invocation a line belongs to."""

    def __init__(self, console: HostLog, running: RunningInvocations) -> None:
        super().__init__()
        self._console = console
        self._running = running
        self._loop_thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Show the line, marked where the real host would not."""
        if is_host_io.get() and record.levelno < logging.ERROR:
            return  # the host's own clients; in production they live in another process
        severity = max(10, min(50, record.levelno // 10 * 10))
        if record.name.startswith(_SYSTEM_PREFIXES):
            # The worker's own lines; a failed invocation is reported by the host anyway.
            if record.levelno >= logging.WARNING and record.msg != "Native invocation failed":
                self._console.write(severity, "Worker", self.format(record))
            return
        function = self._running.get(self._invocation_id() or "")
        if function is not None:
            self._console.write(severity, f"Function.{function}.User", self.format(record))
        else:
            self._console.write(severity, "Function", LOST_MARK + self.format(record))

    def _invocation_id(self) -> str | None:
        """The id the line is sent with: a context variable on the loop, a thread-local elsewhere."""
        if threading.get_ident() == self._loop_thread:
            in_context: str | None = invocation_id_cv.get()
            if in_context is not None:
                return in_context
        return getattr(_invocation_id_local, "invocation_id", None)


def take_over_root_logger(console: HostLog, running: RunningInvocations, debug: bool) -> None:
    """Put the worker's handler on the root logger, at INFO; `logging.basicConfig` in the app then does nothing."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.addHandler(UserLogHandler(console, running))
    root.setLevel(logging.DEBUG if debug else logging.INFO)
