"""`python -m local.kubernetes`: processes behind the pods of a throw-away cluster, and scaling rehearsed on them."""

import argparse
import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable
from pathlib import Path

from local.kubernetes import picture, scenarios, stage
from local.kubernetes.agent import running
from local.kubernetes.cluster import Cluster, NoCluster, Refused
from local.kubernetes.disturbances import SCENARIOS
from local.kubernetes.image import BadImage, our_image
from local.kubernetes.load import LoadFailed
from local.kubernetes.nodes import Nodes
from local.supervisor import ComponentFailed


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m local.kubernetes", description=__doc__)
    parser.add_argument(
        "--kubeconfig",
        type=Path,
        default=os.environ.get("REHEARSAL_KUBECONFIG"),
        help="of a throw-away cluster with KEDA and the Gateway API (default: $REHEARSAL_KUBECONFIG)",
    )
    parser.add_argument("--verbose", action="store_true", help="say what happens to each pod")
    commands = parser.add_subparsers(dest="command", required=True)
    agent = commands.add_parser("agent", help="play the nodes until stopped: a process behind every pod of ours")
    agent.add_argument("--nodes", type=int, default=stage.NODES)
    agent.add_argument("--zones", type=int, default=3)
    agent.add_argument("--data", type=Path, default=None, help="folder for logs (default: a new one)")
    rehearse = commands.add_parser("rehearse", help="a backlog, the autoscaler's answer, and what must not be lost")
    rehearse.add_argument(
        "--scenario",
        action="append",
        type=_scenario,
        metavar="NAME[=COMMANDS]",
        help=f"{', '.join(SCENARIOS)}; with the size of its backlog; may be repeated (default: all)",
    )
    rehearse.add_argument("--commands", type=int, help="size of a backlog (default: 20,000; quick: 4,000)")
    rehearse.add_argument("--quick", action="store_true", help="shrink after 10 s, not 5 minutes")
    rehearse.add_argument("--data", type=Path, default=None, help="folder for logs and records (default: a new one)")
    rehearse.add_argument("--picture", type=Path, default=None, help="draw the runs into this SVG file")
    return parser


def _scenario(text: str) -> tuple[str, int]:
    name, _, commands = text.partition("=")
    if name not in SCENARIOS or not (commands or "0").isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(SCENARIOS)}, or NAME=COMMANDS")
    return name, int(commands or 0)


def main() -> int:
    """Run a command; its exit status."""
    parser = arguments()
    options = parser.parse_args()
    logging.basicConfig(format="%(message)s", level=logging.INFO if options.verbose else logging.WARNING)
    for noisy in ("azure", "aiohttp", "kubernetes", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    if options.kubeconfig is None:
        parser.error("no cluster: give --kubeconfig, or set REHEARSAL_KUBECONFIG (docs/operations/scaling.md says how)")
    data = options.data or Path(tempfile.mkdtemp(prefix="rehearsal-"))
    try:
        cluster = Cluster(options.kubeconfig)
        cluster.check()
        data.mkdir(parents=True, exist_ok=True)
        work = _agent(cluster, data, options) if options.command == "agent" else _rehearse(cluster, data, options)
        return asyncio.run(_until_stopped(work))
    except (NoCluster, stage.NotPossible, BadImage, ComponentFailed, Refused, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (scenarios.Failed, LoadFailed) as error:
        print(f"failed: {error}\nlogs: {data}", file=sys.stderr)
        return 1


async def _until_stopped(work: Awaitable[int]) -> int:
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 130


async def _agent(cluster: Cluster, data: Path, options: argparse.Namespace) -> int:
    nodes = Nodes(cluster, [f"rehearsal-{number}" for number in range(options.nodes)], options.zones)

    def said(namespace: str, name: str, words: str) -> None:
        print(f"{namespace}/{name} {words}", file=sys.stderr, flush=True)

    async with running(cluster, nodes, our_image(), data, replaced={}, said=said) as agent:
        print(f"ready: {options.nodes} nodes in {options.zones} zones", flush=True)
        while True:
            agent.check()
            await asyncio.sleep(1)


async def _rehearse(cluster: Cluster, data: Path, options: argparse.Namespace) -> int:
    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def pods(text: str) -> None:
        if options.verbose:
            say(text)

    commands = options.commands or (4_000 if options.quick else 20_000)
    outcomes = []
    if shutil.which("node") is None:
        raise stage.NotPossible("node is not on PATH: the blob stand-in needs it")
    async with stage.set_up(cluster, data, scenarios.smaller(quick=options.quick), pods) as set_up:
        for name, size in options.scenario or [(one, 0) for one in SCENARIOS]:
            outcome = await scenarios.play(set_up, name, SCENARIOS[name], size or commands, say)
            outcome.record.write(data)
            outcomes.append(outcome)
            say(summary(outcome))
    if options.picture is not None:
        options.picture.write_text(picture.drawn(outcomes))
        say(f"picture: {options.picture}")
    print(f"records and logs: {data}")
    return 1 if any(one.problems for one in outcomes) else 0


def summary(outcome: scenarios.Outcome) -> str:
    """One run in a few lines."""
    found = outcome.account

    def after(seconds: float | None) -> str:
        return "never" if seconds is None else f"{seconds:.0f} s"

    lines = [
        f"{outcome.record.name}: {found.accepted} accepted, {found.applied} applied, {found.lost} lost, "
        f"{found.doubled} doubled, {found.unknown} unknown",
        f"  first processor after {after(outcome.first_pod_s)}, beyond the minimum {after(outcome.first_new_pod_s)}, "
        f"most ({outcome.most}) {after(outcome.most_wanted_s)}, "
        f"drained {after(outcome.drained_s)}, minimum again {after(outcome.least_again_s)}; "
        f"pods' memory at most {outcome.memory_mib:.0f} MiB",
    ]
    return "\n".join([*lines, *(f"  PROBLEM: {one}" for one in outcome.problems)])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
