"""Whether the process runs: what a liveness probe asks, hence without any dependency."""

import azure.functions as func

health = func.Blueprint()  # type: ignore[no-untyped-call]


@health.function_name("health_live")
@health.route("health/live", methods=["GET", "HEAD"])
async def health_live(req: func.HttpRequest) -> func.HttpResponse:
    """200 while the process runs."""
    return func.HttpResponse(status_code=200, headers={"Cache-Control": "no-store"})
