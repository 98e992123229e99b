"""The host's own endpoints under `/admin`."""

import hmac
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .http_server import HttpRequest, HttpResponse
from .http_trigger import query_values
from .state import HostState
from .worker import Function

type Answer = Callable[[HttpRequest], Awaitable[HttpResponse]]


def json_response(value: object, status: int = 200) -> HttpResponse:
    """A JSON answer made by the host."""
    headers = [("Content-Type", "application/json; charset=utf-8")]
    return HttpResponse(status, headers, json.dumps(value).encode())


@dataclass
class AdminApi:
    """Ping, status, drain, the list of functions and starting one by hand."""

    host_id: str
    state: HostState
    functions: Callable[[], Sequence[Function]]
    outstanding: Callable[[], tuple[int, int]]
    drain: Callable[[], Awaitable[None]]
    run: Callable[[Function, str], bool]
    master_key: str | None = None

    async def answer(self, request: HttpRequest, path: str) -> HttpResponse:
        """Answer a request whose path begins with `/admin`."""
        path = path.rstrip("/").lower()
        if path == "/admin/host/ping":
            return HttpResponse(200)
        if not self._may(request):
            return HttpResponse(401)
        match request.method, path:
            case "GET", "/admin/host/status":
                answer = json_response(self.state.as_json(self.host_id))
            case "GET", "/admin/host/drain/status":
                answer = json_response(self.state.drain_status(*self.outstanding()))
            case "POST", "/admin/host/drain":
                await self.drain()
                answer = HttpResponse(202)
            case "GET", "/admin/functions":
                answer = json_response([_described(function) for function in self.functions()])
            case "POST", text if text.startswith("/admin/functions/"):
                answer = self._run_by_hand(request, text.removeprefix("/admin/functions/"))
            case _:
                answer = HttpResponse(404)
        return answer

    def _may(self, request: HttpRequest) -> bool:
        if self.master_key is None:  # as under Core Tools
            return True
        given = request.header("x-functions-key") or query_values(request.target).get("code") or ""
        return hmac.compare_digest(given.encode(), self.master_key.encode())

    def _run_by_hand(self, request: HttpRequest, name: str) -> HttpResponse:
        function = next((known for known in self.functions() if known.name.lower() == name), None)
        if function is None:
            return HttpResponse(404)
        try:
            document = json.loads(request.body or b"{}")
            text = document.get("input") or ""
        except (ValueError, AttributeError):
            return HttpResponse(400)
        return HttpResponse(202 if self.run(function, str(text)) else 501)


def _described(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        "language": "python",
        "isDisabled": False,
        "config": {"name": function.name, "bindings": [dict(binding) for binding in function.bindings]},
    }
