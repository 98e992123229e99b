"""The change feed: documents in the order of their changes in this region.

A position is an LSN, given and taken as an ETag.
"""

import email.utils
import time

from local.cosmos import charges, versions
from local.cosmos.calls import Call
from local.cosmos.errors import bad_request
from local.cosmos.http import Response
from local.cosmos.queries import scope_of

_DEFAULT_PAGE = 100
_MAX_PAGE_BYTES = 4 * 1024 * 1024


def change_feed(call: Call) -> Response:
    """GET …/docs with `A-IM`."""
    mode = (call.header("a-im") or "").lower()
    if mode.startswith("full-fidelity"):
        return _all_versions(call)
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


def _scope(call: Call) -> tuple[list[str], list[object]]:
    scope = scope_of(call)
    if scope.pk is not None:
        return ["pk = ?"], [scope.pk]
    if scope.prefix is not None:
        return ["substr(pk, 1, ?) = ?"], [len(scope.prefix), scope.prefix[:-1] + ","]
    if scope.epk_range is not None:
        return ["epk(pk) >= ? AND epk(pk) < ?"], list(scope.epk_range)
    return [], []


def _page_size(call: Call) -> int:
    size = call.header("x-ms-max-item-count")
    if size is None:
        return _DEFAULT_PAGE
    if not size.lstrip("-").isdigit() or int(size) == 0:
        raise bad_request("x-ms-max-item-count is -1, or 1 and more.")
    return int(size)


def _latest(call: Call) -> Response:
    after, since = _start(call)
    conditions, arguments = _scope(call)
    conditions += ["lsn > ?", "lsn <= ?"]
    arguments += [after, call.store.durable_lsn]
    if since is not None:
        conditions.append("ts >= ?")
        arguments.append(since)
    sql = (
        f"SELECT lsn, body FROM {call.table.name} WHERE {' AND '.join(conditions)} AND state = 0"
        " AND (expiry IS NULL OR expiry > ?) ORDER BY lsn LIMIT ?"
    )
    rows: list[tuple[int, str]] = []
    length = 0
    cursor = call.store.db.execute(sql, (*arguments, time.time(), _page_size(call)))
    try:
        for lsn, body in cursor:
            rows.append((lsn, f'{body[:-1]},"_lsn":{lsn}}}'))
            length += len(body)
            if length > _MAX_PAGE_BYTES:
                break
    finally:
        cursor.close()
    return _answer(call, after, rows)


def _all_versions(call: Call) -> Response:
    if not call.container.keeps_versions:
        raise bad_request("All versions are kept only for containers with a changeFeedPolicy (retentionDuration).")
    after, since = _start(call)
    if since is not None or call.header("if-none-match") is None:
        raise bad_request("The feed of all versions starts now or from a continuation.")
    conditions, arguments = _scope(call)
    conditions += ["lsn > ?", "lsn <= ?"]
    arguments += [after, call.store.durable_lsn]
    return _answer(call, after, versions.page(call.store.db, call.container, conditions, arguments, _page_size(call)))


def _answer(call: Call, after: int, rows: list[tuple[int, str]]) -> Response:
    if not rows:
        # Nothing more: stand at the newest change, so that the next call starts from there.
        at = max(after, call.store.durable_lsn)
        call.charge = charges.feed(0)
        return call.answer(304, b"", call.store.lsn, f'etag: "{at}"\r\n')
    texts = ",".join([text for _, text in rows])
    body = f'{{"_rid":"{call.container.rid}","Documents":[{texts}],"_count":{len(rows)}}}'.encode()
    call.charge = charges.feed(len(body))
    extra = f'etag: "{rows[-1][0]}"\r\nx-ms-item-count: {len(rows)}\r\n'
    return call.answer(200, body, call.store.lsn, extra)
