"""Which listener serves which trigger."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import IndexingError
from .host_json import HostOptions
from .invoker import Invoker
from .logs import HostLog
from .worker import Function

if TYPE_CHECKING:
    from .host import Listener


@dataclass(frozen=True)
class ListenerContext:
    """What every listener needs from its host."""

    options: HostOptions
    environ: Mapping[str, str]
    console: HostLog
    invoker: Invoker
    host_id: str


def listener_for(function: Function, context: ListenerContext) -> "Listener":
    """The listener of a function that is not HTTP-triggered.

    Raises:
        IndexingError: this host does not play the trigger, or a setting it needs is missing.
    """
    if function.trigger_type == "eventhubtrigger":
        from .hub_listener import HubListener  # noqa: PLC0415 - an API host need not load the Event Hubs and blob SDKs

        return HubListener(function, context)
    if function.trigger_type == "timertrigger":
        from .timers import TimerListener  # noqa: PLC0415 - the same

        return TimerListener(function, context)
    raise IndexingError(f"the trigger {function.trigger['type']} is not supported by this host")
