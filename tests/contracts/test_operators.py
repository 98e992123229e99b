"""`python -m ops dead-letters` against the stand-ins: from a parked event back into the hub."""

import asyncio
import io
import json
import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, PartitionContext
from azure.storage.blob.aio import BlobServiceClient

from adapters.blobs import BlobDeadLetters, blob_name
from adapters.event_hubs import partition_of
from domain.commands import command_of
from domain.records import DeadLetter, Delivery
from domain.times import iso
from ops.__main__ import main
from settings import CONSUMER_GROUP, DEAD_LETTER_CONTAINER, HUB
from tests.builders import a_delivery, an_add_comment
from tests.contracts.conftest import PARTITIONS, Cloud
from tests.processes import ROOT, free_port


@dataclass
class Result:
    code: int
    out: str
    err: str


@dataclass
class Operator:
    """Calls the program as an operator does; in this process, except where a test wants one of its own."""

    cloud: Cloud
    folder: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def values(self) -> dict[str, str]:
        return self.cloud.stack.app_settings(0) | {"EVENT_HUB_PARTITIONS": str(PARTITIONS)}

    def arguments(self, *arguments: str, **changes: str) -> list[str]:
        file = self.folder / f"{uuid4().hex}.json"
        file.write_text(json.dumps({"IsEncrypted": False, "Values": self.values | changes}))
        return ["dead-letters", *arguments, "--settings", str(file)]

    async def __call__(self, *arguments: str, **changes: str) -> Result:
        self.capsys.readouterr()
        code = await asyncio.to_thread(main, self.arguments(*arguments, **changes))
        out, err = self.capsys.readouterr()
        return Result(code, out, err)

    async def process(self, *arguments: str) -> Result:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ops", *self.arguments(*arguments)),
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return Result(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
def ops(cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return Operator(cloud, tmp_path, capsys)


@pytest.fixture
def dead_letters(letter_box: BlobServiceClient) -> BlobDeadLetters:
    return BlobDeadLetters(letter_box.get_container_client(DEAD_LETTER_CONTAINER))


def a_letter(delivery: Delivery, *, age: timedelta = timedelta(minutes=5), reason: str = "unknown-item") -> DeadLetter:
    now = datetime.now(UTC).replace(microsecond=0)
    stamp = replace(delivery.stamp, hub=f"evhns-{uuid4().hex[:8]}.test/commands", enqueued=now - age)
    return DeadLetter(replace(delivery, stamp=stamp), reason, "for the test", now)


async def event_with(cloud: Cloud, letter: str) -> tuple[str, Any]:
    """Partition and event of the replay of a letter."""
    found: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    async def on_event_batch(context: PartitionContext, events: list[EventData]) -> None:
        for event in events:
            properties = event.properties or {}
            if properties.get(b"replay-of") == letter.encode():
                found.put_nowait((context.partition_id, event))

    async with EventHubConsumerClient.from_connection_string(
        cloud.hub_connection, consumer_group=CONSUMER_GROUP, eventhub_name=HUB
    ) as consumer:
        reading = asyncio.create_task(consumer.receive_batch(on_event_batch, starting_position="-1"))
        try:
            async with asyncio.timeout(20):
                return await found.get()
        finally:
            reading.cancel()


async def test_a_parked_event_goes_back_into_the_hub_as_it_was(
    cloud: Cloud, ops: Operator, dead_letters: BlobDeadLetters
) -> None:
    command = an_add_comment(text="Ünïcode ✓")
    letter = a_letter(a_delivery(command, 7))
    name = blob_name(letter.delivery)
    await dead_letters.park(letter)

    listed = await ops("list", "--json", "--hub", letter.delivery.stamp.hub, "--reason", "unknown-item")
    shown = await ops("show", name)
    replayed = await ops.process("replay", name)

    assert [(one["name"], one["size"]) for one in json.loads(listed.out)] == [(name, len(letter.delivery.body))]
    assert str(command.command_id) in shown.out
    assert "Ünïcode ✓" in shown.out
    assert (replayed.code, replayed.out) == (0, "1 replayed, 0 refused\n")
    partition, event = await event_with(cloud, name)
    assert partition == str(partition_of(command.item_id, PARTITIONS))
    assert command_of(event.body_as_str().encode()) == command
    assert {bytes(key).decode(): bytes(value).decode() for key, value in (event.properties or {}).items()} == {
        "kind": "test",
        "replay-of": name,
        "original-enqueued": iso(letter.delivery.stamp.enqueued),
        "original-sequence": "7",
    }
    assert json.loads((await ops("list", "--json", "--hub", letter.delivery.stamp.hub)).out) == []
    again = await ops("replay", name)
    assert (again.code, again.out) == (1, "0 replayed, 1 refused\n")
    printed = "".join(one.out + one.err for one in (listed, shown, replayed, again))
    assert not [key for key in secrets_of(ops) if key in printed]


async def test_all_letters_of_one_reason_are_replayed(ops: Operator, dead_letters: BlobDeadLetters) -> None:
    reason = f"test-{uuid4().hex[:6]}"
    letters = [a_letter(a_delivery(an_add_comment(), number), reason=reason) for number in range(3)]
    letters.append(a_letter(a_delivery(b"\xff\x00 garbage", 3), reason=reason))
    letters.append(a_letter(a_delivery(an_add_comment(), 4), reason=reason, age=timedelta(days=9)))
    for letter in letters:
        await dead_letters.park(letter)

    result = await ops("replay", "--all", "--reason", reason)
    forced = await ops("replay", "--all", "--reason", reason, "--force")

    assert (result.code, result.out) == (1, "4 replayed, 1 refused\n")
    assert "9 days old" in result.err
    assert (forced.code, forced.out) == (0, "1 replayed, 0 refused\n")


async def test_discarding_asks_first(ops: Operator, dead_letters: BlobDeadLetters) -> None:
    letter = a_letter(a_delivery(an_add_comment()))
    name = blob_name(letter.delivery)
    await dead_letters.park(letter)

    asked = await ops("discard", name)
    sure = await ops("discard", name, "--yes")

    assert (asked.code, asked.out) == (1, "")
    assert "--yes" in asked.err
    assert (sure.code, sure.out) == (0, "1 discarded, 0 refused\n")


async def test_a_hub_that_is_away_is_said_and_keeps_the_letter(ops: Operator, dead_letters: BlobDeadLetters) -> None:
    letter = a_letter(a_delivery(an_add_comment()))
    name = blob_name(letter.delivery)
    await dead_letters.park(letter)
    away = ops.values["EVENT_HUBS"].replace(str(ops.cloud.stack.hub_port(0)), str(free_port()))

    result = await ops("replay", name, EVENT_HUBS=away)

    assert result.code == 1
    assert "The queue is not available" in result.err
    assert "Traceback" not in result.err
    assert (await ops("show", name)).code == 0


async def test_settings_that_cannot_work_are_named_without_their_secrets(ops: Operator) -> None:
    missing = await ops("list", REGION="", EVENT_HUB_PARTITIONS="many")
    malformed = await ops("list", DEAD_LETTERS="AccountKey=c2VjcmV0;nonsense")

    assert (missing.code, malformed.code) == (2, 2)
    assert "REGION is missing" in missing.err
    assert "EVENT_HUB_PARTITIONS must be int" in missing.err
    assert malformed.err == "error: DEAD_LETTERS is no connection string of a storage account\n"
    assert "Traceback" not in missing.err


def secrets_of(ops: Operator) -> list[str]:
    parts = [part.partition("=") for value in ops.values.values() for part in value.split(";")]
    keys = [value for name, _, value in parts if name in {"AccountKey", "SharedAccessKey"}]
    return [*keys, ops.values["COSMOS_KEY"], ops.values["API_KEY_1"]]
