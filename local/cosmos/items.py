"""Point operations on documents: create, upsert, read, replace, delete, patch."""

import time
from typing import Any

from local.cosmos import charges, patch
from local.cosmos.calls import Call, etag_matches
from local.cosmos.conflicts import LIVE
from local.cosmos.documents import Draft, checked_id, draft_from, draft_of, expiry_of, finished
from local.cosmos.errors import CosmosError, bad_request, conflict, not_found, precondition_failed
from local.cosmos.http import Response
from local.cosmos.sql.program import condition_of
from local.cosmos.tables import Row, Write
from local.cosmos.values import load_stored


def is_live(row: Row | None, now: float) -> bool:
    """Is there a document to be seen?"""
    if row is None or row.version.state != LIVE:
        return False
    return row.version.expiry is None or row.version.expiry > now


def create(call: Call) -> Response:
    """POST …/docs, upsert or not."""
    pk = call.partition_key()
    container = call.container
    draft = draft_of(call.request.body, container, pk)
    row = call.store.row(call.table, pk, draft.id)
    live = is_live(row, time.time())
    upsert = call.flag("x-ms-documentdb-is-upsert")
    if live and not upsert:
        raise conflict()
    if live and row is not None:
        call.check_if_match(row.version.etag)
        unwanted = call.header("if-none-match")
        if unwanted is not None and etag_matches(unwanted, row.version.etag):
            raise precondition_failed()
        return _store(call, draft, row, "upsert")
    return _store(call, draft, row, "create")


def replace(call: Call) -> Response:
    """PUT …/docs/{id}."""
    row = _existing(call)
    call.check_if_match(row.version.etag)
    pk = call.partition_key()
    draft = draft_of(call.request.body, call.container, pk)
    if draft.id != _id(call):
        raise bad_request("The id in the body does not match the id in the path: an id cannot be changed.")
    return _store(call, draft, row, "replace")


def read(call: Call) -> Response:
    """GET …/docs/{id}."""
    pk = call.partition_key()
    found = call.store.read(call.table, pk, _id(call))
    lsn = call.store.lsn
    if found is None:
        raise not_found(
            "Entity with the specified id does not exist in the system. "
            "More info: https://aka.ms/cosmosdb-tsg-not-found"
        )
    body, etag, _ = found
    known = call.request.headers.get("if-none-match")
    if known is not None and etag_matches(known.removeprefix("W/"), etag):
        call.charge = 1.0
        return call.answer(304, b"", lsn, f"etag: {etag}\r\n")
    data = body.encode()
    call.charge = charges.read(len(data))
    return call.answer(200, data, lsn, f"etag: {etag}\r\n")


def delete(call: Call) -> Response:
    """DELETE …/docs/{id}."""
    row = _existing(call)
    call.check_if_match(row.version.etag)
    write = deletion(call, call.partition_key(), _id(call), row)
    call.store.put(call.table, [write])
    call.charge = charges.write("delete", len(row.version.body or ""))
    response = call.answer(204, b"", write.lsn)
    response.after = call.store.group.when_durable
    return response


def deletion(call: Call, pk: str, item_id: str, row: Row) -> Write:
    """The write that deletes."""
    lsn, stamp = call.store.next_write()
    etag = call.store.new_etag(lsn, stamp)
    return Write(pk, item_id, None, None, row, row.version.rid, lsn, etag, stamp // 1_000_000, None, stamp)


def patch_item(call: Call) -> Response:
    """PATCH …/docs/{id}."""
    row = _existing(call)
    call.check_if_match(row.version.etag)
    wanted = patch.patch_of(call.request.body)
    draft = patched(call, row.version.body or "", wanted, call.partition_key())
    return _store(call, draft, row, "patch")


def patched(call: Call, body: str, wanted: patch.Patch, pk: str) -> Draft:
    """The document after the patch.

    Raises:
        CosmosError: 412/1110 when the condition does not hold, 400 when an operation cannot be done.
    """
    document: dict[str, Any] = load_stored(body)
    if wanted.condition is not None and not condition_of(wanted.condition)(document):
        raise CosmosError(412, "One of the specified pre-condition is not met.", 1110)
    patch.apply(document, wanted.operations, call.container)
    return draft_from(document, call.container, pk)


def _id(call: Call) -> str:
    segment = call.segments[5]
    if call.by_rid:
        number = call.account.document_number(segment)
        found = None if number is None else call.store.id_of_rid(call.table, number)
        if found is None:
            raise not_found()
        return found
    return checked_id(segment)


def _existing(call: Call) -> Row:
    row = call.store.row(call.table, call.partition_key(), _id(call))
    if row is None or not is_live(row, time.time()):
        raise not_found()
    return row


def prepare(call: Call, draft: Draft, row: Row | None, rid: int | None) -> tuple[Write, str]:
    """The write of a draft with new system properties, and its finished body."""
    store, table = call.store, call.table
    container = table.container
    if container.unique_keys and store.breaks_unique_key(table, draft.pk, draft.id, draft.document):
        raise conflict("Unique index constraint violation.")
    lsn, stamp = store.next_write()
    ts = stamp // 1_000_000
    etag = store.new_etag(lsn, stamp)
    number = store.new_rid(lsn) if rid is None else rid
    text = finished(draft.text, container, number, etag, ts)
    expiry = None if container.default_ttl is None else expiry_of(container, draft.ttl, ts)
    document = draft.document
    if table.paths:
        document["_ts"] = ts
    return Write(draft.pk, draft.id, text, document, row, number, lsn, etag, ts, expiry, stamp), text


def _store(call: Call, draft: Draft, row: Row | None, kind: str) -> Response:
    new = row is None or kind == "create"
    write, text = prepare(call, draft, row, None if new or row is None else row.version.rid)
    call.store.put(call.table, [write])
    data = text.encode()
    call.charge = charges.write(kind, len(data))
    extra = f"etag: {write.etag}\r\n"
    response = call.answer(201 if new else 200, b"" if call.minimal else data, write.lsn, extra)
    response.after = call.store.group.when_durable
    return response
