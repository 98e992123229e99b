"""The host process: its settings, its limits, what it refuses, how it stops."""

import json
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .conftest import Host, StartHost
from .processes import APPS, Process, python_module, run, wait_until

NOT_RUNNING = b"Function host is not running."


def _app(tmp_path: Path, name: str, host_json: object) -> Path:
    folder = tmp_path / name
    shutil.copytree(APPS / name, folder)
    text = host_json if isinstance(host_json, str) else json.dumps(host_json)
    (folder / "host.json").write_text(text)
    return folder


def _app_of(folder: Path, code: str, host_json: object = None) -> Path:
    (folder / "function_app.py").write_text(code)
    (folder / "host.json").write_text(json.dumps(host_json or {"version": "2.0"}))
    return folder


def test_requests_over_the_limits_are_429(start_host: StartHost) -> None:
    """Two run, two more wait, the rest is turned away at once."""
    host = start_host(
        "http",
        AzureFunctionsJobHost__extensions__http__maxConcurrentRequests="2",
        AzureFunctionsJobHost__extensions__http__maxOutstandingRequests="4",
    )

    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(host.call, "/api/slow?s=0.5") for _ in range(8)]
        answers = [call.result() for call in calls]

    assert sorted(answer.status for answer in answers) == [200] * 4 + [429] * 4
    assert host.call("/api/hello").status == 200


def test_function_timeout_ends_calls_also_those_never_answered(start_host: StartHost) -> None:
    """A CancelledError that leaves a function is never answered: the call hangs until the time-out."""
    host = start_host("http", AzureFunctionsJobHost__functionTimeout="00:00:01")

    with ThreadPoolExecutor(3) as pool:
        paths = ["/api/slow?s=30", "/api/cancelled", "/api/slow_sync?s=2"]
        answers = list(pool.map(host.call, paths))

    assert [answer.status for answer in answers] == [500, 500, 500]
    wait_until(lambda: "Timeout value of 1 s exceeded by function: 'Functions.cancelled'" in host.process.log)
    assert host.call("/api/hello").status == 200


@pytest.mark.parametrize(
    ("host_json", "reason"),
    [
        ("{ broken", "Unable to parse host configuration file"),
        ({}, "missing the required 'version' property"),
        ({"version": "2.0", "functionTimeout": "soon"}, "functionTimeout: 'soon' is no time span"),
        (
            {"version": "2.0", "extensions": {"eventHubs": {"transportType": "amqpWebSockets"}}},
            "extensions.eventHubs.transportType is not supported",
        ),
    ],
)
def test_a_broken_host_json_leaves_the_process_answering_503(
    start_host: StartHost, tmp_path: Path, free_port: int, host_json: object, reason: str
) -> None:
    host = start_host(_app(tmp_path, "http", host_json), ready=False, port=free_port)
    wait_until(lambda: "answering 503" in host.process.log)

    for path in ("/", "/api/hello", "/nowhere"):
        answer = host.call(path)
        assert (answer.status, answer.body) == (503, NOT_RUNNING)
    assert host.call("/admin/host/ping").status == 200
    status = host.call("/admin/host/status").json()
    assert status["state"] == "Error"
    assert reason in status["errors"][0]
    assert host.process.out == []
    assert host.process.stop() == 0


def test_a_syntax_error_leaves_the_host_without_functions(start_host: StartHost, tmp_path: Path) -> None:
    host = start_host(_app_of(tmp_path, "import azure.functions as func\napp = func.FunctionApp(\n"))

    wait_until(lambda: "SyntaxError" in host.process.log)
    assert host.call("/api/fine").status == 404
    assert host.call("/admin/host/status").json()["state"] == "Running"


@pytest.mark.parametrize(
    ("app", "message"),
    [
        ("refused_annotation", "invalid non-type annotation"),
        ("two_apps", "More than one FunctionApp or other top level function app instances are defined"),
        ("bad_retry", "does not match format '%H:%M:%S'"),
    ],
)
def test_what_the_worker_refuses_is_shown_in_its_words_and_nothing_loads(
    start_host: StartHost, app: str, message: str
) -> None:
    host = start_host(app)

    wait_until(lambda: message in host.process.log)
    wait_until(lambda: "0 functions found" in host.process.log)
    assert host.call("/api/fine").status == 404
    assert message in host.call("/admin/host/status").json()["errors"][0]


def test_an_import_that_takes_longer_than_worker_init_loads_nothing(tmp_path: Path) -> None:
    """In a process of its own, with a shorter limit than the host's 10 s."""
    code = "import time\nimport azure.functions as func\ntime.sleep(0.3)\napp = func.FunctionApp()\n"
    (tmp_path / "function_app.py").write_text(code)
    script = (
        "import asyncio, pathlib, sys\nfrom local.functions_host.worker import Worker\n"
        "asyncio.run(Worker(pathlib.Path(sys.argv[1]), init_limit_s=0.1).index())"
    )

    indexing = run([sys.executable, "-c", script, str(tmp_path)])

    assert indexing.wait() == 1
    assert "the host gives WorkerInit 0.1 s" in indexing.log


