"""The vendor's JavaScript client, unchanged, against the same broker."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.eventhubs.codec import Described, Symbol, Ulong
from local.eventhubs.partitioning import partition_of_key
from local.eventhubs.server import EventHubsServer
from tests.emulators.eventhubs.azurite import azurite
from tests.emulators.eventhubs.clients import read, send
from tests.emulators.eventhubs.conformance import JS, conforms
from tests.emulators.eventhubs.raw import RawClient, look, message

FOLDER = Path(__file__).parent / "js"


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Installs the client once, from its lock file."""
    if not (FOLDER / "node_modules").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=FOLDER, check=True, capture_output=True)


async def play(scenario: str, broker: EventHubsServer, timeout_s: float = 60, **arguments: Any) -> Any:
    """Run a scenario in Node; what it reports."""
    node = shutil.which("node")
    assert node is not None, "Node is needed (see the set-up in the README)"
    arguments |= {"connection": broker.connection_string, "control": broker.control_url}
    process = await asyncio.create_subprocess_exec(
        node,
        "scenarios.mjs",
        scenario,
        json.dumps(arguments),
        cwd=FOLDER,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    return json.loads(out.decode().splitlines()[-1])


async def bodies(broker: EventHubsServer, partition: int) -> list[bytes]:
    return [event.body for event in await look(broker.port, partition)]


@conforms(1, "connects with the emulator flag and its own port", JS)
@conforms(6, "properties of hub and partitions, empty and filled", JS)
@conforms(9, "one event arrives as it was sent", JS)
@conforms(10, "a batch keeps its order within its partition", JS)
@conforms(11, "events of 200 KB and 1 MB travel in several frames", JS)
@conforms(13, "one key, one partition, as in Python", JS)
@conforms(14, "an explicit partition id is honoured", JS)
@conforms(16, "buffered mode acknowledges every event once", JS)
async def test_javascript_sends(broker: EventHubsServer) -> None:
    told = await play("send", broker)

    assert (told["name"], told["partitionIds"]) == ("commands", ["0", "1", "2", "3"])
    assert told["empty"] is True
    assert told["maxSize"] == 1024 * 1024
    assert told["tooLarge"] is False
    assert sorted(told["acknowledged"]) == list(range(50))
    second = [json.loads(body) for body in await bodies(broker, 2) if not body.startswith(b'"js')]
    assert second == ["single", *[f"event {n}" for n in range(100)]]
    for key in ("key1", "a", "device-42", "ключ"):
        assert json.dumps(f"js {key}", ensure_ascii=False).encode() in await bodies(broker, partition_of_key(key, 4))
    assert [len(body) for body in await bodies(broker, 3) if len(body) > 1000] == [200_000, 1_000_000]
    assert sorted(json.loads(body) for body in await bodies(broker, 0) if body.isdigit()) == list(range(50))


@conforms(21, "every kind of start position", JS)
@conforms(23, "what Python sent arrives in JavaScript", JS)
@conforms(24, "the last enqueued event is tracked", JS)
async def test_javascript_receives(broker: EventHubsServer) -> None:
    annotations = {Symbol("x-opt-partition-key"): "k", Symbol("x-mine"): "kept"}
    properties = ["id-1", None, None, None, None, None, Symbol("text/plain")]
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize()
        sender = await client.sender("commands/Partitions/1")
        for n in range(5):
            head = (
                Described(Ulong(0x72), annotations),
                Described(Ulong(0x73), properties),
                Described(Ulong(0x74), {"n": str(n)}),
            )
            client.transfer(sender, message(b"%d" % n, *head))
            assert await client.outcome() == (True, "")
            broker.clock.ahead_ms += 1000
    events = await look(broker.port, 1)

    told = await play("receive", broker, offset=events[2].offset, time=events[2].time_ms)

    assert told["positions"] == [3, 2, 3, 2, 3]
    assert [event["properties"] for event in told["events"]] == [{"n": str(n)} for n in range(5)]
    assert [event["sequence"] for event in told["events"]] == list(range(5))
    assert [event["offset"] for event in told["events"]] == [event.offset for event in events]
    assert {(e["id"], e["contentType"], e["key"], e["mine"]) for e in told["events"]} == {
        ("id-1", "text/plain", "k", "kept")
    }
    assert told["last"]["sequenceNumber"] == 4
    assert told["last"]["offset"] == events[4].offset


@conforms(23, "all body kinds come back in JavaScript, and arrive in Python", JS)
async def test_javascript_bodies_survive(broker: EventHubsServer) -> None:
    told = await play("bodies", broker)
    seen = (await read(broker, 6, partition_id="0")).events

    assert told["bodies"][:4] == ["text", {"nested": [1, 2, {"three": None}]}, "bytes", None]
    assert told["bodies"][4:] == [{"plain": "value"}, [[1, "two"], [3]]]
    first = seen[0][1]
    assert json.loads(first.body_as_str()) == "text"
    assert (first.message_id, first.correlation_id, first.content_type) == ("id-1", "c", "text/plain")
    assert first.properties == {b"a": 1, b"b": b"zwei"}
    assert seen[2][1].body_as_str() == "bytes"


@conforms(26, "a higher epoch steals, a lower one is refused, the stolen reader is told", JS)
async def test_javascript_epochs(broker: EventHubsServer) -> None:
    await send(broker, ["one"])

    told = await play("epoch", broker)

    assert told["first"]["closed"] == ["OwnershipLost"]
    assert "ReceiverDisconnectedError" in told["first"]["errors"]
    assert "ReceiverDisconnectedError" in told["third"]["errors"]
    assert told["second"]["errors"] == []


@conforms(3, "a wrong key is refused", JS)
@conforms(31, "a reset mid-stream: both sides recover, nothing is lost", JS)
async def test_javascript_recovers_from_a_reset_and_is_refused_with_a_wrong_key(broker: EventHubsServer) -> None:
    recovered, refused = await asyncio.gather(play("reset", broker), play("wrongKey", broker))

    assert recovered["seen"] == 30
    assert refused["text"] != "undefined undefined undefined"
    assert "InvalidSignature" in refused["text"] or "401" in refused["text"]


@conforms(29, "two consumers with a blob checkpoint store split evenly and take over", JS)
async def test_javascript_consumers_balance(broker: EventHubsServer) -> None:
    for partition in range(4):
        await send(broker, [f"{n}" for n in range(25)], partition)
    async with azurite() as storage:
        told = await play("balance", broker, storage=storage, count=100)

    assert told["seen"] == 100


@conforms(33, "after 90 idle seconds the client is still connected", JS)
async def test_javascript_stays_connected_while_idle(broker: EventHubsServer, request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--long", default=False):
        pytest.skip("takes 95 s; runs with --long")
    connections = asyncio.create_task(play("idle", broker, timeout_s=115, seconds=90))
    told = await connections

    assert told["ms"] < 5000
    assert next(broker.broker.numbers) <= 3  # one connection for JavaScript's client, and it was not made anew
