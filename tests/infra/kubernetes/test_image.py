"""What the image holds and how its scripts behave, as far as it can be seen without building it."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.processes import free_port, python, start

from .manifests import DEPLOYMENTS, ROOT, built

DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
APP = "/home/site/wwwroot"


def _instructions(name: str) -> list[list[str]]:
    return [shlex.split(line)[1:] for line in DOCKERFILE.splitlines() if line.startswith(f"{name} ")]


def _allowed(path: Path) -> bool:
    """Whether .dockerignore lets a path into the build, in the few forms that ours uses."""
    lines = (ROOT / ".dockerignore").read_text().split()
    assert lines[0] == "*"
    assert lines[-1] == "**/__pycache__"
    return path.parts[0] in {line.removeprefix("!") for line in lines[1:-1]} and "__pycache__" not in path.parts


def _copied(target: Path) -> None:
    """Copies what the COPY instructions take into the app's folder."""
    for *sources, destination in _instructions("COPY"):
        if not destination.startswith(APP):
            continue
        folder = target / destination.removeprefix(APP).strip("/")
        folder.mkdir(parents=True, exist_ok=True)
        for source in sources:
            for file in [ROOT / source] if (ROOT / source).is_file() else sorted((ROOT / source).rglob("*")):
                inside = file.relative_to(ROOT)
                if file.is_dir() or not _allowed(inside):
                    continue
                place = folder / (file.name if (ROOT / source).is_file() else file.relative_to(ROOT / source))
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, place)


def test_the_image_holds_everything_that_the_app_imports(tmp_path: Path) -> None:
    _copied(tmp_path)
    script = "import function_app; print(*sorted(str(f.get_function_name()) for f in function_app.app.get_functions()))"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-B", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    enabled = {value for name in DEPLOYMENTS for value in built("prod").environment(name).values()}
    assert set(done.stdout.split()) <= enabled
    assert not list(tmp_path.rglob("local"))


def test_everything_copied_is_let_into_the_build() -> None:
    for *sources, _ in _instructions("COPY"):
        for source in sources:
            assert (ROOT / source).exists()
            assert _allowed(Path(source))


def test_the_image_stops_by_the_signal_that_the_host_obeys_and_runs_as_the_manifests_say() -> None:
    pod = built("prod").pod("api")["securityContext"]

    assert _instructions("STOPSIGNAL") == [["SIGINT"]]
    assert _instructions("USER") == [[f"{pod['runAsUser']}:{pod['runAsGroup']}"]]
    assert _instructions("FROM") == [["${BASE}@${DIGEST}"]]
    assert ["DIGEST"] in _instructions("ARG")
    assert re.search(r'^ENTRYPOINT \["/usr/local/bin/start-host"\]$', DOCKERFILE, re.MULTILINE)
    assert "/health/live" in " ".join(_instructions("HEALTHCHECK")[0])


def test_each_writable_folder_of_the_image_is_a_volume_of_the_pods() -> None:
    made = re.search(r"mkdir -p (.*?) &&", DOCKERFILE)
    assert made
    for name in DEPLOYMENTS:
        mounted = {one["mountPath"] for one in built("prod").container(name)["volumeMounts"]}
        assert set(made[1].split()) | {"/tmp"} == mounted - {"/mnt/key-vault"}


def test_the_entry_point_leaves_no_shell_behind_and_gives_each_function_a_key(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "FUNCTIONS_KEYS_DIR": str(tmp_path),
        "FUNCTIONS_HOST": "/bin/sleep",
        "AzureFunctionsJobHost__functions__0": "process_commands",
        "AzureFunctionsJobHost__functions__1": "Sweep",
    }
    with subprocess.Popen([ROOT / "docker" / "start-host", "30"], env=environment) as process:
        try:
            _until(lambda: _command(process.pid)[:1] == ["/bin/sleep"])
        finally:
            process.send_signal(signal.SIGINT)

    keys = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert set(keys) == {"host.master", "functions.process_commands.default", "functions.sweep.default"}
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in keys.values())
    assert len(set(keys.values())) == 3
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_a_drain_stops_the_host_from_taking_more_and_waits_for_what_it_has(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}')
    (app / "function_app.py").write_text(
        "import asyncio\nimport azure.functions as func\n"
        "app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
        '@app.route("slow")\n'
        "async def slow(req: func.HttpRequest) -> func.HttpResponse:\n"
        "    await asyncio.sleep(2)\n"
        '    return func.HttpResponse("done")\n'
    )
    (tmp_path / "host.master").write_text("a-master-key")
    port = free_port()
    host = start(
        python("local.functions_host", "--app", str(app), "--port", str(port), "--master-key", "a-master-key"),
        tmp_path / "log",
    )
    environment = {**os.environ, "FUNCTIONS_KEYS_DIR": str(tmp_path), "ASPNETCORE_URLS": f"http://+:{port}"}
    drain = [ROOT / "docker" / "drain-host"]
    try:
        with subprocess.Popen(["curl", "-sf", f"http://127.0.0.1:{port}/slow"], stdout=subprocess.PIPE) as request:
            time.sleep(0.5)
            short = subprocess.run([*drain, "0"], env=environment, capture_output=True, text=True, check=False)
            busy = request.poll() is None
            done = subprocess.run([*drain, "30"], env=environment, capture_output=True, text=True, check=False)
            answered = request.stdout.read() if request.stdout else b""
        (tmp_path / "host.master").write_text("another")
        refused = subprocess.run([*drain, "0"], env=environment, capture_output=True, text=True, check=False)
    finally:
        host.stop()
    away = subprocess.run([*drain, "30"], env=environment, capture_output=True, text=True, check=False, timeout=10)

    assert (short.returncode, busy) == (1, True)
    assert "not done in time" in short.stderr
    assert (done.returncode, done.stderr, answered) == (0, "", b"done")
    assert refused.returncode == 1
    assert "did not take the request" in refused.stderr
    # A pod that is deleted while it starts must not sit out its grace period.
    assert (away.returncode, "nothing to drain" in away.stderr) == (0, True)


def _command(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def _until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
