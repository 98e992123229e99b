"""`python -m local.eventhubs`: serve an Event Hubs namespace until SIGTERM or SIGINT."""

import argparse
import asyncio
import gc
import logging
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from local.eventhubs.entities import HubSettings
from local.eventhubs.errors import EventHubsError, SettingsError
from local.eventhubs.log import LogLimits
from local.eventhubs.server import EventHubsServer
from local.eventhubs.settings import DEFAULT_KEYS, Settings

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,254}[A-Za-z0-9])?")
_GROUP = re.compile(r"\$Default|[A-Za-z0-9]([A-Za-z0-9._-]{0,48}[A-Za-z0-9])?", re.IGNORECASE)
_MAX_PARTITIONS = 1024


def hub_settings(text: str) -> HubSettings:
    """Read `name=partitions[:group[,group…]]`.

    Raises:
        SettingsError: it does not read so.
    """
    name, _, rest = text.partition("=")
    count, _, groups = rest.partition(":")
    group_names = tuple(group for group in groups.split(",") if group)
    if not _NAME.fullmatch(name) or not count.isdigit() or not 1 <= int(count) <= _MAX_PARTITIONS:
        raise SettingsError(
            f"--hub {text!r}: write name=partitions[:group,group], with 1 to {_MAX_PARTITIONS} partitions"
        )
    for group in group_names:
        if not _GROUP.fullmatch(group):
            raise SettingsError(f"--hub {text!r}: {group!r} cannot be the name of a consumer group")
    return HubSettings(name, int(count), group_names)


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m local.eventhubs", description=__doc__)
    parser.add_argument("--port", type=int, default=5672, help="AMQP port on 127.0.0.1; 0: any free one")
    parser.add_argument("--control-port", type=int, default=5673, help="HTTP port of /_control; 0: any free one")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the logs; made if missing")
    parser.add_argument(
        "--hub",
        action="append",
        required=True,
        metavar="NAME=PARTITIONS[:GROUP,…]",
        help="a hub with its consumer groups; may be repeated; the group $Default always exists",
    )
    parser.add_argument("--retention-hours", type=float, default=168.0, help="how long events are kept")
    parser.add_argument("--retention-bytes", type=int, metavar="N", help="how much each partition keeps at most")
    parser.add_argument(
        "--key",
        action="append",
        metavar="NAME=KEY",
        help="a shared access key; default: RootManageSharedAccessKey=SAS_KEY_VALUE, as the official emulator has it",
    )
    parser.add_argument("--tls-cert", type=Path, metavar="PEM", help="serve TLS with this certificate")
    parser.add_argument("--tls-key", type=Path, metavar="PEM", help="its private key")
    parser.add_argument(
        "--accept-jwt", action="store_true", help="accept JWT by their claims; signatures are not checked"
    )
    parser.add_argument(
        "--idle-timeout-s",
        type=float,
        metavar="N",
        help="close connections that send nothing for so long, as the service does after 240 s; off by default",
    )
    parser.add_argument("--verbose", action="store_true", help="log what connections end of")
    return parser


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings that a command line asks for.

    Raises:
        SettingsError: some part does not read as it should.
    """
    keys = dict(DEFAULT_KEYS) if not options.key else {}
    for pair in options.key or ():
        name, equals, key = pair.partition("=")
        if not name or not equals or not key:
            raise SettingsError(f"--key {pair!r}: write NAME=KEY")
        keys[name] = key
    if options.tls_key is not None and options.tls_cert is None:
        raise SettingsError("--tls-key needs --tls-cert")
    for name, value in (("retention-hours", options.retention_hours), ("retention-bytes", options.retention_bytes)):
        if value is not None and value <= 0:
            raise SettingsError(f"--{name} must be more than 0")
    hubs = tuple(hub_settings(text) for text in options.hub)
    if len({hub.name.lower() for hub in hubs}) != len(hubs):
        raise SettingsError("two hubs have the same name")
    return Settings(
        data=options.data,
        hubs=hubs,
        port=options.port,
        control_port=options.control_port,
        keys=keys,
        limits=_limits(options),
        tls_cert=options.tls_cert,
        tls_key=options.tls_key,
        accept_jwt=options.accept_jwt,
        idle_timeout_s=options.idle_timeout_s,
    )


def _limits(options: argparse.Namespace) -> LogLimits:
    limits = LogLimits(int(options.retention_hours * 3_600_000), options.retention_bytes)
    if options.retention_bytes is None:
        return limits
    # retention drops whole segments, so they must be small beside what is kept
    segment_bytes = max(64 * 1024, min(limits.segment_bytes, options.retention_bytes // 8))
    return LogLimits(limits.retention_ms, options.retention_bytes, segment_bytes)


async def serve(settings: Settings) -> None:
    """Serve until a signal comes."""
    server = EventHubsServer(settings)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await server.start()
    gc.freeze()  # what lives as long as the process need not be looked at again
    gc.set_threshold(20_000)
    print(f"ready: {server.address} control {server.control_url}", flush=True)
    await stopped.wait()
    await server.stop()


def main(args: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    options = arguments().parse_args(args)
    level = logging.INFO if options.verbose else logging.WARNING
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    try:
        asyncio.run(serve(settings_of(options)))
    except EventHubsError as error:
        print(f"local.eventhubs: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
