"""Random histories of a multi-region account, in one process: writes, replication, cuts, restarts, then healing.

A model keeps, for every version, the versions its writer had seen; in the end all regions must hold the same bytes
and show a version that the rules allow: none that another one has seen, a delete before all, then the highest value.
"""

import json
import random
import shutil
import tempfile
from asyncio import get_running_loop
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.cosmos import batch, items
from local.cosmos.account import Account, Region
from local.cosmos.calls import Call
from local.cosmos.catalog import Container
from local.cosmos.errors import CosmosError
from local.cosmos.http import Request
from local.cosmos.replication import Link, Replication
from local.cosmos.settings import CosmosSettings

REGIONS = ("One", "Two", "Three")
_CONTAINERS = {"by-version": "/version", "by-time": "/_ts"}
_IDS = ("a", "b")


@dataclass(frozen=True)
class Written:
    """One version as the model knows it."""

    dot: tuple[str, int]
    seen: frozenset[tuple[str, int]]
    deleted: bool
    value: float | None


@dataclass
class _Model:
    versions: dict[tuple[str, str], list[Written]] = field(default_factory=dict)
    known: dict[tuple[str, str, str], frozenset[tuple[str, int]]] = field(default_factory=dict)


class Diverged(AssertionError):
    """Two regions differ after healing, or show what the rules forbid."""


