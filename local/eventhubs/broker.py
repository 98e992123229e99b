"""What every connection of a namespace shares."""

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.eventhubs.auth import TokenVerifier
from local.eventhubs.entities import Clock, Namespace
from local.eventhubs.settings import Settings
from local.faults import FaultBook

if TYPE_CHECKING:
    from local.eventhubs.connection import Connection


@dataclass
class Broker:
    """The namespace, its rules, and who is connected."""

    settings: Settings
    namespace: Namespace
    verifier: TokenVerifier
    faults: FaultBook
    clock: Clock
    connections: "set[Connection]" = field(default_factory=set)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
