"""Documents by the page: queries, read feed, query plans, deletion by partition key."""

import asyncio
import json
import time
from collections.abc import Coroutine, Generator
from typing import Any

from local.cosmos import charges
from local.cosmos.calls import Call
from local.cosmos.conflicts import LIVE
from local.cosmos.errors import bad_request
from local.cosmos.http import Response
from local.cosmos.items import deletion
from local.cosmos.sql.executor import Job, Page, Scope, execute
from local.cosmos.sql.memory import query_text
from local.cosmos.sql.parser import parse
from local.cosmos.values import key_of_header, parse_json

_DEFAULT_PAGE = 100
_READ_ALL = parse("SELECT * FROM c")


def query(call: Call) -> Response | Coroutine[Any, Any, Response]:
    """POST …/docs with a query."""
    text, parameters = query_text(parse_json(call.request.body))
    return _run(call, parse(text), parameters)


def read_feed(call: Call) -> Response | Coroutine[Any, Any, Response]:
    """GET …/docs: everything."""
    return _run(call, _READ_ALL, {})


def scope_of(call: Call) -> Scope:
    """Whose documents a request is about."""
    header = call.header("x-ms-documentdb-partitionkey")
    if header is not None and header.strip() not in ("", "[]"):
        text, parts = key_of_header(header)
        wanted = len(call.container.key_paths)
        if parts == wanted:
            return Scope(pk=text)
        if parts > wanted:
            raise bad_request("The partition key has more parts than the container's definition.", 1001)
        return Scope(prefix=text)
    start, end = call.header("x-ms-start-epk"), call.header("x-ms-end-epk")
    if start is not None and end is not None and (start, end) != ("", "FF"):
        return Scope(epk_range=(start, end))
    return Scope()


def _page_size(call: Call) -> int | None:
    header = call.header("x-ms-max-item-count")
    if header is None:
        return _DEFAULT_PAGE
    try:
        size = int(header)
    except ValueError as error:
        raise bad_request("x-ms-max-item-count is not a number.") from error
    if size == 0 or size < -1:
        raise bad_request("x-ms-max-item-count is -1, or 1 and more.")
    return None if size == -1 else size


def _run(call: Call, tree: Any, parameters: dict[str, Any]) -> Response | Coroutine[Any, Any, Response]:
    token = call.header("x-ms-continuation") or None
    job = Job(call.store, call.table, tree, parameters, scope_of(call), _page_size(call), token)
    steps = execute(job)
    try:
        next(steps)
    except StopIteration as finished:
        return _answer(call, finished.value)
    return _rest(call, steps)


async def _rest(call: Call, steps: Generator[None, None, Page]) -> Response:
    """A long scan: let others have their turn after every slice."""
    try:
        while True:
            await asyncio.sleep(0)
            next(steps)
    except StopIteration as finished:
        return _answer(call, finished.value)
    finally:
        steps.close()


def _answer(call: Call, page: Page) -> Response:
    body = (f'{{"_rid":"{call.container.rid}","Documents":[{",".join(page.rows)}],"_count":{len(page.rows)}}}').encode()
    call.charge = charges.query(page.examined, len(body))
    extra = f"x-ms-item-count: {len(page.rows)}\r\n"
    if page.continuation is not None:
        extra += f"x-ms-continuation: {page.continuation}\r\n"
    return call.answer(200, body, call.store.lsn, extra)


_PLAN = {
    "partitionedQueryExecutionInfoVersion": 2,
    "queryInfo": {
        "distinctType": "None",
        "top": None,
        "offset": None,
        "limit": None,
        "orderBy": [],
        "orderByExpressions": [],
        "groupByExpressions": [],
        "groupByAliases": [],
        "aggregates": [],
        "groupByAliasToAggregateType": {},
        "rewrittenQuery": "",
        "hasSelectValue": False,
        "hasNonStreamingOrderBy": False,
    },
    "queryRanges": [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}],
}
_PLAN_BODY = json.dumps(_PLAN).encode()


def query_plan(call: Call) -> Response:
    """The trivial plan: with one partition range the server answers every query whole."""
    text, _ = query_text(parse_json(call.request.body))
    parse(text)
    return call.answer(200, _PLAN_BODY, call.store.lsn)


def delete_by_key(call: Call) -> Response:
    """POST …/operations/partitionkeydelete: every document of one logical partition."""
    pk = call.partition_key()
    table, store = call.table, call.store
    now = time.time()
    found = store.db.execute(
        f"SELECT id FROM {table.name} WHERE pk=? AND state={LIVE} AND (expiry IS NULL OR expiry > ?)", (pk, now)
    ).fetchall()
    writes = []
    for (item_id,) in found:
        row = store.row(table, pk, item_id)
        if row is not None:
            writes.append(deletion(call, pk, item_id, row))
    if writes:
        store.put(table, writes)
    call.charge = round(sum(charges.write("delete", 0) for _ in writes), 2)
    response = call.answer(200, b"", store.lsn)
    response.after = store.group.when_durable
    return response
