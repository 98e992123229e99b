"""The edge against haproxy: what each costs a request, and what is lost when one of two origins is killed.

`python -m benchmarks.edge` needs `haproxy` and `wrk` on PATH (Debian has both). Two small origins answer behind each
edge in turn, with the same probes; in the second half one origin is killed with -9 and comes back.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.processes import StandIn, free_port, python, start

ORIGIN = """
import asyncio, sys
from aiohttp import web
async def answer(request):
    await request.read()
    return web.Response(status=200, text="x" * 400, content_type="application/json")
app = web.Application()
app.router.add_route("*", "/{path:.*}", answer)
async def main():
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1])).start()
    print("ready:", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
DESCRIPTION = """{"originResponseTimeoutSeconds": 16, "stampRoutes": [],
 "originGroups": [{"name": "api", "origins": "gateway",
  "loadBalancingSettings": {"sampleSize": 3, "successfulSamplesRequired": 2, "additionalLatencyInMilliseconds": 1000},
  "healthProbeSettings": {"probePath": "/health", "probeRequestType": "HEAD", "probeIntervalInSeconds": 1}}],
 "routes": [{"name": "api", "patternsToMatch": ["/*"], "originGroup": "api"}]}"""
HAPROXY = """
defaults
  mode http
  timeout connect 500ms
  timeout client 30s
  timeout server 16s
  timeout check 500ms
  option redispatch 1
  retries 3
  retry-on conn-failure empty-response response-timeout
  default-server inter 1s fall 2 rise 2
frontend edge
  bind 127.0.0.1:{port}
  http-request set-header X-Azure-FDID 00000000-0000-0000-0000-000000000000
  http-request disable-l7-retry if METH_POST
  default_backend origins
backend origins
  balance roundrobin
  option httpchk
  http-check send meth HEAD uri /health hdr Host x
  http-check expect status 200
  server a 127.0.0.1:{first}
  server b 127.0.0.1:{second}
"""
POST = 'wrk.method = "POST"\nwrk.body = string.rep("x", 200)\n'


def origin(folder: Path, port: int) -> StandIn:
    (folder / "origin.py").write_text(ORIGIN)
    return start([sys.executable, str(folder / "origin.py"), str(port)], folder / "origin.log")


def our_edge(folder: Path, port: int, origins: Sequence[int]) -> Callable[[], None]:
    (folder / "front-door.json").write_text(DESCRIPTION)
    options = [f"--origin=gateway:o{one}=http://127.0.0.1:{one}" for one in origins]
    command = python("local.edge", "--description", str(folder / "front-door.json"), "--port", str(port), *options)
    return start([*command, "--front-door-id", "x"], folder / "edge.log").stop


def haproxy(folder: Path, port: int, origins: Sequence[int]) -> Callable[[], None]:
    (folder / "haproxy.cfg").write_text(HAPROXY.format(port=port, first=origins[0], second=origins[1]))
    process = subprocess.Popen(["haproxy", "-f", str(folder / "haproxy.cfg")], stderr=subprocess.DEVNULL)
    time.sleep(2)

    def stop() -> None:
        process.terminate()
        process.wait()

    return stop


def load(url: str, seconds: int, script: Path | None) -> tuple[int, int]:
    """Requests answered, and requests that failed: not 200, or a broken connection."""
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", *(["-s", str(script)] if script else []), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    answered = re.search(r"(\d+) requests in", said)
    assert answered is not None, said
    others = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    failed = int(others[1]) if others else 0
    return int(answered[1]), failed + (sum(map(int, broken.groups())) if broken else 0)


def measure(name: str, begin: Callable[[Path, int, Sequence[int]], Callable[[], None]], folder: Path, s: int) -> float:
    ports = [free_port(), free_port()]
    origins = [origin(folder, port) for port in ports]
    port = free_port()
    stop = begin(folder, port, ports)
    (folder / "post.lua").write_text(POST)
    try:
        url = f"http://127.0.0.1:{port}/x"
        per_second = load(url, s, None)[0] / s
        row = [f"{name:<10}{per_second:10.0f}"]
        for script in (None, folder / "post.lua"):

            def kill_and_return() -> None:
                time.sleep(s / 4)
                origins[0].process.kill()
                time.sleep(s / 4)
                origins[0] = origin(folder, ports[0])

            fate = threading.Thread(target=kill_and_return)
            fate.start()
            answered, failed = load(url, s, script)
            fate.join()
            row.append(f"{failed:>8} of {answered:<8}")
        print("".join(row), flush=True)
    finally:
        stop()
        for one in origins:
            one.stop()
    return per_second


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.edge", description=__doc__)
    parser.add_argument("--seconds", type=int, default=8)
    arguments = parser.parse_args()
    missing = [program for program in ("haproxy", "wrk") if shutil.which(program) is None]
    if missing:
        sys.exit(f"not on PATH: {', '.join(missing)}")
    print(f"{'':<10}{'GET/s':>10}{'GETs failed (kill -9)':>20}{'POSTs failed (kill -9)':>22}")
    with tempfile.TemporaryDirectory() as folder:
        best = measure("haproxy", haproxy, Path(folder), arguments.seconds)
        ours = measure("local.edge", our_edge, Path(folder), arguments.seconds)
    print(f"haproxy : local.edge = {best / ours:.1f} : 1")


if __name__ == "__main__":
    main()
