"""The vendor's JavaScript client, unchanged, against the same broker.

All scenarios run side by side in one Node process, each on a hub of its own; the tests look at what they told.
"""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from local.eventhubs.codec import Described, Symbol, Ulong
from local.eventhubs.entities import HubSettings
from local.eventhubs.partitioning import partition_of_key
from local.eventhubs.server import EventHubsServer
from local.eventhubs.settings import Settings
from tests.emulators.eventhubs.azurite import azurite
from tests.emulators.eventhubs.clients import read, send
from tests.emulators.eventhubs.conformance import JS, conforms
from tests.emulators.eventhubs.raw import RawClient, Stored, look, message

FOLDER = Path(__file__).parent / "js"
HUBS = ("send", "receive", "bodies", "epoch", "balance", "reset")


async def play(scenarios: dict[str, dict[str, Any]], timeout_s: float = 100) -> dict[str, Any]:
    """Run scenarios in one Node process; what each told."""
    if not (FOLDER / "node_modules").exists():
        await asyncio.to_thread(
            subprocess.run, ["npm", "ci", "--no-audit", "--no-fund"], cwd=FOLDER, check=True, capture_output=True
        )
    node = shutil.which("node")
    assert node is not None, "Node is needed for this test"
    process = await asyncio.create_subprocess_exec(
        node, "scenarios.mjs", json.dumps(scenarios), cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    told: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
    return told


@dataclass
class Played:
    """The broker after all scenarios, and what they told."""

    broker: EventHubsServer
    received: list[Stored]
    told: dict[str, Any]

    def of(self, scenario: str) -> Any:
        answer = self.told[scenario]
        assert "error" not in answer, answer["error"]
        return answer


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    hubs = tuple(HubSettings(name, 4, ("processor",)) for name in HUBS)
    folder = tmp_path_factory.mktemp("javascript")
    broker = EventHubsServer(Settings(folder / "one", hubs, port=0, control_port=0))
    fragile = EventHubsServer(Settings(folder / "two", hubs, port=0, control_port=0))  # its connections are reset
    await broker.start()
    await fragile.start()
    received = await store_for_javascript(broker)
    await send(broker, ["one"], hub="epoch")
    for partition in range(4):
        await send(broker, [f"{n}" for n in range(25)], partition, hub="balance")
    here = {name: {"connection": broker.connection_string, "hub": name} for name in HUBS}
    async with azurite() as storage:
        told = await play(
            {
                "send": here["send"],
                "receive": here["receive"] | {"offset": received[2].offset, "time": received[2].time_ms},
                "bodies": here["bodies"],
                "epoch": here["epoch"],
                "wrongKey": here["send"],
                "balance": here["balance"] | {"storage": storage, "count": 100},
                "reset": {"connection": fragile.connection_string, "hub": "reset", "control": fragile.control_url},
            }
        )
    yield Played(broker, received, told)
    await broker.stop()
    await fragile.stop()


async def store_for_javascript(broker: EventHubsServer) -> list[Stored]:
    """Five events with everything a client can set, a second apart."""
    annotations = {Symbol("x-opt-partition-key"): "k", Symbol("x-mine"): "kept"}
    properties = ["id-1", None, None, None, None, None, Symbol("text/plain")]
    async with RawClient(broker.port) as client:
        await client.open()
        await client.authorize("receive")
        sender = await client.sender("receive/Partitions/1")
        for n in range(5):
            head = (
                Described(Ulong(0x72), annotations),
                Described(Ulong(0x73), properties),
                Described(Ulong(0x74), {"n": str(n)}),
            )
            client.transfer(sender, message(b"%d" % n, *head))
            assert await client.outcome() == (True, "")
            broker.clock.ahead_ms += 1000
    return await look(broker.port, 1, hub="receive")


@conforms(1, "connects with the emulator flag and its own port", JS)
@conforms(6, "properties of hub and partitions, empty and filled", JS)
@conforms(9, "one event arrives as it was sent", JS)
@conforms(10, "a batch keeps its order within its partition", JS)
@conforms(11, "events of 200 KB and 1 MB travel in several frames", JS)
@conforms(13, "one key, one partition, as in Python", JS)
@conforms(14, "an explicit partition id is honoured", JS)
@conforms(16, "buffered mode acknowledges every event once", JS)
async def test_javascript_sends(played: Played) -> None:
    told = played.of("send")
    bodies = [[event.body for event in await look(played.broker.port, n, hub="send")] for n in range(4)]

    assert (told["name"], told["partitionIds"]) == ("send", ["0", "1", "2", "3"])
    assert told["empty"] is True
    assert told["maxSize"] == 1024 * 1024
    assert told["tooLarge"] is False
    assert sorted(told["acknowledged"]) == list(range(50))
    second = [json.loads(body) for body in bodies[2] if not body.startswith(b'"js')]
    assert second == ["single", *[f"event {n}" for n in range(100)]]
    for key in ("key1", "a", "device-42", "ключ"):
        assert json.dumps(f"js {key}", ensure_ascii=False).encode() in bodies[partition_of_key(key, 4)]
    assert [len(body) for body in bodies[3] if len(body) > 1000] == [200_000, 1_000_000]
    assert sorted(json.loads(body) for body in bodies[0] if body.isdigit()) == list(range(50))


@conforms(21, "every kind of start position", JS)
@conforms(23, "what was sent arrives in JavaScript", JS)
@conforms(24, "the last enqueued event is tracked", JS)
async def test_javascript_receives(played: Played) -> None:
    told = played.of("receive")

    assert told["positions"] == [3, 2, 3, 2, 3]
    assert [event["properties"] for event in told["events"]] == [{"n": str(n)} for n in range(5)]
    assert [event["sequence"] for event in told["events"]] == list(range(5))
    assert [event["offset"] for event in told["events"]] == [event.offset for event in played.received]
    assert {(e["id"], e["contentType"], e["key"], e["mine"]) for e in told["events"]} == {
        ("id-1", "text/plain", "k", "kept")
    }
    assert told["last"]["sequenceNumber"] == 4
    assert told["last"]["offset"] == played.received[4].offset


@conforms(23, "all body kinds come back in JavaScript, and arrive in Python", JS)
async def test_javascript_bodies_survive(played: Played) -> None:
    told = played.of("bodies")
    seen = (await read(played.broker, 6, hub="bodies", partition_id="0")).events

    assert told["bodies"][:4] == ["text", {"nested": [1, 2, {"three": None}]}, "bytes", None]
    assert told["bodies"][4:] == [{"plain": "value"}, [[1, "two"], [3]]]
    first = seen[0][1]
    assert json.loads(first.body_as_str()) == "text"
    assert (first.message_id, first.correlation_id, first.content_type) == ("id-1", "c", "text/plain")
    assert first.properties == {b"a": 1, b"b": b"zwei"}
    assert seen[2][1].body_as_str() == "bytes"


@conforms(26, "a higher epoch steals, a lower one is refused, the stolen reader is told", JS)
async def test_javascript_epochs(played: Played) -> None:
    told = played.of("epoch")

    assert told["first"]["closed"] == ["OwnershipLost"]
    assert "ReceiverDisconnectedError" in told["first"]["errors"]
    assert "ReceiverDisconnectedError" in told["third"]["errors"]
    assert told["second"]["errors"] == []


@conforms(31, "a reset mid-stream: both sides recover, nothing is lost", JS)
async def test_javascript_recovers_from_a_reset(played: Played) -> None:
    assert played.of("reset")["seen"] == 30


@conforms(3, "a wrong key is refused", JS)
async def test_javascript_is_refused_with_a_wrong_key(played: Played) -> None:
    text = played.of("wrongKey")["text"]

    assert "InvalidSignature" in text or "401" in text


@conforms(29, "two consumers with a blob checkpoint store split evenly and take over", JS)
async def test_javascript_consumers_balance(played: Played) -> None:
    assert played.of("balance")["seen"] == 100


@conforms(33, "after 90 idle seconds the client is still connected", JS)
async def test_javascript_stays_connected_while_idle(broker: EventHubsServer, request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--eventhubs-long", default=False):
        pytest.skip("takes 95 s; runs with --eventhubs-long")
    arguments = {"connection": broker.connection_string, "hub": "commands", "seconds": 90}
    told = (await play({"idle": arguments}, timeout_s=115))["idle"]

    assert told["ms"] < 5000
    assert next(broker.broker.numbers) == 1  # JavaScript's client made one connection, and did not make it anew