def test_settings_come_from_the_file_under_the_environment(start_host: StartHost, tmp_path: Path) -> None:
    code = (
        "import os\nimport azure.functions as func\n"
        "app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
        "@app.route('show')\n"
        "async def show(req: func.HttpRequest) -> func.HttpResponse:\n"
        "    return func.HttpResponse(f\"{os.environ['ONE']} {os.environ['TWO']} {os.getcwd()} "
        "{os.environ['PYTHON_THREADPOOL_THREAD_COUNT']} {os.environ['FUNCTIONS_WORKER_RUNTIME']}\")\n"
        "@app.route('other')\n"
        "async def other(req: func.HttpRequest) -> func.HttpResponse:\n"
        "    return func.HttpResponse('other')\n"
    )
    folder = _app_of(tmp_path, code, {"version": "2.0", "extensions": {"http": {"routePrefix": "x"}}})
    values = {"ONE": "file", "TWO": "file", "AzureFunctionsJobHost__extensions__http__routePrefix": ""}
    (folder / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))

    host = start_host(folder, TWO="environment", AzureFunctionsJobHost__functions__0="show")

    assert host.call("/show").body.decode() == f"file environment {folder} 1000 python"
    assert host.call("/other").status == 404
    assert host.call("/x/show").status == 404


def test_a_disabled_function_is_not_served(start_host: StartHost) -> None:
    host = start_host("http", **{"AzureWebJobs.only_get.Disabled": "true"})

    assert host.call("/api/hello").status == 404
    assert host.call("/api/text").status == 200


def test_the_home_page_can_be_switched_off(start_host: StartHost) -> None:
    shown = start_host("http")
    hidden = start_host("http", AzureWebJobsDisableHomepage="true")

    assert (shown.call("/").status, hidden.call("/").status) == (200, 404)


def test_the_admin_endpoints_ask_for_the_master_key(start_host: StartHost) -> None:
    host = start_host("http", "--master-key", "sesame")

    assert host.call("/admin/host/ping").status == 200
    assert host.call("/admin/host/status").status == 401
    assert host.call("/admin/host/drain", "POST").status == 401
    assert host.call("/admin/host/status?code=sesame").json()["state"] == "Running"
    assert host.call("/admin/host/status", headers={"x-functions-key": "sesame"}).status == 200


def test_drain_reports_what_is_still_running(start_host: StartHost) -> None:
    host = start_host("http")
    assert host.call("/admin/host/drain/status").json()["state"] == "Disabled"

    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(host.call, "/api/slow?s=1")
        wait_until(lambda: "Executing 'Functions.slow'" in host.process.log)
        assert host.call("/admin/host/drain", "POST").status == 202
        during = host.call("/admin/host/drain/status").json()
        call.result()

    assert during == {"state": "InProgress", "outstandingInvocations": 1, "outstandingRetries": 0}
    assert host.call("/admin/host/drain/status").json()["state"] == "Completed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("path", ["/api/slow?s=1", "/api/slow_sync?s=1"])
def test_a_stop_answers_what_is_in_flight(start_host: StartHost, number: signal.Signals, path: str) -> None:
    host = start_host("http")

    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(host.call, path)
        wait_until(lambda: "Executing 'Functions.slow" in host.process.log)
        host.process.send(number)
        wait_until(lambda: "Stopping host" in host.process.log)
        with pytest.raises(OSError, match="refused"):
            host.call("/api/hello")
        answer = call.result()

    assert answer.status == 200
    assert host.process.wait() == 0
    assert host.process.out == [f"ready: {host.url}"]  # what the app prints goes elsewhere
    assert "printed at import" in host.process.log


def test_a_stop_does_not_wait_for_ever(start_host: StartHost) -> None:
    host = start_host("http", "--stop-timeout", "0.3")

    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(host.call, "/api/slow_sync?s=20")
        wait_until(lambda: "Executing 'Functions.slow_sync'" in host.process.log)
        assert host.process.stop() == 0
        with pytest.raises(OSError):
            call.result()


def test_a_second_signal_ends_the_host_at_once(start_host: StartHost) -> None:
    host = start_host("http")

    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(host.call, "/api/slow?s=20")
        wait_until(lambda: "Executing 'Functions.slow'" in host.process.log)
        host.process.send(signal.SIGINT)
        wait_until(lambda: "Stopping host" in host.process.log)
        assert host.process.stop() == 130
        with pytest.raises(OSError):
            call.result()


def test_sigterm_can_be_ignored_as_the_real_host_does(start_host: StartHost) -> None:
    host = start_host("http", "--ignore-sigterm")

    host.process.send(signal.SIGTERM)
    time.sleep(0.3)

    assert host.call("/api/hello").status == 200
    assert host.process.stop(signal.SIGINT) == 0


def test_a_taken_port_and_a_bad_folder_say_what_to_do(start_host: StartHost, tmp_path: Path) -> None:
    host = start_host("http")

    def program(*arguments: str) -> Process:
        return run(python_module("local.functions_host", *arguments))

    taken = program("--app", str(APPS / "http"), "--port", str(host.port))
    missing = program("--app", str(tmp_path / "nowhere"))
    settings = program("--app", str(APPS / "http"), "--settings", str(tmp_path / "none.json"))
    helped = program("--help")

    assert (taken.wait(), missing.wait(), settings.wait(), helped.wait()) == (2, 2, 2, 0)
    assert "choose another with --port" in taken.log
    assert "give the function app's folder with --app" in missing.log
    assert "give another file with --settings" in settings.log
    assert "usage: python -m local.functions_host" in helped.out[0]


def test_log_levels_of_host_json_filter_what_is_shown(start_host: StartHost) -> None:
    host: Host = start_host("http", AzureFunctionsJobHost__logging__logLevel__Function="Error")

    host.call("/api/hello")
    host.call("/api/raises")

    wait_until(lambda: "Executed 'Functions.raises' (Failed" in host.process.log)
    assert "Functions.only_get" not in host.process.log