class History:
    """One history; `step` does one random thing."""

    def __init__(self, regions: int, choose: random.Random) -> None:
        self._choose = choose
        self._folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self._settings = CosmosSettings(self._folder, dict.fromkeys(REGIONS[:regions], 0))
        self._model = _Model()
        self._cut: set[frozenset[str]] = set()
        self._open()
        database = self._account.catalog.create_database("d")
        for name, path in _CONTAINERS.items():
            policy = {"mode": "LastWriterWins", "conflictResolutionPath": path}
            settings = {"id": name, "partitionKey": {"paths": ["/pk"]}, "conflictResolutionPolicy": policy}
            self._account.add_container(database, {**settings, "defaultTtl": -1, "indexingPolicy": {}})
        self.operations = 0

    def _open(self) -> None:
        self._account = Account(self._settings, get_running_loop())
        self._links = Replication(self._account).links

    def _containers(self) -> list[Container]:
        return list(self._account.catalog.containers())

    def close(self) -> None:
        """Remove all traces."""
        self._account.close()
        shutil.rmtree(self._folder)

    def step(self) -> None:
        """One random thing."""
        self.operations += 1
        act = self._choose.choices(
            [self._write, self._replicate, self._cut_or_mend, self._restart, self._batch], [60, 25, 6, 1, 8]
        )[0]
        act()

    # ---- things that happen

    def _call(self, region: Region, container: Container, kind: str, item_id: str, body: Any) -> Call:
        segments = ["dbs", "d", "colls", container.id, "docs"]
        if kind in ("replace", "delete", "patch"):
            segments.append(item_id)
        request = Request("POST", "/", {"x-ms-documentdb-partitionkey": '["p"]', "x-ms-activity-id": "history"})
        request.body = json.dumps(body).encode()
        if kind == "upsert":
            request.headers["x-ms-documentdb-is-upsert"] = "true"
        if kind == "batch":
            request.headers["x-ms-cosmos-batch-atomic"] = "true"
        return Call(self._account, region, request, segments, "document", kind)

    def _write(self) -> None:
        region = self._choose.choice(self._account.regions)
        container = self._choose.choice(self._containers())
        item_id = self._choose.choice(_IDS)
        kind = self._choose.choice(["create", "upsert", "upsert", "replace", "delete", "patch"])
        value = self._choose.choice([None, 1, 2, 3, 3, 2.5, "x"])
        body: Any = {"id": item_id, "pk": "p", "by": region.name, "n": self.operations}
        if value is not None:
            body["version"] = value
        if kind == "patch":
            body = {"operations": [{"op": "set", "path": "/version", "value": value}]}
        handler: Callable[[Call], Any] = {
            "create": items.create,
            "upsert": items.create,
            "replace": items.replace,
            "delete": items.delete,
            "patch": items.patch_item,
        }[kind]
        try:
            handler(self._call(region, container, kind, item_id, body))
        except CosmosError as error:
            if error.status not in (404, 409):
                raise
            return
        region.store.group.commit_now()
        self._note(region, container, item_id)

    def _batch(self) -> None:
        region = self._choose.choice(self._account.regions)
        container = self._choose.choice(self._containers())
        operations = [
            {
                "operationType": "Upsert",
                "resourceBody": {"id": item_id, "pk": "p", "version": self._choose.randint(1, 3), "by": region.name},
            }
            for item_id in _IDS
        ]
        batch.batch(self._call(region, container, "batch", "", operations))
        region.store.group.commit_now()
        for item_id in _IDS:
            self._note(region, container, item_id)

    def _note(self, region: Region, container: Container, item_id: str) -> None:
        """Tell the model of the version just written."""
        row = region.store.row(region.store.tables[container.number], '["p"]', item_id)
        if row is None or row.version.origin != region.number:
            raise Diverged("a write is not what its own region shows")
        place = (region.name, container.id, item_id)
        seen = self._model.known.get(place, frozenset())
        dot = (region.name, row.version.olsn)
        value: float | None = None
        if row.version.body is not None:
            document = json.loads(row.version.body)
            found = document.get("version") if container.id == "by-version" else document["_ts"]
            value = float(found) if isinstance(found, int | float) else None
        written = Written(dot, seen, row.version.body is None, value)
        self._model.versions.setdefault((container.id, item_id), []).append(written)
        self._model.known[place] = seen | {dot}

    def _replicate(self) -> None:
        self._move(self._choose.choice(self._links))

    def _move(self, link: Link) -> bool:
        if frozenset((link.source.name, link.target.name)) in self._cut:
            return False
        link.due = link.source.store.committed_lsn
        moved = link.step()
        link.target.store.group.commit_now()
        for container_id, item_id in self._model.versions:
            source = self._model.known.get((link.source.name, container_id, item_id), frozenset())
            place = (link.target.name, container_id, item_id)
            self._model.known[place] = self._model.known.get(place, frozenset()) | source
        return moved > 0

    def _cut_or_mend(self) -> None:
        pair = frozenset(region.name for region in self._choose.sample(self._account.regions, 2))
        self._cut ^= {pair}

    def _restart(self) -> None:
        self._account.close()
        self._open()

    # ---- the end

    def heal_and_check(self) -> None:
        """Mend everything, replicate until nothing moves, compare. Raises Diverged."""
        self._cut.clear()
        for _ in range(100):
            if not sum(self._move(link) for link in self._links):
                break
        else:
            raise Diverged("replication never comes to rest")
        dumps = [self._dump(region) for region in self._account.regions]
        if any(dump != dumps[0] for dump in dumps):
            raise Diverged(json.dumps(dumps, indent=1))
        for (container_id, item_id), versions in self._model.versions.items():
            self._check_shown(container_id, item_id, versions)

    def _dump(self, region: Region) -> list[Any]:
        shown = "pk, id, rid, etag, ts, expiry, state, body, value, stamp, origin, olsn, context"
        return [
            [table.container.id, *row]
            for table in region.store.tables.values()
            for row in region.store.db.execute(f"SELECT {shown} FROM {table.name} ORDER BY pk, id")
        ]

    def _check_shown(self, container_id: str, item_id: str, versions: list[Written]) -> None:
        latest = [one for one in versions if not any(one.dot in other.seen for other in versions)]
        deletes = [one for one in latest if one.deleted]
        if deletes:
            allowed = deletes
        else:
            best = max((-1.0 if one.value is None else one.value) for one in latest)
            allowed = [one for one in latest if (-1.0 if one.value is None else one.value) == best]
        region = self._account.regions[0]
        table = next(table for table in region.store.tables.values() if table.container.id == container_id)
        row = region.store.row(table, '["p"]', item_id)
        origin = {region.number: region.name for region in self._account.regions}
        dot = None if row is None else (origin[row.version.origin], row.version.olsn)
        if dot not in {one.dot for one in allowed}:
            raise Diverged(f"{container_id}/{item_id} shows {dot}, allowed: {allowed}, of {versions}")


async def run_history(seed: int, steps: int, regions: int) -> int:
    """One history from a seed; the number of its steps. Raises Diverged."""
    history = History(regions, random.Random(seed))
    try:
        for _ in range(steps):
            history.step()
        history.heal_and_check()
        return history.operations
    finally:
        history.close()
