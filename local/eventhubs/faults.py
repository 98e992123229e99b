"""The faults this stand-in can be told to show, and what they can be limited to.

| fault | strikes | args |
|---|---|---|
| `server-busy` | a send is rejected with com.microsoft:server-busy | |
| `reject` | a send is rejected | `condition`, `description` |
| `delay` | the acknowledgement of a stored send waits | `ms` |
| `detach` | a send is answered by detaching its link | `condition`, `description` |
| `drop-before` | the connection is reset when a send arrives, nothing is stored | |
| `drop-after` | the connection is reset when a send is stored: its acknowledgement is lost | |
| `hang` | a send, or a request to `$cbs` or `$management`, is never answered; readers get nothing | |
| `disk-full` | the log cannot be written: the send is rejected, nothing is acknowledged | |
| `stop-partition` | sends are rejected as busy and readers get nothing, as while a partition moves | |
| `refuse-attach` | a link is refused | `condition`, `description` |
| `fail-cbs`, `fail-management` | the request is answered with an error | `status`, `condition`, `description` |
| `refuse-connections` | new connections are reset at once | |
| `steal-epoch` | the readers of a hub, partition, group are turned out when the rule is made, which spends it | |

Facts: `operation` (send, receive, cbs, management), `hub`, `partition`, `group`, `link`, `client` (container id).
A send to a hub's own address has its partition chosen before faults are looked up.
"""

from local.eventhubs.errors import AmqpError
from local.faults import FaultBook, FaultRule

FACTS = ("operation", "hub", "partition", "group", "link", "client")
SEND_FAULTS = ("server-busy", "reject", "detach", "drop-before", "drop-after", "hang", "delay", "stop-partition")
OTHER_FAULTS = (
    "disk-full",
    "refuse-attach",
    "fail-cbs",
    "fail-management",
    "refuse-connections",
    "steal-epoch",
)


def fault_book() -> FaultBook:
    """An empty rule book that knows this stand-in's faults."""
    return FaultBook((*SEND_FAULTS, *OTHER_FAULTS), FACTS)


def problem_of(rule: FaultRule, condition: str) -> AmqpError:
    """The error that a rule asks for, or one of this condition."""
    return AmqpError(
        str(rule.args.get("condition", condition)),
        str(rule.args.get("description", "Refused by a fault rule of the Event Hubs stand-in.")),
    )
