"""host.json and its overrides: read, checked, and refused by name."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .errors import HostJsonError

OVERRIDE_PREFIX = "AzureFunctionsJobHost__"
_TIME_SPAN = re.compile(r"(-)?(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?")
_LEVELS = ("trace", "debug", "information", "warning", "error", "critical", "none")


@dataclass(frozen=True)
class HttpOptions:
    """`extensions.http`; a limit of -1 is none, the default outside the Consumption plan."""

    route_prefix: str = "api"
    max_outstanding_requests: int = -1
    max_concurrent_requests: int = -1
    custom_headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EventHubOptions:
    """`extensions.eventHubs` of extension 6.x, with its defaults."""

    max_event_batch_size: int = 100
    min_event_batch_size: int = 1
    max_wait_time_s: float = 60.0
    batch_checkpoint_frequency: int = 1
    prefetch_count: int = 300
    prefetch_size_in_bytes: int | None = None
    initial_offset: str = "fromStart"
    initial_offset_time: datetime | None = None
    ownership_expiration_s: float = 120.0
    load_balancing_interval_s: float = 30.0
    track_last_enqueued: bool = False
    enable_checkpointing: bool = True
    custom_endpoint_address: str | None = None
    retry_mode: str = "exponential"
    retry_delay_s: float = 0.8
    retry_maximum_delay_s: float = 60.0
    try_timeout_s: float = 60.0
    maximum_retries: int = 3

    def reconnect_delay_s(self, failures: int) -> float:
        """Seconds before reading is tried again; after `maximumRetries` the processor starts over, and so do delays."""
        step = 0 if self.retry_mode == "fixed" else (failures - 1) % max(1, self.maximum_retries)
        return min(self.retry_delay_s * 2.0**step, self.retry_maximum_delay_s)


@dataclass(frozen=True)
class SingletonOptions:
    """`singleton`: the lock that lets one host at a time run a timer."""

    lock_period_s: float = 60.0
    recovery_polling_s: float = 60.0


@dataclass(frozen=True)
class HostOptions:
    """What this host takes from host.json."""

    function_timeout_s: float | None = 1800.0
    functions: tuple[str, ...] | None = None
    http: HttpOptions = HttpOptions()
    event_hubs: EventHubOptions = EventHubOptions()
    singleton: SingletonOptions = SingletonOptions()
    log_levels: Mapping[str, str] = field(default_factory=dict)


def parse_time_span(value: object, name: str) -> float:
    """Seconds of a .NET time span such as `00:00:10`, `00:00:00.250` or `1.00:00:00`.

    Raises:
        HostJsonError: it is none.
    """
    match = _TIME_SPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[3]) > 23 or int(match[4]) > 59 or int(match[5] or 0) > 59:
        raise HostJsonError(f"{name}: {value!r} is no time span; write hh:mm:ss")
    days, hours, minutes, seconds = (int(match[part] or 0) for part in (2, 3, 4, 5))
    fraction = float(f"0.{match[6]}") if match[6] else 0.0
    total = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds() + fraction
    return -total if match[1] else total


class Section:
    """One JSON object of host.json: names are found whatever their case, errors name the whole path."""

    def __init__(self, values: Mapping[str, Any], path: str) -> None:
        self._values = {name.lower(): value for name, value in values.items()}
        self._names = {name.lower(): name for name in values}
        self._path = path
        self._asked: set[str] = set()

    def path(self, name: str) -> str:
        """The full name of a member, for messages."""
        return f"{self._path}.{name}" if self._path else name

    def raw(self, name: str) -> Any:
        """The member as it stands, or None."""
        self._asked.add(name.lower())
        return self._values.get(name.lower())

    def items(self) -> list[tuple[str, Any]]:
        """Every member with its name as written."""
        return [(self._names[name], value) for name, value in self._values.items()]

    def section(self, name: str) -> "Section":
        """The object called `name`, empty when there is none."""
        value = self.raw(name)
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            raise HostJsonError(f"{self.path(name)} must be a JSON object")
        return Section(value, self.path(name))

    def integer(self, name: str, default: int, least: int) -> int:
        """A whole number of at least `least`."""
        value = self.raw(name)
        if value is None:
            return default
        number = _whole_number(value)
        if number is None or number < least:
            raise HostJsonError(f"{self.path(name)}: {value!r} is no whole number of {least} or more")
        return number

    def boolean(self, name: str, default: bool) -> bool:
        """true or false, also as text."""
        value = self.raw(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise HostJsonError(f"{self.path(name)}: {value!r} is neither true nor false")

    def text(self, name: str, default: str) -> str:
        """A text."""
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise HostJsonError(f"{self.path(name)}: {value!r} is no text")
        return value

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One of some words, whatever its case."""
        value = self.text(name, default)
        found = next((word for word in choices if word.lower() == value.lower()), None)
        if found is None:
            raise HostJsonError(f"{self.path(name)}: {value!r} is none of {', '.join(choices)}")
        return found

    def seconds(self, name: str, default: float, least: float = 0.0, most: float = float("inf")) -> float:
        """A time span, in seconds."""
        value = self.raw(name)
        if value is None:
            return default
        seconds = parse_time_span(value, self.path(name))
        if not least <= seconds <= most:
            raise HostJsonError(f"{self.path(name)}: {value} is outside {least:g} s to {most:g} s")
        return seconds

    def refuse(self, name: str, reason: str) -> None:
        """Stop when a setting is there that this host does not play."""
        if self.raw(name) is not None:
            raise HostJsonError(f"{self.path(name)} is not supported by this host: {reason}")

    def refuse_the_rest(self) -> None:
        """Stop at a member nobody asked for: most often a misspelt setting, which the real host ignores."""
        unknown = sorted(self._names[name] for name in self._names.keys() - self._asked)
        if unknown:
            raise HostJsonError(f"{self.path(unknown[0])} is no setting this host knows")


