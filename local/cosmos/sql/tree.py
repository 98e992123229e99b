"""The shape of a parsed query."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; its value may be UNDEFINED."""

    value: Any
    kind: str = field(init=False)  # 1, 1.0 and true are equal in Python: the kind tells their literals apart

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", type(self.value).__name__)


@dataclass(frozen=True, slots=True)
class Parameter:
    """`@name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Root:
    """The document itself: the FROM clause's alias."""


@dataclass(frozen=True, slots=True)
class Member:
    """`of.name`, `of["name"]`, `of[0]`, `of[@p]`."""

    of: "Expression"
    key: "str | int | float | Parameter"


@dataclass(frozen=True, slots=True)
class Unary:
    """`NOT x`, `-x`, `+x`."""

    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`; the operator in upper case."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class In:
    """`operand [NOT] IN (choices)`."""

    operand: "Expression"
    choices: tuple["Expression", ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Between:
    """`operand [NOT] BETWEEN low AND high`."""

    operand: "Expression"
    low: "Expression"
    high: "Expression"
    negated: bool


@dataclass(frozen=True, slots=True)
class Conditional:
    """`test ? yes : no`."""

    test: "Expression"
    yes: "Expression"
    no: "Expression"


@dataclass(frozen=True, slots=True)
class Function:
    """A scalar function's call; the name in upper case."""

    name: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """COUNT, SUM, AVG, MIN or MAX of an expression."""

    name: str
    argument: "Expression"


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """`[a, b]`."""

    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """`{name: a}`."""

    members: tuple[tuple[str, "Expression"], ...]


Expression = (
    Literal
    | Parameter
    | Root
    | Member
    | Unary
    | Binary
    | In
    | Between
    | Conditional
    | Function
    | Aggregate
    | ArrayOf
    | ObjectOf
)


@dataclass(frozen=True, slots=True)
class Order:
    """One ORDER BY item: a path and its direction."""

    path: tuple[str | int | float, ...]
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query."""

    distinct: bool
    top: "int | Parameter | None"
    star: bool
    value: Expression | None  # SELECT VALUE
    columns: tuple[tuple[str, Expression], ...]  # SELECT a, b: output names and expressions
    where: Expression | None
    group_by: tuple[Expression, ...]
    order_by: tuple[Order, ...]
    offset: "int | Parameter | None"
    limit: "int | Parameter | None"
    parameters: frozenset[str]

    @property
    def aggregates(self) -> bool:
        """Does the SELECT list hold an aggregate?"""
        chosen = [self.value] if self.value is not None else [column for _, column in self.columns]
        return any(isinstance(expression, Aggregate) for expression in chosen)


def path_of(expression: Expression) -> tuple[str | int | float, ...] | None:
    """The constant path from the document that an expression is, if it is one."""
    steps: list[str | int | float] = []
    while isinstance(expression, Member):
        if isinstance(expression.key, Parameter):
            return None
        steps.append(expression.key)
        expression = expression.of
    return tuple(reversed(steps)) if isinstance(expression, Root) else None
