"""Every setting once: name, type, unit, default. A missing or malformed one stops the start with its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

HUB = "commands"
CONSUMER_GROUP = "processor"
DATABASE = "catalog"
ITEMS = "items"
ACTIVITY = "activity"
OUTCOMES = "outcomes"
DEAD_LETTER_CONTAINER = "dead-letters"
WEBSITE = "$web"
IMAGE_UPLOADS = "image-uploads"


class SettingError(Exception):
    """A setting is missing or malformed; the message names it and says what it must be."""


def _text(meaning: str, default: str | None = None) -> Any:
    return field(metadata={"meaning": meaning, "read": str, "default": default})


def _secret(meaning: str, default: str | None = None) -> Any:
    # Without repr: a settings object in a log line or a traceback shows no secret.
    return field(repr=False, metadata={"meaning": meaning, "read": str, "default": default})


def _number(meaning: str, default: float, unit: str) -> Any:
    return field(metadata={"meaning": meaning, "read": float, "default": default, "unit": unit})


def _count(meaning: str, default: int) -> Any:
    return field(metadata={"meaning": meaning, "read": int, "default": default})


def _list(meaning: str) -> Any:
    return field(metadata={"meaning": meaning, "read": _comma_separated, "default": None})


def _comma_separated(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


@dataclass(frozen=True)
class Settings:
    """The environment, read once; the name of a setting is its field's name in capitals."""

    region: str = _text("This stamp's Azure region, as Cosmos DB names it, for example West Europe.")
    event_hubs: str = _secret(
        "Connection string of the stamp's namespace; empty where EVENT_HUBS__fullyQualifiedNamespace is set.",
        "",
    )
    event_hubs__fullyqualifiednamespace: str = _text(
        "Host name of the namespace, for identity-based access: name.servicebus.windows.net.", ""
    )
    event_hub_partitions: int = _count("Partitions of hub `commands`; never changed once events are in it.", 32)
    cosmos_endpoint: str = _text("The Cosmos DB account's endpoint.")
    cosmos_key: str = _secret("The account's key; empty for identity-based access, as in production.", "")
    cosmos_regions: tuple[str, ...] = _list("The account's regions in order of preference, own first, comma separated.")
    dead_letters: str = _secret(
        "Connection string of the regional storage account; empty where DEAD_LETTERS__blobServiceUri is set.", ""
    )
    dead_letters__blobserviceuri: str = _text("Its blob endpoint, for identity-based access.", "")
    images: str = _secret(
        "Connection string of the global storage account; empty where IMAGES__blobServiceUri is set.", ""
    )
    images__blobserviceuri: str = _text("Its blob endpoint, for identity-based access.", "")
    azurewebjobsstorage: str = _secret(
        "Connection string of the stamp's storage account; empty where AzureWebJobsStorage__blobServiceUri is set.", ""
    )
    azurewebjobsstorage__blobserviceuri: str = _text("Its blob endpoint, for identity-based access.", "")
    api_key_1: str = _secret("First of two keys that admit X-API-KEY; 16 characters or more.")
    api_key_2: str = _secret("Second key, so that one can be rotated while the other works.", "")
    front_door_id: str = _text("The only X-Azure-FDID let in to /api; empty lets everybody in (local only).", "")
    request_deadline_s: float = _number("The longest a request may take before it is answered 503.", 10.0, "s")
    max_requests_in_flight: int = _count("Requests at work at once; one more is answered 429.", 400)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings in an environment.

        Raises:
            SettingError: naming every setting that is missing or malformed.
        """
        by_upper = {name.upper(): value for name, value in environment.items()}
        values: dict[str, Any] = {}
        problems: list[str] = []
        for one in fields(cls):
            name = one.name.upper()
            given = by_upper.get(name)
            if given is None or given == "":
                if one.metadata["default"] is None:
                    problems.append(f"{name} is missing: {one.metadata['meaning']}")
                else:
                    values[one.name] = one.metadata["default"]
                continue
            try:
                values[one.name] = one.metadata["read"](given)
            except ValueError:
                problems.append(f"{name} must be {one.metadata['read'].__name__}: {one.metadata['meaning']}")
        if not problems:
            settings = cls(**values)
            problems = settings._inconsistencies()
            if not problems:
                return settings
        raise SettingError("; ".join(problems))

    def _inconsistencies(self) -> list[str]:
        problems = []
        if not self.event_hubs and not self.event_hubs__fullyqualifiednamespace:
            problems.append("EVENT_HUBS or EVENT_HUBS__fullyQualifiedNamespace is missing")
        if not self.dead_letters and not self.dead_letters__blobserviceuri:
            problems.append("DEAD_LETTERS or DEAD_LETTERS__blobServiceUri is missing")
        if not self.images and not self.images__blobserviceuri:
            problems.append("IMAGES or IMAGES__blobServiceUri is missing")
        if not self.azurewebjobsstorage and not self.azurewebjobsstorage__blobserviceuri:
            problems.append("AzureWebJobsStorage or AzureWebJobsStorage__blobServiceUri is missing")
        for name, key in (("API_KEY_1", self.api_key_1), ("API_KEY_2", self.api_key_2)):
            if key and len(key) < 16:
                problems.append(f"{name} must have 16 characters or more")
        if self.event_hub_partitions < 1:
            problems.append("EVENT_HUB_PARTITIONS must be 1 or more")
        if self.request_deadline_s <= 0:
            problems.append("REQUEST_DEADLINE_S must be more than 0")
        if self.max_requests_in_flight < 1:
            problems.append("MAX_REQUESTS_IN_FLIGHT must be 1 or more")
        return problems
