"""`/_control`: what the real service lacks. State of the hubs, faults, hubs made anew, the clock."""

from typing import Any

from aiohttp import web

from local.eventhubs.broker import Broker
from local.eventhubs.connection import Connection
from local.eventhubs.consumer import ConsumerLink
from local.eventhubs.entities import Hub, Partition
from local.eventhubs.errors import AmqpError
from local.eventhubs.producer import ProducerLink
from local.faults import fault_routes

BROKER = web.AppKey("broker", Broker)


def control_app(broker: Broker) -> web.Application:
    """The HTTP application of the control port."""
    app = web.Application()
    app[BROKER] = broker
    app.add_routes(fault_routes(broker.faults, changed=lambda: _apply_at_once(broker)))
    app.add_routes(
        [
            web.get("/_control/hubs", _list_hubs),
            web.get("/_control/hubs/{hub}", _show_hub),
            web.post("/_control/hubs/{hub}/recreate", _recreate),
            web.get("/_control/connections", _list_connections),
            web.post("/_control/connections/drop", _drop_connections),
            web.get("/_control/clock", _show_clock),
            web.post("/_control/clock", _move_clock),
            web.post("/_control/retention", _expire),
        ]
    )
    return app


def _apply_at_once(broker: Broker) -> None:
    """Play the rules that strike when they are made, and are spent by that: epochs are stolen, not waited for."""
    spent = [rule["id"] for rule in broker.faults.as_json() if rule["fault"] == "steal-epoch"]
    if not spent:
        return
    for hub in broker.namespace.hubs:
        for partition in hub.partitions:
            for group in list(partition.receivers):
                facts = {"operation": "receive", "hub": hub.name, "partition": partition.id, "group": group}
                if broker.faults.active("steal-epoch", **facts) is not None:
                    partition.steal(group)
    for rule_id in spent:
        broker.faults.remove(rule_id)


async def _list_hubs(request: web.Request) -> web.Response:
    broker = request.app[BROKER]
    return web.json_response([_hub_facts(broker, hub) for hub in broker.namespace.hubs])


async def _show_hub(request: web.Request) -> web.Response:
    broker = request.app[BROKER]
    return web.json_response(_hub_facts(broker, _hub_of(request)))


async def _recreate(request: web.Request) -> web.Response:
    broker = request.app[BROKER]
    hub = await broker.namespace.recreate(_hub_of(request).name)
    return web.json_response(_hub_facts(broker, hub))


def _hub_of(request: web.Request) -> Hub:
    try:
        return request.app[BROKER].namespace.hub(request.match_info["hub"])
    except AmqpError as problem:
        raise web.HTTPNotFound(text=problem.description) from problem


def _hub_facts(broker: Broker, hub: Hub) -> dict[str, Any]:
    producers = [link for link in _links(broker) if isinstance(link, ProducerLink) and link.hub == hub.name]
    return {
        "name": hub.name,
        "createdAtMs": hub.created_at_ms,
        "groups": hub.groups,
        "producers": len(producers),
        "partitions": [_partition_facts(partition) for partition in hub.partitions],
    }


def _partition_facts(partition: Partition) -> dict[str, Any]:
    log = partition.log
    return {
        "id": partition.id,
        "beginSequence": log.begin_sequence,
        "lastSequence": log.last_sequence,
        "lastOffset": str(log.last_offset),
        "lastEnqueuedMs": log.last_time_ms,
        "sizeBytes": log.size_bytes,
        "segments": len(log.segments),
        "receivers": [
            {"group": group, "name": receiver.name, "epoch": receiver.epoch}
            for group, receivers in partition.receivers.items()
            for receiver in receivers
        ],
    }


def _links(broker: Broker) -> list[Any]:
    return [
        link
        for connection in broker.connections
        for session in connection.sessions.values()
        for link in session.links.values()
    ]


async def _list_connections(request: web.Request) -> web.Response:
    return web.json_response([_connection_facts(connection) for connection in request.app[BROKER].connections])


def _connection_facts(connection: Connection) -> dict[str, Any]:
    links = [link for session in connection.sessions.values() for link in session.links.values()]
    return {
        "number": connection.number,
        "client": connection.container_id,
        "product": connection.product,
        "sessions": len(connection.sessions),
        "producers": sum(isinstance(link, ProducerLink) for link in links),
        "consumers": sum(isinstance(link, ConsumerLink) for link in links),
    }


async def _drop_connections(request: web.Request) -> web.Response:
    """Reset every connection."""
    connections = list(request.app[BROKER].connections)
    for connection in connections:
        connection.reset()
    return web.json_response({"dropped": len(connections)})


async def _show_clock(request: web.Request) -> web.Response:
    clock = request.app[BROKER].clock
    return web.json_response({"aheadMs": clock.ahead_ms, "nowMs": clock()})


async def _move_clock(request: web.Request) -> web.Response:
    clock = request.app[BROKER].clock
    body = await request.json()
    if not isinstance(body, dict) or not isinstance(body.get("aheadMs"), int):
        return web.json_response({"error": 'the body is {"aheadMs": whole number}'}, status=400)
    clock.ahead_ms = body["aheadMs"]
    return web.json_response({"aheadMs": clock.ahead_ms, "nowMs": clock()})


async def _expire(request: web.Request) -> web.Response:
    """Apply retention now."""
    return web.json_response({"segmentsDropped": request.app[BROKER].namespace.expire()})
