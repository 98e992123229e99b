"""What the host is doing, and what it shows of that under `/admin/host`."""

import enum
import os
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

# The host this one was compared with; shown by /admin/host/status.
PLAYED_VERSION = "4.1037.0.0"


class Phase(enum.Enum):
    """Life of a host process, in the real host's words."""

    STARTING = "Starting"
    RUNNING = "Running"
    ERROR = "Error"
    STOPPING = "Stopping"


@dataclass
class HostState:
    """Phase, errors and drain mode of one host process."""

    phase: Phase = Phase.STARTING
    errors: list[str] = field(default_factory=list)
    draining: bool = False
    instance_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = field(default_factory=time.monotonic)

    def as_json(self, host_id: str) -> dict[str, Any]:
        """`GET /admin/host/status`."""
        document: dict[str, Any] = {
            "id": host_id,
            "state": self.phase.value,
            "version": PLAYED_VERSION,
            "instanceId": self.instance_id,
            "computerName": os.uname().nodename,
            "processUptime": round((time.monotonic() - self.started) * 1000),
        }
        if self.errors:
            document["errors"] = list(self.errors)
        return document

    def drain_status(self, invocations: int, retries: int) -> dict[str, Any]:
        """`GET /admin/host/drain/status`."""
        state = "Disabled"
        if self.draining:
            state = "InProgress" if invocations or retries else "Completed"
        return {"state": state, "outstandingInvocations": invocations, "outstandingRetries": retries}
