"""`python -m local status|kill|stop|start`: breaks and mends the running local cloud, over a port of its own."""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request

from aiohttp import web

from local.supervisor import ComponentFailed, Supervisor

ACTIONS = ("kill", "stop", "start")


def control_app(supervisor: Supervisor) -> web.Application:
    """GET `/_control/components`; POST `/_control/components/{name or region}/{kill, stop or start}`."""

    async def show(_: web.Request) -> web.Response:
        return web.json_response(supervisor.state())

    async def act(request: web.Request) -> web.Response:
        names = supervisor.matching(request.match_info["target"])
        if not names:
            known = ", ".join(supervisor.state())
            return web.json_response({"error": f"no such component or region; there are {known}"}, status=404)
        action = request.match_info["action"]
        try:
            # Down in the reverse order of start, as a stop of the whole does.
            for name in names if action == "start" else reversed(names):
                if action == "start":
                    await supervisor.restart(name)
                else:
                    await supervisor.stop(name, kill=action == "kill")
        except ComponentFailed as failure:
            return web.json_response({"error": str(failure)}, status=500)
        return web.json_response({name: supervisor.state()[name] for name in names})

    app = web.Application()
    app.add_routes(
        [
            web.get("/_control/components", show),
            web.post(f"/_control/components/{{target}}/{{action:{'|'.join(ACTIONS)}}}", act),
        ]
    )
    return app


def ask(port: int, action: str, target: str | None) -> None:
    """Carry out one of the commands and print each component's state; ends the process with 1 when it fails."""
    path = "/_control/components"
    if target is not None:
        path += f"/{urllib.parse.quote(target)}/{action}"
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method="GET" if target is None else "POST")
    try:
        with urllib.request.urlopen(request, timeout=90) as answer:  # noqa: S310 - our own address
            state: dict[str, str] = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        sys.exit(json.loads(error.read()).get("error", str(error)))
    except (urllib.error.URLError, TimeoutError):
        sys.exit("no local cloud answers here; start it with `make run` (and give the same --port).")
    for name, one in state.items():
        print(f"{name:<26} {one}")
