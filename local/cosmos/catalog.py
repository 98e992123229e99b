"""Databases, containers and their throughput: one truth for all regions, in one SQLite file."""

import json
import sqlite3
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.cosmos import rids
from local.cosmos.group_commit import connect

Path_ = tuple[str, ...]


@dataclass(slots=True)
class Offer:
    """Provisioned throughput of one database or container, in RU/s."""

    rid: str
    resource: str  # the _self link of what it is for
    resource_rid: str
    throughput: int
    autoscale_max: int | None
    etag: str
    ts: int

    def as_json(self) -> dict[str, Any]:
        """The offer as the service shows it."""
        content: dict[str, Any] = {"offerThroughput": self.throughput, "offerIsRUPerMinuteThroughputEnabled": False}
        if self.autoscale_max is not None:
            content["offerAutopilotSettings"] = {"maxThroughput": self.autoscale_max}
        return {
            "id": self.rid,
            "_rid": self.rid,
            "_self": f"offers/{self.rid}/",
            "_etag": self.etag,
            "_ts": self.ts,
            "resource": self.resource,
            "offerResourceId": self.resource_rid,
            "offerType": "Invalid",
            "offerVersion": "V2",
            "content": content,
        }

    @property
    def ceiling(self) -> int:
        """What may be spent in one second."""
        return self.autoscale_max or self.throughput


@dataclass(slots=True)
class Container:
    """One container; everything requests need of its settings is worked out once."""

    number: int
    database_number: int
    database: str
    id: str
    settings: dict[str, Any]
    etag: str
    ts: int
    rid: str = field(init=False)
    rid_bytes: bytes = field(init=False)
    self_link: str = field(init=False)
    key_paths: tuple[Path_, ...] = field(init=False)
    default_ttl: int | None = field(init=False)
    conflict_path: Path_ | None = field(init=False)  # None: /_ts
    unique_keys: tuple[tuple[Path_, ...], ...] = field(init=False)
    keeps_versions: bool = field(init=False)
    item_headers: str = field(init=False)

    def __post_init__(self) -> None:
        self.rid = rids.container_rid(self.database_number, self.number)
        self.rid_bytes = rids.container_bytes(self.database_number, self.number)
        self.self_link = f"dbs/{rids.database_rid(self.database_number)}/colls/{self.rid}/"
        self.key_paths = tuple(split_path(path) for path in self.settings["partitionKey"]["paths"])
        self.default_ttl = self.settings.get("defaultTtl")
        policy = self.settings.get("conflictResolutionPolicy", {})
        path = policy.get("conflictResolutionPath") or "/_ts"
        self.conflict_path = None if path == "/_ts" else split_path(path)
        unique = self.settings.get("uniqueKeyPolicy", {}).get("uniqueKeys", [])
        self.unique_keys = tuple(tuple(split_path(path) for path in key["paths"]) for key in unique)
        self.keeps_versions = bool(self.settings.get("changeFeedPolicy", {}).get("retentionDuration"))
        self.item_headers = (
            f"x-ms-alt-content-path: dbs/{_header(self.database)}/colls/{_header(self.id)}\r\n"
            f"x-ms-content-path: {self.rid}\r\n"
            "x-ms-documentdb-partitionkeyrangeid: 0\r\n"
        )

    def as_json(self) -> dict[str, Any]:
        """The container as the service shows it."""
        return {
            **self.settings,
            "_rid": self.rid,
            "_self": self.self_link,
            "_etag": self.etag,
            "_ts": self.ts,
            "_docs": "docs/",
            "_sprocs": "sprocs/",
            "_triggers": "triggers/",
            "_udfs": "udfs/",
            "_conflicts": "conflicts/",
        }


@dataclass(slots=True)
class Database:
    """One database and its containers by name."""

    number: int
    id: str
    etag: str
    ts: int
    containers: dict[str, Container] = field(default_factory=dict)

    @property
    def rid(self) -> str:
        """Its rid."""
        return rids.database_rid(self.number)

    @property
    def self_link(self) -> str:
        """Its _self link."""
        return f"dbs/{self.rid}/"

    def as_json(self) -> dict[str, Any]:
        """The database as the service shows it."""
        return {
            "id": self.id,
            "_rid": self.rid,
            "_self": self.self_link,
            "_etag": self.etag,
            "_ts": self.ts,
            "_colls": "colls/",
            "_users": "users/",
        }


def _header(name: str) -> str:
    # Header values are latin-1: any other name travels percent-encoded.
    return "".join(c if " " <= c <= "~" and c != "%" else "".join(f"%{b:02X}" for b in c.encode()) for c in name)


def split_path(path: str) -> Path_:
    """`/a/"b c"/d` as property names. Raises ValueError when it is no such path."""
    if not path.startswith("/") or len(path) < 2:
        raise ValueError(f"not a path: {path!r}")
    parts: list[str] = []
    rest = path
    while rest:
        if not rest.startswith("/"):
            raise ValueError(f"not a path: {path!r}")
        rest = rest[1:]
        if rest.startswith('"'):
            end = rest.find('"', 1)
            if end < 0:
                raise ValueError(f"not a path: {path!r}")
            parts.append(rest[1:end])
            rest = rest[end + 1 :]
        else:
            end = rest.find("/")
            end = len(rest) if end < 0 else end
            parts.append(rest[:end])
            rest = rest[end:]
        if not parts[-1]:
            raise ValueError(f"not a path: {path!r}")
    return tuple(parts)


def new_etag() -> str:
    """An ETag, quotes included, unlike any before."""
    return f'"{uuid.uuid4()}"'


