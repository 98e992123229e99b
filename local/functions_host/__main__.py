"""`python -m local.functions_host`: run a function app as the Functions host would."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn, TextIO

from .environment import read_local_settings
from .errors import SettingsError
from .host import STOP_TIMEOUT_S, FunctionsHost, HostSettings
from .state import Phase
from .worker import INIT_LIMIT_S


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.functions_host",
        description="Plays the Azure Functions host for HTTP, Event Hubs and timer triggers. Prints one line "
        "'ready: <address>' once functions are loaded and listeners started; logs go to stderr.",
    )
    parser.add_argument("--app", type=Path, required=True, help="folder with function_app.py and host.json")
    parser.add_argument("--port", type=int, help="HTTP port on 127.0.0.1; 0 takes a free one (default: 7071)")
    parser.add_argument("--settings", type=Path, help="local.settings.json to use (default: the app folder's, if any)")
    parser.add_argument("--name", default="", help="name shown before each log line")
    parser.add_argument("--master-key", help="demand this key on /admin (default: open, as under Core Tools)")
    parser.add_argument("--ignore-sigterm", action="store_true", help="do as the real host: stop on SIGINT only")
    parser.add_argument(
        "--stop-timeout", type=float, default=STOP_TIMEOUT_S, help="seconds a stop waits for running functions"
    )
    parser.add_argument(
        "--init-limit",
        type=float,
        default=INIT_LIMIT_S,
        help="seconds the app may take to be imported (default 10, as in Azure)",
    )
    return parser.parse_args()


def _port(arguments: argparse.Namespace) -> int:
    """The port asked for, else the one in local.settings.json, else Core Tools' default."""
    if arguments.port is not None:
        return int(arguments.port)
    file = arguments.settings or arguments.app / "local.settings.json"
    _, host = read_local_settings(file) if file.exists() else ({}, {})
    port = host.get("LocalHttpPort", 7071)
    if not isinstance(port, int):
        raise SettingsError(f"Host.LocalHttpPort in {file} must be a number")
    return port


def _claim_stdout() -> TextIO:
    """Keep stdout for the one line it is meant for; what the app prints goes to stderr."""
    stdout = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return stdout


async def _run(arguments: argparse.Namespace) -> None:
    stdout = _claim_stdout()
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            _leave(130)  # asked twice: wait no longer
        stopping.set()

    loop.add_signal_handler(signal.SIGINT, stop)
    if arguments.ignore_sigterm:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        loop.add_signal_handler(signal.SIGTERM, stop)
    port = _port(arguments)
    settings = HostSettings(
        arguments.app,
        port,
        arguments.name,
        arguments.settings,
        arguments.master_key,
        arguments.stop_timeout,
        arguments.init_limit,
    )
    host = FunctionsHost(settings)
    starting = asyncio.create_task(host.start())
    stop_asked = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, stop_asked}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
    else:
        try:
            bound = await starting
        except OSError as error:
            raise SettingsError(
                f"cannot listen on port {port}: {error.strerror}; choose another with --port"
            ) from error
        host.console.flush()
        if host.state.phase is Phase.ERROR:
            host.console.error(f"answering 503 at http://127.0.0.1:{bound} until restarted with a usable host.json")
        else:
            print(f"ready: http://127.0.0.1:{bound}", file=stdout, flush=True)
    await stop_asked
    await host.stop()
    _leave(0)


def _leave(code: int) -> NoReturn:
    """Exit at once, as the worker process does, which the host kills: functions that still run do not hold it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Run until told to stop."""
    arguments = _arguments()
    # Relative paths on sys.path (the folder `python -m` ran in) must survive the change into the app folder.
    sys.path[:] = [os.path.abspath(entry) if entry else os.getcwd() for entry in sys.path]
    try:
        asyncio.run(_run(arguments))
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        _leave(2)


if __name__ == "__main__":
    main()
