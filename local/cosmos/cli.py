"""`python -m local.cosmos`: one account until it is told to stop."""

import argparse
import asyncio
import json
import signal
import sqlite3
import sys
from pathlib import Path

from local.cosmos.server import CosmosServer
from local.cosmos.settings import WELL_KNOWN_KEY, BadSettings, CosmosSettings

_EXAMPLE = """example:
  python -m local.cosmos --data .local/cosmos --region "West Europe=8081" --region "North Europe=8082"

prints one line `ready: GLOBAL-ENDPOINT regions {"West Europe": "http://127.0.0.1:8081/", ...}` once it serves.
Faults, regions and replication are steered under /_control on the global port; see COVERAGE.md.
"""


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.cosmos",
        description="A multi-region, multi-write Cosmos DB for NoSQL account on this machine.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="where the documents are kept")
    parser.add_argument("--global-port", type=int, default=8080, metavar="PORT", help="0 takes a free one (8080)")
    parser.add_argument(
        "--region",
        action="append",
        required=True,
        metavar="NAME=PORT",
        help="a region and its port; 0 takes a free one",
    )
    parser.add_argument("--key", default=WELL_KNOWN_KEY, metavar="BASE64", help="master key (the emulators' known one)")
    parser.add_argument("--account", default="local", metavar="NAME", help="the account's id (local)")
    parser.add_argument("--replication-lag-ms", type=int, default=0, metavar="MS", help="between regions (0)")
    parser.add_argument("--enforce-throughput", action="store_true", help="answer 429 beyond a container's RU/s")
    parser.add_argument("--tls", action="store_true", help="https with a certificate of our own; accepts AAD tokens")
    return parser.parse_args(argv)


def _regions(given: list[str]) -> dict[str, int]:
    regions: dict[str, int] = {}
    for text in given:
        name, equals, port = text.rpartition("=")
        if not equals or not name.strip() or not port.isdigit() or int(port) > 65535:
            raise BadSettings(f'--region {text!r}: write it as "West Europe=8081"')
        if name.strip() in regions:
            raise BadSettings(f"the region {name.strip()!r} is given twice")
        regions[name.strip()] = int(port)
    return regions


async def _serve(settings: CosmosSettings) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    server = CosmosServer(settings)
    await server.start()
    regions = json.dumps(server.region_endpoints)
    print(f"ready: {server.endpoint.rstrip('/')} regions {regions}", flush=True)
    try:
        await stopped.wait()
    finally:
        await server.stop()


def main(argv: list[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; 2 when it cannot start."""
    arguments = _arguments(argv)
    try:
        settings = CosmosSettings(
            data=arguments.data,
            regions=_regions(arguments.region),
            global_port=arguments.global_port,
            key=arguments.key,
            account=arguments.account,
            replication_lag_ms=arguments.replication_lag_ms,
            enforce_throughput=arguments.enforce_throughput,
            tls=arguments.tls,
        )
        asyncio.run(_serve(settings))
    except BadSettings as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except sqlite3.Error as error:
        print(f"error: the data folder {arguments.data} cannot be used: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error}. Is the port taken or the data folder {arguments.data} not writable?", file=sys.stderr)
        return 2
    return 0
