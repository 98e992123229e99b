"""Writes SVG: boxes, panels, right-angled lines. Whole numbers only: the same input gives the same bytes anywhere."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

PAD = 12
LINE = 16
_HEAD = 20
_CODE_LETTER = 6.65
_LETTER = 6.3  # a middling letter of the small type: nothing measures text here, so boxes are a little generous

# Colours of the documentation's pages, light and dark; who prefers which is the reader's browser's to say.
_STYLE = """
svg { --paper: #faf8f3; --surface: #fff; --sunken: #f1ede4; --ink: #1b2124; --soft: #545e63; --line: #d8d1c2;
  --strong: #857f72; --accent: #0f5c55; --tint: #e1efec; --open: #8a5a00; --open-tint: #fdf0d0; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #101416; --surface: #181e21; --sunken: #0b0e10; --ink: #edf1ef; --soft: #a8b3b5; --line: #2b3438;
    --strong: #6f7d82; --accent: #74d3c5; --tint: #17322f; --open: #f2cf86; --open-tint: #33290f; }
}
text { fill: var(--ink); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
.h1 { font-size: 22px; font-weight: 650; }
.h2 { font-size: 15px; font-weight: 650; }
.kind { font-size: 13px; font-weight: 650; }
.soft { fill: var(--soft); }
.name { fill: var(--soft); font: 11px ui-monospace, Menlo, Consolas, "Liberation Mono", monospace; }
.who { fill: var(--accent); font-weight: 550; }
.label { fill: var(--soft); font-size: 11px; }
.paper, .back { fill: var(--paper); }
.panel { fill: var(--sunken); stroke: var(--line); }
.inner { fill: var(--paper); fill-opacity: .55; stroke: var(--strong); stroke-opacity: .5; }
.box { fill: var(--surface); stroke: var(--strong); }
.main { stroke: var(--accent); stroke-width: 2; }
.wire { fill: none; stroke: var(--accent); stroke-width: 1.5; }
.spare { stroke: var(--open); stroke-dasharray: 5 4; }
.head { fill: var(--accent); }
.head-spare { fill: var(--open); }
.private { fill: var(--tint); }
.public { fill: var(--open-tint); }
.pill { font-size: 10px; font-weight: 600; }
.pill-private { fill: var(--accent); }
.pill-public { fill: var(--open); }
"""


@dataclass(frozen=True)
class Box:
    """What stands in a box. `tells` is its tooltip: everything that is folded into it, by name."""

    kind: str
    names: tuple[str, ...]
    details: tuple[str, ...] = ()
    who: tuple[str, ...] = ()
    access: str = ""
    tells: tuple[str, ...] = ()
    main: bool = False

    def lines(self, width: int) -> list[tuple[str, str]]:
        """(class, text) of each line below the title, broken to the box's width."""
        room = int((width - 2 * PAD) / _LETTER)
        most = int((width - PAD - 4) / _CODE_LETTER)
        found = [("name", one if len(one) <= most else f"{one[: most - 1]}…") for one in self.names]
        for style, texts in (("soft", self.details), ("who", self.who)):
            found += [
                (style, part)
                for one in texts
                for part in textwrap.wrap(one, room, break_long_words=False, break_on_hyphens=False)
            ]
        return found

    def height(self, width: int) -> int:
        """How high the box must be."""
        return _HEAD + LINE * len(self.lines(width)) + PAD


@dataclass(frozen=True)
class Place:
    """Where something was put."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """Its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """Its lower edge."""
        return self.y + self.height

    @property
    def middle(self) -> int:
        """Half its height down."""
        return self.y + self.height // 2

    @property
    def centre(self) -> int:
        """Half its width in."""
        return self.x + self.width // 2


class Canvas:
    """Collects elements: panels lie under lines, lines under boxes."""

    def __init__(self) -> None:
        self._panels: list[str] = []
        self._frames: list[str] = []
        self._wires: list[str] = []
        self._boxes: list[str] = []

    def panel(self, place: Place, title: str, note: str = "", *, inner: bool = False) -> None:
        """A frame around boxes, with a title and a note at its right; inner ones lie on the others."""
        into = self._frames if inner else self._panels
        into.append(_rectangle(place, "inner" if inner else "panel", 10))
        into.append(_text(place.x + PAD, place.y + 20, title, "kind" if inner else "h2"))
        if note:
            into.append(_text(place.right - PAD, place.y + 20, note, "label", end=True))

    def box(self, box: Box, place: Place) -> None:
        """A box with its text and tooltip."""
        parts = [f"<title>{escape(chr(10).join((' '.join((box.kind, *box.names)), *box.tells)))}</title>"]
        parts.append(_rectangle(place, "box main" if box.main else "box", 6))
        parts.append(_text(place.x + PAD, place.y + 20, box.kind, "kind"))
        if box.access:
            style = "private" if box.access == "private" else "public"
            parts.append(_rectangle(Place(place.right - 58, place.y + 8, 50, 16), style, 8))
            parts.append(_text(place.right - 33, place.y + 20, box.access, f"pill pill-{style}", middle=True))
        for at, (style, line) in enumerate(box.lines(place.width)):
            parts.append(_text(place.x + PAD, place.y + _HEAD + LINE * (at + 1), line, style))
        self._boxes.append(f"<g>{''.join(parts)}</g>")

    def wire(self, points: Sequence[tuple[int, int]], *, spare: bool = False, arrow: bool = True) -> None:
        """A line through the points; it ends in an head, to the right, down or up."""
        path = "M" + " L".join(f"{x} {y}" for x, y in points)
        self._wires.append(f'<path class="wire{" spare" if spare else ""}" d="{path}"/>')
        if arrow:
            (before, _), (x, y) = points[-2], points[-1]
            back = 8 if points[-2][1] < y else -8
            tip = (
                f"{x},{y} {x - 8},{y - 4} {x - 8},{y + 4}"
                if before != x
                else f"{x},{y} {x - 4},{y - back} {x + 4},{y - back}"
            )
            self._wires.append(f'<polygon class="head{"-spare" if spare else ""}" points="{tip}"/>')

    def label(self, x: int, y: int, text: str) -> None:
        """Words beside a line, on a patch of the page so that no line runs through them."""
        width = int(len(text) * 5.6) + 6
        self._wires.append(_rectangle(Place(x - 3, y - 11, width, 15), "back", 3))
        self._wires.append(_text(x, y, text, "label"))

    def heading(self, x: int, y: int, text: str, style: str) -> None:
        """Words that belong to the page itself."""
        self._panels.append(_text(x, y, text, style))

    def written(self, width: int, height: int, title: str) -> str:
        """The whole file."""
        size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
                f"<title>{escape(title)}</title>",
                f"<style>{_STYLE}</style>",
                f'<rect class="paper" width="{width}" height="{height}"/>',
                *self._panels,
                *self._frames,
                *self._wires,
                *self._boxes,
                "</svg>\n",
            )
        )


def stacked(boxes: Iterable[Box], x: int, y: int, width: int, gap: int = 16) -> list[tuple[Box, Place]]:
    """Boxes below each other, each as high as its text."""
    found = []
    for box in boxes:
        found.append((box, Place(x, y, width, box.height(width))))
        y += box.height(width) + gap
    return found


def _rectangle(place: Place, style: str, radius: int) -> str:
    size = f'width="{place.width}" height="{place.height}"'
    return f'<rect class="{style}" x="{place.x}" y="{place.y}" {size} rx="{radius}"/>'


def _text(x: int, y: int, text: str, style: str, *, end: bool = False, middle: bool = False) -> str:
    anchor = ' text-anchor="end"' if end else ' text-anchor="middle"' if middle else ""
    return f'<text class="{style}" x="{x}" y="{y}"{anchor}>{escape(text)}</text>'
