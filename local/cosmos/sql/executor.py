"""One page of a query: documents chosen by SQLite as far as its indexes reach, the rest tested and shaped here.

A generator, so that a long scan gives way to other requests: it yields None after each slice of work and returns
the page.
"""

import base64
import binascii
import json
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.cosmos.errors import bad_request
from local.cosmos.sql import tree
from local.cosmos.sql.functions import Accumulator
from local.cosmos.sql.indexes import learn
from local.cosmos.sql.planner import Plan, plan_query
from local.cosmos.sql.program import Run, compile_expression
from local.cosmos.state import RegionStore, Table
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


@dataclass(slots=True)
class _Position:
    """Where the next page starts: after a row (its order keys and rid), or after a number of results."""

    keys: list[Any] | None = None
    rid: int = 0
    done: int = 0  # results given so far, for TOP, OFFSET and LIMIT
    skipped: bool = False


Steps = Generator[None, None, Page]


def execute(
    store: RegionStore,
    table: Table,
    query: tree.Query,
    parameters: Mapping[str, Any],
    scope: Scope,
    max_items: int | None,
    continuation: str | None,
) -> Steps:
    """Run one page of a query. `max_items` None: as many as fit."""
    position = _read_token(continuation)
    top, offset = _count(query.top, parameters), _count(query.offset, parameters) or 0
    limit = _count(query.limit, parameters) if query.limit is not None else top
    plan = plan_query(query, table, parameters, scope.pk)
    _bind_scope(plan, scope)
    run = _Run(store, table, query, plan, parameters, max_items, position)
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


