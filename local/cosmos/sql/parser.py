"""Tokens to a tree, by the service's grammar; what lies outside our part of it is refused with its place.

Peculiar, and checked against the service's own parser: NOT binds tighter than comparisons (`NOT c.a = 1` is
`(NOT c.a) = 1`); BETWEEN cannot stand beside AND or OR without parentheses; true, false, null and undefined are
written in lower case; keywords cannot follow a dot.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NoReturn

from local.cosmos.errors import BadQuery
from local.cosmos.sql.functions import AGGREGATES, ARITY
from local.cosmos.sql.lexer import Token, number_of, string_of, tokens_of
from local.cosmos.sql.tree import (
    Aggregate,
    ArrayOf,
    Between,
    Binary,
    Conditional,
    Expression,
    Function,
    In,
    Literal,
    Member,
    ObjectOf,
    Order,
    Parameter,
    Query,
    Root,
    Unary,
    path_of,
)
from local.cosmos.sql.validate import check_grouping, holds_aggregate
from local.cosmos.values import UNDEFINED

_LITERALS = {"true": True, "false": False, "null": None, "undefined": UNDEFINED}
_LEVELS = (("=", "!=", "<>", "<", "<=", ">", ">="), ("+", "-", "||"), ("*", "/", "%"))
_NOT_OURS = frozenset(("&", "|", "^", "~", "<<", ">>", ">>>"))
_MAX_DEPTH = 100


@lru_cache(maxsize=512)
def parse(text: str) -> Query:
    """A query's tree. Raises BadQuery."""
    return _Parser(text).query()


