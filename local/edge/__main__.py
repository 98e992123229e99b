"""`python -m local.edge`: the front door of the local cloud."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from local.edge.description import Description, DescriptionError, read_description
from local.edge.server import Edge
from local.edge.state import Origin


def main() -> None:
    """Read the arguments and serve until a signal."""
    parser = argparse.ArgumentParser(
        prog="python -m local.edge",
        description="Plays Azure Front Door: routes by origin groups that are probed, caches and compresses.",
        epilog="Origins, probes and traffic are drawn at /_control/ on the same port.",
    )
    parser.add_argument("--description", type=Path, required=True, help="JSON file with origin groups and routes")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument(
        "--origin",
        action="append",
        required=True,
        type=_origin,
        metavar="KIND:NAME=ADDRESS[,priority=1][,weight=50]",
        help="an origin for the groups of its kind; repeat for more",
    )
    parser.add_argument("--stamp", action="append", default=[], help="name of a stamp that has a route of its own")
    parser.add_argument("--front-door-id", required=True, help="sent to origins as X-Azure-FDID")
    parser.add_argument("--probe-interval", type=float, help="seconds between probes, instead of the described ones")
    arguments = parser.parse_args()
    if arguments.probe_interval is not None and arguments.probe_interval <= 0:
        parser.error("--probe-interval must be more than 0")
    try:
        description = read_description(arguments.description, arguments.stamp)
    except DescriptionError as error:
        parser.error(str(error))
    try:
        asyncio.run(serve(arguments, description))
    except OSError as error:
        sys.exit(f"cannot listen on 127.0.0.1:{arguments.port}: {error.strerror}. Choose another with --port.")


def _origin(text: str) -> tuple[str, Origin]:
    """One `--origin`: its kind, and the origin."""
    where, *options = text.split(",")
    name, is_there, address = where.partition("=")
    kind, _, name = name.partition(":")
    values = dict(option.split("=", 1) for option in options if "=" in option)
    if not (kind and name and is_there and address) or len(values) < len(options) or values.keys() - _LIMITS.keys():
        raise argparse.ArgumentTypeError(f"{text!r} is not KIND:NAME=ADDRESS[,priority=1][,weight=50]")
    chosen = {"priority": 1, "weight": 50}
    for option, value in values.items():
        least, most = _LIMITS[option]
        if not value.isdecimal() or not least <= int(value) <= most:
            raise argparse.ArgumentTypeError(f"{option} must be from {least} to {most}")
        chosen[option] = int(value)
    return kind, Origin(name, address.rstrip("/"), chosen["priority"], chosen["weight"])


_LIMITS = {"priority": (1, 5), "weight": (1, 1000)}


async def serve(arguments: argparse.Namespace, description: Description) -> None:
    """Serve until SIGINT or SIGTERM."""
    edge = Edge(description, arguments.origin, arguments.front_door_id, arguments.probe_interval)
    try:
        port = await edge.start(arguments.port)
        print(f"ready: http://127.0.0.1:{port}", flush=True)
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()
    finally:
        await edge.stop()


if __name__ == "__main__":
    main()
