"""Letters on a terminal: readable, and unable to steer it."""

from dataclasses import replace
from datetime import timedelta

from domain.ports import LetterLine, ParkedLetter
from domain.records import DeadLetter
from ops.letters_text import age, body_text, hex_dump, page, safe, size, table
from tests.builders import HUB, NOON, a_delivery, an_add_comment

NOW = NOON + timedelta(hours=5, minutes=12)


def a_line(**changes: object) -> LetterLine:
    line = LetterLine("hub/0/1-a", "unknown-item", HUB, "0", 1, NOON, 812)
    return replace(line, **changes)  # type: ignore[arg-type]


def test_the_table_lines_up() -> None:
    assert table([a_line(), a_line(name="hub/0/10-b", reason="superseded", size=65536)], NOW).splitlines() == [
        "NAME        REASON        AGE     SIZE",
        "hub/0/1-a   unknown-item  5h 12m  812 B",
        "hub/0/10-b  superseded    5h 12m  64.0 KiB",
    ]


def test_ages_and_sizes_are_short() -> None:
    spans = [timedelta(seconds=-3), timedelta(seconds=12), timedelta(minutes=7), timedelta(hours=3), timedelta(days=9)]

    assert [age(span) for span in spans] == ["0s", "12s", "7m", "3h 0m", "9d 0h"]
    assert [size(1), size(1536)] == ["1 B", "1.5 KiB"]


def test_a_page_shows_what_is_in_the_letter() -> None:
    command = an_add_comment(text="Señor ✓")
    delivery = a_delivery(command, 7)
    stamp = replace(delivery.stamp, first_sequence=3)
    letter = DeadLetter(replace(delivery, stamp=stamp), "unknown-item", "The item is not there.", NOON)

    shown = page(ParkedLetter("hub/0/7-a", letter, "tag"), NOW)

    for part in (
        "unknown-item: The item is not there.",
        f"{HUB}, partition 0, sequence number 7",
        "its first sequence number was 3",
        f"add-comment {command.command_id} on item {command.item_id}",
        "property kind",
        "Señor ✓",
    ):
        assert part in shown


def test_what_customers_wrote_cannot_steer_the_terminal() -> None:
    hostile = "\x1b[2J\x1b]0;owned\x07\u202eabc\r\u009b31m"
    letter = DeadLetter(a_delivery(hostile.encode()), hostile, hostile, NOON)
    properties = {hostile: hostile}
    parked = ParkedLetter(hostile, replace(letter, delivery=replace(letter.delivery, properties=properties)), "")

    shown = page(parked, NOW) + table([a_line(name=hostile, reason=hostile)], NOW)

    assert [one for one in shown if not one.isprintable() and one != "\n"] == []
    assert safe("é ✓ 中") == "é ✓ 中"


def test_bytes_that_are_no_text_are_shown_in_hex() -> None:
    assert body_text(b"\x00\xffab") == hex_dump(b"\x00\xffab")
    assert hex_dump(bytes(range(0x30, 0x42))).splitlines() == [
        "00000000  30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?",
        "00000010  40 41                                            @A",
    ]
