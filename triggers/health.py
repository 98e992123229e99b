"""What probes ask. None of it waits: `/health/stamp` and `/health/ready` answer from the monitor's last report."""

import json
from http import HTTPStatus

import azure.functions as func

from wiring import parts

health = func.Blueprint()  # type: ignore[no-untyped-call]


@health.function_name("health_live")
@health.route("health/live", methods=["GET", "HEAD"])
async def health_live(req: func.HttpRequest) -> func.HttpResponse:
    """200 while the process runs; without any dependency, or a database outage would restart every pod."""
    return _answer(HTTPStatus.OK, None)


@health.function_name("health_stamp")
@health.route("health/stamp", methods=["GET", "HEAD"])
async def health_stamp(req: func.HttpRequest) -> func.HttpResponse:
    """200 while the stamp belongs into rotation, 503 when not, or when nobody could look lately."""
    monitor = parts().monitor
    monitor.start()
    report = monitor.report()
    if report is None:
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "unknown", "region": monitor.region})
    return _answer(HTTPStatus.OK if report.serves else HTTPStatus.SERVICE_UNAVAILABLE, report.as_json())


@health.function_name("health_ready")
@health.route("health/ready", methods=["GET", "HEAD"])
async def health_ready(req: func.HttpRequest) -> func.HttpResponse:
    """200 once the clients are warmed up: a first report is there, which went through all of them."""
    monitor = parts().monitor
    monitor.start()
    return _answer(HTTPStatus.OK if monitor.report() else HTTPStatus.SERVICE_UNAVAILABLE, None)


def _answer(status: HTTPStatus, body: dict[str, object] | None) -> func.HttpResponse:
    return func.HttpResponse(
        None if body is None else json.dumps(body),
        status_code=status.value,
        headers={"Cache-Control": "no-store"},
        mimetype="application/json",
    )
