"""HTTP functions that show what the host hands over and what it makes of answers."""

import asyncio
import json
import logging
import threading
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
_flaky_ids: list[str] = []

logging.info("line at import")
print("printed at import")


def _json(value: object, status: int = 200) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(value), status_code=status, mimetype="application/json")


@app.function_name("echo")
@app.route("echo/{*rest}", methods=["GET", "POST", "HEAD"])
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    """Everything the function sees of its request."""
    return _json(
        {
            "method": req.method,
            "url": req.url,
            "headers": dict(req.headers),
            "params": dict(req.params),
            "route": dict(req.route_params),
            "body": req.get_body().decode("latin-1"),
        }
    )


@app.function_name("only_get")
@app.route("hello", methods=["GET"])
async def only_get(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("hello")


@app.function_name("a_param")
@app.route("same/{id}")
async def a_param(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("a_param " + req.route_params["id"])


@app.function_name("b_literal")
@app.route("same/search")
async def b_literal(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("b_literal")


@app.function_name("c_literal")
@app.route("other/search")
async def c_literal(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("c_literal")


@app.function_name("d_param")
@app.route("other/{id}")
async def d_param(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("d_param " + req.route_params["id"])


@app.function_name("by_guid")
@app.route("items/{item_id:guid}")
async def by_guid(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("by_guid")


@app.function_name("by_name")
@app.route("items/{name}")
async def by_name(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("by_name " + req.route_params["name"])


@app.function_name("status")
@app.route("status/{code:int}")
async def status(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("some body", status_code=int(req.route_params["code"]))


@app.function_name("raises")
@app.route("raises")
async def raises(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("secret detail")


@app.function_name("none")
@app.route("none")
async def none(req: func.HttpRequest):  # type: ignore[no-untyped-def]  # the worker refuses -> None
    return None


@app.function_name("number")
@app.route("number")
async def number(req: func.HttpRequest):  # type: ignore[no-untyped-def]  # the worker refuses -> int
    return 7


@app.function_name("text")
@app.route("text")
async def text(req: func.HttpRequest) -> str:
    return "plain words"


@app.function_name("cookies")
@app.route("cookies")
async def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("x", headers={"X-One": "1"})
    response.headers.add("Set-Cookie", "a=1; Path=/")
    response.headers.add("Set-Cookie", "b=2; HttpOnly")
    return response


@app.function_name("slow")
@app.route("slow")
async def slow(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(float(req.params.get("s", "1")))
    return func.HttpResponse("slow")


@app.function_name("slow_sync")
@app.route("slow_sync")
def slow_sync(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(float(req.params.get("s", "1")))
    return func.HttpResponse("slow_sync")


@app.function_name("cancelled")
@app.route("cancelled")
async def cancelled(req: func.HttpRequest) -> func.HttpResponse:
    raise asyncio.CancelledError


@app.function_name("leaves")
@app.route("leaves")
async def leaves(req: func.HttpRequest) -> func.HttpResponse:
    raise SystemExit(3)


@app.function_name("leaves_sync")
@app.route("leaves_sync")
def leaves_sync(req: func.HttpRequest) -> func.HttpResponse:
    raise SystemExit(3)


@app.function_name("flaky")
@app.route("flaky")
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
async def flaky(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Fails twice, then shows the attempt it was."""
    _flaky_ids.append(context.invocation_id)
    if context.retry_context.retry_count < 2:
        raise RuntimeError("not yet")
    return _json(
        {
            "ids": _flaky_ids,
            "retry_count": context.retry_context.retry_count,
            "max_retry_count": context.retry_context.max_retry_count,
        }
    )


@app.function_name("logs")
@app.route("logs")
async def logs(req: func.HttpRequest) -> func.HttpResponse:
    """Lines of every kind: kept, and lost by the real host."""
    logging.info("line in the function")
    await asyncio.create_task(_log("line in a task"))
    await asyncio.to_thread(logging.info, "line in to_thread")
    thread = threading.Thread(target=logging.info, args=("line in a thread",))
    thread.start()
    await asyncio.to_thread(thread.join)
    asyncio.get_running_loop().create_task(_log("line after the answer", 0.2))
    return func.HttpResponse("logged")


async def _log(text: str, delay_s: float = 0.0) -> None:
    await asyncio.sleep(delay_s)
    logging.info(text)


@app.function_name("trace")
@app.route("trace")
async def trace(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return func.HttpResponse(context.trace_context.trace_parent)
