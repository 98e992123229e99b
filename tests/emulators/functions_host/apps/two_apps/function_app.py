"""Two apps in one module."""

import azure.functions as func

app = func.FunctionApp()
another = func.FunctionApp()
