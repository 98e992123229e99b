"""The documents of one region: a SQLite file with one table per container, no HTTP.

A table's row is the newest state of one document, deleted ones included (what decides conflicts must outlive them).
Its `lsn`, unique in the region and growing with every change, makes the table its own change log: the change feed
and the other regions read it in that order.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.cosmos import rids, versions
from local.cosmos.catalog import Catalog, Container, Path_, split_path
from local.cosmos.conflicts import DELETED, EXPIRED, LIVE, Version, context_over, pack, unpack
from local.cosmos.errors import storage_failed
from local.cosmos.group_commit import GroupCommit, Waiter, connect
from local.cosmos.tables import COLUMNS, VERSION_COLUMNS, Merged, Row, Table, Write, order_names
from local.cosmos.values import as_double, at_path, dump_text, load_stored, sort_key

_MAX_IDLE_READERS = 8
_SCHEMA = """
CREATE TABLE IF NOT EXISTS region (name TEXT PRIMARY KEY, lsn INTEGER);
CREATE TABLE IF NOT EXISTS cursors (source TEXT, container INTEGER, lsn INTEGER, PRIMARY KEY (source, container));
CREATE TABLE IF NOT EXISTS key_columns (container INTEGER, position INTEGER, path TEXT,
  PRIMARY KEY (container, position));
