"""One page of a query: documents chosen by SQLite as far as its indexes reach, the rest tested and shaped here.

A generator, so that a long scan gives way to other requests: it yields None after each slice of work and returns
the page.
"""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from local.cosmos.errors import bad_request
from local.cosmos.sql import tree
from local.cosmos.sql.grouping import Group, distinct_key, in_order
from local.cosmos.sql.indexes import learn, learn_partition
from local.cosmos.sql.planner import Plan, plan_query
from local.cosmos.sql.positions import Position, after, from_token, index_after, to_token
from local.cosmos.sql.program import Run, compile_expression
from local.cosmos.state import RegionStore
from local.cosmos.tables import Table
from local.cosmos.values import UNDEFINED, dump_text, load_stored, sort_key

_SLICE = 256  # documents examined between two yields
_MAX_PAGE_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class Scope:
    """Whose documents a query is about: one full key, a key prefix, a range of hashed keys, or all."""

    pk: str | None = None
    prefix: str | None = None
    epk_range: tuple[str, str] | None = None


@dataclass(slots=True)
class Page:
    """The results as JSON texts, and where to go on."""

    rows: list[str]
    continuation: str | None
    examined: int


Steps = Generator[None, None, Page]


@dataclass(slots=True)
class Job:
    """One page of one query to be run."""

    store: RegionStore
    table: Table
    query: tree.Query
    parameters: Mapping[str, Any]
    scope: Scope
    max_items: int | None  # None: as many as fit
    continuation: str | None


def execute(job: Job) -> Steps:
    """Run a job."""
    query, parameters = job.query, job.parameters
    top, offset = _count(query.top, parameters), _count(query.offset, parameters) or 0
    limit = _count(query.limit, parameters) if query.limit is not None else top
    plan = plan_query(query, job.table, parameters, job.scope.pk)
    _bind_scope(plan, job.scope)
    run = _Run(job, plan, from_token(job.continuation))
    if plan.nothing or limit == 0:
        plan.bind("0")
    if query.group_by or query.aggregates or query.distinct:
        return run.whole(offset, limit)
    if query.order_by and plan.order_columns is None:
        return run.sorted_here(offset, limit)
    return run.streamed(offset, limit)


def _bind_scope(plan: Plan, scope: Scope) -> None:
    if scope.prefix is not None:
        start = scope.prefix[:-1] + ","
        plan.bind("pk >= ? AND pk < ?", start, start[:-1] + "-")  # '-' follows ','
    if scope.epk_range is not None:
        plan.bind("epk(pk) >= ? AND epk(pk) < ?", *scope.epk_range)


