"""Random documents and queries: our executor, with and without indexes, against the naive evaluator."""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.cosmos.account import Account
from local.cosmos.settings import CosmosSettings
from local.cosmos.sql.executor import Job, Scope, execute
from local.cosmos.sql.parser import parse
from local.cosmos.state import RegionStore
from local.cosmos.tables import Table, Write
from local.cosmos.values import key_text
from tests.emulators.cosmos import naive

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, -0.0, 1.0, 1e300, 2**53 + 1, 0.1 + 0.2, 0.3, 10**18]),
    st.sampled_from(["", "a", "ab", "b", "é", "\U0001f600", "\uffff", "A", "a\0b", "1"]),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.sampled_from("xy"), SCALARS, max_size=2))
DOCUMENTS = st.lists(
    st.fixed_dictionaries(
        {"pk": st.sampled_from(["p", "q", 1, 1.0, True, None]), "a": SCALARS},
        optional={"b": VALUES, "o": VALUES},
    ).map(lambda document: {k: v for k, v in document.items() if k != "a" or v != ""}),  # "" stands for no a
    min_size=4,
    max_size=12,
)
PATH = st.sampled_from([("a",), ("a",), ("a",), ("b",), ("b",), ("o", "x"), ("id",), ("pk",)])
OPERATOR = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
CONDITION = st.recursive(
    st.one_of(
        st.tuples(st.just("compare"), OPERATOR, PATH, SCALARS),
        st.tuples(st.just("compare"), OPERATOR, PATH, SCALARS),
        st.tuples(st.just("compare"), OPERATOR, PATH, VALUES),
        st.tuples(st.just("reversed"), OPERATOR, PATH, SCALARS),
        st.tuples(st.just("paths"), OPERATOR, PATH, PATH),
        st.tuples(st.just("in"), PATH, st.lists(VALUES, min_size=1, max_size=3)),
        st.tuples(st.just("between"), PATH, SCALARS, SCALARS),
        st.tuples(st.just("defined"), PATH),
        st.tuples(st.just("is"), st.sampled_from(["null", "number", "string", "array", "object"]), PATH),
        st.tuples(st.just("starts"), PATH, st.sampled_from(["", "a", "ab", "\U0001f600", "a\0"])),
        st.tuples(st.just("contains"), PATH, SCALARS),
    ),
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.just("and"), inner, inner),
        st.tuples(st.just("or"), inner, inner),
    ),
    max_leaves=4,
)
ORDER = st.lists(st.tuples(st.sampled_from([("a",), ("id",)]), st.booleans()), max_size=2, unique_by=lambda o: o[0])


class _Text:
    """A generated condition as query text; values become parameters."""

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}

    def value(self, value: Any) -> str:
        name = f"@p{len(self.parameters)}"
        self.parameters[name] = value
        return name

    def of(self, test: Any) -> str:  # noqa: PLR0911 - one for each kind of condition
        match test:
            case ("compare", operator, path, value):
                return f"{_dotted(path)} {operator} {self.value(value)}"
            case ("reversed", operator, path, value):
                return f"{self.value(value)} {operator} {_dotted(path)}"
            case ("paths", operator, one, other):
                return f"{_dotted(one)} {operator} {_dotted(other)}"
            case ("in", path, values):
                return f"{_dotted(path)} IN ({', '.join(self.value(value) for value in values)})"
            case ("between", path, low, high):
                return f"({_dotted(path)} BETWEEN {self.value(low)} AND {self.value(high)})"
            case ("defined", path):
                return f"IS_DEFINED({_dotted(path)})"
            case ("is", name, path):
                return f"IS_{name.upper()}({_dotted(path)})"
            case ("starts", path, prefix):
                return f"STARTSWITH({_dotted(path)}, {self.value(prefix)})"
            case ("contains", path, value):
                return f"ARRAY_CONTAINS({_dotted(path)}, {self.value(value)})"
            case ("not", inner):
                return f"NOT ({self.of(inner)})"
            case (operator, left, right):
                return f"({self.of(left)}) {operator.upper()} ({self.of(right)})"
        raise AssertionError(test)


def _dotted(path: tuple[str, ...]) -> str:
    return "c" + "".join(f'["{name}"]' if index else f".{name}" for index, name in enumerate(path))