_SCHEMA = """
CREATE TABLE IF NOT EXISTS databases (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, etag TEXT, ts INTEGER);
CREATE TABLE IF NOT EXISTS containers (number INTEGER PRIMARY KEY AUTOINCREMENT, database INTEGER, id TEXT,
  settings TEXT, etag TEXT, ts INTEGER, UNIQUE (database, id));
CREATE TABLE IF NOT EXISTS offers (number INTEGER PRIMARY KEY AUTOINCREMENT, resource TEXT, resource_rid TEXT UNIQUE,
  throughput INTEGER, autoscale_max INTEGER, etag TEXT, ts INTEGER);
"""


class Catalog:
    """The account's databases, containers and offers; every change is on disk before it returns."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path)
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        self.databases: dict[str, Database] = {}
        self.offers: dict[str, Offer] = {}  # by the rid of what they are for
        self._by_number: dict[int, Container] = {}
        self._load()

    def _load(self) -> None:
        numbers: dict[int, Database] = {}
        for number, name, etag, ts in self._db.execute("SELECT number, id, etag, ts FROM databases ORDER BY number"):
            self.databases[name] = numbers[number] = Database(number, name, etag, ts)
        query = "SELECT number, database, id, settings, etag, ts FROM containers ORDER BY number"
        for number, database, name, settings, etag, ts in self._db.execute(query):
            owner = numbers[database]
            self._keep(owner, Container(number, database, owner.id, name, json.loads(settings), etag, ts))
        query = "SELECT number, resource, resource_rid, throughput, autoscale_max, etag, ts FROM offers"
        for number, resource, rid, throughput, ceiling, etag, ts in self._db.execute(query):
            self.offers[rid] = Offer(_offer_rid(number), resource, rid, throughput, ceiling, etag, ts)

    def _keep(self, owner: Database, container: Container) -> None:
        owner.containers[container.id] = container
        self._by_number[container.number] = container

    def containers(self) -> Iterator[Container]:
        """Every container of the account."""
        yield from list(self._by_number.values())

    def container_by_number(self, number: int) -> Container | None:
        """The container whose rid carries this number."""
        return self._by_number.get(number)

    def database_by_number(self, number: int) -> Database | None:
        """The database whose rid carries this number."""
        return next((database for database in self.databases.values() if database.number == number), None)

    def create_database(self, name: str) -> Database:
        """Add a database that is not there yet."""
        etag, ts = new_etag(), int(time.time())
        cursor = self._db.execute("INSERT INTO databases (id, etag, ts) VALUES (?, ?, ?)", (name, etag, ts))
        database = Database(int(cursor.lastrowid or 0), name, etag, ts)
        self.databases[name] = database
        return database

    def delete_database(self, database: Database) -> None:
        """Remove a database, its containers and offers."""
        with self._transaction():
            self._db.execute("DELETE FROM databases WHERE number = ?", (database.number,))
            self._db.execute("DELETE FROM containers WHERE database = ?", (database.number,))
            for rid in [database.rid, *(container.rid for container in database.containers.values())]:
                self._db.execute("DELETE FROM offers WHERE resource_rid = ?", (rid,))
                self.offers.pop(rid, None)
        for container in database.containers.values():
            del self._by_number[container.number]
        del self.databases[database.id]

    def create_container(self, database: Database, settings: dict[str, Any]) -> Container:
        """Add a container that is not there yet; `settings` are complete and valid."""
        etag, ts = new_etag(), int(time.time())
        cursor = self._db.execute(
            "INSERT INTO containers (database, id, settings, etag, ts) VALUES (?, ?, ?, ?, ?)",
            (database.number, settings["id"], json.dumps(settings), etag, ts),
        )
        number = int(cursor.lastrowid or 0)
        container = Container(number, database.number, database.id, settings["id"], settings, etag, ts)
        self._keep(database, container)
        return container

    def replace_container(self, container: Container, settings: dict[str, Any]) -> Container:
        """Change a container's settings."""
        etag, ts = new_etag(), int(time.time())
        self._db.execute(
            "UPDATE containers SET settings = ?, etag = ?, ts = ? WHERE number = ?",
            (json.dumps(settings), etag, ts, container.number),
        )
        changed = Container(
            container.number, container.database_number, container.database, container.id, settings, etag, ts
        )
        self._keep(self.databases[container.database], changed)
        return changed

    def delete_container(self, container: Container) -> None:
        """Remove a container and its offer."""
        with self._transaction():
            self._db.execute("DELETE FROM containers WHERE number = ?", (container.number,))
            self._db.execute("DELETE FROM offers WHERE resource_rid = ?", (container.rid,))
        self.offers.pop(container.rid, None)
        del self.databases[container.database].containers[container.id]
        del self._by_number[container.number]

    def put_offer(self, resource: str, resource_rid: str, throughput: int, autoscale_max: int | None) -> Offer:
        """Set the throughput of a database or container."""
        etag, ts = new_etag(), int(time.time())
        self._db.execute(
            "INSERT INTO offers (resource, resource_rid, throughput, autoscale_max, etag, ts) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (resource_rid) DO UPDATE SET throughput = excluded.throughput,"
            " autoscale_max = excluded.autoscale_max, etag = excluded.etag, ts = excluded.ts",
            (resource, resource_rid, throughput, autoscale_max, etag, ts),
        )
        found = self._db.execute("SELECT number FROM offers WHERE resource_rid = ?", (resource_rid,)).fetchone()
        offer = Offer(_offer_rid(found[0]), resource, resource_rid, throughput, autoscale_max, etag, ts)
        self.offers[resource_rid] = offer
        return offer

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)


class _Transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def _offer_rid(number: int) -> str:
    # Four letters, as the service's: no padding, so the rid is safe in a path.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return "o" + "".join(letters[number // 26**place % 26] for place in (2, 1, 0))
