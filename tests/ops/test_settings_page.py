"""The settings page says what the code reads."""

import json
from dataclasses import fields
from pathlib import Path

from ops.settings_page import PAGE, SET_BY, name_of, render
from settings import Settings

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date() -> None:
    """If not: `python -m ops settings --markdown > docs/settings.md`."""
    assert (ROOT / PAGE).read_text(encoding="utf-8") == render()


def test_every_setting_says_who_sets_it_and_no_line_is_left_over() -> None:
    assert set(SET_BY) == {one.name for one in fields(Settings)}


def test_every_setting_of_the_sample_is_on_the_page() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]

    missing = [name for name in sample if f"| `{name}` |" not in render()]

    assert missing == []


def test_what_grants_access_is_marked_secret() -> None:
    granting = [one for one in fields(Settings) if one.name in {"event_hubs", "dead_letters"} or "_key" in one.name]

    assert [one.name for one in granting if one.repr] == []
    assert all(
        "| secret |" in line for one in granting for line in render().splitlines() if f"`{name_of(one.name)}`" in line
    )
