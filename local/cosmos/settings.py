"""What one emulated account is started with."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# The key every Cosmos DB emulator is known by; it protects nothing.
WELL_KNOWN_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="

# The number of regions fits the bits that a resource id keeps for its region of birth.
MAX_REGIONS = 32


class BadSettings(ValueError):
    """The account cannot be started like this; the message says what to change."""


@dataclass(frozen=True)
class CosmosSettings:
    """One account: its regions in order of preference, where it keeps its data, what it checks."""

    data: Path
    regions: Mapping[str, int]  # display name to port; 0 takes a free one
    global_port: int = 0
    key: str = WELL_KNOWN_KEY
    account: str = "local"
    replication_lag_ms: int = 0
    enforce_throughput: bool = False
    tls: bool = False  # https with a certificate of our own; also what makes AAD tokens acceptable
    key_bytes: bytes = field(init=False)

    def __post_init__(self) -> None:
        if not self.regions:
            raise BadSettings('an account has at least one region: --region "West Europe=8081"')
        if len(self.regions) > MAX_REGIONS:
            raise BadSettings(f"at most {MAX_REGIONS} regions")
        if len({comparable(name) for name in self.regions}) != len(self.regions):
            raise BadSettings("two regions have the same name (case, spaces, - and _ do not count)")
        if not self.account or self.account.lower() == "localhost":
            raise BadSettings("the account needs a name other than localhost: SDKs ignore all its regions otherwise")
        if self.replication_lag_ms < 0:
            raise BadSettings("the replication lag cannot be negative")
        try:
            decoded = base64.b64decode(self.key, validate=True)
        except binascii.Error as error:
            raise BadSettings("the key is not base64") from error
        if not decoded:
            raise BadSettings("the key is empty")
        object.__setattr__(self, "key_bytes", decoded)


def comparable(region: str) -> str:
    """A region's name as SDKs compare it: without case, spaces, `-` and `_`."""
    return region.lower().replace(" ", "").replace("-", "").replace("_", "")
