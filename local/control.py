"""`python -m local status|kill|stop|start|drain`: breaks and mends the running local cloud, over a port of its own."""

import http.client
import json
import sys
import urllib.parse
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from local.regions import ACTIONS, Operator, UnknownTarget
from local.supervisor import ComponentFailed

# A drain waits for the edge and for the queue; the last word comes after the longest of both.
PATIENCE_S = 180


def control_app(operator: Operator) -> web.Application:
    """GET `/_control/components`; POST `/_control/components/{name or region}/{kill, stop, start or drain}`.

    Both answer JSON lines: `{"say": …}` while it goes on, `{"state": {component: state}}` or `{"error": …}` at the end.
    """

    async def show(_: web.Request) -> web.Response:
        return web.Response(text=_line(state=operator.state()), content_type="application/x-ndjson")

    async def act(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await answer.prepare(request)
        async for line in _lines(operator, request.match_info["action"], request.match_info["target"]):
            await answer.write(line.encode())
        return answer

    app = web.Application()
    app.add_routes(
        [
            web.get("/_control/components", show),
            web.post(f"/_control/components/{{target}}/{{action:{'|'.join(ACTIONS)}}}", act),
        ]
    )
    return app


async def _lines(operator: Operator, action: str, target: str) -> AsyncIterator[str]:
    try:
        async for said in operator.act(action, target):
            yield _line(say=said)
        yield _line(state={name: operator.state()[name] for name in operator.matching(target)})
    except (UnknownTarget, ComponentFailed, TimeoutError) as failure:
        yield _line(error=str(failure))


def _line(**members: object) -> str:
    return json.dumps(members) + "\n"


def ask(port: int, action: str, target: str | None) -> dict[str, str]:
    """Carry out one of the commands, printing what it says meanwhile; each component's state.

    Ends the process with 1 when the command fails.
    """
    path = "/_control/components"
    if target is not None:
        path += f"/{urllib.parse.quote(target)}/{action}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET" if target is None else "POST", path)
        answer = connection.getresponse()
        while line := answer.readline():
            read: Mapping[str, object] = json.loads(line)
            if "error" in read:
                sys.exit(str(read["error"]))
            if "say" in read:
                print(f"  {read['say']}", flush=True)
            state = read.get("state")
            if isinstance(state, dict):
                return state
    except (OSError, http.client.HTTPException, json.JSONDecodeError):
        pass
    finally:
        connection.close()
    sys.exit("no local cloud answers here; start it with `make run` (and give the same --port).")


def show(state: Mapping[str, str]) -> None:
    """Print each component's state."""
    for name, one in state.items():
        print(f"{name:<26} {one}")
