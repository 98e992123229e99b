"""The conformance table: each test says which behaviour it shows and through which SDK."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest

MARK = "conforms"

PYTHON = "azure-eventhub 5.15.1 (async)"
PYTHON_SYNC = "azure-eventhub 5.15.1 (sync)"
JS = "@azure/event-hubs 6.0.4"
RAW = "raw AMQP"


def conforms(point: int, behaviour: str, sdk: str = PYTHON) -> Callable[[Any], Any]:
    """Mark a test as the proof of one behaviour through one SDK; may be repeated."""
    return pytest.mark.conforms(point=point, behaviour=behaviour, sdk=sdk)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    point: int
    behaviour: str
    sdk: str
    result: str
    test: str


def rows_of(item: pytest.Item, result: str) -> Iterable[Row]:
    """What a finished test contributes."""
    for mark in item.iter_markers(MARK):
        yield Row(mark.kwargs["point"], mark.kwargs["behaviour"], mark.kwargs["sdk"], result, item.name)


def table(rows: Iterable[Row]) -> str:
    """The table in Markdown, in the order of the points."""
    lines = ["| # | behaviour | SDK | result | test |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.point} | {row.behaviour} | {row.sdk} | {row.result} | `{row.test}` |"
        for row in sorted(set(rows), key=lambda row: (row.point, row.sdk, row.test))
    ]
    return "\n".join(lines) + "\n"
