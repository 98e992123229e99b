"""A constant HTTP handler, and a trigger that counts; with RECORD set it also writes down what it was given."""

import json
import os
import time
from typing import List  # noqa: UP035 - the worker refuses list[...]

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
CONSTANT = json.dumps({"hello": "world"})
received: list[float] = []
late_ms: list[float] = []
RECORD = os.environ.get("RECORD")


@app.route("constant", methods=["GET"])
async def constant(req: func.HttpRequest) -> func.HttpResponse:
    """The same JSON every time."""
    return func.HttpResponse(CONSTANT, mimetype="application/json")


@app.route("stats", methods=["GET"])
async def stats(req: func.HttpRequest) -> func.HttpResponse:
    """How many events came, within what time, and how late."""
    span_s = received[-1] - received[0] if received else 0.0
    answer = {"count": len(received), "span_s": span_s, "late_ms": sorted(late_ms)}
    late_ms.clear()
    return func.HttpResponse(json.dumps(answer))


@app.event_hub_message_trigger(
    arg_name="events",
    connection="HUB_CONNECTION",
    event_hub_name="%HUB_NAME%",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
    consumer_group="processor",
)
async def ingest(events: List[func.EventHubEvent]) -> None:  # noqa: UP006
    """Count, and note how long each event took from its sender."""
    now = time.time()
    for event in events:
        received.append(now)
        late_ms.append((now - float(event.get_body()[:17])) * 1000)
    if RECORD is not None:
        partition = (events[0].metadata or {})["PartitionContext"]["PartitionId"]
        lines = [f"{os.getpid()} {partition} {event.sequence_number}\n" for event in events]
        file = os.open(RECORD, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, "".join(lines).encode())
        os.close(file)
