"""The protocol's paths: what a request asks for, who may ask it, and who answers."""

import asyncio
import sqlite3
import uuid
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import unquote_to_bytes

from local.cosmos import auth, batch, change_feed, containers, items, queries
from local.cosmos.account import Account, Region
from local.cosmos.calls import Call, error_response
from local.cosmos.errors import CosmosError, bad_request, not_found, not_implemented, storage_failed, too_large
from local.cosmos.http import Answer, Handled, HttpError, Request, Reset, Response, Silence
from local.faults import FaultRule

Handler = Callable[[Call], Response | Coroutine[Any, Any, Response]]

_HANDLERS: dict[tuple[str, str], Handler] = {
    ("database", "create"): containers.create_database,
    ("database", "list"): containers.list_databases,
    ("database", "query"): containers.list_databases,
    ("database", "read"): containers.read_database,
    ("database", "delete"): containers.delete_database,
    ("container", "create"): containers.create_container,
    ("container", "list"): containers.list_containers,
    ("container", "query"): containers.list_containers,
    ("container", "read"): containers.read_container,
    ("container", "replace"): containers.replace_container,
    ("container", "delete"): containers.delete_container,
    ("offer", "list"): containers.list_offers,
    ("offer", "query"): containers.list_offers,
    ("offer", "read"): containers.read_offer,
    ("offer", "replace"): containers.replace_offer,
    ("pkrange", "list"): containers.partition_ranges,
    ("document", "create"): items.create,
    ("document", "upsert"): items.create,
    ("document", "read"): items.read,
    ("document", "replace"): items.replace,
    ("document", "delete"): items.delete,
    ("document", "patch"): items.patch_item,
    ("document", "batch"): batch.batch,
    ("document", "query"): queries.query,
    ("document", "plan"): queries.query_plan,
    ("document", "list"): queries.read_feed,
    ("document", "changes"): change_feed.change_feed,
    ("document", "delete-by-key"): queries.delete_by_key,
}
OPERATIONS = frozenset(operation for _, operation in _HANDLERS) | {"account"}
_READS = frozenset(("read", "list", "query", "plan", "changes"))
_RESOURCES = {"dbs": "database", "colls": "container", "docs": "document", "pkranges": "pkrange", "offers": "offer"}
_MISSING = frozenset(
    ("sprocs", "triggers", "udfs", "users", "permissions", "conflicts", "attachments", "clientencryptionkeys", "udts")
)
_PARENTS = {"dbs": None, "colls": "dbs", "docs": "colls", "pkranges": "colls", "offers": None}
_BY_METHOD = {"GET": "read", "PUT": "replace", "DELETE": "delete", "PATCH": "patch"}


def segments_of(path: str) -> list[str]:
    """The decoded segments of a raw path. Raises 400 for a path that is none."""
    if not path.startswith("/"):
        raise bad_request("The path does not begin with '/'.")
    stripped = path.strip("/")
    if not stripped:
        return []
    segments = stripped.split("/")
    if "%" in stripped or not stripped.isascii():
        try:
            segments = [unquote_to_bytes(part.encode("latin-1")).decode() for part in segments]
        except UnicodeDecodeError as error:
            raise bad_request("The path is not UTF-8.") from error
    if "" in segments or "." in segments or ".." in segments:
        raise bad_request("The path has an empty or relative segment.")
    return segments


def classify(request: Request, segments: list[str]) -> tuple[str, str]:
    """(resource, operation) of a request. Raises 400, 404, 405, 501."""
    method = request.method
    if not segments:
        if method not in ("GET", "HEAD"):
            raise CosmosError(405, "The account itself can only be read.")
        return "account", "read"
    if segments[-2:] == ["operations", "partitionkeydelete"] and len(segments) == 6:
        if method != "POST":
            raise CosmosError(405, "The requested verb is not supported.")
        return "document", "delete-by-key"
    feed = len(segments) % 2 == 1
    types = segments[0::2]
    for kind, parent in zip(types, [None, *types], strict=False):
        if kind in _MISSING:
            raise not_implemented(f"The resource type {kind}")
        if kind not in _RESOURCES or _PARENTS[kind] != parent:
            raise not_found("The requested path does not exist.")
    resource = _RESOURCES[types[-1]]
    operation = _feed_operation(request) if feed else _BY_METHOD.get(method)
    if operation is None or (resource, operation) not in _HANDLERS:
        raise CosmosError(405, "The requested verb is not supported.")
    return resource, operation


def _feed_operation(request: Request) -> str | None:
    headers = request.headers
    if request.method == "GET":
        return "changes" if "a-im" in headers and "/pkranges" not in request.path else "list"
    if request.method != "POST":
        return None
    if headers.get("x-ms-cosmos-is-batch-request", "").lower() == "true":
        return "batch"
    if headers.get("x-ms-cosmos-is-query-plan-request", "").lower() == "true":
        return "plan"
    if (
        headers.get("x-ms-documentdb-isquery", "").lower() == "true"
        or headers.get("x-ms-documentdb-query", "").lower() == "true"
        or headers.get("content-type", "").lower().startswith("application/query+json")
    ):
        return "query"
    return "upsert" if headers.get("x-ms-documentdb-is-upsert", "").lower() == "true" else "create"


