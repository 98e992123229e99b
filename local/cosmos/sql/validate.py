"""What a query may not say although its grammar is right: aggregates and grouping."""

from local.cosmos.errors import BadQuery
from local.cosmos.sql.lexer import Token
from local.cosmos.sql.tree import (
    Aggregate,
    ArrayOf,
    Between,
    Binary,
    Conditional,
    Expression,
    Function,
    In,
    Member,
    ObjectOf,
    Query,
    Root,
    Unary,
)


def parts_of(expression: Expression) -> tuple[Expression, ...]:  # noqa: PLR0911 - one for each kind of expression
    """The expressions directly inside one."""
    match expression:
        case Member(of, _):
            return (of,)
        case Unary(_, operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case In(operand, choices, _):
            return (operand, *choices)
        case Between(operand, low, high, _):
            return (operand, low, high)
        case Conditional(test, yes, no):
            return (test, yes, no)
        case Function(_, arguments):
            return arguments
        case Aggregate(_, argument):
            return (argument,)
        case ArrayOf(items):
            return items
        case ObjectOf(members):
            return tuple(value for _, value in members)
        case _:
            return ()


def holds_aggregate(expression: Expression) -> bool:
    """Is there an aggregate anywhere inside?"""
    return isinstance(expression, Aggregate) or any(holds_aggregate(part) for part in parts_of(expression))


def check_grouping(query: Query, at: Token) -> None:
    """Refuse aggregates inside other expressions, and columns that are neither grouped by nor aggregated."""
    if query.star:
        if query.group_by:
            raise BadQuery("SC2041", "'SELECT *' is not allowed with GROUP BY.", at.start, at.end)
        return
    chosen = [query.value] if query.value is not None else [column for _, column in query.columns]
    for expression in chosen:
        if not isinstance(expression, Aggregate) and holds_aggregate(expression):
            message = "Compositions of aggregates and other expressions are not allowed."
            raise BadQuery("", message, at.start, at.end)
    if not query.group_by and not query.aggregates:
        return
    for expression in chosen:
        if not isinstance(expression, Aggregate):
            _check_grouped(expression, query.group_by, at)


def _check_grouped(expression: Expression, groups: tuple[Expression, ...], at: Token) -> None:
    if expression in groups:
        return
    if isinstance(expression, Root | Member):
        inner: Expression = expression
        while isinstance(inner, Member):
            inner = inner.of
            if inner in groups:
                return
        if isinstance(inner, Root):
            message = (
                "Property reference is invalid in the select list because it is not contained in either an aggregate"
                " function or the GROUP BY clause."
            )
            raise BadQuery("SC2102", message, at.start, at.end)
    for part in parts_of(expression):
        _check_grouped(part, groups, at)
