"""Expressions: operators by their precedence, paths, literals, function calls."""

from local.cosmos.sql.functions import AGGREGATES, ARITY
from local.cosmos.sql.lexer import Token, number_of, string_of
from local.cosmos.sql.reader import TokenReader
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
    Parameter,
    Root,
    Unary,
)
from local.cosmos.values import UNDEFINED

_LITERALS = {"true": True, "false": False, "null": None, "undefined": UNDEFINED}
_LEVELS = (("=", "!=", "<>", "<", "<=", ">", ">="), ("+", "-", "||"), ("*", "/", "%"))
_NOT_OURS = frozenset(("&", "|", "^", "~", "<<", ">>", ">>>"))
_MAX_DEPTH = 100


class ExpressionReader(TokenReader):
    """Reads one expression at a time."""

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

    def _primary(self) -> Expression:  # noqa: PLR0911 - one return for each kind of primary
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
        return self._fail()

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
