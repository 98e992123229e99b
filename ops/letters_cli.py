"""`python -m ops dead-letters`: parked events, read and dealt with from a terminal."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from domain.ports import LetterLine
from ops import letters_text as text
from ops.asking import confirmed
from ops.dead_letters import Desk, Report, discard, each, lines, replay
from ops.environment import parts_for

_DESCRIPTION = """\
Events that cannot succeed are parked as dead letters, with their bytes, properties and the reason, for 90 days.

  list      which there are
  show      everything in one of them
  replay    send the event again: unchanged, with its command id and the time of the first event
  discard   remove it for good; its operation then says `discarded`

Settings come from the environment, by the names that the app uses (docs/settings.md), or from --settings FILE, which
has the form of local.settings.json; `make run` prints the path of such a file for each region of the local cloud."""

_REPLAY = """\
Sends each letter's event again and removes the letter once the hub has acknowledged it. Interrupted in between, the
letter is still there: replay it again, nothing takes effect twice. An event that fails again is parked again, under a
new name. A replay never overwrites a newer write of its item: then it is parked as superseded. Letters whose events are
about as old as tombstones live (8 days) are refused, for they could bring back what was deleted."""


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add `dead-letters` to the program's commands."""
    raw = argparse.RawDescriptionHelpFormatter
    letters = commands.add_parser(
        "dead-letters",
        help="list, show, replay or discard parked events",
        description=_DESCRIPTION,
        formatter_class=raw,
    )
    which = letters.add_subparsers(required=True, metavar="ACTION")
    listing = which.add_parser("list", parents=[common], help="which letters there are")
    _add_filters(listing)
    listing.add_argument("--limit", type=_positive, default=100, metavar="N", help="at most so many (default 100)")
    listing.add_argument("--json", action="store_true", help="for programs: a JSON array")
    listing.set_defaults(run=_run(_list))

    showing = which.add_parser("show", parents=[common], help="everything in one letter")
    showing.add_argument("name", metavar="NAME", help="the letter's name, as `list` shows it")
    showing.set_defaults(run=_run(_show))

    replaying = which.add_parser(
        "replay", parents=[common], help="send events again", description=_REPLAY, formatter_class=raw
    )
    replaying.add_argument("names", nargs="*", metavar="NAME", help="the letters' names")
    replaying.add_argument("--all", action="store_true", help="every letter parked for --reason")
    _add_filters(replaying)
    replaying.add_argument("--force", action="store_true", help="letters of any age")
    replaying.set_defaults(run=_run(_replay), check=partial(_check_replay, replaying))

    discarding = which.add_parser("discard", parents=[common], help="remove letters for good")
    discarding.add_argument("names", nargs="+", metavar="NAME", help="the letters' names")
    discarding.add_argument("--yes", action="store_true", help="do not ask")
    discarding.set_defaults(run=_run(_discard))


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", metavar="REASON", help="only letters parked for this reason, such as unknown-item")
    parser.add_argument("--hub", default="", metavar="HUB", help="only letters whose {namespace}/{hub} begins so")


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise ValueError(value)
    return number


def _check_replay(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.all == bool(options.names):
        parser.error("name letters, or say --all --reason REASON")
    if options.all and options.reason is None:
        parser.error("--all needs --reason: what failed for different reasons is mended in different ways")
    if options.names and (options.reason or options.hub):
        parser.error("--reason and --hub choose among --all; named letters need no choice")


def _run(
    work: Callable[[Desk, argparse.Namespace], Awaitable[int]],
) -> Callable[[argparse.Namespace], int]:
    async def within(options: argparse.Namespace) -> int:
        parts = parts_for(options, "DEAD_LETTERS", lambda built: built.letter_box)
        try:
            return await work(Desk(parts.letter_box, parts.replay_queue, parts.outcomes, parts.now), options)
        finally:
            await parts.close()

    def run(options: argparse.Namespace) -> int:
        if "check" in options:
            options.check(options)
        return asyncio.run(within(options))

    return run


async def _list(desk: Desk, options: argparse.Namespace) -> int:
    found: list[LetterLine] = []
    async for line in lines(desk.box, hub=options.hub, reason=options.reason):
        if len(found) == options.limit:
            _say(f"there are more than {options.limit}: ask for more with --limit")
            break
        found.append(line)
    if options.json:
        print(json.dumps([text.line_as_json(line) for line in found], indent=1))
    elif found:
        print(text.table(found, desk.now()))
    else:
        _say("no letters")
    return 0


async def _show(desk: Desk, options: argparse.Namespace) -> int:
    print(text.page(await desk.box.read(options.name), desk.now()))
    return 0


async def _replay(desk: Desk, options: argparse.Namespace) -> int:
    names: Sequence[str] = options.names
    if options.all:
        names = [line.name async for line in lines(desk.box, hub=options.hub, reason=options.reason)]
    work = partial(replay, desk, force=options.force)
    return _told(await each(names, work, _progress(len(names))), len(set(names)), "replayed")


async def _discard(desk: Desk, options: argparse.Namespace) -> int:
    count = len(options.names)
    if not options.yes and not confirmed(f"Discard {count} letter{'s' if count != 1 else ''} for good?"):
        _say("nothing discarded")
        return 1
    report = await each(options.names, partial(discard, desk), _progress(len(options.names)))
    return _told(report, len(set(options.names)), "discarded")


def _progress(total: int) -> Callable[[Report], None]:
    """One line that grows on a terminal, a line every hundred letters elsewhere."""
    live = sys.stderr.isatty()

    def tell(report: Report) -> None:
        count = len(report.done) + len(report.refused)
        if total > 1 and live:
            sys.stderr.write(f"\r{count} of {total}" + ("\n" if count == total else ""))
            sys.stderr.flush()
        elif total > 1 and count % 100 == 0:
            _say(f"{count} of {total}")

    return tell


def _told(report: Report, total: int, verb: str) -> int:
    for name, error in sorted(report.refused.items()):
        _say(f"refused {text.safe(name)}: {error}")
    print(f"{len(report.done)} {verb}, {len(report.refused)} refused")
    if report.stopped_by is not None:
        left = total - len(report.done) - len(report.refused)
        _say(f"error: {report.stopped_by} {left} not {verb}: run the command again, nothing takes effect twice")
    return 0 if len(report.done) == total else 1


def _say(line: str) -> None:
    print(line, file=sys.stderr)
