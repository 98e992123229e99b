"""Every version of a container's documents and their deletions, kept as long as its change feed policy says.

Only containers with a `changeFeedPolicy` have this table; it is written in the transaction of the change.
"""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from local.cosmos.catalog import Container
from local.cosmos.conflicts import LIVE
from local.cosmos.tables import Row
from local.cosmos.values import dump_text, load_stored


class Change(NamedTuple):
    """One change of one document; `body` None deletes it."""

    lsn: int
    pk: str
    id: str
    before: Row | None
    body: str | None
    ts: int
    expired: bool


def _name(number: int) -> str:
    return f"versions_{number}"


def create(db: sqlite3.Connection, container: Container) -> None:
    """Make the container's table, if it is not there."""
    db.execute(
        f"CREATE TABLE IF NOT EXISTS {_name(container.number)} (lsn INTEGER PRIMARY KEY, pk TEXT NOT NULL,"
        " ts INTEGER NOT NULL, entry TEXT NOT NULL)"
    )


def drop(db: sqlite3.Connection, number: int) -> None:
    """Remove the table of a deleted container."""
    db.execute(f"DROP TABLE IF EXISTS {_name(number)}")


def record(db: sqlite3.Connection, container: Container, changes: Sequence[Change]) -> None:
    """Add changes in the open transaction."""
    rows = [(one.lsn, one.pk, one.ts, entry) for one in changes if (entry := _entry(container, one)) is not None]
    db.executemany(f"INSERT INTO {_name(container.number)} VALUES (?, ?, ?, ?)", rows)


def forget(db: sqlite3.Connection, container: Container, now: float) -> None:
    """Drop what is older than the policy's retention, given in minutes."""
    minutes = container.settings["changeFeedPolicy"]["retentionDuration"]
    db.execute(f"DELETE FROM {_name(container.number)} WHERE ts < ?", (now - minutes * 60,))


def page(
    db: sqlite3.Connection, container: Container, conditions: Sequence[str], arguments: Sequence[object], limit: int
) -> list[tuple[int, str]]:
    """(LSN, entry) of the changes that meet the conditions, oldest first."""
    where = " AND ".join(conditions)
    query = f"SELECT lsn, entry FROM {_name(container.number)} WHERE {where} ORDER BY lsn LIMIT ?"
    return db.execute(query, (*arguments, limit)).fetchall()


def _entry(container: Container, change: Change) -> str | None:
    before = change.before
    previous = before.version.body if before is not None and before.version.state == LIVE else None
    if change.body is None and previous is None:
        return None  # the deletion of what was not to be seen
    kind = "delete" if change.body is None else "create" if previous is None else "replace"
    metadata: dict[str, object] = {"lsn": change.lsn, "crts": change.ts, "operationType": kind}
    if before is not None and previous is not None:
        metadata["previousImageLSN"] = before.lsn
    if change.body is None:
        keys = ["/".join(path) for path in container.key_paths]
        metadata["id"] = change.id
        metadata["partitionKey"] = dict(zip(keys, load_stored(change.pk), strict=True))
    if change.expired:
        metadata["timeToLiveExpired"] = True
    images = f'"current":{change.body or "{}"}' + (f',"previous":{previous}' if previous is not None else "")
    return f'{{{images},"metadata":{dump_text(metadata)}}}'
