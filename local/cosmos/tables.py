"""A container's table in a region: its columns, its SQL, and what goes into a row."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from local.cosmos.catalog import Container, Path_
from local.cosmos.conflicts import Version
from local.cosmos.values import UNDEFINED, at_path, sort_key

COLUMNS = (
    "rid INTEGER PRIMARY KEY, pk TEXT NOT NULL, id TEXT NOT NULL, lsn INTEGER NOT NULL, etag TEXT NOT NULL,"
    " ts INTEGER NOT NULL, expiry INTEGER, state INTEGER NOT NULL, body TEXT, value REAL, stamp INTEGER NOT NULL,"
    " origin INTEGER NOT NULL, olsn INTEGER NOT NULL, context TEXT, losers TEXT"
)
VERSION_COLUMNS = "rid, etag, ts, expiry, state, body, value, stamp, origin, olsn, context"


class Row(NamedTuple):
    """The state of one document in this region."""

    version: Version
    losers: list[Version]
    lsn: int

    def all_versions(self) -> list[Version]:
        """The shown version and the concurrent ones it beat."""
        return [self.version, *self.losers]


class Write(NamedTuple):
    """What a request wants stored for one document; `body` None deletes it."""

    pk: str
    id: str
    body: str | None
    document: dict[str, Any] | None  # the parsed body, for the key columns
    existing: Row | None
    rid: int
    lsn: int
    etag: str
    ts: int
    expiry: int | None
    stamp: int


class Merged(NamedTuple):
    """What is left of one document after another region's state has come in."""

    pk: str
    id: str
    before: Row | None
    remaining: Sequence[Version]  # the shown one first


class Table:
    """The SQL of one container's table."""

    def __init__(self, container: Container, paths: list[Path_]) -> None:
        self.container = container
        self.name = f"docs_{container.number}"
        self.paths: list[Path_] = []
        self.indexes: dict[tuple[str, ...], str] = {}
        self.set_paths(paths)

    def set_paths(self, paths: list[Path_]) -> None:
        """The property paths that have a column of sort keys, in column order."""
        self.paths = paths
        keys = [f"k{position}" for position in range(len(paths))]
        names = ["rid", "pk", "id", "lsn", "etag", "ts", "expiry", "state", "body", "value", "stamp", "origin", "olsn"]
        names += ["context", "losers", *keys]
        changes = ", ".join(f"{name}=excluded.{name}" for name in names if name not in ("pk", "id"))
        self.read = f"SELECT body, etag, expiry, lsn FROM {self.name} WHERE pk=? AND id=? AND state=0"
        self.state = f"SELECT {VERSION_COLUMNS}, losers, lsn FROM {self.name} WHERE pk=? AND id=?"
        self.upsert = (
            f"INSERT INTO {self.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
            f" ON CONFLICT (pk, id) DO UPDATE SET {changes}"
        )

    def column_of(self, path: Path_) -> str:
        """The column of a path that has one."""
        return "id" if path == ("id",) else f"k{self.paths.index(path)}"

    def index_for(self, equal: Sequence[str], directions: Sequence[tuple[str, bool]]) -> str | None:
        """The index that finds rows with these columns bound and gives them in this order."""
        if not directions:
            return self.indexes.get(("pk",)) if list(equal) == ["pk"] else None
        order = order_names(directions)
        best, best_bound = None, 0 if equal else -1
        for columns, index in self.indexes.items():
            bound = len(columns) - len(order)
            if bound > best_bound and columns[bound:] == order and set(columns[:bound]) <= set(equal):
                best, best_bound = index, bound
        return best

    def keys_of(self, document: Any) -> list[bytes]:
        """One sort key per key column."""
        if document is None:
            return [sort_key(UNDEFINED)] * len(self.paths)
        return [
            sort_key(document.get(path[0], UNDEFINED) if len(path) == 1 else at_path(document, path))
            for path in self.paths
        ]


def order_names(directions: Sequence[tuple[str, bool]]) -> tuple[str, ...]:
    """An index's columns for an order, read forwards or backwards: the last one always ascends, as rids do after it."""
    turned = directions[-1][1]
    return tuple(f"{column}d" if descending != turned else column for column, descending in directions)
