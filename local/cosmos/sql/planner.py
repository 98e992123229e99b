"""Which part of a query SQLite's indexes can answer, and what is left to be tested document by document.

A condition is handed to SQLite only where its column holds exactly what the condition compares: ids, partition keys,
and key columns (`values.sort_key` of one path). So there is no difference between both ways but speed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.cosmos.errors import CosmosError
from local.cosmos.sql import tree
from local.cosmos.sql.program import Run, compile_expression
from local.cosmos.sql.validate import parts_of
from local.cosmos.tables import Table
from local.cosmos.values import UNDEFINED, key_text, sort_key

Steps = tuple[str, ...]
_FLIPPED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_MAX_CHOICES = 2000


@dataclass(slots=True)
class Plan:
    """The SQL conditions, the tests left over, and the columns that carry the order."""

    conditions: list[str] = field(default_factory=list)
    arguments: list[Any] = field(default_factory=list)
    residual: list[Run] = field(default_factory=list)
    equal_columns: list[str] = field(default_factory=list)  # bound to one value each
    range_columns: list[str] = field(default_factory=list)
    wanted: set[Steps] = field(default_factory=set)  # paths that a key column would serve
    order_columns: list[str] | None = None  # None: sort here
    nothing: bool = False  # no document can match

    def bind(self, condition: str, *arguments: Any) -> None:
        """Add a condition."""
        self.conditions.append(condition)
        self.arguments.extend(arguments)


def plan_query(query: tree.Query, table: Table, parameters: Mapping[str, Any], pk: str | None) -> Plan:
    """Split a query's WHERE and ORDER BY between SQLite and us."""
    plan = Plan()
    if pk is not None:
        plan.bind("pk = ?", pk)
        plan.equal_columns.append("pk")
    if query.where is not None:
        for conjunct in _conjuncts(query.where):
            if not _Binder(plan, table, parameters).bind(conjunct):
                plan.residual.append(compile_expression(conjunct))
    if query.order_by:
        _check_indexes(query, table)
        columns = [column_of(table, order.path) for order in query.order_by]
        if all(column is not None for column in columns):
            plan.order_columns = [column for column in columns if column is not None]
        plan.wanted.update(steps for order in query.order_by if (steps := _steps(order.path)))
    return plan


def _conjuncts(expression: tree.Expression) -> Iterator[tree.Expression]:
    if isinstance(expression, tree.Binary) and expression.operator == "AND":
        yield from _conjuncts(expression.left)
        yield from _conjuncts(expression.right)
    else:
        yield expression


def _steps(path: tuple[str | int | float, ...]) -> Steps | None:
    return tuple(str(step) for step in path) if path and all(isinstance(step, str) for step in path) else None


def column_of(table: Table, path: tuple[str | int | float, ...]) -> str | None:
    """The column with the values (of `id`) or sort keys (of others) of a path."""
    steps = _steps(path)
    if steps == ("id",):
        return "id"
    if steps is not None and steps in table.paths:
        return f"k{table.paths.index(steps)}"
    return None


def _is_constant(expression: tree.Expression) -> bool:
    return not isinstance(expression, tree.Root) and all(_is_constant(part) for part in parts_of(expression))


