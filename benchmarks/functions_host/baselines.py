"""The programs the host is compared with: a bare aiohttp handler, and the SDK's own consumer client."""

import asyncio
import json
import os
import sys
import time

from aiohttp import web
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, PartitionContext

CONSTANT = json.dumps({"hello": "world"})
received: list[float] = []
late_ms: list[float] = []


async def _constant(_request: web.Request) -> web.Response:
    return web.Response(text=CONSTANT, content_type="application/json")


async def _stats(_request: web.Request) -> web.Response:
    span_s = received[-1] - received[0] if received else 0.0
    answer = {"count": len(received), "span_s": span_s, "late_ms": sorted(late_ms)}
    late_ms.clear()
    return web.json_response(answer)


async def _take(_context: PartitionContext, events: list[EventData]) -> None:
    now = time.time()
    for event in events:
        body = b"".join(event.body)  # type: ignore[arg-type]
        received.append(now)
        late_ms.append((now - float(body[:17])) * 1000)


async def _serve(with_consumer: bool) -> None:
    app = web.Application()
    app.add_routes([web.get("/api/constant", _constant), web.get("/api/stats", _stats)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    if not with_consumer:
        print(f"ready: http://127.0.0.1:{port}", flush=True)
        await asyncio.Event().wait()
    connection, hub = os.environ["HUB_CONNECTION"], os.environ["HUB_NAME"]
    client = EventHubConsumerClient.from_connection_string(connection, "$Default", eventhub_name=hub)
    async with client:
        print(f"ready: http://127.0.0.1:{port}", flush=True)
        await client.receive_batch(_take, starting_position="-1", max_batch_size=100)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1] == "consumer"))