class _Bench:
    """A store without HTTP, with one container that has key columns and one that has none."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        folder = tempfile.mkdtemp()
        self.account = Account(CosmosSettings(Path(folder), {"here": 0}), self.loop)
        self.store: RegionStore = self.account.regions[0].store
        self.database = self.account.catalog.create_database("d")

    def table(self, documents: list[Any], *, indexed: bool) -> Table:
        name = f"c{len(self.database.containers)}"
        composites = [
            [{"path": "/a", "order": one}, {"path": "/id", "order": other}]
            for one in ("ascending", "descending")
            for other in ("ascending", "descending")
        ]
        reverse = [list(reversed(composite)) for composite in composites]
        policy = {"compositeIndexes": [*composites, *reverse]}
        settings = {"id": name, "partitionKey": {"paths": ["/pk"]}, "indexingPolicy": policy}
        container = self.account.catalog.create_container(self.database, settings)
        if not indexed:
            container.settings = {**settings, "indexingPolicy": {"indexingMode": "none"}}
        table = self.store.add_container(container)
        if indexed:
            self.store.add_key_columns(table, [("b",), ("o", "x"), ("pk",)])
            self.store.add_index(table, ("k1",), [])
            self.store.add_index(table, ("pk",), [])
        for document in documents:
            lsn, stamp = self.store.next_write()
            text = json.dumps(document, ensure_ascii=False)
            key = key_text([document["pk"]])
            rid = self.store.new_rid(lsn)
            self.store.put(table, [Write(key, document["id"], text, document, None, rid, lsn, '"e"', 1, None, stamp)])
        self.store.group.commit_now()
        return table

    def run(
        self, table: Table, text: str, parameters: dict[str, Any], page: int | None, scope: Scope | None = None
    ) -> list[Any]:
        rows: list[Any] = []
        token: str | None = None
        while True:
            steps = execute(Job(self.store, table, parse(text), parameters, scope or Scope(), page, token))
            while True:
                try:
                    next(steps)
                except StopIteration as finished:
                    result = finished.value
                    break
            rows += [json.loads(row) for row in result.rows]
            token = result.continuation
            if token is None:
                return rows

    def drop(self) -> None:
        for container in list(self.database.containers.values()):
            self.account.drop_container(container)


_bench: list[_Bench] = []


def bench() -> _Bench:
    if not _bench:
        _bench.append(_Bench())
    return _bench[0]


SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@SETTINGS
@given(DOCUMENTS, CONDITION, ORDER, st.sampled_from([None, 1, 3]), st.integers(0, 3), st.integers(0, 5) | st.none())
def test_documents_found_and_their_order(  # noqa: PLR0917 - hypothesis gives them
    documents: list[Any],
    condition: Any,
    order: list[tuple[tuple[str, ...], bool]],
    page: int | None,
    offset: int,
    limit: int | None,
) -> None:
    documents = [{"id": f"d{(n * 7) % 20:02}", **document} for n, document in enumerate(documents)]
    text = _Text()
    sql = f"SELECT * FROM c WHERE {text.of(condition)}"
    if order:
        sql += " ORDER BY " + ", ".join(f"{_dotted(path)} {'DESC' if down else 'ASC'}" for path, down in order)
    chosen = [document for document in documents if naive.holds(condition, document) is True]
    expected = naive.ordered(chosen, order)
    if limit is not None:
        sql += f" OFFSET {offset} LIMIT {limit}"
        expected = expected[offset : offset + limit]
    for indexed in (True, False):
        table = bench().table(documents, indexed=indexed)
        assert bench().run(table, sql, text.parameters, page) == expected, (sql, indexed)
        inside = [document for document in documents if document["pk"] == "p"]
        inside = naive.ordered([one for one in inside if naive.holds(condition, one) is True], order)
        inside = inside if limit is None else inside[offset : offset + limit]
        found = bench().run(table, sql, text.parameters, page, Scope(pk='["p"]'))
        assert found == inside, (sql, indexed, "in one partition")
    bench().drop()


@SETTINGS
@given(DOCUMENTS, CONDITION, st.sampled_from(["COUNT", "SUM", "AVG", "MIN", "MAX"]), st.sampled_from([("a",), ("b",)]))
def test_aggregates(documents: list[Any], condition: Any, name: str, path: tuple[str, ...]) -> None:
    documents = [{"id": f"d{n}", **document} for n, document in enumerate(documents)]
    text = _Text()
    where = text.of(condition)
    chosen = [document for document in documents if naive.holds(condition, document) is True]
    expected = naive.total(name, [naive.look(document, path) for document in chosen])
    for indexed in (True, False):
        table = bench().table(documents, indexed=indexed)
        found = bench().run(table, f"SELECT VALUE {name}({_dotted(path)}) FROM c WHERE {where}", text.parameters, None)
        many = bench().run(table, f"SELECT VALUE COUNT(1) FROM c WHERE {where}", text.parameters, None)
        assert many == [len(chosen)]
        if expected is naive.NOTHING:
            assert found == []
        else:
            assert len(found) == 1
            assert found[0] == expected or abs(found[0] - expected) <= 1e-9 * abs(expected)
    bench().drop()


@SETTINGS
@given(DOCUMENTS)
def test_groups_and_distinct_values(documents: list[Any]) -> None:
    documents = [{"id": f"d{n}", **document} for n, document in enumerate(documents)]
    table = bench().table(documents, indexed=False)
    groups: list[tuple[Any, int]] = []
    for document in documents:
        value = naive.look(document, ("b",))
        for place, (known, count) in enumerate(groups):
            if naive.alike(known, value) or (known is naive.NOTHING and value is naive.NOTHING):
                groups[place] = (known, count + 1)
                break
        else:
            groups.append((value, 1))
    found = bench().run(table, "SELECT c.b, COUNT(1) AS n FROM c GROUP BY c.b", {}, None)
    assert found == [({} if value is naive.NOTHING else {"b": value}) | {"n": count} for value, count in groups]
    distinct = bench().run(table, "SELECT DISTINCT VALUE c.b FROM c", {}, 2)
    assert distinct == [value for value, _ in groups if value is not naive.NOTHING]
    bench().drop()
