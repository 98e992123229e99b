"""Two environments compared, as text."""

from collections.abc import Sequence

from ops.estate.difference import Difference
from ops.estate.text import heading, listed, many, table

_LONGEST = 60


def page(found: Difference, *, colour: bool) -> str:
    """Regions, resources that only one has, properties that differ."""
    title = f"{found.here} and {found.there}"
    parts = [f"{heading(title, colour=colour)}\n{_summary(found)}"]
    for name, only in ((found.here, found.only_here), (found.there, found.only_there)):
        if only:
            rows = [(kind, title, f"×{count}" if count > 1 else "") for kind, title, count in only]
            parts.append(f"{heading(f'Only in {name}', colour=colour)}\n{table(rows)}")
    if found.changes:
        parts.append(f"{heading('Different', colour=colour)}\n{_changes(found)}")
    return "\n\n".join(parts)


def _summary(found: Difference) -> str:
    lines = [
        f"  regions only in {name}: {listed(regions)}"
        for name, regions in ((found.here, found.regions_here), (found.there, found.regions_there))
        if regions
    ]
    only = len(found.only_here) + len(found.only_there)
    lines.append(
        f"  {many(only, 'resource')} in only one of them, {many(len(found.changes), 'property')}".replace(
            "propertys", "properties"
        )
        + " different"
    )
    lines.append(
        "  Names are compared without environment, domain and suffix, and regions that both have with each other."
    )
    return "\n".join(lines)


def _changes(found: Difference) -> str:
    rows = [("", "", found.here.upper(), found.there.upper())]
    before = ("", "")
    for one in found.changes:
        if (one.kind, one.name) != before:
            rows.append((f"{one.kind} {one.name}", "", "", ""))
        before = (one.kind, one.name)
        rows.append(("", one.path.removeprefix("properties."), _short(one.here), _short(one.there)))
    return _indented(rows)


def _indented(rows: Sequence[tuple[str, str, str, str]]) -> str:
    """Titles on lines of their own, so that they do not widen the columns."""
    body = [row[1:] for row in rows if not row[0]]
    lines = iter(table(body, indent=4).split("\n"))
    return "\n".join(f"  {row[0]}" if row[0] else next(lines) for row in rows)


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
