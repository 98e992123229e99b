"""The program's arguments and settings, in process."""

import json
from pathlib import Path

import pytest

from ops.__main__ import main
from ops.environment import read_environment
from settings import SettingError


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["replay"], "name letters, or say --all"),
        (["replay", "a", "--all", "--reason", "x"], "name letters, or say --all"),
        (["replay", "--all"], "--all needs --reason"),
        (["replay", "a", "--reason", "x"], "named letters need no choice"),
        (["list", "--limit", "0"], "--limit"),
        (["discard"], "NAME"),
        ([], "ACTION"),
    ],
)
def test_what_makes_no_sense_is_refused_with_advice(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["dead-letters", *arguments])

    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["dead-letters", "--help"], ["dead-letters", "replay", "--help"]])
def test_help_is_there(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 0
    assert "usage" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("{", "no JSON"),
        ("[]", "Values"),
        ('{"Values": {"REGION": 1}}', "Values"),
        ('{"Values": []}', "Values"),
    ],
)
def test_a_settings_file_that_is_none_is_said(
    tmp_path: Path, content: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "settings.json"
    if content is not None:
        file.write_text(content)

    assert main(["dead-letters", "list", "--settings", str(file)]) == 2
    assert said in capsys.readouterr().err


def test_a_settings_file_goes_before_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"Values": {"REGION": "North Europe"}}))

    read = read_environment({"REGION": "West Europe", "COSMOS_KEY": "kept"}, file)

    assert (read["REGION"], read["COSMOS_KEY"]) == ("North Europe", "kept")


def test_an_operator_needs_no_api_key(tmp_path: Path) -> None:
    assert len(read_environment({}, None)["API_KEY_1"]) >= 16
    with pytest.raises(SettingError):
        read_environment({}, tmp_path)


def test_the_settings_page_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("# Settings\n")