def _whole_number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d+", value) else None


def read_host_json(app_dir: Path, environ: Mapping[str, str]) -> HostOptions:
    """The options of host.json in `app_dir`, overridden by `AzureFunctionsJobHost__…` settings.

    Raises:
        HostJsonError: the file is missing or broken, or a setting is refused; the message names it.
    """
    document = _document(app_dir / "host.json")
    for name, value in environ.items():
        if name.replace(":", "__").lower().startswith(OVERRIDE_PREFIX.lower()):
            _override(document, name.replace(":", "__")[len(OVERRIDE_PREFIX) :].split("__"), value)
    root = Section(document, "")
    if root.raw("version") != "2.0":
        raise HostJsonError(
            "The host.json file is missing the required 'version' property. "
            f"It must be '2.0', not {root.raw('version')!r}."
        )
    extensions = root.section("extensions")
    return HostOptions(
        function_timeout_s=_function_timeout(root),
        functions=_function_names(root.raw("functions")),
        http=_http_options(extensions.section("http")),
        event_hubs=_event_hub_options(extensions.section("eventHubs")),
        singleton=_singleton_options(root.section("singleton")),
        log_levels=_log_levels(root.section("logging").section("logLevel")),
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise HostJsonError(f"cannot read {path.name}: {error.strerror}") from error
    except ValueError as error:
        raise HostJsonError(f"Unable to parse host configuration file '{path.name}': {error}") from error
    if not isinstance(document, dict):
        raise HostJsonError(f"{path.name} must hold a JSON object")
    return document


def _override(document: dict[str, Any], path: list[str], value: str) -> None:
    """Set one value by its `__` path; as in .NET configuration, names match whatever their case."""
    node: dict[str, Any] = document
    for name in path[:-1]:
        key = next((known for known in node if known.lower() == name.lower()), name)
        child = node.get(key)
        if isinstance(child, list):  # an array is a section whose keys are its positions
            child = {str(position): item for position, item in enumerate(child)}
            node[key] = child
        if not isinstance(child, dict):
            child = node[key] = {}
        node = child
    key = next((known for known in node if known.lower() == path[-1].lower()), path[-1])
    node[key] = value


def _function_timeout(root: Section) -> float | None:
    value = root.raw("functionTimeout")
    if value is None:
        return 1800.0
    if str(value) in ("-1", "-1.00:00:00"):
        return None
    seconds = parse_time_span(value, "functionTimeout")
    if seconds < 1.0:
        raise HostJsonError(f"functionTimeout: {value} must be 1 s or more, or -1 for none")
    return seconds


def _function_names(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = list(value.values()) if isinstance(value, Mapping) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise HostJsonError("functions must be a list of function names")
    return tuple(names)


def _http_options(http: Section) -> HttpOptions:
    if http.boolean("dynamicThrottlesEnabled", False):
        http.refuse("dynamicThrottlesEnabled", "it measures the Consumption plan's sandbox")
    headers = http.raw("customHeaders") or {}
    if not isinstance(headers, Mapping):
        raise HostJsonError("extensions.http.customHeaders must be a JSON object")
    http.raw("hsts")  # off unless enabled, and then meant for https only
    options = HttpOptions(
        route_prefix=http.text("routePrefix", "api").strip("/"),
        max_outstanding_requests=http.integer("maxOutstandingRequests", -1, -1),
        max_concurrent_requests=http.integer("maxConcurrentRequests", -1, -1),
        custom_headers={str(name): str(value) for name, value in headers.items()},
    )
    http.refuse_the_rest()
    return options


def _event_hub_options(hubs: Section) -> EventHubOptions:
    largest = hubs.integer("maxEventBatchSize", 100, 1)
    smallest = hubs.integer("minEventBatchSize", 1, 1)
    if smallest > largest:
        raise HostJsonError(
            f"{hubs.path('minEventBatchSize')} ({smallest}) must not exceed maxEventBatchSize ({largest})"
        )
    if hubs.choice("transportType", "amqpTcp", ("amqpTcp", "amqpWebSockets")) != "amqpTcp":
        hubs.refuse("transportType", "amqpWebSockets; take amqpTcp")
    hubs.refuse("webProxy", "it needs transportType amqpWebSockets")
    hubs.integer("targetUnprocessedEventThreshold", 1, 1)  # steers the Functions platform's scaling, not the host
    initial_offset, initial_time = _initial_offset(hubs.section("initialOffsetOptions"))
    retry = hubs.section("clientRetryOptions")
    options = EventHubOptions(
        max_event_batch_size=largest,
        min_event_batch_size=smallest,
        max_wait_time_s=hubs.seconds("maxWaitTime", 60.0, 0.0, 600.0),
        batch_checkpoint_frequency=hubs.integer("batchCheckpointFrequency", 1, 1),
        prefetch_count=hubs.integer("prefetchCount", 300, 0),
        prefetch_size_in_bytes=hubs.integer("prefetchSizeInBytes", 0, 0) or None,
        initial_offset=initial_offset,
        initial_offset_time=initial_time,
        ownership_expiration_s=hubs.seconds("partitionOwnershipExpirationInterval", 120.0, 1.0),
        load_balancing_interval_s=hubs.seconds("loadBalancingUpdateInterval", 30.0, 0.1),
        track_last_enqueued=hubs.boolean("trackLastEnqueuedEventProperties", False),
        enable_checkpointing=hubs.boolean("enableCheckpointing", True),
        custom_endpoint_address=hubs.text("customEndpointAddress", "") or None,
        retry_mode=retry.choice("mode", "exponential", ("exponential", "fixed")),
        retry_delay_s=retry.seconds("delay", 0.8, 0.001),
        retry_maximum_delay_s=retry.seconds("maximumDelay", 60.0, 0.001),
        try_timeout_s=retry.seconds("tryTimeout", 60.0, 0.1),
        maximum_retries=retry.integer("maximumRetries", 3, 0),
    )
    retry.refuse_the_rest()
    hubs.refuse_the_rest()
    return options


def _initial_offset(section: Section) -> tuple[str, datetime | None]:
    kind = section.choice("type", "fromStart", ("fromStart", "fromEnd", "fromEnqueuedTime"))
    text = section.text("enqueuedTimeUtc", "")
    section.refuse_the_rest()
    if kind != "fromEnqueuedTime":
        return kind, None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise HostJsonError(
            f"{section.path('enqueuedTimeUtc')}: {text!r} is no time such as 2026-01-31T12:00:00Z"
        ) from error
    return kind, time if time.tzinfo else time.replace(tzinfo=UTC)


def _singleton_options(section: Section) -> SingletonOptions:
    return SingletonOptions(
        lock_period_s=section.seconds("listenerLockPeriod", 60.0, 15.0, 60.0),
        recovery_polling_s=section.seconds("listenerLockRecoveryPollingInterval", 60.0, 15.0),
    )


def _log_levels(section: Section) -> dict[str, str]:
    levels = {}
    for name, value in section.items():
        if not isinstance(value, str) or value.lower() not in _LEVELS:
            raise HostJsonError(f"{section.path(name)}: {value!r} is none of {', '.join(_LEVELS)}")
        levels[name] = value.lower()
    return levels
