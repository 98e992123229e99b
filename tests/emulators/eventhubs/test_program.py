"""`python -m local.eventhubs`: what it prints, refuses and survives."""

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.eventhubs.crash import run
from local.eventhubs.__main__ import main
from local.eventhubs.entities import HubSettings
from local.eventhubs.errors import SettingsError
from local.eventhubs.process import EventHubsProcess
from tests.emulators.eventhubs.clients import send
from tests.emulators.eventhubs.conformance import conforms
from tests.emulators.eventhubs.raw import look
from tests.emulators.eventhubs.side_by_side import StartBroker, side_by_side

HERE = Path(__file__).parents[3]


def test_it_says_when_it_is_ready_and_stops_on_a_signal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.eventhubs", "--data", str(tmp_path), "--hub", "commands=2:a,b"]
    command += ["--port", "0", "--control-port", "0", "--key", "me=secret", "--retention-hours", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=HERE)
    assert process.stdout is not None
    line = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert line.startswith("ready: sb://127.0.0.1:")
    assert " control http://127.0.0.1:" in line
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["--hub", "commands"], "write name=partitions"),
        (["--hub", "commands=0"], "write name=partitions"),
        (["--hub", "co/mmands=2"], "write name=partitions"),
        (["--hub", "commands=2:bad/group"], "cannot be the name of a consumer group"),
        (["--hub", "a=1", "--hub", "A=1"], "same name"),
        (["--hub", "a=1", "--key", "nonsense"], "write NAME=KEY"),
        (["--hub", "a=1", "--tls-key", "x"], "needs --tls-cert"),
        (["--hub", "a=1", "--tls-cert", "/nowhere.pem"], "cannot use the certificate"),
        (["--hub", "a=1", "--retention-hours", "0"], "more than 0"),
        (["--hub", "a=1", "--data", "/proc/nowhere"], "choose another --data"),
    ],
)
def test_what_cannot_work_is_refused_with_advice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], advice: str
) -> None:
    status = main(["--port", "0", "--control-port", "0", "--data", str(tmp_path), *arguments])

    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert advice in err


def test_a_port_in_use_is_refused_with_advice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for ports in (["--port", port, "--control-port", "0"], ["--port", "0", "--control-port", port]):
            assert main(["--data", str(tmp_path), "--hub", "a=1", *ports]) == 2
            assert "choose another --port or --control-port" in capsys.readouterr().err


async def test_hubs_and_groups_may_be_added_but_partitions_stay(start_broker: StartBroker, tmp_path: Path) -> None:
    first = await start_broker()
    await send(first, ["kept"])
    with pytest.raises(SettingsError, match="in use by another"):
        await start_broker()
    await first.stop()

    more = (HubSettings("Commands", 4, ("processor", "new")), HubSettings("other", 1))
    second = await start_broker(hubs=more)
    assert [event.body for event in await look(second.port)] == [b"kept"]
    await second.stop()
    with pytest.raises(SettingsError, match=r"has 4 partitions in .*, not 8"):
        await start_broker(hubs=(HubSettings("commands", 8),))


@side_by_side
@conforms(32, "acknowledged events survive kill -9 without gap or repeat, at random moments under load")
async def test_no_acknowledged_event_is_lost_to_kill(tmp_path: Path) -> None:
    report = await asyncio.wait_for(run(tmp_path, kills=3, seed=7, up_s=(0.1, 0.6)), 100)

    assert report.kills == 3
    assert report.acknowledged > 0
    assert (report.lost, report.gaps, report.repeats) == (0, 0, 0)


async def test_a_second_start_takes_the_same_ports_after_a_kill(tmp_path: Path) -> None:
    process = EventHubsProcess(tmp_path, ["commands=4"])
    process.start()
    port = process.port
    process.kill()
    process.start()
    try:
        assert process.port == port
        assert await look(port) == []
    finally:
        assert process.stop() == 0
