"""`python -m local.edge`: the front door of the local cloud."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from aiohttp import web

from local.edge.proxy import MAX_BODY_BYTES, Proxy
from local.edge.site import site_handler


def main() -> None:
    """Read the arguments and serve until a signal."""
    parser = argparse.ArgumentParser(prog="python -m local.edge", description="One address for the page and the API.")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--site", type=Path, required=True, help="folder with the built page")
    parser.add_argument("--origin", action="append", required=True, help="address of an API host; repeat for more")
    parser.add_argument("--images", required=True, help="address of the container with the items' images")
    parser.add_argument("--front-door-id", required=True, help="sent to origins as X-Azure-FDID")
    arguments = parser.parse_args()
    if not (arguments.site / "index.html").is_file():
        parser.error(f"no page in {arguments.site}: build it with `make web`")
    try:
        asyncio.run(serve(arguments))
    except OSError as error:
        sys.exit(f"cannot listen on 127.0.0.1:{arguments.port}: {error.strerror}. Choose another with --port.")


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM."""
    proxy = Proxy(arguments.origin, arguments.images, arguments.front_door_id)
    await proxy.open()
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    for prefix in ("/api", "/health"):
        app.router.add_route("*", prefix + "/{path:[\\s\\S]*}", proxy.forward)
    app.router.add_get("/images/{path:[0-9a-f-]{36}}", proxy.image)  # and HEAD, which probes ask with
    app.router.add_get("/{path:[\\s\\S]*}", site_handler(arguments.site))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", arguments.port, backlog=1024).start()
        print(f"ready: http://127.0.0.1:{arguments.port}", flush=True)
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()
    finally:
        await runner.cleanup()
        await proxy.close()


if __name__ == "__main__":
    main()
