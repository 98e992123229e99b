"""Query text to tokens, with the service's errors for what is none."""

import re
from typing import NamedTuple

from local.cosmos.errors import BadQuery

KEYWORDS = frozenset((
    "and", "array", "as", "asc", "between", "by", "case", "cast", "convert", "cross", "desc", "distinct", "else",
    "end", "escape", "exists", "for", "from", "group", "having", "in", "inner", "insert", "into", "is", "join",
    "left", "like", "limit", "not", "offset", "on", "or", "order", "outer", "over", "right", "select", "set", "then",
    "top", "update", "value", "when", "where", "with",
))  # fmt: skip
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
    """One token; `kind` is keyword, literal, word, number, string, parameter, mark, end, or wrong."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The text without case."""
        return self.text.lower()


def tokens_of(text: str) -> tuple[list[Token], BadQuery | None]:
    """All tokens, an `end` token last. What is none (SC1010 to SC1012) becomes a `wrong` token, and its error.

    The service complains of a wrong token only when its parser comes to it.
    """
    tokens: list[Token] = []
    position = 0
    wrong: BadQuery | None = None
    while position < len(text):
        match = _TOKEN.match(text, position)
        kind = "wrong" if match is None else match.lastgroup or ""
        end = position + 1 if match is None else match.end()
        word = text[position:end]
        if match is None:
            wrong = _no_token(text, position)
        elif kind == "number":
            wrong = _wrong_number(text, position, end)
        elif kind == "word":
            if word.lower() in KEYWORDS:
                kind = "keyword"
            elif word in LITERALS:
                kind = "literal"
        if wrong is not None:
            tokens.append(Token("wrong", word, position, end))
            break
        if kind != "space":
            tokens.append(Token(kind, word, position, end))
        position = end
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens, wrong


def _no_token(text: str, position: int) -> BadQuery:
    character = text[position]
    if character in "'\"":
        message = f"Syntax error, invalid string literal token '{text[position:]}'."
        return BadQuery("SC1012", message, position, len(text))
    return BadQuery("SC1010", f"Syntax error, invalid token '{character}'.", position, position + 1)


def _wrong_number(text: str, start: int, end: int) -> BadQuery | None:
    stop = end
    while stop < len(text) and (text[stop].isalnum() or text[stop] == "_"):
        stop += 1
    wrong = text[start:stop]
    if stop == end and abs(number_of(wrong)) != float("inf"):
        return None
    return BadQuery("SC1011", f"Syntax error, invalid numeric value token '{wrong}'.", start, stop)


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
