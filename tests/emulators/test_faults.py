"""The fault book that every stand-in shares."""

import pytest

from local.faults import FaultBook, UnknownFault


def a_book(now: list[float] | None = None) -> FaultBook:
    clock = now or [0.0]
    return FaultBook(["busy", "hang"], ["operation", "region"], clock=lambda: clock[0])


def test_a_rule_strikes_its_count_and_no_more() -> None:
    book = a_book()
    book.add("busy", count=2)

    struck = [book.take(["busy"], operation="send") is not None for _ in range(3)]

    assert struck == [True, True, False]


def test_a_rule_ends_with_its_time() -> None:
    now = [0.0]
    book = a_book(now)
    book.add("hang", seconds=5)

    assert book.take(["hang"]) is not None
    now[0] = 5.0
    assert book.take(["hang"]) is None


def test_every_fact_of_a_rule_must_match() -> None:
    book = a_book()
    book.add("busy", match={"operation": "Send", "region": "North Europe"})

    assert book.take(["busy"], operation="send", region="north europe") is not None
    assert book.take(["busy"], operation="send", region="west europe") is None
    assert book.take(["busy"], operation="send") is None


def test_looking_at_a_standing_condition_counts_no_hit() -> None:
    book = a_book()
    book.add("hang", count=1)

    assert book.active("hang") is not None
    assert book.active("hang") is not None
    assert book.take(["hang"]) is not None
    assert book.active("hang") is None


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "bsy"},
        {"fault": "busy", "match": {"zone": "1"}},
        {"fault": "busy", "count": 0},
        {"fault": "busy", "seconds": 0},
    ],
)
def test_a_misspelt_rule_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(UnknownFault):
        a_book().add(**rule)  # type: ignore[arg-type]
