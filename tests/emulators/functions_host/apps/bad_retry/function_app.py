"""A retry policy whose delay is no HH:MM:SS."""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("fine")
@app.retry(strategy="fixed_delay", max_retry_count="1", delay_interval="5 s")
async def fine(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("never loaded")
