"""The change feed: documents in the order of their changes in this region.

A position is an LSN, given and taken as an ETag.
"""

import email.utils
import time

from local.cosmos import charges
from local.cosmos.calls import Call
from local.cosmos.errors import bad_request, not_implemented
from local.cosmos.http import Response
from local.cosmos.queries import scope_of

_DEFAULT_PAGE = 100
_MAX_PAGE_BYTES = 4 * 1024 * 1024


def change_feed(call: Call) -> Response:
    """GET …/docs with `A-IM`."""
    mode = (call.header("a-im") or "").lower()
    if mode.startswith("full-fidelity"):
        raise not_implemented("The all-versions-and-deletes mode of the change feed")
    if not mode.startswith("incremental"):
        raise bad_request("The A-IM header names no kind of change feed.")
    return _latest(call)


def _start(call: Call) -> tuple[int, int | None]:
    """(LSN after which, second from which) the feed is wanted."""
    position = call.header("if-none-match")
    if position is not None:
        if position.strip() == "*":
            return call.store.durable_lsn, None
        text = position.strip().strip('"')
        if not text.isdigit():
            raise bad_request("The change feed's position in If-None-Match is malformed.")
        return int(text), None
    since = call.header("if-modified-since")
    if since is None:
        return 0, None
    try:
        return 0, int(email.utils.parsedate_to_datetime(since).timestamp())
    except (ValueError, TypeError) as error:
        raise bad_request("If-Modified-Since is not a date.") from error


def _latest(call: Call) -> Response:
    after, since = _start(call)
    scope = scope_of(call)
    conditions, arguments = ["lsn > ?", "lsn <= ?"], [after, call.store.durable_lsn]
    if since is not None:
        conditions.append("ts >= ?")
        arguments.append(since)
    texts: list[object] = []
    if scope.pk is not None:
        conditions.append("pk = ?")
        texts.append(scope.pk)
    if scope.prefix is not None:
        conditions.append("substr(pk, 1, ?) = ?")
        texts += [len(scope.prefix), scope.prefix[:-1] + ","]
    if scope.epk_range is not None:
        conditions.append("epk(pk) >= ? AND epk(pk) < ?")
        texts += scope.epk_range
    size = call.header("x-ms-max-item-count")
    limit = _DEFAULT_PAGE if size is None else int(size) if size.lstrip("-").isdigit() else 0
    if limit == 0:
        raise bad_request("x-ms-max-item-count is -1, or 1 and more.")
    sql = (
        f"SELECT lsn, body FROM {call.table.name} WHERE {' AND '.join(conditions)} AND state = 0"
        " AND (expiry IS NULL OR expiry > ?) ORDER BY lsn LIMIT ?"
    )
    rows: list[str] = []
    at, length = after, 0
    cursor = call.store.db.execute(sql, (*arguments, *texts, time.time(), limit))
    try:
        for lsn, body in cursor:
            rows.append(f'{body[:-1]},"_lsn":{lsn}}}')
            at = lsn
            length += len(body)
            if length > _MAX_PAGE_BYTES:
                break
    finally:
        cursor.close()
    if not rows:
        # Nothing more: stand at the newest change, so that the next call starts from there.
        at = max(after, call.store.durable_lsn)
        call.charge = charges.feed(0)
        return call.answer(304, b"", call.store.lsn, f'etag: "{at}"\r\n')
    body = f'{{"_rid":"{call.container.rid}","Documents":[{",".join(rows)}],"_count":{len(rows)}}}'
    call.charge = charges.feed(length)
    extra = f'etag: "{at}"\r\nx-ms-item-count: {len(rows)}\r\n'
    return call.answer(200, body.encode(), call.store.lsn, extra)
