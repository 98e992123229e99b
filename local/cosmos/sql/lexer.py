"""Query text to tokens, with the service's errors for what is none."""

import re
from typing import NamedTuple

from local.cosmos.errors import BadQuery

KEYWORDS = frozenset(
    "and array as asc between by case cast convert cross desc distinct else end escape exists for from group having in"
    " inner insert into is join left like limit not offset on or order outer over right select set then top update"
    " value when where with".split()
)
LITERALS = frozenset(("true", "false", "null", "undefined", "udf"))  # reserved in lower case only

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*)
    | (?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<parameter>@\w+)
    | (?P<word>[^\W\d]\w*)
    | (?P<mark><=|>=|<>|!=|<<|>>>|>>|\|\||\?\?|[-+*/%=<>(){}\[\],.:?~&|^])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class Token(NamedTuple):
    """One token; `kind` is keyword, literal, word, number, string, parameter, mark or end."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The text without case."""
        return self.text.lower()


def tokens_of(text: str) -> list[Token]:
    """All tokens, an `end` token last. Raises BadQuery (SC1010 to SC1012) for what is none."""
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _no_token(text, position)
        kind = match.lastgroup or ""
        end = match.end()
        word = match.group()
        if kind == "number":
            _check_number(text, position, end)
        if kind == "word":
            if word.lower() in KEYWORDS:
                kind = "keyword"
            elif word in LITERALS:
                kind = "literal"
        if kind != "space":
            tokens.append(Token(kind, word, position, end))
        position = end
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


def _no_token(text: str, position: int) -> BadQuery:
    character = text[position]
    if character in "'\"":
        message = f"Syntax error, invalid string literal token '{text[position:]}'."
        return BadQuery("SC1012", message, position, len(text))
    return BadQuery("SC1010", f"Syntax error, invalid token '{character}'.", position, position + 1)


def _check_number(text: str, start: int, end: int) -> None:
    if end < len(text) and (text[end].isalnum() or text[end] == "_"):
        stop = end
        while stop < len(text) and (text[stop].isalnum() or text[stop] == "_"):
            stop += 1
        wrong = text[start:stop]
        raise BadQuery("SC1011", f"Syntax error, invalid numeric value token '{wrong}'.", start, stop)
    if number_of(text[start:end]) in (float("inf"), float("-inf")):
        wrong = text[start:end]
        raise BadQuery("SC1011", f"Syntax error, invalid numeric value token '{wrong}'.", start, end)


def number_of(text: str) -> float:
    """A numeric literal's value."""
    if text[:2].lower() == "0x":
        return int(text, 16)
    if text.isdigit():
        return int(text) if len(text) < 300 else float(text)
    return float(text)


def string_of(text: str) -> str:
    """A quoted string's value."""
    return _ESCAPE.sub(_unescape, text[1:-1])


def _unescape(match: re.Match[str]) -> str:
    code = match.group(1)
    if code[0] == "u" and len(code) == 5:
        return chr(int(code[1:], 16))
    return _ESCAPED.get(code, code)