class _Binder:
    def __init__(self, plan: Plan, table: Table, parameters: Mapping[str, Any]) -> None:
        self._plan = plan
        self._table = table
        self._parameters = parameters
        keys = table.container.key_paths
        self._key_path = keys[0] if len(keys) == 1 else None

    def bind(self, condition: tree.Expression) -> bool:  # noqa: PLR0911 - one for each kind of condition
        """Hand one condition to SQLite, if it can be; True when nothing of it is left to test."""
        match condition:
            case tree.Literal(True):
                return True
            case tree.Binary("OR", _, _):
                return self._points(condition)
            case tree.Binary(operator, left, right) if operator in _FLIPPED:
                if _is_constant(right):
                    return self._comparison(operator, left, self._value(right))
                if _is_constant(left):
                    return self._comparison(_FLIPPED[operator], right, self._value(left))
                return False
            case tree.In(operand, choices, False) if all(_is_constant(choice) for choice in choices):
                return self._choice(operand, [self._value(choice) for choice in choices])
            case tree.Between(operand, low, high, False) if _is_constant(low) and _is_constant(high):
                return self._between(operand, self._value(low), self._value(high))
            case tree.Function("STARTSWITH", (operand, prefix)) if _is_constant(prefix):
                return self._prefix(operand, self._value(prefix))
            case _:
                return False

    def _value(self, expression: tree.Expression) -> Any:
        return compile_expression(expression)({}, self._parameters)

    def _comparison(self, operator: str, operand: tree.Expression, value: Any) -> bool:
        path = tree.path_of(operand)
        if path is None:
            return False
        if value is UNDEFINED:
            self._plan.nothing = True
            return True
        if isinstance(value, list | dict):
            return False
        if operator == "=":
            return self._equals(path, value)
        return self._range(path, operator, value)

    def _equals(self, path: tuple[str | int | float, ...], value: Any) -> bool:
        steps = _steps(path)
        if steps is not None and steps == self._key_path:
            self._plan.bind("pk = ?", key_text([value]))
            self._plan.equal_columns.append("pk")
            if steps != ("id",):
                return True
        column = self._column(path)
        if column == "id":
            if not isinstance(value, str):
                self._plan.nothing = True
                return True
            self._plan.bind("id = ?", value)
        elif column is not None:
            self._plan.bind(f"{column} = ?", sort_key(value))
        else:
            return False
        self._plan.equal_columns.append(column)
        return True

    def _column(self, path: tuple[str | int | float, ...]) -> str | None:
        column = column_of(self._table, path)
        steps = _steps(path)
        if column is None and steps is not None:
            self._plan.wanted.add(steps)
        return column

    def _range(self, path: tuple[str | int | float, ...], operator: str, value: Any) -> bool:
        if value is None:
            return False
        column = self._column(path)
        if column is None:
            return False
        if column == "id":
            if not isinstance(value, str):
                self._plan.nothing = True
            else:
                self._plan.bind(f"id {operator} ?", value)
                self._plan.range_columns.append("id")
            return True
        key = sort_key(value)
        low, high = _type_bounds(key)
        self._plan.bind(f"{column} {operator} ?", key)
        if operator in ("<", "<="):
            self._plan.bind(f"{column} >= ?", low)
        else:
            self._plan.bind(f"{column} < ?", high)
        self._plan.range_columns.append(column)
        return True

    def _between(self, operand: tree.Expression, low: Any, high: Any) -> bool:
        path = tree.path_of(operand)
        if path is None or any(isinstance(value, list | dict) or value is None for value in (low, high)):
            return False
        if low is UNDEFINED or high is UNDEFINED:
            self._plan.nothing = True
            return True
        if self._column(path) is None:
            return False
        return self._range(path, ">=", low) and self._range(path, "<=", high)

    def _choice(self, operand: tree.Expression, values: list[Any]) -> bool:
        path = tree.path_of(operand)
        if path is None or len(values) > _MAX_CHOICES or any(isinstance(value, list | dict) for value in values):
            return False
        values = [value for value in values if value is not UNDEFINED]
        steps = _steps(path)
        if steps is not None and steps == self._key_path:
            self._bind_in("pk", [key_text([value]) for value in values])
            return True
        column = self._column(path)
        if column == "id":
            self._bind_in("id", [value for value in values if isinstance(value, str)])
        elif column is not None:
            self._bind_in(column, [sort_key(value) for value in values])
        return column is not None

    def _bind_in(self, column: str, values: list[Any]) -> None:
        if not values:
            self._plan.nothing = True
            return
        self._plan.bind(f"{column} IN ({','.join('?' * len(values))})", *values)
        self._plan.range_columns.append(column)

    def _prefix(self, operand: tree.Expression, prefix: Any) -> bool:
        path = tree.path_of(operand)
        if path is None or not isinstance(prefix, str):
            return False
        column = self._column(path)
        if column is None or column == "id":
            return False
        key = sort_key(prefix)
        self._plan.bind(f"{column} >= ? AND {column} < ?", key, key + b"\xff")  # no UTF-8 text starts with FF
        self._plan.range_columns.append(column)
        return True

    def _points(self, condition: tree.Expression) -> bool:  # noqa: PLR0911 - one for each reason to decline
        """(id = a AND pk = b) OR (…) OR …: the shape of reading many items."""
        pairs: list[tuple[str, str]] = []
        for alternative in _alternatives(condition):
            found: dict[Steps, Any] = {}
            for part in _conjuncts(alternative):
                if not isinstance(part, tree.Binary) or part.operator != "=" or not _is_constant(part.right):
                    return False
                steps = _steps(tree.path_of(part.left) or ())
                if steps is None or steps in found:
                    return False
                found[steps] = self._value(part.right)
            if self._key_path is None or set(found) != {("id",), self._key_path}:
                return False
            if any(value is UNDEFINED or isinstance(value, list | dict) for value in found.values()):
                return False
            if isinstance(found[("id",)], str):
                pairs.append((key_text([found[self._key_path]]), found[("id",)]))
        if len(pairs) > _MAX_CHOICES:
            return False
        if not pairs:
            self._plan.nothing = True
            return True
        # `(pk, id) IN (VALUES …)` would be plainer, but SQLite answers it by reading the whole table.
        marks = ",".join(["(?,?)"] * len(pairs))
        rids = f"SELECT t.rid FROM (VALUES {marks}) AS v CROSS JOIN {self._table.name} AS t"
        among = f"rid IN ({rids} ON t.pk = v.column1 AND t.id = v.column2)"
        self._plan.bind(among, *[value for pair in pairs for value in pair])
        self._plan.range_columns.append("pk")
        return True


