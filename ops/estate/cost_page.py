"""The monthly bill as text."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ops.estate.cost import Bill, Line, Traffic
from ops.estate.snapshots import Estate
from ops.estate.tables import PriceTable
from ops.estate.text import coloured, heading, listed, many, plain, table, wrapped


def as_json(estate: Estate, bill: Bill, prices: PriceTable, traffic: Traffic) -> dict[str, Any]:
    """The same for programs."""
    return {
        "environment": estate.environment,
        "currency": prices.currency,
        "seen": prices.seen,
        "low": round(bill.low, 2),
        "high": round(bill.high, 2),
        "complete": not bill.missing and not bill.unknown,
        "priced": [asdict(one) | {"low": one.low, "high": one.high} for one in bill.priced],
        "missing": [asdict(one) for one in bill.missing],
        "unmetered": list(bill.unmetered),
        "unknown": list(bill.unknown),
        "traffic": asdict(traffic),
        "sources": dict(prices.addresses),
    }


def page(estate: Estate, bill: Bill, prices: PriceTable, traffic: Traffic, *, colour: bool) -> str:
    """What is priced, what is missing, what was assumed."""
    gap = f", without {many(len(bill.missing), 'position')} that have no price" if bill.missing else ""
    title = f"{estate.environment}: {prices.currency} {_span(bill.low, bill.high)} a month{gap}"
    parts = [f"{heading(title, colour=colour)}\n{_priced(bill.priced)}"]
    if bill.missing:
        parts.append(
            f"{heading('Missing: not in the sum, and not 0', colour=colour)}\n{_missing(bill.missing, colour)}"
        )
    parts.append(f"{heading('Assumed', colour=colour)}\n{_assumed(bill, prices, traffic)}")
    return "\n\n".join(parts)


def _priced(lines: Sequence[Line]) -> str:
    rows: list[tuple[str, ...]] = [
        ("WHAT", "", "", "QUANTITY", "PRICE", "PER", "FROM", "TO", "DATED", "OF REGION", "SOURCE")
    ]
    kinds = sorted(
        {one.kind for one in lines}, key=lambda kind: -sum(one.high or 0 for one in lines if one.kind == kind)
    )
    for kind in kinds:
        own = [one for one in lines if one.kind == kind]
        for one in own:
            if one.price is None:
                continue
            title = kind if one is own[0] else ""
            amounts = (_span(one.least, one.most), f"{one.price.usd:g}", _unit(one.price.unit))
            source = (one.price.dated, one.price.region, one.price.source)
            rows.append((title, one.what, _count(one), *amounts, _dollars(one.low), _dollars(one.high), *source))
    low, high = sum(one.low or 0 for one in lines), sum(one.high or 0 for one in lines)
    rows.append(("sum of these", *[""] * 5, _dollars(low), _dollars(high), "", "", ""))
    return table(rows, right=(3, 4, 6, 7))


def _unit(text: str) -> str:
    """The unit without its small print, which is in the table's file."""
    return text.partition(",")[0].partition(" at ")[0]


def _missing(lines: Sequence[Line], colour: bool) -> str:
    rows = [("", "WHAT", "", "", "QUANTITY", "UNIT", "WHY", "KEY")]
    for one in sorted(lines, key=lambda line: (line.kind, line.what)):
        why = (one.price.note or "no price") if one.price else "not in the table"
        if one.most is None:
            why = f"quantity not known; {why}"
        unit = _unit(one.price.unit) if one.price else ""
        rows.append(("missing", one.kind, one.what, _count(one), _span(one.least, one.most), unit, why, one.key))
    return table(rows, right=(4,), paint=coloured if colour else plain)


def _assumed(bill: Bill, prices: PriceTable, traffic: Traffic) -> str:
    lines = [
        f"Traffic of a month: {traffic.requests / 1e6:g} million requests (--requests), {traffic.write_share:.0%} of "
        f"them writes (--write-share), {traffic.response_kb:g} kB an answer (--response-kb): {traffic.gb:,.0f} GB to "
        f"clients, alike for all stamps. {traffic.data_gb:g} GB in the database (--data-gb), {traffic.images_gb:g} GB "
        f"of images (--images-gb), {traffic.logs_gb_per_day:g} GB of logs a day and region (--logs-gb), "
        f"{traffic.vault_operations:,.0f} operations a vault, one renewal of a partition's lease in 10 s.",
        "FROM: autoscale at its least for the whole month (nodes, throughput units, a tenth of the RU/s). TO: at its "
        f"most. {prices.hours:g} hours a month. Zone redundancy of the database adds nothing to autoscale in the "
        "source; what it adds with multi-region write was not found.",
        f"List prices in {prices.currency}, seen {prices.seen}; region and date beside each. Most are of the United "
        "States and Europe is usually dearer; no reservation, discount or tax.",
    ]
    if bill.unmetered:
        lines.append(f"No meter known, no source read: {listed(bill.unmetered)}.")
    if bill.unknown:
        lines.append(f"Not looked at: {listed(bill.unknown)}.")
    lines.append("Fill a gap for one run, for example: --price vm.Standard_D4ds_v5.hour=0.25")
    lines += [f"{name}: {address}" for name, address in prices.addresses.items()]
    return "\n".join(wrapped(line, later=2) for line in lines)


def _count(one: Line) -> str:
    return f"×{one.count}" if one.count > 1 else ""


def _span(least: float | None, most: float | None) -> str:
    if least is None or most is None:
        return "?"
    low, high = _number(least), _number(most)
    return low if low == high else f"{low} to {high}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:,.2f}"


def _dollars(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"
