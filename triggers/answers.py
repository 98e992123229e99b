"""The one place where results and errors become HTTP answers."""

import asyncio
import logging
import re
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import wraps
from http import HTTPStatus
from urllib.parse import urlsplit

import azure.functions as func

from domain.errors import (
    CatalogError,
    EventTooLarge,
    InvalidInput,
    KeyReused,
    Overloaded,
    PermanentError,
    PreconditionFailed,
    TransientError,
    UnknownItem,
)
from domain.models import Problem
from wiring import parts

log = logging.getLogger("catalog.api")

type Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_trace: ContextVar[str] = ContextVar("trace")
_SECURITY = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_SERVER = socket.gethostname()


class Refused(PermanentError):
    """A request that is answered before any rule of the catalogue is asked."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


# The first type that fits decides; everything not listed is our own fault and answered 500 without internals.
_STATUS: list[tuple[type[CatalogError], HTTPStatus]] = [
    (InvalidInput, HTTPStatus.BAD_REQUEST),
    (UnknownItem, HTTPStatus.NOT_FOUND),
    (KeyReused, HTTPStatus.CONFLICT),
    (PreconditionFailed, HTTPStatus.PRECONDITION_FAILED),
    (EventTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (Overloaded, HTTPStatus.TOO_MANY_REQUESTS),
    (TransientError, HTTPStatus.SERVICE_UNAVAILABLE),
]


class _InFlight:
    """Requests at work in this process."""

    def __init__(self) -> None:
        self.count = 0


_in_flight = _InFlight()


def answers_errors_as_http(handler: Handler) -> Handler:
    """Give a handler its deadline, its share of the process, and an answer for whatever it raises."""

    @wraps(handler)
    async def answered(req: func.HttpRequest) -> func.HttpResponse:
        trace = trace_of(req)
        _trace.set(trace)
        correlation_id = trace.split("-")[1]
        _in_flight.count += 1
        try:
            response = await _within_limits(handler, req)
        # A cancelled handler that stays cancelled is never answered by the worker: the client would wait for ever.
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - every error has an answer, and only here
            response = _problem(error, req, correlation_id)
        finally:
            _in_flight.count -= 1
        return _with_common_headers(response, trace)

    return answered


async def _within_limits(handler: Handler, req: func.HttpRequest) -> func.HttpResponse:
    settings = parts().settings
    if _in_flight.count > settings.max_requests_in_flight:
        raise Overloaded("Too many requests are at work here.")
    if settings.front_door_id and req.headers.get("x-azure-fdid") != settings.front_door_id:
        raise Refused(HTTPStatus.FORBIDDEN, "Requests come through the front door.")
    async with asyncio.timeout(settings.request_deadline_s):
        return await handler(req)


def trace_of(req: func.HttpRequest) -> str:
    """Our part of the caller's trace, or a trace of our own, as a W3C `traceparent`."""
    match = _TRACEPARENT.fullmatch(req.headers.get("traceparent", ""))
    trace_id = match.group(1) if match else secrets.token_hex(16)
    return f"00-{trace_id}-{secrets.token_hex(8)}-{match.group(3) if match else '01'}"


def current_trace() -> str:
    """The `traceparent` of the request at work; it goes through the queue with the command."""
    return _trace.get()


def _with_common_headers(response: func.HttpResponse, trace: str) -> func.HttpResponse:
    headers = response.headers
    headers["traceparent"] = trace
    headers["X-Correlation-ID"] = trace.split("-")[1]
    headers["X-Server-Name"] = _SERVER
    headers["X-Server-Location"] = parts().settings.region
    headers["api-supported-versions"] = "1.0"
    for name, value in _SECURITY.items():
        headers[name] = value
    if "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store"
    return response


def _problem(error: BaseException, req: func.HttpRequest, correlation_id: str) -> func.HttpResponse:
    status = _status_of(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request %s failed", correlation_id, exc_info=error)
        detail = "Something went wrong on our side; the correlation id finds it in our logs."
    elif isinstance(error, CatalogError):
        detail = str(error)
    else:
        detail = "The deadline of the request has passed."
    fields = error.fields if isinstance(error, InvalidInput) else None
    problem = Problem(
        type=f"/api/docs#{status.value}",
        title=status.phrase,
        status=status.value,
        detail=detail,
        instance=urlsplit(req.url).path[:200],
        correlation_id=correlation_id,
        errors=fields or None,
    )
    headers = {"Retry-After": "1"} if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS} else {}
    return func.HttpResponse(
        problem.as_json(), status_code=status.value, headers=headers, mimetype="application/problem+json"
    )


def _status_of(error: BaseException) -> HTTPStatus:
    if isinstance(error, Refused):
        return error.status
    if isinstance(error, TimeoutError | asyncio.CancelledError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


# For browsers: they may show it for a moment while they ask again. The edge caches no answer of the API.
CACHED = {"Cache-Control": "public, max-age=1, stale-while-revalidate=10"}


def answer(body: str, *, headers: dict[str, str] | None = None, cached: bool = False) -> func.HttpResponse:
    """200 with JSON; `cached` lets browsers show it for a moment while they ask again."""
    all_headers = dict(headers or {})
    if cached:
        all_headers |= CACHED
    return func.HttpResponse(body, status_code=200, headers=all_headers, mimetype="application/json")


def answer_list(resources: list[str], *, next_page: str | None, cached: bool = True) -> func.HttpResponse:
    """200 with an array, and where its next page is."""
    headers = {} if next_page is None else {"Link": f'<{next_page}>; rel="next"'}
    return answer(f"[{','.join(resources)}]", headers=headers, cached=cached)


def accepted(location: str, operation_id: str) -> func.HttpResponse:
    """202: where the resource will be, and where its operation tells what became of it."""
    headers = {
        "Location": location,
        "Operation-Location": f"/api/1.0/operations/{operation_id}",
        "Retry-After": "1",
    }
    return func.HttpResponse(status_code=202, headers=headers)


def not_found() -> UnknownItem:
    """The error of a resource that is not there."""
    return UnknownItem("There is nothing here.")
