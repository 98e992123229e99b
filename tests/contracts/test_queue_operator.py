"""`python -m ops queue` against the stand-ins: a checkpoint beyond its log is shown, and mended."""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from adapters.stamp_storage import CHECKPOINTS
from ops.__main__ import main
from settings import CONSUMER_GROUP, HUB
from tests.contracts.conftest import PARTITIONS, Cloud
from tests.processes import free_port

LOST = str(PARTITIONS - 1)


@dataclass
class Result:
    code: int
    out: str
    err: str


@dataclass
class Operator:
    """Calls the program as an operator does."""

    cloud: Cloud
    folder: Path
    capsys: pytest.CaptureFixture[str]

    async def __call__(self, *arguments: str, before: bool = False, changes: dict[str, str] | None = None) -> Result:
        values = self.cloud.stack.app_settings(0) | {"EVENT_HUB_PARTITIONS": str(PARTITIONS)}
        file = self.folder / "settings.json"
        file.write_text(json.dumps({"Values": values | (changes or {})}))
        settings = ["--settings", str(file)]
        self.capsys.readouterr()
        line = ["queue", *settings, *arguments] if before else ["queue", *arguments, *settings]
        code = await asyncio.to_thread(main, line)
        out, err = self.capsys.readouterr()
        return Result(code, out, err)


@pytest.fixture
def ops(cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return Operator(cloud, tmp_path, capsys)


@pytest.fixture
async def checkpoints(cloud: Cloud) -> AsyncIterator[ContainerClient]:
    account = cloud.stack.storage_connection(cloud.stack.stamp_account(0))
    async with BlobServiceClient.from_connection_string(account) as service:
        yield service.get_container_client(CHECKPOINTS)


def path_of(cloud: Cloud, name: str) -> str:
    return f"127.0.0.1:{cloud.stack.hub_port(0)}/{HUB}/{CONSUMER_GROUP}/{name}"


@pytest.fixture
async def lost(cloud: Cloud, checkpoints: ContainerClient) -> AsyncIterator[str]:
    """A checkpoint beyond the log, of a partition that a dead host owned."""
    name = path_of(cloud, f"checkpoint/{LOST}")
    await checkpoints.upload_blob(name, b"", overwrite=True, metadata={"sequencenumber": "1000000", "offset": "9"})
    owner = path_of(cloud, f"ownership/{LOST}")
    await checkpoints.upload_blob(owner, b"", overwrite=True, metadata={"ownerid": ""})
    yield name
    for left in (name, owner):
        try:
            await checkpoints.delete_blob(left)
        except ResourceNotFoundError:
            continue


async def test_a_checkpoint_beyond_its_log_is_shown_and_mended(
    ops: Operator, checkpoints: ContainerClient, lost: str
) -> None:
    shown = await ops("--json")
    asked = await ops("reset-checkpoints", "--beyond-log")
    there = await checkpoints.get_blob_client(lost).exists()
    mended = await ops("reset-checkpoints", "--beyond-log", "--yes", before=True)
    again = await ops("reset-checkpoints", "--beyond-log", "--yes")

    rows = json.loads(shown.out)["partitions"]
    assert {row["partition"]: row["state"] for row in rows}[LOST] == "beyond-log"
    assert "python -m ops queue reset-checkpoints --beyond-log" in shown.err
    assert (asked.code, "say --yes" in asked.err, there) == (1, True, True)
    assert (mended.code, mended.out) == (0, "1 reset, 0 not\n")
    assert not await checkpoints.get_blob_client(lost).exists()
    assert (again.code, again.out) == (0, "no checkpoint is beyond its log\n")


async def test_what_cannot_be_done_is_said(ops: Operator, lost: str) -> None:
    unknown = await ops("reset-checkpoints", "--partition", "99", "--yes")
    nothing = await ops("reset-checkpoints", "--partition", "0", "--yes")

    assert (unknown.code, "There is no partition 99" in unknown.err) == (1, True)
    assert (nothing.code, "has no checkpoint" in nothing.err) == (1, True)


async def test_services_that_are_away_are_said_with_their_kind(ops: Operator) -> None:
    nowhere = (
        f"Endpoint=sb://127.0.0.1:{free_port()};SharedAccessKeyName=n;SharedAccessKey=k;UseDevelopmentEmulator=true"
    )
    failed = await ops(changes={"EVENT_HUBS": nowhere})

    assert failed.code == 1
    assert failed.err.startswith("error: The state of the hub cannot be read. (ConnectError)")


@pytest.mark.parametrize("setting", ["EVENT_HUBS", "AzureWebJobsStorage"])
async def test_a_connection_string_that_is_none_is_named(ops: Operator, setting: str) -> None:
    refused = await ops(changes={setting: "nonsense"})

    assert (refused.code, setting in refused.err) == (2, True)
