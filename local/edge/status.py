"""What the edge knows of its origins and its traffic: as JSON, and as a page of its own."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from local.edge.cache import Cache
from local.edge.state import Group, Origin
from local.edge.traffic import SECONDS_KEPT
from local.faults import FaultBook, fault_routes

PAGE = Path(__file__).with_name("status.html")


def control_routes(groups: Sequence[Group], cache: Cache, faults: FaultBook) -> list[web.RouteDef]:
    """`/_control`: what Front Door does not offer. A page, `/status`, `/faults`, and DELETE `/cache`, a purge."""

    async def page(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE, headers={"Cache-Control": "no-cache"})

    async def status(_: web.Request) -> web.Response:
        return web.json_response(report(groups, cache), headers={"Cache-Control": "no-store"})

    async def purge(_: web.Request) -> web.Response:
        cache.clear()
        return web.Response(status=204)

    return [
        web.get("/_control", page),
        web.get("/_control/", page),
        web.get("/_control/status", status),
        web.delete("/_control/cache", purge),
        *fault_routes(faults),
    ]


def report(groups: Sequence[Group], cache: Cache) -> dict[str, Any]:
    """Every group with its origins, their last probes and the traffic of the last two minutes."""
    now = time.time()
    return {
        "now": _iso(now),
        "originGroups": [_group(group, now) for group in groups],
        "cache": {"entries": len(cache), "bytes": cache.bytes, "hits": cache.hits, "misses": cache.misses},
    }


def _group(group: Group, now: float) -> dict[str, Any]:
    settings, probe = group.settings, group.settings.probe
    shown: dict[str, Any] = {
        "name": settings.name,
        "allUnhealthy": group.all_unhealthy,
        "origins": [_origin(group, origin, now) for origin in group.origins],
    }
    if probe is not None:
        shown["probe"] = {
            "path": probe.path,
            "method": probe.method,
            "intervalInSeconds": probe.interval_s,
            "sampleSize": settings.sample_size,
            "successfulSamplesRequired": settings.successful_samples_required,
        }
    return shown


def _origin(group: Group, origin: Origin, now: float) -> dict[str, Any]:
    traffic = origin.traffic
    return {
        "name": origin.name,
        "priority": origin.priority,
        "weight": origin.weight,
        "healthy": group.is_healthy(origin),
        "latencyMs": None if origin.latency_ms is None else round(origin.latency_ms, 1),
        "probes": [
            {"at": _iso(one.at), "status": one.status, "ms": round(one.ms, 1), "error": one.error}
            for one in origin.samples
        ],
        "traffic": {
            "requests": traffic.requests,
            "failed": traffic.failed,
            "inFlight": traffic.in_flight,
            "seconds": [second.as_row() for second in traffic.since(now - SECONDS_KEPT)],
        },
    }


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