def _alternatives(expression: tree.Expression) -> Iterator[tree.Expression]:
    pending = [expression]  # read-many makes a thousand: no recursion
    while pending:
        one = pending.pop()
        if isinstance(one, tree.Binary) and one.operator == "OR":
            pending += [one.right, one.left]
        else:
            yield one


def _type_bounds(key: bytes) -> tuple[bytes, bytes]:
    """The sort keys between which all values of one type lie."""
    kind = key[0]
    if kind in (2, 3):
        return b"\x02", b"\x04"
    return bytes((kind,)), bytes((kind + 1,))


def _check_indexes(query: tree.Query, table: Table) -> None:
    """Refuse what the service refuses for want of an index: an excluded path, several paths without a composite."""
    policy = table.container.settings.get("indexingPolicy", {})
    if policy.get("indexingMode", "consistent").lower() == "none":
        return
    paths = [_steps(order.path) for order in query.order_by]
    if len(paths) == 1:
        if paths[0] is not None and not is_indexed(policy, paths[0]):
            raise CosmosError(
                400, "The index path corresponding to the specified order-by item is excluded.", code="BadRequest"
            )
        return
    wanted = [(steps, order.descending) for steps, order in zip(paths, query.order_by, strict=True)]
    opposite = [(steps, not descending) for steps, descending in wanted]
    for composite in policy.get("compositeIndexes", []):
        offered = [
            (_policy_steps(item["path"]), item.get("order", "ascending").lower() == "descending") for item in composite
        ]
        if offered in (wanted, opposite):
            return
    raise CosmosError(
        400, "The order by query does not have a corresponding composite index that it can be served from."
    )


def _policy_steps(path: str) -> Steps:
    return tuple(part.strip('"') for part in path.strip("/").split("/"))


def is_indexed(policy: Mapping[str, Any], steps: Steps) -> bool:
    """Does the indexing policy cover a path? The longest matching rule decides."""
    best, covered = -1, True
    for kind, result in (("includedPaths", True), ("excludedPaths", False)):
        for rule in policy.get(kind, []):
            parts = _policy_steps(rule["path"])
            stem, wildcard = parts[:-1], parts[-1]
            matches = steps[: len(stem)] == stem if wildcard == "*" else steps == stem and wildcard == "?"
            length = len(stem) * 2 + (wildcard == "?")
            if matches and length > best:
                best, covered = length, result
    return covered
