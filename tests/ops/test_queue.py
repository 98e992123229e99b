"""What operators do about the queue, on fakes: a partition is taken from its reader before its checkpoint goes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from domain.backlog import PartitionState
from domain.errors import StoreUnavailable
from domain.ports import CheckpointChanged, OwnershipChanged
from ops.__main__ import main
from ops.queue import (
    GONE_AFTER,
    RENEW_EVERY_S,
    RENEWALS,
    TRIES,
    CheckpointFits,
    Desk,
    NothingToReset,
    Report,
    UnknownPartition,
    backlog,
    chosen,
    reset,
)
from ops.queue_cli import table
from tests.builders import NOON
from tests.queue_fakes import InMemoryCheckpointBox, InMemoryQueueProgress, a_log


@dataclass
class Hub:
    """A hub whose partition 1 has a checkpoint beyond its log, and hosts that a test lets act while we wait."""

    progress: InMemoryQueueProgress = field(default_factory=InMemoryQueueProgress)
    clock: datetime = NOON
    waits: list[float] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.progress.now = self.box.now = lambda: self.clock
        self.progress.logs = {"0": a_log(9), "1": a_log(9), "2": a_log(-1)}
        self.box.write_checkpoint("0", 9)
        self.box.write_checkpoint("1", 500)

    @property
    def box(self) -> InMemoryCheckpointBox:
        return self.progress.box

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.clock += timedelta(seconds=seconds)
        self.meanwhile()
        await asyncio.sleep(0)

    @property
    def desk(self) -> Desk:
        return Desk(self.progress, self.box, lambda: self.clock, self.sleep)

    async def reset_beyond(self) -> Report:
        return await reset(self.desk, chosen(await backlog(self.desk), None))


@pytest.fixture
def hub() -> Hub:
    return Hub()


async def test_what_is_beyond_its_log_is_chosen_by_itself(hub: Hub) -> None:
    assert [one.partition for one in chosen(await backlog(hub.desk), None)] == ["1"]


@pytest.mark.parametrize(
    ("partition", "error"), [("7", UnknownPartition), ("x", UnknownPartition), ("2", NothingToReset)]
)
async def test_a_partition_that_has_nothing_to_reset_is_refused(
    hub: Hub, partition: str, error: type[Exception]
) -> None:
    with pytest.raises(error, match=partition):
        chosen(await backlog(hub.desk), partition, force=True)


async def test_a_checkpoint_that_fits_is_reset_only_by_force(hub: Hub) -> None:
    queue = await backlog(hub.desk)

    with pytest.raises(CheckpointFits, match="--force"):
        chosen(queue, "0")

    assert [one.partition for one in chosen(queue, "0", force=True)] == ["0"]


async def test_where_no_host_has_run_the_checkpoint_just_goes(hub: Hub) -> None:
    report = await hub.reset_beyond()

    assert (report.done, report.failed, hub.waits) == (["1"], {}, [])
    [state] = [one.state for one in (await backlog(hub.desk)).partitions if one.partition == "1"]
    assert state is PartitionState.NEVER_READ
    assert "0" in hub.box.stored


async def test_a_running_reader_loses_the_partition_before_its_checkpoint_goes(hub: Hub) -> None:
    """It would not look at the checkpoint, and would write it again."""
    hub.box.write_ownership("1", "host")
    seen: list[tuple[str, bool]] = []
    hub.meanwhile = lambda: seen.append((hub.box.owners["1"].owner, "1" in hub.box.stored))

    report = await hub.reset_beyond()

    assert report.done == ["1"]
    assert hub.waits == [RENEW_EVERY_S] * RENEWALS
    assert all(owner.startswith("operator-") and stored for owner, stored in seen)
    assert hub.box.owners["1"].owner == ""  # given up: claimed at the next balancing


@pytest.mark.parametrize("owner", ["", "host"])
async def test_nobody_is_waited_for_where_nobody_reads(hub: Hub, owner: str) -> None:
    hub.box.write_ownership("1", owner)
    hub.clock += GONE_AFTER

    assert (await hub.reset_beyond()).done == ["1"]
    assert hub.waits == []


async def test_a_host_that_takes_the_partition_meanwhile_is_waited_out_anew(hub: Hub) -> None:
    hub.box.write_ownership("1", "host")
    thefts = iter([True])

    def steal() -> None:
        if next(thefts, False):
            hub.box.write_ownership("1", "another host")

    hub.meanwhile = steal

    assert (await hub.reset_beyond()).done == ["1"]
    assert len(hub.waits) == RENEWALS + 1
    assert "1" not in hub.box.stored


async def test_hosts_that_take_it_every_time_leave_the_checkpoint_as_it_was(hub: Hub) -> None:
    hub.box.write_ownership("1", "host")
    hub.meanwhile = lambda: hub.box.write_ownership("1", "another host")

    report = await hub.reset_beyond()

    assert isinstance(report.failed["1"], OwnershipChanged)
    assert len(hub.waits) == TRIES
    assert hub.box.stored["1"].sequence == 500


async def test_a_reader_that_went_on_meanwhile_keeps_its_checkpoint(hub: Hub) -> None:
    hub.box.write_ownership("1", "host")
    hub.meanwhile = lambda: hub.box.write_checkpoint("1", 9)

    report = await hub.reset_beyond()

    assert isinstance(report.failed["1"], CheckpointChanged)
    assert hub.box.stored["1"].sequence == 9
    assert hub.box.owners["1"].owner == ""


async def test_a_partition_that_is_busy_is_reset_by_force_behind_its_last_batch(hub: Hub) -> None:
    hub.box.write_ownership("0", "host")
    batches = iter([10, 11])
    hub.meanwhile = lambda: hub.box.write_checkpoint("0", next(batches, 11))

    report = await reset(hub.desk, chosen(await backlog(hub.desk), "0", force=True))

    assert report.done == ["0"]
    assert "0" not in hub.box.stored


async def test_storage_that_fails_for_one_partition_harms_no_other(hub: Hub) -> None:
    for number in range(3):
        hub.progress.logs[str(number)] = a_log(9)
        hub.box.write_checkpoint(str(number), 500)
    queue = await backlog(hub.desk)
    hub.box.outage.failures = 1

    report = await reset(hub.desk, chosen(queue, None))

    assert len(report.done) == 2
    assert [type(error) for error in report.failed.values()] == [StoreUnavailable]


async def test_the_table_has_a_row_for_each_partition_and_the_total(hub: Hub) -> None:
    hub.progress.logs["10"] = a_log(1_500, enqueued=NOON - timedelta(seconds=40))
    hub.box.write_checkpoint("10", 1_000)

    assert table(await backlog(hub.desk)).splitlines() == [
        "PARTITION  LAST  CHECKPOINT  LAG  STATE",
        "        0     9           9    0  ok",
        "        1     9         500   10  beyond-log",
        "        2     -           -    0  never-read",
        "       10  1500        1000  500  behind",
        "510 events wait, the oldest for 40 s or more",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["reset-checkpoints"], "one of the arguments --partition --beyond-log is required"),
        (["reset-checkpoints", "--partition", "1", "--beyond-log"], "not allowed with"),
        (["mend"], "invalid choice"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["queue", *arguments])

    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["queue", "--help"], ["queue", "reset-checkpoints", "--help"]])
def test_help_says_what_happens(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 0
    assert "beyond" in capsys.readouterr().out
