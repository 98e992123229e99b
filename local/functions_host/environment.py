"""App settings as the function app sees them: local.settings.json under the real environment."""

import json
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from .errors import IndexingError, SettingsError

_PERCENT = re.compile(r"%([^%]+)%")


def read_local_settings(path: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """`Values` and `Host` of a local.settings.json.

    Raises:
        SettingsError: the file is missing, is no JSON, is encrypted, or a value is not text.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}; give another file with --settings") from error
    except ValueError as error:
        raise SettingsError(f"{path} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise SettingsError(f"{path} must hold a JSON object")
    if document.get("IsEncrypted"):
        raise SettingsError(f"{path} is encrypted; run `func settings decrypt` first")
    values = document.get("Values", {})
    if not isinstance(values, dict):
        raise SettingsError(f"Values in {path} must be a JSON object of texts")
    for name, value in values.items():
        if not isinstance(value, str):
            raise SettingsError(f"Values.{name} in {path} must be a text, as Core Tools demands")
    host = document.get("Host", {})
    return values, host if isinstance(host, dict) else {}


def apply_app_settings(values: Mapping[str, str], app_dir: Path, environ: MutableMapping[str, str]) -> None:
    """Put the settings into the process environment, where a real environment variable wins."""
    for name, value in values.items():
        environ.setdefault(name, value)
    environ.setdefault("FUNCTIONS_WORKER_RUNTIME", "python")
    environ.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    # The host sets this for every worker process it starts, unless the app settings do.
    environ.setdefault("PYTHON_THREADPOOL_THREAD_COUNT", "1000")
    environ["AzureWebJobsScriptRoot"] = str(app_dir)


def setting(environ: Mapping[str, str], name: str) -> str | None:
    """An app setting, found whatever its case, with `:` and `__` meaning the same (as .NET configuration does)."""
    for candidate in (name, name.replace(":", "__"), name.replace("__", ":")):
        if candidate in environ:
            return environ[candidate]
    wanted = name.replace(":", "__").lower()
    return next((value for key, value in environ.items() if key.replace(":", "__").lower() == wanted), None)


def resolve(text: str, environ: Mapping[str, str]) -> str:
    """Replace each `%NAME%` by the app setting NAME.

    Raises:
        IndexingError: there is no such setting.
    """

    def value_of(match: re.Match[str]) -> str:
        value = setting(environ, match[1])
        if value is None:
            raise IndexingError(f"'%{match[1]}%' does not resolve to a value.")
        return value

    return _PERCENT.sub(value_of, text)
