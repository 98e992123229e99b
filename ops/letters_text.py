"""Letters as text for a terminal. What customers wrote is in them: nothing in it may steer the terminal."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from domain.ports import LetterLine, ParkedLetter
from domain.times import iso
from ops.dead_letters import decoded, place_of

_BYTES_PER_ROW = 16


def table(lines: Sequence[LetterLine], now: datetime) -> str:
    """One row a letter."""
    rows = [("NAME", "REASON", "AGE", "SIZE")]
    rows += [(safe(one.name), safe(one.reason), age(now - one.parked_at), size(one.size)) for one in lines]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def line_as_json(line: LetterLine) -> dict[str, Any]:
    """The same for programs."""
    return asdict(line) | {"parked_at": iso(line.parked_at)}


def page(parked: ParkedLetter, now: datetime) -> str:
    """Everything that is in a letter."""
    letter, delivery = parked.letter, parked.letter.delivery
    stamp, command = delivery.stamp, decoded(parked)
    facts = {
        "name": parked.name,
        "reason": f"{letter.reason}: {letter.detail}",
        "parked": f"{iso(letter.parked_at)} ({age(now - letter.parked_at)} ago)",
        "enqueued": f"{iso(stamp.enqueued)} ({age(now - stamp.enqueued)} ago)",
        "hub": f"{stamp.hub}, partition {stamp.partition}, sequence number {stamp.sequence}",
    }
    if stamp.first_sequence is not None:
        facts["replay"] = f"sent again by an operator; its first sequence number was {stamp.first_sequence}"
    if command is None:
        facts["command"] = "none that this version knows"
    else:
        facts["command"] = f"{command.kind} {command.command_id} on item {command.item_id}"
    facts["goes to"] = f"partition {place_of(letter)}" if command is None else "the partition of its item"
    facts |= {f"property {name}": value for name, value in delivery.properties.items()}
    width = max(len(name) for name in facts)
    head = [f"{safe(name).ljust(width)}  {safe(value)}" for name, value in facts.items()]
    return "\n".join([*head, "", f"body, {len(delivery.body)} bytes:", body_text(delivery.body)])


def body_text(body: bytes) -> str:
    """The body as text, or as hex where it is none."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return hex_dump(body)
    return "\n".join(safe(line) for line in text.split("\n"))


def hex_dump(data: bytes) -> str:
    """Offset, hex and printable characters, 16 bytes a row."""
    rows = []
    for start in range(0, len(data), _BYTES_PER_ROW):
        part = data[start : start + _BYTES_PER_ROW]
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        rows.append(f"{start:08x}  {part.hex(' ').ljust(3 * _BYTES_PER_ROW - 1)}  {shown}")
    return "\n".join(rows)


def safe(text: str) -> str:
    """The text with everything escaped that could move the cursor, colour the screen or turn the line around."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def age(span: timedelta) -> str:
    """`3d 4h`, `5h 12m`, `7m`, `12s`."""
    seconds = max(0, int(span.total_seconds()))
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes}m"
    return f"{minutes}m" if minutes else f"{seconds}s"


def size(count: int) -> str:
    """`812 B`, `64.0 KiB`."""
    return f"{count} B" if count < 1024 else f"{count / 1024:.1f} KiB"
