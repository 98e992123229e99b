"""Tokens to a tree, by the service's grammar; what lies outside our part of it is refused with its place.

Peculiar, and checked against the service's own parser: NOT binds tighter than comparisons (`NOT c.a = 1` is
`(NOT c.a) = 1`); BETWEEN cannot stand beside AND or OR without parentheses; true, false, null and undefined are
written in lower case; keywords cannot follow a dot.
"""

from functools import lru_cache

from local.cosmos.errors import BadQuery
from local.cosmos.sql.expressions import ExpressionReader
from local.cosmos.sql.lexer import number_of, string_of
from local.cosmos.sql.tree import Expression, Member, Order, Parameter, Query, Root, path_of
from local.cosmos.sql.validate import check_grouping, holds_aggregate


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


class _Parser(ExpressionReader):
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
