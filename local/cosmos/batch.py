"""Transactional batch, all or nothing, and JS's bulk, each for itself: many operations in one request."""

import time
from dataclasses import dataclass
from typing import Any

from local.cosmos import charges, patch
from local.cosmos.calls import Call, etag_matches
from local.cosmos.documents import checked_id, draft_from
from local.cosmos.errors import CosmosError, bad_request, conflict, not_found, precondition_failed, too_large
from local.cosmos.http import Response
from local.cosmos.items import deletion, is_live, patched, prepare
from local.cosmos.tables import Row, Table, Write
from local.cosmos.values import at_path, dump_text, key_of_header, parse_json, sort_key

MAX_OPERATIONS = 100
_MAX_BYTES = 2 * 1024 * 1024
_KINDS = frozenset(("create", "upsert", "read", "replace", "patch", "delete"))


@dataclass(slots=True)
class _State:
    """A document as the operations so far have left it."""

    row: Row | None  # as stored before the batch
    body: str | None  # None: not there
    etag: str | None
    rid: int | None
    write: Write | None = None


@dataclass(slots=True)
class Result:
    """What one operation answers."""

    status: int
    substatus: int = 0
    charge: float = 0.0
    etag: str | None = None
    body: str | None = None

    def as_text(self) -> str:
        """The entry in the answer's array."""
        text = f'{{"statusCode":{self.status},"subStatusCode":{self.substatus},"requestCharge":{self.charge}'
        if self.etag is not None:
            text += f',"eTag":"\\"{self.etag[1:-1]}\\""'
        if self.body is not None:
            text += f',"resourceBody":{self.body}'
        return text + "}"


def batch(call: Call) -> Response:
    """POST …/docs with `x-ms-cosmos-is-batch-request`."""
    operations = operations_of(call)
    atomic = (call.header("x-ms-cosmos-batch-atomic") or "false").lower() == "true"
    results = run_atomic(call, operations) if atomic else run_bulk(call, operations)
    call.charge = round(sum(result.charge for result in results), 2)
    failed = any(result.status >= 400 for result in results)
    body = f"[{','.join([result.as_text() for result in results])}]".encode()
    response = call.answer(207 if failed else 200, body, call.store.lsn, f"x-ms-item-count: {len(results)}\r\n")
    if any(result.status < 300 for result in results):
        response.after = call.store.group.when_durable
    return response


def operations_of(call: Call) -> list[dict[str, Any]]:
    """The operations in the request, checked for number and size."""
    if len(call.request.body) > _MAX_BYTES:
        raise too_large()
    operations = parse_json(call.request.body)
    if not isinstance(operations, list) or not all(isinstance(operation, dict) for operation in operations):
        raise bad_request("A batch is an array of operations.")
    if not operations:
        raise bad_request("A batch has at least one operation.")
    if len(operations) > MAX_OPERATIONS:
        raise bad_request(f"Batch request has more operations than what is supported: {MAX_OPERATIONS}.")
    return operations


def run_atomic(call: Call, operations: list[dict[str, Any]]) -> list[Result]:
    """All operations or none; after a failure the others answer 424."""
    pk = call.partition_key()
    run = _Transaction(call, pk, operations)
    results: list[Result] = []
    first_lsn = call.store.lsn
    for place, operation in enumerate(operations):
        try:
            results.append(run.apply(operation))
        except CosmosError as error:
            call.store.lsn = first_lsn  # nothing was stored under the numbers taken since
            failed = [Result(424) for _ in operations]
            failed[place] = Result(error.status, error.substatus, charge=1.0)
            return failed
    run.store()
    return results


def run_bulk(call: Call, operations: list[dict[str, Any]]) -> list[Result]:
    """Each operation for itself, with its own partition key."""
    header = call.header("x-ms-documentdb-partitionkey")
    results: list[Result] = []
    for operation in operations:
        try:
            key = operation.get("partitionKey", header)
            if not isinstance(key, str):
                key = None if key is None else dump_text(key)
            if key is None:
                raise bad_request("PartitionKey value must be supplied for this operation.")
            run = _Transaction(call, key_of_header(key)[0], [operation])
            result = run.apply(operation)
            run.store()
            results.append(result)
        except CosmosError as error:
            results.append(Result(error.status, error.substatus, charge=1.0))
    return results


