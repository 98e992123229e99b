"""What one namespace is started with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.eventhubs.entities import HubSettings
from local.eventhubs.log import LogLimits

DEFAULT_KEYS = {"RootManageSharedAccessKey": "SAS_KEY_VALUE"}


@dataclass(frozen=True)
class Settings:
    """Settings of a namespace; a port of 0 means any free one."""

    data: Path
    hubs: tuple[HubSettings, ...]
    port: int = 5672
    control_port: int = 5673
    keys: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_KEYS))
    limits: LogLimits = field(default_factory=LogLimits)
    tls_cert: Path | None = None
    tls_key: Path | None = None
    accept_jwt: bool = False
    idle_timeout_s: float | None = None
    max_message_bytes: int = 1024 * 1024
    retention_check_s: float = 60.0
    handshake_s: float = 60.0
