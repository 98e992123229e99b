"""One request on its way through the account: what it is about, and how its answer is put together."""

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.cosmos.catalog import Container
from local.cosmos.errors import CosmosError, bad_request, precondition_failed
from local.cosmos.http import Request, Response
from local.cosmos.state import RegionStore
from local.cosmos.tables import Table
from local.cosmos.values import key_of_header

if TYPE_CHECKING:
    from local.cosmos.account import Account, Region


@dataclass(slots=True)
class Call:
    """A request, and the region that answers it."""

    account: "Account"
    region: "Region"
    request: Request
    segments: list[str]  # of the path, decoded
    resource: str  # account, database, container, document, offer, pkrange
    operation: str  # create, read, replace, delete, list, query, patch, batch, ...
    by_rid: bool = False
    charge: float = 0.0
    _container: Container | None = None
    _table: Table | None = None
    activity_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.activity_id = self.request.headers.get("x-ms-activity-id") or str(uuid.uuid4())

    @property
    def store(self) -> RegionStore:
        """The region's documents."""
        return self.region.store

    def header(self, name: str) -> str | None:
        """A request header."""
        return self.request.headers.get(name)

    def flag(self, name: str) -> bool:
        """A boolean header: Python says `True`, JS `true`."""
        value = self.request.headers.get(name)
        return value is not None and value.lower() == "true"

    @property
    def container(self) -> Container:
        """The container in the path. Raises 404."""
        if self._container is None:
            self._container = self.account.container_at(self.segments)
        return self._container

    @property
    def table(self) -> Table:
        """The container's table in this region."""
        if self._table is None:
            self._table = self.region.store.tables[self.container.number]
        return self._table

    def partition_key(self) -> str:
        """The full partition key of the request, canonical.

        Raises:
            CosmosError: 400 when it is absent or has too few or many parts.
        """
        header = self.request.headers.get("x-ms-documentdb-partitionkey")
        if header is None:
            raise bad_request("PartitionKey value must be supplied for this operation.")
        text, parts = key_of_header(header)
        if parts != len(self.container.key_paths):
            raise bad_request(
                "Partition key provided either doesn't correspond to definition in the collection or doesn't match"
                " partition key field values specified in the document.",
                substatus=1001,
            )
        return text

    @property
    def minimal(self) -> bool:
        """Did the client say that it needs no body back?"""
        return self.request.headers.get("prefer", "").lower() == "return=minimal"

    def check_if_match(self, etag: str | None) -> None:
        """412 unless If-Match (if any) names this ETag."""
        wanted = self.request.headers.get("if-match")
        if wanted is not None and not etag_matches(wanted, etag):
            raise precondition_failed()

    def answer(self, status: int, body: bytes, lsn: int, extra: str = "") -> Response:
        """An answer about items of the container."""
        head = (
            f"{self.container.item_headers}x-ms-session-token: {self.region.session_token(lsn)}\r\nlsn: {lsn}\r\n"
            f"x-ms-request-charge: {self.charge}\r\nx-ms-activity-id: {self.activity_id}\r\n{extra}"
        )
        return Response(status, body, head)

    def plain(self, status: int, body: bytes, extra: str = "") -> Response:
        """An answer about anything else."""
        head = f"x-ms-request-charge: {self.charge or 1.0}\r\nx-ms-activity-id: {self.activity_id}\r\n{extra}"
        return Response(status, body, head)


def etag_matches(wanted: str, etag: str | None) -> bool:
    """Strong comparison; `*` matches whatever exists; quotes may be missing."""
    if etag is None:
        return False
    return wanted in ("*", etag, etag.strip('"'))


def error_response(error: CosmosError, activity_id: str, uri: str) -> Response:
    """The answer that an error makes."""
    head = f"x-ms-activity-id: {activity_id}\r\nx-ms-request-charge: 1.0\r\n"
    head += f"x-ms-substatus: {error.substatus}\r\n" if error.substatus else ""
    head += "".join(f"{name}: {value}\r\n" for name, value in error.headers.items())
    return Response(error.status, error.body(activity_id, uri), head)