@lru_cache(maxsize=512)
def parse_condition(text: str) -> Expression:
    """The condition of a patch: `FROM c WHERE …`. Raises BadQuery."""
    query = _Parser("SELECT * " + text).query()
    if query.where is None:
        raise BadQuery("SC1001", "Syntax error, a condition needs a WHERE clause.", 0, len(text))
    return query.where


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens, self._wrong_token = tokens_of(text)
        self._complaint: BadQuery | None = None  # of meaning: those of syntax come first
        self._at = 0
        self._alias = ""
        self._parameters: set[str] = set()
        self._depth = 0
        self._in_where = False
        self._in_aggregate = False

    # ---- tokens

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _fail(self, token: Token | None = None) -> NoReturn:
        token = token or self._token
        if token.kind == "wrong" and self._wrong_token is not None:
            raise self._wrong_token
        if token.kind == "end":
            raise BadQuery("SC1002", "Syntax error, unexpected end-of-file.", token.start, token.end)
        message = f"Syntax error, incorrect syntax near '{token.text}'."
        raise BadQuery("SC1001", message, token.start, token.end)

    def _complain(self, code: str, message: str, start: int, end: int) -> None:
        self._complaint = self._complaint or BadQuery(code, message, start, end)

    def _complain_twice(self, name: str, token: Token) -> None:
        message = f"Object creation error, property name '{name}' specified more than once."
        self._complain("SC2022", message, token.start, token.end)

    def _next(self) -> Token:
        token = self._token
        self._at += 1
        return token

    def _is(self, text: str) -> bool:
        token = self._token
        return token.kind in ("keyword", "mark") and token.word == text

    def _take(self, text: str) -> bool:
        if self._is(text):
            self._at += 1
            return True
        return False

    def _need(self, text: str) -> Token:
        if not self._is(text):
            self._fail()
        return self._next()

    # ---- clauses

    def query(self) -> Query:
        """SELECT … FROM … [WHERE] [GROUP BY] [ORDER BY] [OFFSET LIMIT]."""
        self._refuse_other_sources()
        self._alias = self._find_alias()
        self._need("select")
        distinct = self._take("distinct")
        top = self._count("SC2060", "TOP") if self._take("top") else None
        select_at = self._token
        star = self._take("*")
        value: Expression | None = None
        columns: tuple[tuple[str, Expression], ...] = ()
        if not star and self._take("value"):
            value = self._expression()
        elif not star:
            columns = self._columns()
        self._from(star=star)
        where = None
        if self._take("where"):
            self._in_where = True
            where = self._expression()
            self._in_where = False
        group_by: tuple[Expression, ...] = ()
        if self._take("group"):
            self._need("by")
            group_by = tuple(self._list(self._expression))
        order_by: tuple[Order, ...] = ()
        if self._take("order"):
            self._need("by")
            order_by = tuple(self._list(self._order))
        offset = limit = None
        if self._is("offset"):
            at = self._next()
            if top is not None:
                message = "A TOP cannot be used in the same query or subquery as an OFFSET."
                self._complain("SC2205", message, at.start, at.end)
            offset = self._count("SC2062", "OFFSET", integer_token=True)
            self._need("limit")
            limit = self._count("SC2061", "LIMIT", integer_token=True)
        if self._token.kind != "end":
            self._fail()
        query = Query(
            distinct, top, star, value, columns, where, group_by, order_by, offset, limit, frozenset(self._parameters)
        )
        if self._complaint is not None:
            raise self._complaint
        check_grouping(query, select_at)
        return query

    def _refuse_other_sources(self) -> None:
        # Before names are looked up: those that JOIN and IN define would be unknown.
        for place, token in enumerate(self._tokens):
            after_from = place >= 2 and self._tokens[place - 2].word == "from"
            if token.kind == "keyword" and (token.word == "join" or (token.word == "in" and after_from)):
                self._at = place
                self._unsupported("a FROM clause over anything but the container")

    def _find_alias(self) -> str:
        # SELECT names the alias before FROM defines it.
        depth = 0
        for place, token in enumerate(self._tokens):
            if token.text in ("(", "[", "{"):
                depth += 1
            elif token.text in (")", "]", "}"):
                depth -= 1
            elif token.kind == "keyword" and token.word == "from" and depth == 0:
                following = self._tokens[place + 1 : place + 4]
                if not following or following[0].kind != "word":
                    return ""
                names = [token for token in following if token.kind != "keyword" or token.word != "as"]
                if len(names) > 1 and names[1].kind == "word":
                    return names[1].text
                return names[0].text
        return ""

    def _from(self, *, star: bool) -> None:
        if self._token.kind == "end":
            end = self._token
            if star:
                message = "Syntax error, 'SELECT *' is not valid if FROM clause is omitted."
                raise BadQuery("SC1021", message, end.start, end.end)
            message = "Syntax error, a query without a FROM clause is not supported by this stand-in."
            raise BadQuery("SC1001", message, end.start, end.end)
        self._need("from")
        if self._token.kind != "word":
            self._fail()
        self._next()
        if self._is(".") or self._is("["):
            self._unsupported("a FROM clause over anything but the container")
        if self._take("as"):
            if self._token.kind != "word":
                self._fail()
            self._next()
        elif self._token.kind == "word":
            self._next()

    def _unsupported(self, what: str) -> NoReturn:
        token = self._token
        message = f"Syntax error near '{token.text}': {what} is not supported by this stand-in."
        raise BadQuery("SC1001", message, token.start, token.end)

    def _count(self, code: str, clause: str, *, integer_token: bool = False) -> int | Parameter:
        token = self._token
        if token.kind == "parameter":
            self._next()
            self._parameters.add(token.text)
            return Parameter(token.text)
        if token.kind != "number" or (integer_token and not token.text.isdigit()):
            self._fail()
        self._next()
        number = number_of(token.text)
        if not float(number).is_integer():
            message = f"The count value provided for a {clause} clause must be an integer."
            self._complain(code, message, token.start, token.end)
        return int(number)

    def _columns(self) -> tuple[tuple[str, Expression], ...]:
        columns: list[tuple[str, Expression]] = []
        seen: set[str] = set()
        unnamed = 0
        while True:
            at = self._token
            expression = self._expression()
            name: str | None = None
            if self._take("as"):
                if self._token.kind not in ("word", "string"):
                    self._fail()
                token = self._next()
                name = string_of(token.text) if token.kind == "string" else token.text
            elif self._token.kind in ("word", "string"):
                token = self._next()
                name = string_of(token.text) if token.kind == "string" else token.text
            if name is None:
                name = self._implied_name(expression)
            if name is None:
                unnamed += 1
                name = f"${unnamed}"
            if name in seen:
                self._complain_twice(name, at)
            seen.add(name)
            columns.append((name, expression))
            if not self._take(","):
                return tuple(columns)

    def _implied_name(self, expression: Expression) -> str | None:
        if isinstance(expression, Root):
            return self._alias
        if isinstance(expression, Member) and isinstance(expression.key, str):
            return expression.key
        return None

    def _list[T](self, one: Callable[[], T]) -> list[T]:
        found = [one()]
        while self._take(","):
            found.append(one())
        return found

    def _order(self) -> Order:
        at = self._token
        expression = self._expression()
        path = path_of(expression)
        if path is None or holds_aggregate(expression):
            message = "Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path."
            self._complain("2206", message, at.start, self._token.start)
        descending = self._take("desc")
        if not descending:
            self._take("asc")
        return Order(path or (), descending)

    # ---- expressions

    def _expression(self) -> Expression:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self._unsupported(f"an expression nested deeper than {_MAX_DEPTH}")
        first = self._between_or_logical()
        if self._take("?"):
            yes = self._expression()
            self._need(":")
            first = Conditional(first, yes, self._expression())
        elif self._take("??"):
            first = Binary("??", first, self._expression())
        self._depth -= 1
        return first

    def _between_or_logical(self) -> Expression:
        start = self._at
        operand = self._binary(0)
        negated = self._is("not") and self._tokens[self._at + 1].word == "between"
        if negated:
            self._next()
        if self._take("between"):
            low = self._binary(0)
            self._need("and")
            return Between(operand, low, self._binary(0), negated)
        self._at = start
        return self._or()

    def _or(self) -> Expression:
        left = self._and()
        while self._take("or"):
            left = Binary("OR", left, self._and())
        return left

    def _and(self) -> Expression:
        left = self._item()
        while self._take("and"):
            left = Binary("AND", left, self._item())
        return left

    def _item(self) -> Expression:
        operand = self._binary(0)
        negated = self._is("not") and self._tokens[self._at + 1].word in ("in", "like")
        if negated:
            self._next()
        if self._is("like"):
            self._unsupported("LIKE")
        if not self._take("in"):
            return operand
        self._need("(")
        choices = tuple(self._list(self._expression))
        self._need(")")
        return In(operand, choices, negated)

    def _binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._token.kind == "mark" and self._token.text in _LEVELS[level]:
            operator = self._next().text
            right = self._binary(level + 1)
            left = Binary("!=" if operator == "<>" else operator, left, right)
        if self._token.text in _NOT_OURS and self._token.kind == "mark":
            self._unsupported("a bit operator")
        return left

    def _unary(self) -> Expression:
        operators: list[str] = []
        while True:
            if self._take("not"):
                operators.append("NOT")
            elif self._is("-") or self._is("+"):
                operators.append(self._next().text)
            elif self._is("~"):
                self._unsupported("a bit operator")
            else:
                break
        operand = self._suffixed(self._primary())
        for operator in reversed(operators):
            operand = Unary(operator, operand)
        return operand

    def _suffixed(self, operand: Expression) -> Expression:
        while True:
            if self._take("."):
                if self._token.kind != "word":
                    self._fail()
                operand = Member(operand, self._next().text)
            elif self._take("["):
                operand = Member(operand, self._index())
                self._need("]")
            else:
                return operand

    def _index(self) -> str | int | float | Parameter:
        token = self._token
        negative = self._take("-")
        token = self._token
        if token.kind == "number":
            self._next()
            number = number_of(token.text)
            return -number if negative else number
        if negative:
            self._fail()
        if token.kind == "string":
            return string_of(self._next().text)
        if token.kind == "parameter":
            self._next()
            self._parameters.add(token.text)
            return Parameter(token.text)
        self._expression()
        message = "The specified query includes 'member indexer' which is currently not supported."
        self._complain("SC2990", message, token.start, self._token.start)
        return 0

    def _primary(self) -> Expression:
        token = self._token
        if token.kind == "number":
            self._next()
            return Literal(number_of(token.text))
        if token.kind == "string":
            self._next()
            return Literal(string_of(token.text))
        if token.kind == "parameter":
            self._next()
            self._parameters.add(token.text)
            return Parameter(token.text)
        if token.kind == "literal":
            if token.text == "udf":
                self._unsupported("a user-defined function")
            self._next()
            return Literal(_LITERALS[token.text])
        if token.kind == "word" or (token.word in ("left", "right") and self._tokens[self._at + 1].text == "("):
            self._next()
            return self._call(token) if self._is("(") else self._name(token)
        if self._take("("):
            if self._is("select"):
                self._unsupported("a subquery")
            inner = self._expression()
            self._need(")")
            return inner
        if self._is("exists") or self._is("array"):
            self._unsupported("a subquery")
        if self._take("["):
            return ArrayOf(self._items("]"))
        if self._take("{"):
            return self._object()
        self._fail()

    def _name(self, token: Token) -> Expression:
        if token.text != self._alias:
            message = f"Identifier '{token.text}' could not be resolved."
            self._complain("SC2001", message, token.start, token.end)
        return Root()

    def _items(self, closing: str) -> tuple[Expression, ...]:
        if self._take(closing):
            return ()
        items = tuple(self._list(self._expression))
        self._need(closing)
        return items

    def _object(self) -> Expression:
        members: list[tuple[str, Expression]] = []
        if self._take("}"):
            return ObjectOf(())
        while True:
            token = self._token
            if token.kind not in ("word", "string"):
                self._fail()
            self._next()
            name = string_of(token.text) if token.kind == "string" else token.text
            if any(name == other for other, _ in members):
                self._complain_twice(name, token)
            self._need(":")
            members.append((name, self._expression()))
            if not self._take(","):
                break
        self._need("}")
        return ObjectOf(tuple(members))

    def _call(self, token: Token) -> Expression:
        name = token.text.upper()
        aggregate = name in AGGREGATES
        if not aggregate and name not in ARITY:
            message = f"'{token.text}' is not a recognized built-in function name."
            self._complain("SC2005", message, token.start, token.end)
        if aggregate and self._in_where:
            self._complain("SC2104", "Aggregates are not allowed in the WHERE clause.", token.start, token.end)
        if aggregate and self._in_aggregate:
            message = "Cannot perform an aggregate function on an expression containing an aggregate or a subquery."
            self._complain("SC2101", message, token.start, token.end)
        self._need("(")
        outer, self._in_aggregate = self._in_aggregate, self._in_aggregate or aggregate
        arguments = self._items(")")
        self._in_aggregate = outer
        low, high = (1, 1) if aggregate else ARITY.get(name, (0, len(arguments)))
        if not low <= len(arguments) <= high:
            wanted = f"{low}" if low == high else f"{low} to {high}"
            message = f"The {token.text} function requires {wanted} argument(s)."
            self._complain("SC2050", message, token.start, token.end)
        if aggregate:
            return Aggregate(name, arguments[0] if arguments else Literal(None))
        return Function(name, arguments)
