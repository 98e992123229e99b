"""`python -m ops queue`: what waits in the hub, and checkpoints that no longer fit their log."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from domain.backlog import Backlog, PartitionBacklog, PartitionState, listed
from domain.queue_watch import MEND
from ops.asking import confirmed
from ops.environment import add_settings_option, parts_for
from ops.queue import Desk, Report, backlog, chosen, reset

_DESCRIPTION = """\
Shows for every partition of the hub: its last event, the processor's checkpoint, how many events wait, and its state.

  ok           what waits is in work
  behind       more than one batch waits, or something has waited for half a minute
  never-read   the partition has no checkpoint: the processor begins at its oldest event
  beyond-log   the checkpoint belongs to a hub that was deleted and made again under its name: the processor reads
               nothing there, for ever; `reset-checkpoints --beyond-log` mends it

Settings come from the environment, by the names that the app uses (docs/settings.md), or from --settings FILE, which
has the form of local.settings.json; `make run` prints the path of such a file for each region of the local cloud."""

_RESET = """\
Removes checkpoints, so that the processor reads those partitions from their oldest event on. Nothing takes effect
twice: what was processed is recognised, as after every redelivery.

The processor may go on running. The command takes each partition over, as hosts do from each other, waits for about
20 s until its owner has let go (a running reader would not look at its checkpoint, and would write it again), removes
the checkpoint and gives the partition up; a host begins with it within its next balancing. Interrupted in between, the
partition is taken up again by itself half a minute later: run the command again."""


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add `queue` to the program's commands."""
    raw = argparse.RawDescriptionHelpFormatter
    queue = commands.add_parser(
        "queue",
        parents=[common],
        help="what waits in the hub, and checkpoints to mend",
        description=_DESCRIPTION,
        formatter_class=raw,
    )
    queue.add_argument("--json", action="store_true", help="for programs: as in the stamp's health report")
    queue.set_defaults(run=_run(_show))
    which = queue.add_subparsers(metavar="ACTION")
    resetting = which.add_parser(
        "reset-checkpoints",
        help="let the processor read partitions from their start",
        description=_RESET,
        formatter_class=raw,
    )
    # Without a default of its own: what was said before the action's name counts.
    add_settings_option(resetting, default=argparse.SUPPRESS)
    target = resetting.add_mutually_exclusive_group(required=True)
    target.add_argument("--partition", metavar="N", help="this one")
    target.add_argument("--beyond-log", action="store_true", help="every one whose checkpoint is beyond its log")
    resetting.add_argument("--force", action="store_true", help="with --partition: even where the checkpoint fits")
    resetting.add_argument("--yes", action="store_true", help="do not ask")
    resetting.set_defaults(run=_run(_reset))


def _run(work: Callable[[Desk, argparse.Namespace], Awaitable[int]]) -> Callable[[argparse.Namespace], int]:
    async def within(options: argparse.Namespace) -> int:
        parts = parts_for(options, "AzureWebJobsStorage", lambda built: built.checkpoint_box)
        try:
            return await work(Desk(parts.queue_progress, parts.checkpoint_box, parts.now), options)
        finally:
            await parts.close()

    return lambda options: asyncio.run(within(options))


async def _show(desk: Desk, options: argparse.Namespace) -> int:
    queue = await backlog(desk)
    print(json.dumps(queue.as_json(), indent=1) if options.json else table(queue))
    beyond = queue.in_state(PartitionState.BEYOND_LOG)
    if beyond:
        _say(f"read no more: {listed(beyond)}; this mends it: {MEND}")
    return 0


async def _reset(desk: Desk, options: argparse.Namespace) -> int:
    rows = chosen(await backlog(desk), options.partition, force=options.force)
    if not rows:
        print("no checkpoint is beyond its log")
        return 0
    names = listed([row.partition for row in rows])
    events = sum(row.last + 1 for row in rows)
    if not options.yes and not confirmed(f"Read {names} from the start, {events} events at most?"):
        _say("nothing reset")
        return 1
    _say(f"taking over {names}: about 20 s where the processor runs")
    return _told(await reset(desk, rows), rows)


def _told(report: Report, rows: Sequence[PartitionBacklog]) -> int:
    for partition, error in sorted(report.failed.items()):
        _say(f"error: partition {partition}: {error}")
    print(f"{len(report.done)} reset, {len(report.failed)} not")
    if report.failed:
        _say("run the command again: nothing takes effect twice")
    return 0 if len(report.done) == len(rows) else 1


def table(queue: Backlog) -> str:
    """One row a partition, and the total."""
    head = ("PARTITION", "LAST", "CHECKPOINT", "LAG", "STATE")
    rows = [head, *(_cells(one) for one in queue.partitions)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head) - 1)]
    lines = [
        "  ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    ]
    return "\n".join([*lines, total(queue)])


def _cells(one: PartitionBacklog) -> tuple[str, ...]:
    checkpoint = "-" if one.checkpoint is None else str(one.checkpoint)
    return (one.partition, "-" if one.last < 0 else str(one.last), checkpoint, str(one.lag), one.state.value)


def total(queue: Backlog) -> str:
    """`3 events wait, the oldest for 12 s or more`."""
    if queue.oldest_waiting_s is None:
        return "no event waits"
    events = "1 event waits" if queue.lag == 1 else f"{queue.lag} events wait"
    return f"{events}, the oldest for {queue.oldest_waiting_s:.0f} s or more"


def _say(line: str) -> None:
    print(line, file=sys.stderr)
