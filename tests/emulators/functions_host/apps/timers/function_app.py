"""Timers that record when they fire."""

import json
import os
from pathlib import Path

import azure.functions as func

app = func.FunctionApp()
CONTROL = Path(os.environ["CONTROL"])


def _record(name: str, timer: func.TimerRequest) -> None:
    line = json.dumps({"name": name, "pid": os.getpid(), "past_due": timer.past_due}) + "\n"
    file = os.open(CONTROL / "record.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)


@app.timer_trigger(schedule="* * * * * *", arg_name="timer")
async def every_second(timer: func.TimerRequest) -> None:
    _record("every_second", timer)


@app.timer_trigger(schedule="%NIGHTLY%", arg_name="timer", run_on_startup=False, use_monitor=True)
async def nightly(timer: func.TimerRequest) -> None:
    _record("nightly", timer)


@app.timer_trigger(schedule="0 0 4 * * *", arg_name="timer", run_on_startup=True)
def on_startup(timer: func.TimerRequest) -> None:
    _record("on_startup", timer)
