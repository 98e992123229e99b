"""`/_control` on the global port: faults, regions, replication, and what the account looks like inside."""

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.faults import UnknownFault, fault_routes

if TYPE_CHECKING:
    from local.cosmos.server import CosmosServer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        return web.json_response({"error": error.reason}, status=error.status)
    except (UnknownFault, KeyError, ValueError, TypeError, AttributeError) as error:
        return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)


def control_app(server: "CosmosServer") -> web.Application:
    """The aiohttp application behind `/_control`."""
    app = web.Application(middlewares=[_errors_as_json])
    app.add_routes(fault_routes(server.account.faults, server.faults_changed))
    api = _Api(server)
    app.add_routes(
        [
            web.get("/_control/state", api.state),
            web.post("/_control/regions/{region}/{action}", api.region),
            web.post("/_control/partition", api.partition),
            web.post("/_control/heal", api.heal),
            web.post("/_control/replication", api.replication),
            web.post("/_control/throughput", api.throughput),
            web.post("/_control/undo", api.undo),
            web.post("/_control/reset", api.reset),
        ]
    )
    return app


class _Api:
    def __init__(self, server: "CosmosServer") -> None:
        self._server = server

    async def state(self, _: web.Request) -> web.Response:
        """Regions, LSNs, pending replication, document counts, faults."""
        return web.json_response(self._server.describe())

    async def region(self, request: web.Request) -> web.Response:
        """down, up, remove, return."""
        region = self._server.account.region_named(request.match_info["region"])
        action = request.match_info["action"]
        if action in ("down", "up"):
            region.down = action == "down"
            await self._server.apply_listeners()
            self._server.replication.change(self._server.replication.links, lambda _: None)
        elif action in ("remove", "return"):
            region.member = action == "return"
        else:
            raise UnknownFault(f"a region can go down, up, remove, return; not {action!r}")
        return web.json_response(self._server.describe())

    async def partition(self, request: web.Request) -> web.Response:
        """Cut replication between two regions."""
        return await self._set_partition(request, partitioned=True)

    async def heal(self, request: web.Request) -> web.Response:
        """Mend one cut, or all."""
        return await self._set_partition(request, partitioned=False)

    async def _set_partition(self, request: web.Request, *, partitioned: bool) -> web.Response:
        body = await _body(request, {"regions"})
        links = self._server.replication.links
        if "regions" in body:
            names = [self._server.account.region_named(name).name for name in body["regions"]]
            if len(names) != 2 or names[0] == names[1]:
                raise UnknownFault("regions: name two")
            links = self._server.replication.between(names[0], names[1])
        self._server.replication.change(links, lambda link: setattr(link, "partitioned", partitioned))
        return web.json_response(self._server.describe())

    async def replication(self, request: web.Request) -> web.Response:
        """The lag, of all links or of those from one region, to one region."""
        body = await _body(request, {"lagMs", "from", "to"})
        lag = body["lagMs"]
        if isinstance(lag, bool) or not isinstance(lag, int) or lag < 0:
            raise UnknownFault("lagMs is a whole number of milliseconds, 0 or more")
        account = self._server.account
        source = account.region_named(body["from"]).name if "from" in body else None
        target = account.region_named(body["to"]).name if "to" in body else None
        links = [
            link
            for link in self._server.replication.links
            if source in (None, link.source.name) and target in (None, link.target.name)
        ]
        self._server.replication.change(links, lambda link: setattr(link, "lag_ms", lag))
        return web.json_response(self._server.describe())

    async def throughput(self, request: web.Request) -> web.Response:
        """Switch the enforcement of provisioned throughput on or off."""
        body = await _body(request, {"enforce"})
        self._server.account.enforce_throughput = bool(body["enforce"])
        return web.json_response({"enforce": self._server.account.enforce_throughput})

    async def undo(self, _: web.Request) -> web.Response:
        """No faults, cuts, lags or absent regions any more; documents stay."""
        await self._server.undo()
        return web.Response(status=204)

    async def reset(self, _: web.Request) -> web.Response:
        """An empty account as after its first start; faults, cuts and lags are gone too."""
        await self._server.reset()
        return web.Response(status=204)


async def _body(request: web.Request, known: set[str]) -> dict[str, Any]:
    data = await request.read()
    body = json.loads(data) if data else {}
    if not isinstance(body, dict):
        raise UnknownFault("the body is a JSON object")
    unknown = set(body) - known
    if unknown:
        raise UnknownFault(f"no such member: {', '.join(sorted(unknown))}")
    return body
