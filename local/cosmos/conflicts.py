"""Which of several concurrent versions of a document is seen, and which are only remembered.

Every write is one dot (region, its LSN there) and knows the dots it has seen: its context. A version that another
one has seen is gone. Versions that have not seen each other are concurrent: all are kept, one is shown. The choice is
a total order over the versions alone, so regions that know the same versions show the same bytes, whatever the
order in which they learnt of them. (To keep the shown one only would not converge with three regions, where
"has seen" and "is higher" can point in different directions.)
"""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

LIVE, DELETED, EXPIRED = 0, 1, 2  # EXPIRED: the body was purged, what decides conflicts is kept


class Version(NamedTuple):
    """One version of one document, with all that conflicts are decided by."""

    rid: int
    etag: str
    ts: int
    expiry: int | None
    state: int
    body: str | None
    value: float | None  # at the conflict resolution path; None when there is no number
    stamp: int  # microseconds since 1970: breaks ties of `_ts`, which has whole seconds
    origin: int
    olsn: int
    context: str | None  # JSON {region: lsn}; None when it saw only its own region's writes

    def seen(self) -> dict[int, int]:
        """The newest dot of each region that this version has seen, its own included."""
        if self.context is None:
            return {self.origin: self.olsn}
        return {int(region): lsn for region, lsn in json.loads(self.context).items()}


def rank(version: Version) -> tuple[bool, bool, float, int, int, int]:
    """Higher is shown: a delete, then the higher value, then the later write, then the region's number."""
    return (
        version.state == DELETED,
        version.value is not None,
        version.value or 0.0,
        version.stamp,
        version.origin,
        version.olsn,
    )


def merge(known: Sequence[Version], arriving: Sequence[Version]) -> list[Version]:
    """The versions that no other one has seen, the shown one first."""
    by_dot = {(version.origin, version.olsn): version for version in arriving}
    by_dot.update({(version.origin, version.olsn): version for version in known})
    seen_by = {dot: version.seen() for dot, version in by_dot.items()}
    remaining = [
        version
        for dot, version in by_dot.items()
        if not any(other != dot and seen.get(dot[0], -1) >= dot[1] for other, seen in seen_by.items())
    ]
    return sorted(remaining, key=rank, reverse=True)


def context_over(versions: Iterable[Version], origin: int, olsn: int) -> str | None:
    """The context of a write at dot (origin, olsn) that replaces all these versions."""
    seen: dict[int, int] = {}
    for version in versions:
        for region, lsn in version.seen().items():
            seen[region] = max(seen.get(region, -1), lsn)
    seen[origin] = olsn
    if len(seen) == 1:
        return None
    return json.dumps({str(region): seen[region] for region in sorted(seen)}, separators=(",", ":"))


def pack(versions: Sequence[Version]) -> str | None:
    """The remembered versions as one column; None for none."""
    return json.dumps([list(version) for version in versions], separators=(",", ":")) if versions else None


def unpack(column: str | None) -> list[Version]:
    """The reverse of `pack`."""
    return [Version(*fields) for fields in json.loads(column)] if column else []