class _Transaction:
    """The operations of one logical partition, applied to an overlay and stored at the end."""

    def __init__(self, call: Call, pk: str, operations: list[dict[str, Any]]) -> None:
        self._call = call
        self._pk = pk
        self._now = time.time()
        self._minimal = call.minimal
        ids = {name for operation in operations if isinstance(name := _id_in(operation), str)}
        rows = call.store.rows(call.table, pk, _encodable(ids)) if ids else {}
        self._states: dict[str, _State] = {}
        for item_id in ids:
            row = rows.get(item_id)
            if row is not None and is_live(row, self._now):
                self._states[item_id] = _State(row, row.version.body, row.version.etag, row.version.rid)
            else:
                self._states[item_id] = _State(row, None, None, None)

    def apply(self, operation: dict[str, Any]) -> Result:
        """Run one operation. Raises CosmosError."""
        kind = operation.get("operationType")
        kind = kind.lower() if isinstance(kind, str) else ""
        if kind not in _KINDS:
            raise bad_request(f"Unknown operation type {operation.get('operationType')!r}.")
        if kind in ("create", "upsert"):
            return self._create(operation, upsert=kind == "upsert")
        state = self._existing(operation)
        self._check_match(operation, state)
        if kind == "read":
            return self._read(operation, state)
        if kind == "delete":
            return self._delete(operation, state)
        if kind == "patch":
            wanted = patch.patch_from(operation.get("resourceBody"))
            draft = patched(self._call, state.body or "", wanted, self._pk)
        else:
            draft = draft_from(operation.get("resourceBody"), self._call.container, self._pk)
            if draft.id != operation.get("id"):
                raise bad_request("The id in the body does not match the id of the operation.")
        return self._write(draft, state, 200, kind)

    def store(self) -> None:
        """Hand the outcome to the store, in one piece."""
        writes = [state.write for state in self._states.values() if state.write is not None]
        if writes:
            self._call.store.put(self._call.table, writes)

    def _create(self, operation: dict[str, Any], *, upsert: bool) -> Result:
        draft = draft_from(operation.get("resourceBody"), self._call.container, self._pk)
        state = self._states[draft.id]
        if state.body is None:
            return self._write(draft, state, 201, "create")
        if not upsert:
            raise conflict()
        self._check_match(operation, state)
        return self._write(draft, state, 200, "upsert")

    def _existing(self, operation: dict[str, Any]) -> _State:
        item_id = checked_id(operation.get("id"))
        state = self._states[item_id]
        if state.body is None:
            raise not_found()
        return state

    @staticmethod
    def _check_match(operation: dict[str, Any], state: _State) -> None:
        wanted, unwanted = operation.get("ifMatch"), operation.get("ifNoneMatch")
        if isinstance(wanted, str) and not etag_matches(wanted, state.etag):
            raise precondition_failed()
        if isinstance(unwanted, str) and etag_matches(unwanted, state.etag):
            if str(operation.get("operationType")).lower() == "read":
                raise CosmosError(304, "Not modified.")
            raise precondition_failed()

    @staticmethod
    def _read(_: dict[str, Any], state: _State) -> Result:
        body = state.body or ""
        return Result(200, charge=charges.read(len(body)), etag=state.etag, body=body)

    def _delete(self, operation: dict[str, Any], state: _State) -> Result:
        charge = charges.write("delete", len(state.body or ""))
        state.body = state.etag = None
        if state.row is None:
            state.write = None  # made and deleted in this very batch
            state.rid = None
            return Result(204, charge=charge)
        state.write = deletion(self._call, self._pk, str(operation.get("id")), state.row)
        state.rid = None
        return Result(204, charge=charge)

    def _check_unique_here(self, write: Write) -> None:
        """Unique keys against what this batch itself writes; the stored documents are checked already."""
        table = self._call.table
        if not table.container.unique_keys:
            return
        mine = _unique_values(table, write.document)
        for state in self._states.values():
            other = state.write
            if other is not None and other.id != write.id and other.document is not None:
                theirs = _unique_values(table, other.document)
                if any(one == another for one, another in zip(mine, theirs, strict=True)):
                    raise conflict("Unique index constraint violation.")

    def _write(self, draft: Any, state: _State, status: int, kind: str) -> Result:
        write, text = prepare(self._call, draft, state.row, state.rid)
        self._check_unique_here(write)
        state.write, state.body, state.etag, state.rid = write, text, write.etag, write.rid
        charge = charges.write(kind, len(text))
        return Result(status, charge=charge, etag=write.etag, body=None if self._minimal else text)


def _unique_values(table: Table, document: Any) -> list[tuple[bytes, ...]]:
    keys = table.container.unique_keys
    return [tuple(sort_key(at_path(document, path)) for path in key) for key in keys]


def _id_in(operation: dict[str, Any]) -> object:
    body = operation.get("resourceBody")
    kind = operation.get("operationType")
    if isinstance(kind, str) and kind.lower() in ("create", "upsert") and isinstance(body, dict):
        return body.get("id")
    return operation.get("id")


def _encodable(ids: set[str]) -> list[str]:
    # Half a surrogate pair names no stored document; SQLite could not even be asked.
    return [item_id for item_id in ids if item_id.isascii() or item_id.encode("utf-8", "ignore").decode() == item_id]
