"""Where operators' settings come from: the environment, by the names that the app uses, or a file of them."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from settings import SettingError


def read_environment(environment: Mapping[str, str], file: Path | None) -> dict[str, str]:
    """The settings for a program that answers no requests; what the file says goes before the environment.

    Raises:
        SettingError: the file cannot be read, or is no settings file.
    """
    # The app demands a key of whoever writes; here nobody is let in, so any key does.
    values = {"API_KEY_1": secrets.token_urlsafe()} | dict(environment)
    return values if file is None else values | _values_of(file)


def _values_of(file: Path) -> dict[str, str]:
    """`Values` of a file in the form of local.settings.json."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingError(f"{file} is no JSON") from error
    values = content.get("Values") if isinstance(content, dict) else None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise SettingError(f'{file} needs an object "Values" of names and texts, as local.settings.sample.json has')
    return values