class _Run:
    def __init__(
        self,
        store: RegionStore,
        table: Table,
        query: tree.Query,
        plan: Plan,
        parameters: Mapping[str, Any],
        max_items: int | None,
        position: _Position,
    ) -> None:
        self._store = store
        self._table = table
        self._query = query
        self._plan = plan
        self._parameters = parameters
        self._max = max_items
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

    def _documents(self, rows: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
        """(row, parsed document or None) of those that pass the tests left over; None marks a slice's end."""
        residual = self._plan.residual
        parse = bool(residual) or not self._query.star
        for row in rows:
            self._examined += 1
            document = load_stored(row[0]) if parse else None
            if not residual or all(test(document, self._parameters) is True for test in residual):
                yield row, document
            if self._examined % _SLICE == 0:
                yield None, None

    # ---- streaming: SQLite gives the order

    def streamed(self, offset: int, limit: int | None) -> Steps:
        """No order, or one that columns carry."""
        directions = self._directions()
        columns = [column for column, _ in directions]
        last_descending = directions[-1][1] if directions else False
        order = ", ".join(f"{column} {'DESC' if descending else 'ASC'}" for column, descending in directions)
        order = f" ORDER BY {order + ', ' if order else ''}rid {'DESC' if last_descending else 'ASC'}"
        extra, arguments = _after(self._position, [*directions, ("rid", last_descending)])
        to_skip = 0 if self._position.skipped else offset
        room = None if limit is None else limit - self._position.done
        if room is not None and room <= 0:
            return Page([], None, 0)
        if not self._plan.residual:
            if to_skip:
                order += f" LIMIT -1 OFFSET {to_skip}"
                to_skip = 0
        sql = self._select(", ".join(["body", "rid", *columns]), order, extra, arguments)
        rows: list[str] = []
        size = 0
        page = self._max
        last: Any = None
        with self._store.reader() as reader:
            cursor = reader.execute(sql, self._arguments)
            try:
                for row, document in self._documents(cursor):
                    if row is None:
                        yield
                        continue
                    if to_skip:
                        to_skip -= 1
                        continue
                    if room is not None and room <= 0:
                        last = None
                        break
                    if (page is not None and len(rows) >= page) or size > _MAX_PAGE_BYTES:
                        break
                    last = row
                    text = row[0] if document is None else self._shape(row[0], document)
                    if room is not None:
                        room -= 1
                    if text is not None:
                        rows.append(text)
                        size += len(text)
                else:
                    last = None
            finally:
                cursor.close()
        learn(self._store, self._table, self._plan, self._query, self._examined - len(rows))
        if last is None or (room is not None and room <= 0):
            return Page(rows, None, self._examined)
        done = 0 if limit is None or room is None else limit - room
        return Page(rows, _token(_Position(list(last[2:]), last[1], done, skipped=True)), self._examined)

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
        with self._store.reader() as reader:
            cursor = reader.execute(self._select("body, rid"), self._arguments)
            try:
                for row, document in self._documents(cursor):
                    if row is None:
                        yield
                        continue
                    document = document if document is not None else load_stored(row[0])
                    keys = [sort_key(run(document, self._parameters)) for run in runs]
                    found.append((keys, row[1], row[0]))
            finally:
                cursor.close()
        found.sort(key=lambda entry: entry[1], reverse=directions[-1])
        for place in reversed(range(len(runs))):
            found.sort(key=lambda entry, place=place: entry[0][place], reverse=directions[place])  # type: ignore[misc]
        learn(self._store, self._table, self._plan, self._query, self._examined)
        start = _index_after(found, self._position, directions)
        if not self._position.skipped:
            start += offset
        end = len(found) if limit is None else min(len(found), start + limit - self._position.done)
        rows: list[str] = []
        size, at = 0, start
        while at < end and (self._max is None or len(rows) < self._max) and size <= _MAX_PAGE_BYTES:
            body = found[at][2]
            text = body if self._query.star else self._shape(body, load_stored(body))
            at += 1
            if text is not None:
                rows.append(text)
                size += len(text)
        if at >= end:
            return Page(rows, None, self._examined)
        keys, rid, _ = found[at - 1]
        position = _Position(list(keys), rid, self._position.done + at - start, skipped=True)
        return Page(rows, _token(position), self._examined)

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
        token = _token(_Position(done=done, skipped=True)) if done < end else None
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
        groups: dict[tuple[bytes, ...], _Group] = {}
        distinct: dict[bytes, tuple[list[bytes], str]] = {}
        with self._store.reader() as reader:
            cursor = reader.execute(self._select("body, rid", order), self._arguments)
            try:
                for row, document in self._documents(cursor):
                    if row is None:
                        yield
                        continue
                    document = document if document is not None else load_stored(row[0])
                    keys = [sort_key(run(document, self._parameters)) for run in order_runs]
                    if grouped:
                        group_key = tuple(_distinct_key(run(document, self._parameters)) for run in group_runs)
                        group = groups.get(group_key)
                        if group is None:
                            group = groups[group_key] = _Group(query, document, keys)
                        group.add(document, self._parameters)
                    else:
                        text = self._shape(row[0], document)
                        if text is not None:
                            distinct.setdefault(_distinct_key(load_stored(text)), (keys, text))
            finally:
                cursor.close()
        if not grouped:
            return _in_order(list(distinct.values()), query)
        if not query.group_by and not groups:
            groups[()] = _Group(query, {}, [b""] * len(order_runs))
        shaped = [(group.keys, text) for group in groups.values() if (text := self._shape_group(group)) is not None]
        texts = _in_order(shaped, query)
        return list(dict.fromkeys(texts)) if query.distinct else texts

    def _shape_group(self, group: "_Group") -> str | None:
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


class _Group:
    """The running aggregates of one group."""

    __slots__ = ("_arguments", "first", "keys", "results")

    def __init__(self, query: tree.Query, first: Any, keys: list[bytes]) -> None:
        chosen = [query.value] if query.value is not None else [column for _, column in query.columns]
        aggregates = [one for one in chosen if isinstance(one, tree.Aggregate)]
        self.first = first
        self.keys = keys
        self.results = [Accumulator(one.name) for one in aggregates]
        self._arguments = [compile_expression(one.argument) for one in aggregates]

    def add(self, document: Any, parameters: Mapping[str, Any]) -> None:
        """Count one more document in."""
        for result, argument in zip(self.results, self._arguments, strict=True):
            result.add(argument(document, parameters))


def _in_order(entries: list[tuple[list[bytes], str]], query: tree.Query) -> list[str]:
    for place in reversed(range(len(query.order_by))):
        descending = query.order_by[place].descending
        entries.sort(key=lambda entry, place=place: entry[0][place], reverse=descending)  # type: ignore[misc]
    return [text for _, text in entries]


def _distinct_key(value: Any) -> bytes:
    """Equal for equal values: 1 and 1.0 are, whatever the order of an object's members."""
    if isinstance(value, list):
        parts = [_distinct_key(item) for item in value]
        return b"\x06" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    if isinstance(value, dict):
        pairs = [(name.encode("utf-8", "surrogatepass"), _distinct_key(value[name])) for name in sorted(value)]
        flat = [part for pair in pairs for part in pair]
        return b"\x07" + b"".join(len(part).to_bytes(4, "big") + part for part in flat)
    return sort_key(value)


def _expression_of(path: tuple[str | int | float, ...]) -> tree.Expression:
    expression: tree.Expression = tree.Root()
    for step in path:
        expression = tree.Member(expression, step)
    return expression


# ---- positions


def _after(position: _Position, directions: list[tuple[str, bool]]) -> tuple[list[str], list[Any]]:
    """The condition that a row comes after a position in this order."""
    if position.keys is None:
        return [], []
    values = [*position.keys, position.rid]
    if len(values) != len(directions):
        raise bad_request("The continuation token does not belong to this query.")
    if len({descending for _, descending in directions}) == 1:
        names = ", ".join(name for name, _ in directions)
        return [f"({names}) {'<' if directions[0][1] else '>'} ({', '.join('?' * len(values))})"], values
    alternatives: list[str] = []
    arguments: list[Any] = []
    for place, (name, descending) in enumerate(directions):
        same = [f"{other} = ?" for other, _ in directions[:place]]
        alternatives.append(" AND ".join([*same, f"{name} {'<' if descending else '>'} ?"]))
        arguments += values[: place + 1]
    return [f"({' OR '.join(f'({one})' for one in alternatives)})"], arguments


def _index_after(found: Sequence[tuple[list[bytes], int, str]], position: _Position, directions: Sequence[bool]) -> int:
    """The first row after the position, in rows sorted by these directions."""
    if position.keys is None:
        return 0
    if len(position.keys) != len(directions):
        raise bad_request("The continuation token does not belong to this query.")
    wanted = [*position.keys, position.rid]
    turned = [*directions, directions[-1]]

    def is_after(entry: tuple[list[bytes], int, str]) -> bool:
        for mine, theirs, descending in zip([*entry[0], entry[1]], wanted, turned, strict=True):
            if mine != theirs:
                return bool((mine < theirs) == descending)
        return False

    low, high = 0, len(found)
    while low < high:
        middle = (low + high) // 2
        if is_after(found[middle]):
            high = middle
        else:
            low = middle + 1
    return low


def _token(position: _Position) -> str:
    keys = None
    if position.keys is not None:
        keys = [key.hex() if isinstance(key, bytes) else [key] for key in position.keys]
    content = {"k": keys, "r": position.rid, "d": position.done, "s": position.skipped}
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def _read_token(token: str | None) -> _Position:
    if not token:
        return _Position()
    try:
        content = json.loads(base64.urlsafe_b64decode(token))
        keys = content["k"]
        if keys is not None:
            keys = [bytes.fromhex(key) if isinstance(key, str) else str(key[0]) for key in keys]
        return _Position(keys, int(content["r"]), int(content["d"]), bool(content["s"]))
    except (ValueError, KeyError, TypeError, IndexError, binascii.Error) as error:
        raise bad_request("The continuation token is malformed.") from error
