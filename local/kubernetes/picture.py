"""Draws rehearsals as one SVG: for each run the lag, the replicas and what got done, over time."""

from collections.abc import Callable, Sequence
from html import escape

from local.kubernetes.measure import Sample
from local.kubernetes.scenarios import Outcome

WIDTH = 960
LEFT = 70
RIGHT = 190
ROW = 130
HEAD = 46
GAP = 26
_STYLE = """
svg { font: 12px system-ui, sans-serif; color: #1f2328; background: #fff }
text { fill: currentColor } .dim { opacity: .7 } .axis { stroke: currentColor; opacity: .25 }
.lag { stroke: #8250df } .wanted { stroke: #bc4c00; stroke-dasharray: 5 3 } .pods { stroke: #bc4c00; opacity: .45 }
.ready { stroke: #1a7f37 } .rate { stroke: #0969da }
.event { stroke: currentColor; opacity: .45; stroke-dasharray: 2 3 }
path { fill: none; stroke-width: 1.8 }
@media (prefers-color-scheme: dark) {
  svg { color: #e6edf3; background: #0d1117 } .lag { stroke: #bc8cff } .wanted, .pods { stroke: #f0883e }
  .ready { stroke: #56d364 } .rate { stroke: #79c0ff }
}
"""


def drawn(outcomes: Sequence[Outcome]) -> str:
    """One row of three charts for each run."""
    height = len(outcomes) * (HEAD + 3 * (ROW + GAP)) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">',
        "<title>Scaling rehearsed</title>",
        f"<style>{_STYLE}</style>",
    ]
    top = 0
    for outcome in outcomes:
        parts.append(_run(outcome, top))
        top += HEAD + 3 * (ROW + GAP)
    return "\n".join([*parts, "</svg>", ""])


def _run(outcome: Outcome, top: int) -> str:
    samples = outcome.record.samples
    found = outcome.account
    parts = [
        f'<text x="{LEFT}" y="{top + 20}" font-size="16" font-weight="600">{escape(outcome.record.name)}</text>',
        f'<text x="{LEFT}" y="{top + 38}" class="dim">{found.accepted} accepted, {found.applied} applied, '
        f"{found.lost} lost, {found.doubled} doubled</text>",
    ]
    charts: list[tuple[str, list[tuple[str, str, Callable[[Sample], float | None]]]]] = [
        ("events", [("lag", "waiting", lambda one: one.lag)]),
        (
            "pods",
            [
                ("wanted", "wanted", lambda one: one.wanted),
                ("pods", "there", lambda one: one.replicas),
                ("ready", "ready", lambda one: one.ready),
            ],
        ),
        ("events/s", [("rate", "processed", _rates(samples))]),
    ]
    at = top + HEAD
    for unit, lines in charts:
        parts.append(_chart(outcome, at, unit, lines))
        at += ROW + GAP
    return "\n".join(parts)


def _chart(
    outcome: Outcome, top: int, unit: str, lines: list[tuple[str, str, Callable[[Sample], float | None]]]
) -> str:
    samples = outcome.record.samples
    end = max(one.t for one in samples) or 1.0
    values = [value for _, _, of in lines for one in samples if (value := of(one)) is not None]
    most = max(values, default=1.0) or 1.0

    def x(t: float) -> float:
        return round(LEFT + t / end * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(top + ROW - value / most * (ROW - 12), 1)

    parts = [f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{top + ROW}" y2="{top + ROW}"/>']
    parts.append(f'<text x="{LEFT - 6}" y="{top + 14}" text-anchor="end">{most:,.0f}</text>')
    parts.append(f'<text x="{LEFT - 6}" y="{top + ROW}" text-anchor="end" class="dim">{unit}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{top + ROW + 14}" text-anchor="end" class="dim">{end:.0f} s</text>')
    for number, (when, words) in enumerate(outcome.record.events):
        parts.append(f'<line class="event" x1="{x(when)}" x2="{x(when)}" y1="{top + 4}" y2="{top + ROW}"/>')
        if unit == "events":
            parts.append(_label(x(when), top + 12 + 13 * (number % 4), words))
    for number, (name, words, of) in enumerate(lines):
        path = _path([(x(one.t), None if (value := of(one)) is None else y(value)) for one in samples])
        parts.append(f'<path class="{name}" d="{path}"/>')
        legend = top + 20 + 18 * number
        parts.append(f'<path class="{name}" d="M{WIDTH - RIGHT + 14} {legend - 4}h26"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 46}" y="{legend}">{words}</text>')
    return "\n".join(parts)


def _path(points: Sequence[tuple[float, float | None]]) -> str:
    """A line through the points, with a gap where nothing is known."""
    steps, pen = [], "M"
    for x, y in points:
        if y is None:
            pen = "M"
        else:
            steps.append(f"{pen}{x} {y}")
            pen = "L"
    return " ".join(steps)


def _label(x: float, y: int, words: str) -> str:
    """Beside its line: to the right, or near the right end to the left."""
    near_end = x > LEFT + 0.75 * (WIDTH - LEFT - RIGHT)
    place = f'x="{x - 3}" text-anchor="end"' if near_end else f'x="{x + 3}"'
    return f'<text class="dim" {place} y="{y}">{escape(words)}</text>'


def _rates(samples: Sequence[Sample]) -> Callable[[Sample], float | None]:
    """Events a second over the last five seconds."""
    rates: dict[float, float] = {}
    known = [one for one in samples if one.done is not None]
    for index, one in enumerate(known):
        before = known[max(0, index - 5)]
        if one.done is not None and before.done is not None and one.t > before.t:
            rates[one.t] = max(0.0, (one.done - before.done) / (one.t - before.t))
    return lambda one: rates.get(one.t)
