"""Records each attempt in a file, so that tests see what was delivered, when, by which process.

Files in the folder CONTROL steer it: `fail` makes every attempt raise, `slow` holds seconds to take for each batch,
while `hold-PID` is there that process ends no batch.
"""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import List  # noqa: UP035 - the worker refuses list[...]

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
CONTROL = Path(os.environ["CONTROL"])
RETRY = os.environ.get("RETRY", "none")


def _record(entry: dict[str, object]) -> None:
    line = json.dumps({"pid": os.getpid(), "t": time.time(), **entry}) + "\n"
    file = os.open(CONTROL / "record.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)


async def _work(events: List[func.EventHubEvent], context: func.Context) -> None:  # noqa: UP006
    metadata = events[0].metadata or {}
    entry = {
        "id": context.invocation_id,
        "retry": context.retry_context.retry_count,
        "partition": metadata["PartitionContext"]["PartitionId"],
        "sequences": [event.sequence_number for event in events],
        "bodies": [event.get_body().decode("latin-1") for event in events],
    }
    _record({"phase": "start", **entry})
    if (CONTROL / "metadata").exists():
        (CONTROL / "metadata-seen").write_text(json.dumps(metadata))
        times = [event.enqueued_time for event in events]
        naive = [time is not None and time.tzinfo is None for time in times]
        (CONTROL / "naive-times").write_text(json.dumps(naive))
    slow = CONTROL / "slow"
    if slow.exists():
        await asyncio.sleep(float(slow.read_text()))
    while (CONTROL / f"hold-{os.getpid()}").exists():  # noqa: ASYNC110 - the event is a file of another process
        await asyncio.sleep(0.02)
    if (CONTROL / "fail").exists():
        _record({"phase": "fail", **entry})
        raise RuntimeError("the dependency refuses")
    _record({"phase": "done", **entry})


_trigger = app.event_hub_message_trigger(
    arg_name="events",
    connection="HUB_CONNECTION",
    event_hub_name="%HUB_NAME%",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
    consumer_group="processor",
)


async def ingest(events: List[func.EventHubEvent], context: func.Context) -> None:  # noqa: UP006
    """The trigger under test."""
    await _work(events, context)


_function = _trigger(ingest)
if RETRY == "forever":
    app.retry(
        strategy="exponential_backoff",
        max_retry_count="-1",
        minimum_interval="00:00:01",
        maximum_interval="00:00:02",
    )(_function)
elif RETRY == "twice":
    app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")(_function)
