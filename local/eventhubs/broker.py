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
    unflushed: "list[Connection]" = field(default_factory=list)  # wrote outside of their own reading
    gathering: bool = False
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def flush_soon(self, connection: "Connection") -> None:
        """Flush a connection at the end of the commit round, or of this turn of the loop."""
        if not self.unflushed and not self.gathering:
            connection.loop.call_soon(self.flush)
        self.unflushed.append(connection)

    def gather(self) -> None:
        """A commit round begins: `flush` will be called at its end."""
        self.gathering = True

    def flush(self) -> None:
        """Send what the connections have queued."""
        self.gathering = False
        connections, self.unflushed = self.unflushed, []
        for connection in connections:
            connection.flush()
