"""`list[...]` instead of `typing.List[...]`: the worker refuses the whole app."""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("fine")
async def fine(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("never loaded")


@app.event_hub_message_trigger(arg_name="events", connection="X", event_hub_name="x", cardinality=func.Cardinality.MANY)
async def ingest(events: list[func.EventHubEvent]) -> None:
    """Never loaded."""
