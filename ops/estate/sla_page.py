"""The composite SLA as text."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ops.estate.availability import Factor, Flow, minutes_away
from ops.estate.snapshots import Estate
from ops.estate.tables import SlaTable
from ops.estate.text import coloured, heading, many, plain, table, wrapped


def as_json(
    estate: Estate, found: Sequence[Flow], start: Sequence[Factor], table_: SlaTable, objective: float
) -> dict[str, Any]:
    """The same for programs."""
    return {
        "environment": estate.environment,
        "objective": objective,
        "seen": table_.seen,
        "sources": dict(table_.addresses),
        "flows": [
            asdict(one)
            | {
                "alone": one.alone,
                "combined": one.combined,
                "minutesPerMonth": minutes_away(one.combined),
                "met": _met(one, objective),
                "gaps": [gap.name for gap in one.gaps],
            }
            for one in found
        ],
        "onlyToStart": [asdict(one) for one in start],
    }


def page(
    estate: Estate, found: Sequence[Flow], start: Sequence[Factor], table_: SlaTable, objective: float, *, colour: bool
) -> str:
    """A table of all flows, then each flow with its factors and formula."""
    count = max((len(one.stamps) for one in found), default=0)
    paint = coloured if colour else plain
    title = f"{estate.environment}: composite SLA, {many(count, 'stamp')}, against an objective of {percent(objective)}"
    rows = [("FLOW", "ONE STAMP", "MIN/MONTH", f"{count} STAMPS", "MIN/MONTH", "ON PAPER", "")]
    for one in found:
        known = "at most, " + ", ".join(gap.name for gap in one.gaps) + ": no figure" if one.gaps else ""
        rows.append(
            (one.name, percent(one.alone), _minutes(one.alone), percent(one.combined) if one.stamps else "–",
             _minutes(one.combined), _MET[_met(one, objective)], known)
        )  # fmt: skip
    budget = f"  The objective leaves {minutes_away(objective):.1f} minutes a month of 730 hours."
    once = [
        f"  {one.name}: what exists once ({', '.join(factor.name for factor in one.shared)}) may be away "
        f"{_minutes(_once(one))} minutes, which is more: further stamps do not help."
        for one in found
        if one.together and _once(one) < objective
    ]
    parts = ["\n".join((heading(title, colour=colour), table(rows, right=(1, 2, 3, 4), paint=paint), budget, *once))]
    parts += [f"{heading(f'{one.name}: {one.tells}', colour=colour)}\n{_flow(one)}" for one in found]
    waiting = heading("Needed to start a pod or to renew a token; no request waits for it", colour=colour)
    parts.append(f"{waiting}\n{_factors(start)}")
    parts.append(f"{heading('How to read this', colour=colour)}\n{_reading(table_)}")
    return "\n\n".join(parts)


def percent(value: float) -> str:
    """`99.9790 %`: four digits, for the fourth is four seconds a day."""
    return f"{value:.4f} %"


def _met(one: Flow, objective: float) -> bool | None:
    """Whether the objective is met on paper; None where a gap leaves it open."""
    if one.combined < objective:
        return False
    return None if one.gaps else True


_MET = {True: "met", False: "not met", None: "not known"}


def _once(one: Flow) -> float:
    """Percent of what all stamps share."""
    return 100 * math.prod(factor.percent / 100 for factor in one.shared if factor.percent is not None)


def _minutes(value: float) -> str:
    return f"{minutes_away(value):.1f}"


def _flow(one: Flow) -> str:
    alike = len(set(one.stamps)) <= 1
    parts = []
    if one.shared:
        parts.append(f"  once\n{_factors(one.shared, indent=4)}")
    for at, stamp in enumerate(one.stamps[:1] if alike else one.stamps):
        title = f"each of {many(len(one.stamps), 'stamp')}" if alike else f"stamp {at + 1}"
        parts.append(f"  {title if len(one.stamps) > 1 else 'the stamp'}\n{_factors(stamp, indent=4)}")
    parts.append(wrapped(_formula(one), indent=2, later=2))
    parts += [wrapped(note, indent=2, later=2) for note in one.notes]
    return "\n".join(parts)


def _factors(found: Sequence[Factor], indent: int = 2) -> str:
    rows = [
        (
            "no figure" if one.percent is None else f"{one.percent:g} %",
            f"{one.minutes:.1f} min" if one.percent is not None else "",
            one.name,
            one.role,
            one.condition,
            " ".join(part for part in (one.source, one.dated) if part),
        )
        for one in found
    ]
    return table(rows, indent=indent, right=(0, 1))


def _formula(one: Flow) -> str:
    shared = " × ".join(_share(factor) for factor in one.shared if factor.percent is not None)
    stamp = " × ".join(_share(factor) for factor in (one.stamps[0] if one.stamps else ()) if factor.percent is not None)
    alone = " × ".join(part for part in (shared, stamp) if part)
    text = f"{'one stamp: ' if one.stamps else ''}{alone} = {percent(one.alone)}"
    if one.together and len(one.stamps) > 1:
        rest = f"(1 − (1 − {stamp})^{len(one.stamps)})" if len(set(one.stamps)) == 1 else "(1 − Π(1 − stamp))"
        text += f"; {len(one.stamps)} stamps: {shared} × {rest} = {percent(one.combined)}"
    return text


def _share(factor: Factor) -> str:
    return f"{(factor.percent or 0) / 100:.6f}".rstrip("0").rstrip(".")


def _reading(table_: SlaTable) -> str:
    lines = [
        "A product of promises, as if faults were independent and other stamps took over at once. It leaves out our "
        "own deployments and mistakes, faults that all regions share, and the seconds until a probe has failed. A "
        "promise is money back, not a measurement.",
        f"Table seen {table_.seen}; beside each figure its source and that source's date:",
        *(f"{name}: {address}" for name, address in table_.addresses.items()),
    ]
    return "\n".join(wrapped(line, later=0 if at < 2 else 4) for at, line in enumerate(lines))
