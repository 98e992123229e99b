"""What every part of the parser does with tokens."""

from collections.abc import Callable
from typing import NoReturn

from local.cosmos.errors import BadQuery
from local.cosmos.sql.lexer import Token, tokens_of


class TokenReader:
    """The tokens of one query and how far they are read."""

    def __init__(self, text: str) -> None:
        self._tokens, self._wrong_token = tokens_of(text)
        self._complaint: BadQuery | None = None  # of meaning: those of syntax come first
        self._at = 0
        self._alias = ""
        self._parameters: set[str] = set()
        self._depth = 0
        self._in_where = False
        self._in_aggregate = False

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

    def _unsupported(self, what: str) -> NoReturn:
        token = self._token
        message = f"Syntax error near '{token.text}': {what} is not supported by this stand-in."
        raise BadQuery("SC1001", message, token.start, token.end)

    def _list[T](self, one: Callable[[], T]) -> list[T]:
        found = [one()]
        while self._take(","):
            found.append(one())
        return found
