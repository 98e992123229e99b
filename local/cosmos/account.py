"""One account: its regions with their documents, its catalogue of containers, and what is switched off just now."""

import asyncio
import fcntl
import json
import re
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from local.cosmos import rids
from local.cosmos.catalog import Catalog, Container, Database
from local.cosmos.errors import CosmosError, not_found, storage_failed
from local.cosmos.settings import BadSettings, CosmosSettings, comparable
from local.cosmos.state import RegionStore
from local.faults import FaultBook

FAULTS = (
    "status",
    "delay",
    "silence",
    "silence-after",
    "reset",
    "reset-after",
    "truncate",
    "refuse",
    "syn-drop",
    "replication-stop",
    "region-hidden",
)
FACTS = ("region", "resource", "operation", "database", "container", "id")

# What the service advertises to SDKs that plan queries themselves; .NET fails without any property here.
_ENGINE = {
    "maxSqlQueryInputLength": 262144,
    "maxJoinsPerSqlQuery": 10,
    "maxLogicalAndPerSqlQuery": 2000,
    "maxLogicalOrPerSqlQuery": 2000,
    "maxUdfRefPerSqlQuery": 10,
    "maxInExpressionItemsCount": 16000,
    "queryMaxInMemorySortDocumentCount": 500,
    "maxQueryRequestTimeoutFraction": 0.9,
    "sqlAllowNonFiniteNumbers": False,
    "sqlAllowAggregateFunctions": True,
    "sqlAllowSubQuery": True,
    "sqlAllowScalarSubQuery": True,
    "allowNewKeywords": True,
    "sqlAllowLike": True,
    "sqlAllowGroupByClause": True,
    "sqlAllowTop": True,
    "maxSpatialQueryCells": 12,
    "spatialMaxGeometryPointCount": 256,
    "sqlDisableOptimizationFlags": 0,
    "enableSpatialIndexing": True,
}


@dataclass(slots=True)
class Region:
    """One region: where it listens, its documents, and whether it is in the account."""

    name: str
    number: int
    store: RegionStore
    address: str = ""
    member: bool = True  # False: taken out of the account; requests get 403/3
    down: bool = False  # True: its listener refuses connections
    spent: dict[int, tuple[int, float]] = field(default_factory=dict)  # container to (second, RU)

    def session_token(self, lsn: int) -> str:
        """The session token after this LSN: its shape never changes, SDKs fail on that."""
        return f"0:-1#{lsn}"


