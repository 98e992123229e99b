"""The one FunctionApp: start reading here. Which functions a process runs is chosen by its settings, not here."""

import logging

import azure.functions as func

from triggers.api import api
from triggers.health import health
from triggers.processor import processor
from triggers.timers import timers

# At INFO the SDKs write several lines a call, each of which costs as much as the call's own logic.
logging.getLogger("azure").setLevel(logging.WARNING)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(api)
app.register_functions(health)
app.register_functions(processor)
app.register_functions(timers)
