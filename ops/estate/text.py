"""Plain text for a terminal: tables, headings, and colours only where somebody looks at a terminal."""

import os
import sys
import textwrap
from collections.abc import Callable, Sequence

Paint = Callable[[str], str]
_COLOURS = {"heading": "1", "good": "32", "bad": "31", "wait": "33"}
_WORDS = {"survives": "good", "met": "good", "private": "good", "lost": "bad", "missing": "bad", "not met": "bad"}
_WORDS |= {"public": "wait", "waits": "wait", "in part": "wait", "not said": "wait"}


def wants_colour() -> bool:
    """A terminal that is not dumb, and nobody who asked for none."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def plain(cell: str) -> str:
    """The cell as it is."""
    return cell


def coloured(cell: str) -> str:
    """A cell in the colour of its word, if it has one."""
    return _in_colour(_WORDS[cell.strip()], cell) if cell.strip() in _WORDS else cell


def heading(title: str, *, colour: bool) -> str:
    """A section's title."""
    return _in_colour("heading", title) if colour else title


def table(rows: Sequence[Sequence[str]], *, indent: int = 2, right: Sequence[int] = (), paint: Paint = plain) -> str:
    """Columns as wide as they must be; those in `right` are aligned to the right."""
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            paint(cell.rjust(width) if at in right else cell.ljust(width))
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((" " * indent + "  ".join(cells)).rstrip())
    return "\n".join(lines)


def wrapped(text: str, *, indent: int = 2, width: int = 118, later: int = 0) -> str:
    """A paragraph; its lines after the first may be indented further."""
    return textwrap.fill(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + later),
        break_on_hyphens=False,
        break_long_words=False,
    )


def many(count: int, word: str) -> str:
    """`1 region`, `3 regions`."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _in_colour(name: str, text: str) -> str:
    return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m"