def _count(clause: "int | tree.Parameter | None", parameters: Mapping[str, Any]) -> int | None:
    if not isinstance(clause, tree.Parameter):
        return clause
    value = parameters.get(clause.name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer() or value < 0:
        raise bad_request(f"The value of {clause.name} must be a whole number, not negative.")
    return int(value)


class _PageUnderWay:
    """The rows of a page so far, and whether more fit."""

    def __init__(self, max_items: int | None, room: int | None) -> None:
        self.rows: list[str] = []
        self.room = room  # what TOP or LIMIT leave, None for no end
        self._max = max_items
        self._size = 0

    @property
    def full(self) -> bool:
        """Does the next row belong to the next page?"""
        return (self._max is not None and len(self.rows) >= self._max) or self._size > _MAX_PAGE_BYTES

    @property
    def over(self) -> bool:
        """Is this all that TOP or LIMIT allow?"""
        return self.room is not None and self.room <= 0

    def take(self, text: str | None) -> None:
        """One more row; None for one whose SELECT VALUE is undefined: it counts and is not shown."""
        if self.room is not None:
            self.room -= 1
        if text is not None:
            self.rows.append(text)
            self._size += len(text)


class _Run:
    def __init__(self, job: Job, plan: Plan, position: Position) -> None:
        self._store = job.store
        self._table = job.table
        self._query = query = job.query
        self._plan = plan
        self._parameters = job.parameters
        self._max = job.max_items
        self._position = position
        self._examined = 0
        if query.value is not None and not isinstance(query.value, tree.Aggregate):
            self._value: Run | None = compile_expression(query.value)
        else:
            self._value = None
        self._columns = [
            (name, None if isinstance(column, tree.Aggregate) else compile_expression(column))
            for name, column in query.columns
        ]

    # ---- the documents, in SQLite's order

    def _select(self, what: str, order: str = "", extra: Sequence[str] = (), arguments: Sequence[Any] = ()) -> str:
        self._arguments = [*self._plan.arguments, *arguments, time.time()]
        conditions = [*self._plan.conditions, *extra, "state = 0", "(expiry IS NULL OR expiry > ?)"]
        index = self._table.index_for(self._plan.equal_columns, self._directions())
        hint = f" INDEXED BY {index}" if index and order else ""
        return f"SELECT {what} FROM {self._table.name}{hint} WHERE {' AND '.join(conditions)}{order}"

    def _directions(self) -> list[tuple[str, bool]]:
        columns = self._plan.order_columns or []
        return [(column, order.descending) for column, order in zip(columns, self._query.order_by, strict=False)]

    def _documents(self, sql: str) -> Generator[tuple[Any, Any]]:
        """(row, parsed document or None) of those that pass the tests left over; (None, None) ends a slice."""
        residual = self._plan.residual
        parse = bool(residual) or not self._query.star
        with self._store.reader() as reader:
            cursor = reader.execute(sql, self._arguments)
            try:
                for row in cursor:
                    self._examined += 1
                    document = load_stored(row[0]) if parse else None
                    if not residual or all(test(document, self._parameters) is True for test in residual):
                        yield row, document
                    if self._examined % _SLICE == 0:
                        yield None, None
            finally:
                cursor.close()

    # ---- streaming: SQLite gives the order

    def streamed(self, offset: int, limit: int | None) -> Steps:
        """No order, or one that columns carry."""
        to_skip = 0 if self._position.skipped else offset
        page = _PageUnderWay(self._max, None if limit is None else limit - self._position.done)
        if page.over:
            return Page([], None, 0)
        sql = self._streaming_sql(0 if self._plan.residual else to_skip)
        if not self._plan.residual:
            to_skip = 0
        last: Any = None
        with closing(self._documents(sql)) as documents:
            for row, document in documents:
                if row is None:
                    yield
                elif to_skip:
                    to_skip -= 1
                elif page.over or page.full:
                    break
                else:
                    last = row
                    page.take(row[0] if document is None else self._shape(row[0], document))
            else:
                last = None
        learn(self._store, self._table, self._plan, self._query, self._examined - len(page.rows))
        if last is not None and page.full and not self._query.order_by:
            learn_partition(self._store, self._table, self._plan)
        if last is None or page.over:
            return Page(page.rows, None, self._examined)
        done = 0 if limit is None or page.room is None else limit - page.room
        return Page(page.rows, to_token(Position(list(last[2:]), last[1], done, skipped=True)), self._examined)

    def _streaming_sql(self, skipped_by_sqlite: int) -> str:
        directions = self._directions()
        columns = [column for column, _ in directions]
        last_descending = directions[-1][1] if directions else False
        every = [*directions, ("rid", last_descending)]
        order = " ORDER BY " + ", ".join(f"{column} {'DESC' if down else 'ASC'}" for column, down in every)
        if skipped_by_sqlite:
            order += f" LIMIT -1 OFFSET {skipped_by_sqlite}"
        return self._select(", ".join(["body", "rid", *columns]), order, *after(self._position, every))

    def _shape(self, body: str, document: Any) -> str | None:
        if self._query.star:
            return body
        if self._value is not None:
            value = self._value(document, self._parameters)
            return None if value is UNDEFINED else dump_text(value)
        return dump_text(
            {
                name: value
                for name, run in self._columns
                if run is not None and (value := run(document, self._parameters)) is not UNDEFINED
            }
        )

    # ---- sorting here: an order no column carries

    def sorted_here(self, offset: int, limit: int | None) -> Steps:
        """ORDER BY paths without key columns."""
        runs = [compile_expression(_expression_of(order.path)) for order in self._query.order_by]
        directions = [order.descending for order in self._query.order_by]
        found: list[tuple[list[bytes], int, str]] = []
        with closing(self._documents(self._select("body, rid"))) as documents:
            for row, parsed in documents:
                if row is None:
                    yield
                    continue
                document = load_stored(row[0]) if parsed is None else parsed
                found.append(([sort_key(run(document, self._parameters)) for run in runs], row[1], row[0]))
        found.sort(key=lambda entry: entry[1], reverse=directions[-1])
        for place in reversed(range(len(runs))):
            found.sort(key=_part(place), reverse=directions[place])
        learn(self._store, self._table, self._plan, self._query, self._examined)
        start = index_after(found, self._position, directions)
        if not self._position.skipped:
            start += offset
        return self._page_of(found, start, limit)

    def _page_of(self, found: list[tuple[list[bytes], int, str]], start: int, limit: int | None) -> Page:
        page = _PageUnderWay(self._max, None if limit is None else limit - self._position.done)
        at = start
        while at < len(found) and not page.over and not page.full:
            body = found[at][2]
            page.take(body if self._query.star else self._shape(body, load_stored(body)))
            at += 1
        if at >= len(found) or page.over:
            return Page(page.rows, None, self._examined)
        keys, rid, _ = found[at - 1]
        position = Position(list(keys), rid, self._position.done + at - start, skipped=True)
        return Page(page.rows, to_token(position), self._examined)

    # ---- results that need every document

    def whole(self, offset: int, limit: int | None) -> Steps:
        """Aggregates, GROUP BY, DISTINCT: computed whole, then cut into pages."""
        counted = self._count_in_sqlite()
        if counted is not None:
            results: list[str] = [counted]
        else:
            order = " ORDER BY rid"
            results = yield from self._collect(order)
        end = len(results) if limit is None else min(len(results), offset + limit)
        start = max(self._position.done, offset)
        stop = end if self._max is None else min(end, start + self._max)
        rows: list[str] = []
        size = 0
        for text in results[start:stop]:
            if size > _MAX_PAGE_BYTES:
                break
            rows.append(text)
            size += len(text)
        done = start + len(rows)
        token = to_token(Position(done=done, skipped=True)) if done < end else None
        return Page(rows, token, self._examined)

    def _count_in_sqlite(self) -> str | None:
        query = self._query
        if self._plan.residual or query.group_by or query.distinct:
            return None
        chosen = [query.value] if query.value is not None else [column for _, column in query.columns]
        if not all(
            isinstance(one, tree.Aggregate)
            and one.name == "COUNT"
            and isinstance(one.argument, tree.Literal | tree.Root)
            for one in chosen
        ) or any(isinstance(one, tree.Aggregate) and one.argument == tree.Literal(UNDEFINED) for one in chosen):
            return None
        with self._store.reader() as reader:
            count = reader.execute(self._select("count(*)"), self._arguments).fetchone()[0]
        if query.value is not None:
            return str(count)
        return dump_text({name: count for name, _ in query.columns})

    def _collect(self, order: str) -> Generator[None, None, list[str]]:
        query = self._query
        grouped = bool(query.group_by) or query.aggregates
        group_runs = [compile_expression(expression) for expression in query.group_by]
        order_runs = [compile_expression(_expression_of(item.path)) for item in query.order_by]
        groups: dict[tuple[bytes, ...], Group] = {}
        distinct: dict[bytes, tuple[list[bytes], str]] = {}
        with closing(self._documents(self._select("body, rid", order))) as documents:
            for row, parsed in documents:
                if row is None:
                    yield
                    continue
                document = load_stored(row[0]) if parsed is None else parsed
                keys = [sort_key(run(document, self._parameters)) for run in order_runs]
                if grouped:
                    group_key = tuple(distinct_key(run(document, self._parameters)) for run in group_runs)
                    group = groups.get(group_key)
                    if group is None:
                        group = groups[group_key] = Group(query, document, keys)
                    group.add(document, self._parameters)
                elif (text := self._shape(row[0], document)) is not None:
                    distinct.setdefault(distinct_key(load_stored(text)), (keys, text))
        if not grouped:
            return in_order(list(distinct.values()), query)
        if not query.group_by and not groups:
            groups[()] = Group(query, {}, [b""] * len(order_runs))
        shaped = [(group.keys, text) for group in groups.values() if (text := self._shape_group(group)) is not None]
        texts = in_order(shaped, query)
        return list(dict.fromkeys(texts)) if query.distinct else texts

    def _shape_group(self, group: Group) -> str | None:
        query = self._query
        if query.value is not None:
            value = group.results[0].result() if self._value is None else self._value(group.first, self._parameters)
            return None if value is UNDEFINED else dump_text(value)
        results = iter(group.results)
        row: dict[str, Any] = {}
        for name, run in self._columns:
            value = next(results).result() if run is None else run(group.first, self._parameters)
            if value is not UNDEFINED:
                row[name] = value
        return dump_text(row)


def _expression_of(path: tuple[str | int | float, ...]) -> tree.Expression:
    expression: tree.Expression = tree.Root()
    for step in path:
        expression = tree.Member(expression, step)
    return expression


def _part(place: int) -> Callable[[tuple[list[bytes], int, str]], bytes]:
    return lambda entry: entry[0][place]
