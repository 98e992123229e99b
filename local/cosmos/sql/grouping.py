"""Groups, their aggregates, and equality of results."""

from collections.abc import Mapping
from typing import Any

from local.cosmos.sql import tree
from local.cosmos.sql.functions import Accumulator
from local.cosmos.sql.program import compile_expression
from local.cosmos.values import sort_key


class Group:
    """The running aggregates of one group."""

    __slots__ = ("_arguments", "first", "keys", "results")

    def __init__(self, query: tree.Query, first: Any, keys: list[bytes]) -> None:
        chosen = [query.value] if query.value is not None else [column for _, column in query.columns]
        aggregates = [one for one in chosen if isinstance(one, tree.Aggregate)]
        self.first = first
        self.keys = keys
        self.results = [Accumulator(one.name) for one in aggregates]
        self._arguments = [compile_expression(one.argument) for one in aggregates]

    def add(self, document: Any, parameters: Mapping[str, Any]) -> None:
        """Count one more document in."""
        for result, argument in zip(self.results, self._arguments, strict=True):
            result.add(argument(document, parameters))


def in_order(entries: list[tuple[list[bytes], str]], query: tree.Query) -> list[str]:
    """Results by the keys of their ORDER BY paths."""
    for place in reversed(range(len(query.order_by))):
        descending = query.order_by[place].descending
        entries.sort(key=lambda entry, place=place: entry[0][place], reverse=descending)  # type: ignore[misc]
    return [text for _, text in entries]


def distinct_key(value: Any) -> bytes:
    """Equal for equal values: 1 and 1.0 are, whatever the order of an object's members."""
    if isinstance(value, list):
        parts = [distinct_key(item) for item in value]
        return b"\x06" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    if isinstance(value, dict):
        pairs = [(name.encode("utf-8", "surrogatepass"), distinct_key(value[name])) for name in sorted(value)]
        flat = [part for pair in pairs for part in pair]
        return b"\x07" + b"".join(len(part).to_bytes(4, "big") + part for part in flat)
    return sort_key(value)
