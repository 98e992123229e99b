"""What the edge keeps of answers, by the rules of Front Door: GET and 200 only, as long as the origin allows."""

import random
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from multidict import CIMultiDict

MAX_ENTRY_BYTES = 8 * 1024 * 1024
MAX_BYTES = 64 * 1024 * 1024
_DAY_S = 86_400.0

Key = tuple[str, bool]
"""The path (with its query where that counts), and whether the answer is compressed."""


@dataclass(frozen=True)
class Entry:
    """An answer that may be given again until it expires."""

    headers: CIMultiDict[str]
    body: bytes
    stored_at: float
    lifetime_s: float


class Cache:
    """The most recently used answers, 64 MB of them."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self.bytes = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> tuple[Entry, int] | None:
        """A fresh answer and its age in seconds."""
        entry = self._entries.get(key)
        if entry is None or self._now() - entry.stored_at >= entry.lifetime_s:
            self.misses += 1
            return None
        self.hits += 1
        self._entries.move_to_end(key)
        return entry, int(self._now() - entry.stored_at)

    def put(self, key: Key, headers: CIMultiDict[str], body: bytes) -> None:
        """Keep an answer if its origin allows it."""
        lifetime_s = lifetime_of(headers)
        if lifetime_s <= 0 or len(body) > MAX_ENTRY_BYTES or "Set-Cookie" in headers:
            return
        before = self._entries.pop(key, None)
        self.bytes += len(body) - (0 if before is None else len(before.body))
        self._entries[key] = Entry(headers, body, self._now(), lifetime_s)
        while self.bytes > MAX_BYTES:
            _, oldest = self._entries.popitem(last=False)
            self.bytes -= len(oldest.body)

    def clear(self) -> None:
        """Forget everything, as a purge of `/*` does."""
        self._entries.clear()
        self.bytes = 0


def lifetime_of(headers: Mapping[str, str]) -> float:
    """Seconds that an answer may be kept: s-maxage before max-age before Expires; without any, one to three days."""
    directives = {
        name.strip().lower(): value.strip().strip('"')
        for name, _, value in (part.partition("=") for part in headers.get("Cache-Control", "").split(","))
    }
    if directives.keys() & {"private", "no-cache", "no-store"}:
        return 0
    for name in ("s-maxage", "max-age"):
        if name in directives:
            return float(directives[name]) if directives[name].isdecimal() else 0
    if "Expires" in headers:
        try:
            return parsedate_to_datetime(headers["Expires"]).timestamp() - time.time()
        except ValueError:
            return 0
    return random.uniform(_DAY_S, 3 * _DAY_S)  # noqa: S311 - Front Door's own rule, no secret
