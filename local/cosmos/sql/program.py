"""Expressions compiled to functions of a document and the query's parameters."""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from local.cosmos.sql import tree
from local.cosmos.sql.compare import both, compared, either, equal, negated, type_of
from local.cosmos.sql.functions import FUNCTIONS
from local.cosmos.sql.parser import parse_condition
from local.cosmos.values import UNDEFINED, as_double

Run = Callable[[Any, Mapping[str, Any]], Any]


@lru_cache(maxsize=2048)
def compile_expression(expression: tree.Expression) -> Run:
    """A function (document, parameters) -> value or UNDEFINED."""
    return _compile(expression)


def condition_of(text: str) -> Callable[[Any], bool]:
    """A patch's condition as a function of the document. Raises BadQuery."""
    run = compile_expression(parse_condition(text))
    return lambda document: run(document, {}) is True


def _compile(expression: tree.Expression) -> Run:  # noqa: PLR0911, PLR0912 - one for each kind of expression
    match expression:
        case tree.Literal(value):
            return lambda _d, _p: value
        case tree.Parameter(name):
            return lambda _d, parameters: parameters.get(name, UNDEFINED)
        case tree.Root():
            return lambda document, _p: document
        case tree.Member():
            return _member(expression)
        case tree.Unary(operator, operand):
            return _unary(operator, _compile(operand))
        case tree.Binary(operator, left, right):
            return _binary(operator, _compile(left), _compile(right))
        case tree.In(operand, choices, negative):
            return _in(_compile(operand), [_compile(choice) for choice in choices], negative)
        case tree.Between(operand, low, high, negative):
            return _between(_compile(operand), _compile(low), _compile(high), negative)
        case tree.Conditional(test, yes, no):
            test_, yes_, no_ = _compile(test), _compile(yes), _compile(no)
            return lambda d, p: yes_(d, p) if test_(d, p) is True else no_(d, p)
        case tree.Function(name, arguments):
            function, runs = FUNCTIONS[name][0], [_compile(argument) for argument in arguments]
            if len(runs) == 1:
                only = runs[0]
                return lambda d, p: function(only(d, p))
            return lambda d, p: function(*[run(d, p) for run in runs])
        case tree.ArrayOf(items):
            parts = [_compile(item) for item in items]
            return lambda d, p: [value for part in parts if (value := part(d, p)) is not UNDEFINED]
        case tree.ObjectOf(members):
            named = [(name, _compile(member)) for name, member in members]
            return lambda d, p: {name: value for name, member in named if (value := member(d, p)) is not UNDEFINED}
        case tree.Aggregate():
            raise ValueError("an aggregate is not an expression of one document")


def _member(expression: tree.Member) -> Run:
    of, key = _compile(expression.of), expression.key
    if isinstance(key, str):
        if isinstance(expression.of, tree.Root):
            return lambda document, _p: document.get(key, UNDEFINED)
        return lambda d, p: value.get(key, UNDEFINED) if isinstance(value := of(d, p), dict) else UNDEFINED
    if isinstance(key, tree.Parameter):
        name = key.name
        return lambda d, p: _pick(of(d, p), p.get(name, UNDEFINED))
    return lambda d, p: _pick(of(d, p), key)


def _pick(value: Any, key: Any) -> Any:
    if isinstance(value, dict) and isinstance(key, str):
        return value.get(key, UNDEFINED)
    if isinstance(value, list) and type_of(key) == 3 and as_double(key).is_integer() and 0 <= key < len(value):
        return value[int(key)]
    return UNDEFINED


def _unary(operator: str, operand: Run) -> Run:
    if operator == "NOT":
        return lambda d, p: negated(operand(d, p))
    sign = -1 if operator == "-" else 1
    return lambda d, p: sign * value if type_of(value := operand(d, p)) == 3 else UNDEFINED


def _binary(operator: str, left: Run, right: Run) -> Run:  # noqa: PLR0911 - one for each kind of operator
    if operator == "=":
        return lambda d, p: equal(left(d, p), right(d, p))
    if operator == "!=":
        return lambda d, p: negated(equal(left(d, p), right(d, p)))
    if operator in ("<", "<=", ">", ">="):
        return lambda d, p: compared(operator, left(d, p), right(d, p))
    if operator == "AND":
        return lambda d, p: False if (first := left(d, p)) is False else both(first, right(d, p))
    if operator == "OR":
        return lambda d, p: True if (first := left(d, p)) is True else either(first, right(d, p))
    if operator == "??":
        return lambda d, p: right(d, p) if (first := left(d, p)) is UNDEFINED else first
    if operator == "||":
        return lambda d, p: _joined(left(d, p), right(d, p))
    return lambda d, p: _calculated(operator, left(d, p), right(d, p))


def _joined(left: Any, right: Any) -> Any:
    return left + right if isinstance(left, str) and isinstance(right, str) else UNDEFINED


def _calculated(operator: str, left: Any, right: Any) -> Any:
    if type_of(left) != 3 or type_of(right) != 3:
        return UNDEFINED
    if operator in ("/", "%") and right == 0:
        return UNDEFINED
    if operator == "+":
        result = left + right
    elif operator == "-":
        result = left - right
    elif operator == "*":
        result = left * right
    elif operator == "/":
        result = as_double(left) / as_double(right)
    else:
        result = math.fmod(as_double(left), as_double(right))
    number = as_double(result)
    if not math.isfinite(number):
        return UNDEFINED
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _in(operand: Run, choices: list[Run], negative: bool) -> Run:
    def run(document: Any, parameters: Mapping[str, Any]) -> Any:
        value = operand(document, parameters)
        outcome: Any = False
        for choice in choices:
            outcome = either(outcome, equal(value, choice(document, parameters)))
            if outcome is True:
                break
        return negated(outcome) if negative else outcome

    return run


def _between(operand: Run, low: Run, high: Run, negative: bool) -> Run:
    def run(document: Any, parameters: Mapping[str, Any]) -> Any:
        value = operand(document, parameters)
        outcome = both(
            compared(">=", value, low(document, parameters)), compared("<=", value, high(document, parameters))
        )
        return negated(outcome) if negative else outcome

    return run