"""


class RegionStore:
    """All documents of one region."""

    def __init__(self, path: Path, name: str, number: int, catalog: Catalog, loop: asyncio.AbstractEventLoop) -> None:
        self.name = name
        self.number = number
        self._catalog = catalog
        self.path = path
        self.group = GroupCommit(path, loop)
        self.group.on_rollback = self._roll_back
        self.group.on_commit = self._committed
        self.db = self.group.connection
        self.db.executescript(_SCHEMA)
        self.db.execute("INSERT OR IGNORE INTO region VALUES (?, 0)", (name,))
        self.tables: dict[int, Table] = {}
        self._readers: list[sqlite3.Connection] = []
        self.rollbacks = 0
        self.lsn = 0
        self.committed_lsn = 0
        self.durable_lsn = 0
        self.changed: list[Callable[[], None]] = []  # called when durable_lsn has grown
        self._last_stamp = 0
        self._open_tables()

    # ---- tables

    def _open_tables(self) -> None:
        for name in self._document_tables():
            if self._catalog.container_by_number(int(name.removeprefix("docs_"))) is None:
                self.db.execute(f"DROP TABLE {name}")  # the container was deleted just before a crash
                versions.drop(self.db, int(name.removeprefix("docs_")))
        self.lsn = self.db.execute("SELECT lsn FROM region WHERE name=?", (self.name,)).fetchone()[0]
        for container in self._catalog.containers():
            self.add_container(container)
        for name in self._document_tables():
            newest = self.db.execute(f"SELECT max(lsn) FROM {name}").fetchone()[0]
            self.lsn = max(self.lsn, newest or 0)
        self.committed_lsn = self.durable_lsn = self.lsn

    def _document_tables(self) -> list[str]:
        query = "SELECT name FROM sqlite_master WHERE type='table' AND name GLOB 'docs_*'"
        return [name for (name,) in self.db.execute(query).fetchall()]

    def add_container(self, container: Container) -> Table:
        """Make (or find again) the container's table."""
        self.group.commit_now()
        name = f"docs_{container.number}"
        self.db.execute(f"CREATE TABLE IF NOT EXISTS {name} ({COLUMNS})")
        self.db.execute(f"CREATE UNIQUE INDEX IF NOT EXISTS {name}_id ON {name} (pk, id)")
        self.db.execute(f"CREATE UNIQUE INDEX IF NOT EXISTS {name}_lsn ON {name} (lsn)")
        self.db.execute(
            f"CREATE INDEX IF NOT EXISTS {name}_expiry ON {name} (expiry) WHERE expiry IS NOT NULL AND state=0"
        )
        query = "SELECT path FROM key_columns WHERE container=? ORDER BY position"
        paths = [tuple(load_stored(path)) for (path,) in self.db.execute(query, (container.number,))]
        table = Table(container, paths)
        prefix = f"{name}_by_"
        for (index,) in self.db.execute("SELECT name FROM sqlite_master WHERE type='index' AND tbl_name=?", (name,)):
            if index.startswith(prefix):
                table.indexes[tuple(index.removeprefix(prefix).split("_"))] = index
        self.tables[container.number] = table
        self._add_composites(table)
        self._add_unique_keys(table)
        if container.keeps_versions:
            versions.create(self.db, container)
        return table

    def _add_unique_keys(self, table: Table) -> None:
        for key in table.container.unique_keys:
            self.add_key_columns(table, [path for path in key if path != ("id",) and path not in table.paths])
            self.add_index(table, ("pk", *[table.column_of(path) for path in key]), [])

    def breaks_unique_key(self, table: Table, pk: str, item_id: str, document: Any) -> bool:
        """Does another live document of the logical partition have the same values at a unique key's paths?"""
        for key in table.container.unique_keys:
            columns = [table.column_of(path) for path in key]
            values = [
                at_path(document, path) if column == "id" else sort_key(at_path(document, path))
                for path, column in zip(key, columns, strict=True)
            ]
            same = " AND ".join(f"{column}=?" for column in columns)
            query = (
                f"SELECT 1 FROM {table.name} WHERE pk=? AND {same} AND id<>? AND state=0"
                " AND (expiry IS NULL OR expiry > ?)"
            )
            if self.db.execute(query, (pk, *values, item_id, time.time())).fetchone() is not None:
                return True
        return False

    def _add_composites(self, table: Table) -> None:
        composites = table.container.settings.get("indexingPolicy", {}).get("compositeIndexes", [])
        for composite in composites:
            paths = [split_path(item["path"]) for item in composite]
            new = [path for path in dict.fromkeys(paths) if path != ("id",) and path not in table.paths]
            self.add_key_columns(table, new)
            directions = [
                (
                    "id" if path == ("id",) else f"k{table.paths.index(path)}",
                    item.get("order", "").lower() == "descending",
                )
                for path, item in zip(paths, composite, strict=True)
            ]
            self.add_index(table, (), directions)
            self.add_index(table, ("pk",), directions)

    def change_container(self, container: Container) -> None:
        """Take over new settings: a changed default TTL moves every expiry."""
        table = self.tables[container.number]
        before, table.container = table.container, container
        self._add_composites(table)
        if container.keeps_versions:
            versions.create(self.db, container)
        if before.default_ttl == container.default_ttl:
            return
        own = "json_extract(body, '$.ttl')"
        self.group.commit_now()
        if container.default_ttl is None:
            self.db.execute(f"UPDATE {table.name} SET expiry=NULL WHERE state=0")
            return
        default = "NULL" if container.default_ttl < 0 else f"ts + {container.default_ttl}"
        self.db.execute(
            f"UPDATE {table.name} SET expiry=CASE WHEN {own} IS NULL THEN {default} WHEN {own} < 0 THEN NULL"
            f" ELSE ts + {own} END WHERE state=0"
        )

    def drop_container(self, container: Container) -> None:
        """Forget the container's documents; LSNs go on from where they were."""
        self.group.commit_now()
        self.db.execute("UPDATE region SET lsn=? WHERE name=?", (self.lsn, self.name))
        table = self.tables.pop(container.number)
        self.db.execute("DELETE FROM cursors WHERE container=?", (container.number,))
        self.db.execute("DELETE FROM key_columns WHERE container=?", (container.number,))
        self.db.execute(f"DROP TABLE {table.name}")
        versions.drop(self.db, container.number)

    def add_key_columns(self, table: Table, paths: Sequence[Path_]) -> None:
        """Give these paths a column of sort keys, filled for the documents that are there."""
        if not paths:
            return
        self.group.commit_now()
        self.db.execute("BEGIN IMMEDIATE")
        try:
            first = len(table.paths)
            for position, path in enumerate(paths, first):
                self.db.execute(f"ALTER TABLE {table.name} ADD COLUMN k{position} BLOB")
                self.db.execute(
                    "INSERT INTO key_columns VALUES (?, ?, ?)",
                    (table.container.number, position, dump_text(list(path))),
                )
            columns = ", ".join(f"k{position}=?" for position in range(first, first + len(paths)))
            update = f"UPDATE {table.name} SET {columns} WHERE rid=?"
            rows = self.db.execute(f"SELECT rid, body FROM {table.name} WHERE state=0")
            while batch := rows.fetchmany(1000):
                filled = []
                for rid, body in batch:
                    document = load_stored(body)
                    filled.append((*[sort_key(at_path(document, path)) for path in paths], rid))
                self.db.executemany(update, filled)
            self.db.execute("COMMIT")
        except sqlite3.Error:
            self.db.execute("ROLLBACK")
            raise
        table.set_paths([*table.paths, *paths])

    def add_index(self, table: Table, equal: Sequence[str], directions: Sequence[tuple[str, bool]]) -> None:
        """Index the equal columns, then those of the order."""
        columns = (*equal, *order_names(directions)) if directions else tuple(equal)
        if columns in table.indexes:
            return
        name = f"{table.name}_by_{'_'.join(columns)}"
        listed = ", ".join(f"{c[:-1]} DESC" if c.endswith("d") and c != "id" else c for c in columns)
        self.group.commit_now()
        self.db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {table.name} ({listed})")
        table.indexes[columns] = name

    # ---- reading

    @contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees everything committed, and only that, for as long as it reads."""
        connection = self._readers.pop() if self._readers else connect(self.path, read_only=True)
        try:
            yield connection
        finally:
            if len(self._readers) < _MAX_IDLE_READERS:
                self._readers.append(connection)
            else:
                connection.close()

    def read(self, table: Table, pk: str, item_id: str) -> tuple[str, str, int] | None:
        """(body, etag, lsn) of a live document."""
        found = self.db.execute(table.read, (pk, item_id)).fetchone()
        if found is None or (found[2] is not None and found[2] <= time.time()):
            return None
        return found[0], found[1], found[3]

    def row(self, table: Table, pk: str, item_id: str) -> Row | None:
        """Everything known about a document, dead or alive."""
        found = self.db.execute(table.state, (pk, item_id)).fetchone()
        return None if found is None else _row(found)

    def rows(self, table: Table, pk: str, ids: Sequence[str]) -> dict[str, Row]:
        """Everything known about several documents of one logical partition."""
        marks = ",".join("?" * len(ids))
        query = f"SELECT id, {VERSION_COLUMNS}, losers, lsn FROM {table.name} WHERE pk=? AND id IN ({marks})"
        return {found[0]: _row(found[1:]) for found in self.db.execute(query, (pk, *ids))}

    def id_of_rid(self, table: Table, rid: int) -> str | None:
        """The id of the document with this rid."""
        found = self.db.execute(f"SELECT id FROM {table.name} WHERE rid=? AND state=0", (rid,)).fetchone()
        return None if found is None else found[0]

    # ---- writing

    def next_write(self) -> tuple[int, int]:
        """A new LSN and a stamp (microseconds since 1970, growing)."""
        self.lsn += 1
        self._last_stamp = max(self._last_stamp + 1, time.time_ns() // 1000)
        return self.lsn, self._last_stamp

    def new_rid(self, lsn: int) -> int:
        """The rid number of a document created at this LSN: no other region makes the same one."""
        return (lsn << rids.REGION_BITS) | self.number

    def new_etag(self, lsn: int, stamp: int) -> str:
        """The ETag, quotes included, of the write with this LSN and stamp: no other write has it."""
        return f'"{lsn:08x}-{self.number:04x}-{stamp:016x}"'

    def put(self, table: Table, writes: Sequence[Write]) -> None:
        """Store the writes of one request in the open transaction, all or none.

        Raises:
            CosmosError: 503 when the disk does not take them; then nothing of the whole group is stored.
        """
        changes = [
            versions.Change(write.lsn, write.pk, write.id, write.existing, write.body, write.ts, expired=False)
            for write in writes
            if table.container.keeps_versions
        ]
        self._store(table, [self._columns(table, write) for write in writes], changes)

    def put_merged(self, table: Table, merged: Sequence[Merged]) -> None:
        """Store what merges with another region's states left."""
        rows: list[tuple[Any, ...]] = []
        changes: list[versions.Change] = []
        for one in merged:
            lsn, _ = self.next_write()
            shown = one.remaining[0]
            document = load_stored(shown.body) if table.paths and shown.body is not None else None
            losers = pack(one.remaining[1:])
            rows.append((shown.rid, one.pk, one.id, lsn, *shown[1:], losers, *table.keys_of(document)))
            before = one.before
            if table.container.keeps_versions and (before is None or before.version.etag != shown.etag):
                changes.append(versions.Change(lsn, one.pk, one.id, before, shown.body, shown.ts, expired=False))
        if rows:
            self._store(table, rows, changes)

    def set_cursor(self, source: str, container: int, lsn: int) -> None:
        """Remember, in the open transaction, how far another region's changes have been taken over."""
        try:
            self.db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", (source, container, lsn))
        except sqlite3.Error as error:
            failure = storage_failed(error)
            self.group.abort(failure)
            raise failure from error

    def purge(self, now: float) -> None:
        """Drop the bodies of expired documents. Their rows stay: they still beat older concurrent versions."""
        for table in self.tables.values():
            query = f"SELECT 1 FROM {table.name} WHERE expiry IS NOT NULL AND expiry <= ? AND state=0 LIMIT 1"
            if self.db.execute(query, (now,)).fetchone() is not None:
                self.group.begin()
                if table.container.keeps_versions:
                    self._record_expiries(table, now)
                update = f"UPDATE {table.name} SET body=NULL, state={EXPIRED} WHERE expiry <= ? AND state=0"
                self.db.execute(update, (now,))
            if table.container.keeps_versions:
                self.group.begin()
                versions.forget(self.db, table.container, now)

    def _record_expiries(self, table: Table, now: float) -> None:
        query = f"SELECT pk, id FROM {table.name} WHERE expiry <= ? AND state=0"
        for pk, item_id in self.db.execute(query, (now,)).fetchall():
            row = self.row(table, pk, item_id)
            lsn, _ = self.next_write()
            change = versions.Change(lsn, pk, item_id, row, None, int(now), expired=True)
            versions.record(self.db, table.container, [change])

    def _store(self, table: Table, rows: Sequence[Sequence[Any]], changes: Sequence[versions.Change]) -> None:
        try:
            self.group.begin()
            if len(rows) == 1:
                self.db.execute(table.upsert, rows[0])
            else:
                self.db.executemany(table.upsert, rows)
            if changes:
                versions.record(self.db, table.container, changes)
        except sqlite3.Error as error:
            failure = storage_failed(error)
            self.group.abort(failure)
            raise failure from error

    def _columns(self, table: Table, write: Write) -> tuple[Any, ...]:
        existing = write.existing
        if existing is None or (
            existing.version.origin == self.number and existing.version.context is None and not existing.losers
        ):
            context = None
        else:
            context = context_over(existing.all_versions(), self.number, write.lsn)
        return (
            write.rid,
            write.pk,
            write.id,
            write.lsn,
            write.etag,
            write.ts,
            write.expiry,
            LIVE if write.body is not None else DELETED,
            write.body,
            _conflict_value(table.container, write),
            write.stamp,
            self.number,
            write.lsn,
            context,
            None,
            *table.keys_of(write.document),
        )

    def _roll_back(self) -> None:
        self.lsn = self.committed_lsn
        self.rollbacks += 1

    def _committed(self) -> Waiter:
        lsn = self.committed_lsn = self.lsn
        return lambda error: self._durable(lsn, error)

    def _durable(self, lsn: int, error: Exception | None) -> None:
        if error is None and lsn > self.durable_lsn:
            self.durable_lsn = lsn
            for notify in self.changed:
                notify()

    def close(self) -> None:
        """Commit, sync and close everything."""
        self.group.close()
        for connection in self._readers:
            connection.close()
        self._readers.clear()


def _row(found: Sequence[Any]) -> Row:
    return Row(Version(*found[:11]), unpack(found[11]), found[12])


def _conflict_value(container: Container, write: Write) -> float | None:
    if write.document is None:
        return None
    if container.conflict_path is None:
        return float(write.ts)
    value = at_path(write.document, container.conflict_path)
    return as_double(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