class RegionApp:
    """What answers on one region's port; the global port answers with the first region."""

    def __init__(
        self,
        account: Account,
        name: str,
        region: Callable[[], Region],
        control: Callable[[], asyncio.Protocol | None] = lambda: None,
    ) -> None:
        self._account = account
        self._name = name  # what fault rules call it: the region, or "global"
        self._region = region
        self._control = control

    def takes_over(self, _: bytes) -> asyncio.Protocol | None:
        """The control API's protocol, on the port that has it."""
        return self._control()

    def handle(self, request: Request) -> Handled:
        """Answer one request."""
        if request.too_large:
            raise too_large()
        segments = segments_of(request.path)
        resource, operation = classify(request, segments)
        region = self._region()
        call = Call(self._account, region, request, segments, resource, operation)
        if self._account.faults_on:
            rule = self._fault(call)
            if rule is not None:
                return self._disturbed(call, rule)
        return self._answer(call)

    def failed(self, request: Request | None, error: Exception) -> Response:
        """The JSON answer for an error."""
        activity_id = str(uuid.uuid4())
        uri = ""
        if request is not None:
            activity_id = request.headers.get("x-ms-activity-id", activity_id)
            uri = request.path
        if isinstance(error, HttpError):
            error = CosmosError(error.status, str(error))
        elif isinstance(error, sqlite3.Error):
            error = storage_failed(error)
        elif not isinstance(error, CosmosError):
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"a request to {uri} failed", "exception": error}
            )
            error = CosmosError(500, "The stand-in failed; its log on stderr says how.")
        return error_response(error, activity_id, uri)

    def _answer(self, call: Call) -> Response | Coroutine[Any, Any, Response]:
        account = self._account
        auth.check(call.request, call.segments, account.settings.key_bytes, accept_tokens=account.settings.tls)
        if call.resource == "account":
            return call.plain(200, account.document_body())
        if not call.region.member:
            # SDKs read the account again and go elsewhere: 3 for writes, 1008 for reads.
            substatus = 1008 if call.operation in _READS else 3
            raise CosmosError(403, "The requested operation cannot be performed at this region", substatus)
        if call.resource == "document":
            self._check_container(call)
        answer = _HANDLERS[(call.resource, call.operation)](call)
        if account.enforce_throughput and call.resource == "document" and isinstance(answer, Response):
            account.spend(call.region, call.container, call.charge)
        return answer

    def _check_container(self, call: Call) -> None:
        intended = call.request.headers.get("x-ms-cosmos-intended-collection-rid")
        container = call.container
        call.by_rid = call.segments[3] != container.id
        if intended is not None and intended != container.rid:
            raise CosmosError(400, "The container was deleted and made again under this name.", 1024)
        if self._account.enforce_throughput:
            self._account.check_budget(call.region, container)

    # ---- faults

    def _fault(self, call: Call) -> FaultRule | None:
        facts = {"region": self._name, "resource": call.resource, "operation": call.operation}
        for name, place in (("database", 1), ("container", 3), ("id", 5)):
            if len(call.segments) > place:
                facts[name] = call.segments[place]
        names = ("status", "delay", "silence", "silence-after", "reset", "reset-after", "truncate")
        return self._account.faults.take(names, **facts)

    def _disturbed(self, call: Call, rule: FaultRule) -> Handled:
        args = rule.args
        match rule.fault:
            case "silence":
                return Silence()
            case "reset":
                return Reset()
            case "status":
                if not isinstance(args.get("status"), int):
                    raise CosmosError(500, "The rule of fault 'status' has no number in args.status.")
                headers = {}
                if "retryAfterMs" in args:
                    headers["x-ms-retry-after-ms"] = str(args["retryAfterMs"])
                message = "This answer was asked for under /_control/faults."
                raise CosmosError(int(args["status"]), message, int(args.get("substatus", 0)), headers=headers)
            case _:
                return self._late(call, rule)

    async def _late(self, call: Call, rule: FaultRule) -> Answer:
        """Faults that begin with the real work: the answer is late, lost or cut."""
        if rule.fault == "delay":
            if not isinstance(rule.args.get("ms"), int | float):
                raise CosmosError(500, "The rule of fault 'delay' has no number in args.ms.")
            await asyncio.sleep(rule.args["ms"] / 1000)
        try:
            answer = self._answer(call)
            response = await answer if asyncio.iscoroutine(answer) else answer
            if response.after is not None:
                await call.store.group.durable()
                response.after = None
        except CosmosError as error:
            response = self.failed(call.request, error)
        if rule.fault == "silence-after":
            return Silence()
        if rule.fault == "reset-after":
            return Reset()
        response.truncate = rule.fault == "truncate"
        return response
