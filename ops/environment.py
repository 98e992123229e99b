"""Where operators' settings come from: the environment, by the names that the app uses, or a file of them."""

import argparse
import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from azure.eventhub import parse_connection_string

from settings import SettingError
from wiring import Parts


def add_settings_option(parser: argparse.ArgumentParser, **options: str) -> None:
    """Add `--settings FILE`."""
    parser.add_argument(
        "--settings",
        dest="settings_file",
        type=Path,
        metavar="FILE",
        help="settings in the form of local.settings.json; they go before the environment's",
        **options,  # type: ignore[arg-type]
    )


def parts_for(options: argparse.Namespace, storage: str, build: Callable[[Parts], object]) -> Parts:
    """The objects of a command that works on the hub and on one storage account, built by the setting `storage`.

    Raises:
        SettingError: saying which connection string is none; the SDKs' own messages name no setting.
    """
    parts = Parts(read_environment(os.environ, options.settings_file))
    hubs = parts.settings.event_hubs
    try:
        if hubs:
            parse_connection_string(hubs)
    except ValueError as error:
        raise SettingError("EVENT_HUBS is no connection string of an Event Hubs namespace") from error
    try:
        build(parts)
    except ValueError as error:
        raise SettingError(f"{storage} is no connection string of a storage account") from error
    return parts


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
