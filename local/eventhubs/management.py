"""`$management`: what a hub and its partitions look like."""

from typing import TYPE_CHECKING, Any

from local.eventhubs import codec
from local.eventhubs.auth import TokenRefused
from local.eventhubs.codec import Int, Long, Timestamp
from local.eventhubs.entities import Hub, Partition
from local.eventhubs.errors import ARGUMENT_OUT_OF_RANGE, NOT_FOUND, NOT_IMPLEMENTED, UNAUTHORIZED_ACCESS, AmqpError
from local.eventhubs.requests import Reply, Request

if TYPE_CHECKING:
    from local.eventhubs.connection import Connection

HUB_TYPE = "com.microsoft:eventhub"
PARTITION_TYPE = "com.microsoft:partition"
_STATUS = {NOT_FOUND: 404, UNAUTHORIZED_ACCESS: 401, ARGUMENT_OUT_OF_RANGE: 400, NOT_IMPLEMENTED: 501}


def read(connection: "Connection", request: Request) -> Reply:
    """Answer one request; errors carry the service's condition beside the status."""
    try:
        return Reply(200, "OK", body=_read(connection, request))
    except AmqpError as problem:
        return Reply(_STATUS.get(problem.condition, 500), problem.description, problem.condition)


def _read(connection: "Connection", request: Request) -> dict[str, Any]:
    properties = request.properties
    name, kind = properties.get("name"), properties.get("type")
    if properties.get("operation") != "READ" or kind not in {HUB_TYPE, PARTITION_TYPE} or not isinstance(name, str):
        raise AmqpError(NOT_IMPLEMENTED, f"The operation {properties.get('operation')} of {kind} is not supported.")
    _require_access(connection, name, properties.get("security_token"))
    hub = connection.broker.namespace.hub(name)
    if kind == HUB_TYPE:
        return _hub(hub)
    return _partition(hub, hub.partition(str(properties.get("partition"))))


def _require_access(connection: "Connection", hub: str, token: Any) -> None:
    """By the token in the request where there is one, for Java puts none on `$cbs` first; else by the connection's."""
    if not isinstance(token, str) or not token:
        connection.require(hub)
        return
    try:
        connection.broker.verifier.verify_any(token, hub)
    except TokenRefused as refused:
        raise AmqpError(UNAUTHORIZED_ACCESS, refused.description) from refused


def _hub(hub: Hub) -> dict[str, Any]:
    return {
        "name": hub.name,
        "type": HUB_TYPE,
        "created_at": Timestamp(hub.created_at_ms),
        "partition_count": Int(len(hub.partitions)),
        "partition_ids": codec.strings([partition.id for partition in hub.partitions]),
        "georeplication_factor": Int(1),
    }


def _partition(hub: Hub, partition: Partition) -> dict[str, Any]:
    log = partition.log
    return {
        "name": hub.name,
        "type": PARTITION_TYPE,
        "partition": partition.id,
        "begin_sequence_number": Long(log.begin_sequence),
        "begin_sequence_number_epoch": Int(-1),
        "last_enqueued_sequence_number": Long(log.last_sequence),
        "last_enqueued_sequence_number_epoch": Int(-1),
        "last_enqueued_offset": str(log.last_offset),
        "last_enqueued_time_utc": Timestamp(log.last_time_ms),
        "is_partition_empty": log.is_empty,
    }