class Account:
    """The account's state; no HTTP, no sockets."""

    def __init__(self, settings: CosmosSettings, loop: asyncio.AbstractEventLoop) -> None:
        self.settings = settings
        settings.data.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(settings.data)
        self._remember_regions()
        self.catalog = Catalog(settings.data / "account.sqlite")
        self.faults = FaultBook(FAULTS, FACTS)
        self.faults_on = False
        self.enforce_throughput = settings.enforce_throughput
        self.regions: list[Region] = []
        for name in settings.regions:
            path = settings.data / f"region-{re.sub(r'[^a-z0-9]', '', name.lower())}.sqlite"
            number = self._numbers[comparable(name)]
            self.regions.append(Region(name, number, RegionStore(path, name, number, self.catalog, loop)))
        self.pkranges_etag = '"1"'

    def _remember_regions(self) -> None:
        """Regions keep the number that their writes are marked with, whatever order they are given in later."""
        path = self.settings.data / "regions.json"
        try:
            self._numbers: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        except ValueError as error:
            raise BadSettings(f"{path} is damaged: restore it, or start with an empty data folder") from error
        for name in self.settings.regions:
            self._numbers.setdefault(comparable(name), len(self._numbers))
        if len(self._numbers) > 2**rids.REGION_BITS:
            raise BadSettings("this data folder has seen too many regions: start with an empty one")
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(self._numbers))
        temporary.replace(path)

    def region_named(self, name: str) -> Region:
        """A region by any spelling of its name. Raises KeyError."""
        for region in self.regions:
            if comparable(region.name) == comparable(name):
                return region
        raise KeyError(name)

    def document(self) -> dict[str, Any]:
        """The account as `GET /` shows it."""
        locations = [
            {"name": region.name, "databaseAccountEndpoint": region.address}
            for region in self.regions
            if region.member and self.faults.active("region-hidden", region=region.name) is None
        ]
        name = self.settings.account
        return {
            "_self": "",
            "id": name,
            "_rid": f"{name}.documents.azure.com",
            "media": "//media/",
            "addresses": "//addresses/",
            "_dbs": "//dbs/",
            "writableLocations": locations,
            "readableLocations": locations,
            "enableMultipleWriteLocations": len(self.regions) > 1,
            "continuousBackupEnabled": False,
            "enableNRegionSynchronousCommit": False,
            "userReplicationPolicy": {"asyncReplication": False, "minReplicaSetSize": 3, "maxReplicasetSize": 4},
            "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
            "systemReplicationPolicy": {"minReplicaSetSize": 3, "maxReplicasetSize": 4},
            "readPolicy": {"primaryReadCoefficient": 1, "secondaryReadCoefficient": 1},
            "queryEngineConfiguration": json.dumps(_ENGINE),
        }

    def document_body(self) -> bytes:
        """`document` as bytes."""
        return json.dumps(self.document()).encode()

    # ---- throughput

    def _ceiling(self, container: Container) -> int | None:
        database_rid = rids.database_rid(container.database_number)
        offer = self.catalog.offers.get(container.rid) or self.catalog.offers.get(database_rid)
        return None if offer is None else offer.ceiling

    def check_budget(self, region: Region, container: Container) -> None:
        """429 when this second's request units are spent already.

        As in the service, one request may overdraw: what it cost is known only afterwards.
        """
        ceiling = self._ceiling(container)
        if ceiling is None or container.number not in region.spent:
            return
        self.spend(region, container, 0.0)  # pay back what time has paid
        second, spent = region.spent[container.number]
        if spent < ceiling:
            return
        now = time.time()
        # An overdraft is paid back second by second.
        wait_ms = max(1, int((second + max(1, int(spent // ceiling)) - now) * 1000))
        raise CosmosError(
            429,
            "The request rate is large: more Request Units may be needed. Retry after the time given.",
            3200,
            headers={"x-ms-retry-after-ms": str(wait_ms)},
        )

    def spend(self, region: Region, container: Container, charge: float) -> None:
        """Book what a request cost."""
        ceiling = self._ceiling(container)
        if ceiling is None:
            return
        now = int(time.time())
        second, spent = region.spent.get(container.number, (now, 0.0))
        if now > second:
            spent, second = max(0.0, spent - ceiling * (now - second)), now
        region.spent[container.number] = (second, spent + charge)

    # ---- finding things

    def database_at(self, segments: list[str]) -> Database:
        """The database in a path, by name or rid. Raises 404."""
        name = segments[1]
        found = self.catalog.databases.get(name)
        if found is None and rids.looks_like_rid(name):
            found = self.catalog.database_by_number(rids.database_number(name) or 0)
        if found is None:
            raise not_found()
        return found

    def container_at(self, segments: list[str]) -> Container:
        """The container in a path, by name or rid. Raises 404."""
        database = self.database_at(segments)
        name = segments[3]
        found = database.containers.get(name)
        if found is None and rids.looks_like_rid(segments[1]):
            number = rids.container_number(name)
            candidate = None if number is None else self.catalog.container_by_number(number)
            if candidate is not None and candidate.database_number == database.number:
                found = candidate
        if found is None:
            # 1003: what the gateway says when the owner of the resource does not exist.
            raise CosmosError(404, "Resource Not Found. Owner resource does not exist", 1003)
        return found

    @staticmethod
    def document_number(rid: str) -> int | None:
        """The number in a document's rid."""
        return rids.document_number(rid)

    # ---- changing the catalogue in all regions

    def add_container(self, database: Database, settings: dict[str, Any]) -> Container:
        """Create a container everywhere."""
        container = self.catalog.create_container(database, settings)
        try:
            for region in self.regions:
                region.store.add_container(container)
        except sqlite3.Error as error:
            self.catalog.delete_container(container)  # tables made already go at the next start
            raise storage_failed(error) from error
        return container

    def change_container(self, container: Container, settings: dict[str, Any]) -> Container:
        """Replace a container's settings everywhere."""
        changed = self.catalog.replace_container(container, settings)
        for region in self.regions:
            region.store.change_container(changed)
        return changed

    def drop_container(self, container: Container) -> None:
        """Delete a container everywhere."""
        self.catalog.delete_container(container)
        for region in self.regions:
            region.store.drop_container(container)

    def drop_database(self, database: Database) -> None:
        """Delete a database with its containers everywhere."""
        containers = list(database.containers.values())
        self.catalog.delete_database(database)
        for region in self.regions:
            for container in containers:
                region.store.drop_container(container)

    def close(self) -> None:
        """Close all files."""
        for region in self.regions:
            region.store.close()
        self.catalog.close()
        self._lock.close()


def _locked(folder: Path) -> IO[str]:
    """Hold the folder for this process alone: two would give the same LSNs to different writes."""
    file = (folder / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise BadSettings(f"the data folder {folder} is in use by another process: stop it, or take another") from error
    return file
