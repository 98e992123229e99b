"""The host process: reads the app's settings, has the worker index it, starts listeners, serves HTTP, stops."""

import asyncio
import hashlib
import os
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from .admin import AdminApi
from .environment import apply_app_settings, read_local_settings, setting
from .errors import HostJsonError, IndexingError, SettingsError, WorkerError
from .host_io import host_context
from .host_json import HostOptions, read_host_json
from .http_server import HttpRequest, HttpResponse, HttpServer
from .http_trigger import decode_path, request_datum, response_of
from .invoker import Invocation, Invoker, attempt_of
from .listeners import ListenerContext, listener_for
from .logs import HostLog, RunningInvocations, take_over_root_logger
from .routes import HttpRoute, RouteMatch, RouteTable, http_route
from .state import HostState, Phase
from .worker import INIT_LIMIT_S, Function, Worker

NOT_RUNNING = b"Function host is not running."
HTTP_REASON = "This function was programmatically called via the host APIs."
# WebJobsScriptHostService.StopAsync waits this long for what is in flight.
STOP_TIMEOUT_S = 10.0
_HOME = b"<!DOCTYPE html><title>Functions host</title><h1>Your functions host is up and running</h1>"


@dataclass(frozen=True)
class HostSettings:
    """How to run one host."""

    app_dir: Path
    port: int = 0
    name: str = ""
    settings_file: Path | None = None
    master_key: str | None = None
    stop_timeout_s: float = STOP_TIMEOUT_S
    init_limit_s: float = INIT_LIMIT_S


class Listener(Protocol):
    """What waits for work for one function."""

    async def start(self) -> None:
        """Begin to listen; returns when it does."""

    async def stop(self) -> None:
        """Take no more work; what runs goes on."""

    async def close(self) -> None:
        """Let go of every connection; only after stop."""

    def run_by_hand(self, text: str) -> bool:
        """Start the function now, outside its trigger; False where that is not supported."""


class FunctionsHost:
    """One host with one app. One per process: the worker library keeps its functions in a module global."""

    def __init__(self, settings: HostSettings) -> None:
        self.settings = replace(settings, app_dir=settings.app_dir.resolve())
        self.console = HostLog(settings.name)
        self.state = HostState()
        self.functions: list[Function] = []
        self._running = RunningInvocations()
        self._options = HostOptions()
        self._routes = RouteTable(())
        self._listeners: list[tuple[Function, Listener]] = []
        self._server = HttpServer(self._serve)
        self._gate = _Gate(-1, -1)
        self._invoker: Invoker | None = None
        self._admin: AdminApi | None = None

    async def start(self) -> int:
        """Read settings, index the app, serve HTTP and start the listeners; returns the HTTP port.

        A broken host.json leaves the process serving 503 (`state.phase` is ERROR), a broken app leaves it without
        functions, as the real host does.

        Raises:
            SettingsError: the app folder or local.settings.json cannot be used.
            OSError: the port is taken.
        """
        loop = asyncio.get_running_loop()
        self.console.attach(loop)
        self._enter_app()
        port = await self._server.start(self.settings.port)
        self._admin = self._admin_api()
        try:
            self._options = read_host_json(self.settings.app_dir, os.environ)
        except HostJsonError as error:
            self._fail(f"The host.json is invalid: {error}")
            return port
        self.console.configure(self._options.log_levels)
        debug = (os.environ.get("PYTHON_ENABLE_DEBUG_LOGGING") or "").strip().lower() in ("1", "true", "t", "yes", "y")
        take_over_root_logger(self.console, self._running, debug)
        self._gate = _Gate(self._options.http.max_concurrent_requests, self._options.http.max_outstanding_requests)
        worker = Worker(self.settings.app_dir, self.settings.init_limit_s)
        self._invoker = Invoker(worker, self.console, self._running, self._options.function_timeout_s)
        await self._index(worker, port)
        self.state.phase = Phase.RUNNING
        await asyncio.gather(*(listener.start() for _, listener in self._listeners))
        return port

    async def drain(self) -> None:
        """Stop the listeners without stopping what runs; HTTP goes on."""
        if not self.state.draining:
            self.state.draining = True
            self.console.info("DrainMode mode enabled: listeners stop, running functions go on")
            await self._tell_listeners(lambda listener: listener.stop())

    async def stop(self) -> None:
        """Close the HTTP listener at once, stop the triggers, and give what is in flight its time."""
        self.state.phase = Phase.STOPPING
        self.console.info("Stopping host...")
        self._server.close()
        await self._tell_listeners(lambda listener: listener.stop())
        deadline = asyncio.get_running_loop().time() + self.settings.stop_timeout_s
        await self._server.wait_for_requests(self.settings.stop_timeout_s)
        if self._invoker is not None:
            left = await self._invoker.wait_until_idle(max(0.0, deadline - asyncio.get_running_loop().time()))
            if left:
                self.console.warning(f"{left} invocations did not end within {self.settings.stop_timeout_s:g} s")
        await self._tell_listeners(lambda listener: listener.close())
        self.console.info("Host stopped")
        self.console.flush()

    async def _tell_listeners(self, step: Callable[[Listener], Coroutine[Any, Any, None]]) -> None:
        loop = asyncio.get_running_loop()
        steps = [loop.create_task(step(listener), context=host_context()) for _, listener in self._listeners]
        await asyncio.gather(*steps)

    def _enter_app(self) -> None:
        folder = self.settings.app_dir
        if not folder.is_dir():
            raise SettingsError(f"no folder {folder}; give the function app's folder with --app")
        file = self.settings.settings_file or folder / "local.settings.json"
        if self.settings.settings_file is not None or file.exists():
            values, _ = read_local_settings(file.resolve())
        else:
            values = {}
        apply_app_settings(values, folder, os.environ)
        os.chdir(folder)

    def _fail(self, message: str) -> None:
        self.state.phase = Phase.ERROR
        self.state.errors.append(message)
        self.console.error(message)

    async def _index(self, worker: Worker, port: int) -> None:
        try:
            found = await worker.index()
        except WorkerError as error:
            self.state.errors.append(str(error))
            self.console.error(f"Worker was unable to load the function app: {error}")
            self.console.warning("0 functions found: no trigger is served, every route answers 404")
            return
        routes: list[HttpRoute] = []
        for function in self._allowed(found):
            try:
                if function.trigger_type == "httptrigger":
                    routes.append(http_route(function, self._options.http.route_prefix))
                else:
                    context = ListenerContext(
                        self._options, os.environ, self.console, self._required_invoker(), self._host_id
                    )
                    self._listeners.append((function, listener_for(function, context)))
            except IndexingError as error:
                message = f"The '{function.name}' function is in error: {error}"
                self.state.errors.append(message)
                self.console.error(message)
                continue
            self.functions.append(function)
        self._routes = RouteTable(routes)
        self._show_functions(port)

    def _allowed(self, found: Sequence[Function]) -> list[Function]:
        names = self._options.functions
        if names is not None:
            known = {function.name.lower() for function in found}
            for name in names:
                if name.lower() not in known:
                    self.console.warning(f"host.json's functions list names {name!r}, which the app does not have")
            wanted = {name.lower() for name in names}
            found = [function for function in found if function.name.lower() in wanted]
        return [function for function in found if not self._is_disabled(function)]

    def _is_disabled(self, function: Function) -> bool:
        value = setting(os.environ, f"AzureWebJobs.{function.name}.Disabled") or ""
        disabled = value.lower() in ("1", "true")
        if disabled:
            self.console.info(f"Function {function.name} is disabled")
        return disabled

    def _show_functions(self, port: int) -> None:
        self.console.info(f"{len(self.functions)} functions found in {self.settings.app_dir.name}")
        for route in self._routes.routes:
            methods = ",".join(sorted(route.methods)) or "any method"
            address = f"http://127.0.0.1:{port}/{route.template.text}"
            self.console.info(f"    {route.function.name}: [{methods}] {address}")
        for function in self.functions:
            if function.trigger_type != "httptrigger":
                shown = ", ".join(f"{name}={value}" for name, value in function.trigger.items())
                self.console.info(f"    {function.name}: {shown}")

    def _required_invoker(self) -> Invoker:
        if self._invoker is None:
            raise RuntimeError("the host has not been started")
        return self._invoker

    @property
    def _host_id(self) -> str:
        """The host id: the official setting, or one of the machine and the app folder, as Core Tools makes it."""
        given = setting(os.environ, "AzureFunctionsWebHost__hostid")
        if given:
            return given.lower()
        seed = f"{os.uname().nodename}:{self.settings.app_dir}".encode()
        return f"{os.uname().nodename[:20].lower()}-{int.from_bytes(hashlib.sha256(seed).digest()[:4]) % 10**9}"

    def _admin_api(self) -> AdminApi:
        return AdminApi(
            host_id=self._host_id,
            state=self.state,
            functions=lambda: self.functions,
            outstanding=self._outstanding,
            drain=self.drain,
            run=self._run_by_hand,
            master_key=self.settings.master_key,
        )

    def _outstanding(self) -> tuple[int, int]:
        invoker = self._invoker
        return (invoker.outstanding, invoker.outstanding_retries) if invoker is not None else (0, 0)

    def _run_by_hand(self, function: Function, text: str) -> bool:
        return any(listener.run_by_hand(text) for known, listener in self._listeners if known is function)

    async def _serve(self, request: HttpRequest) -> HttpResponse:
        path = decode_path(request.target)
        if path.lower().startswith("/admin/") and self._admin is not None:
            return await self._admin.answer(request, path)
        if self.state.phase in (Phase.ERROR, Phase.STARTING):
            return HttpResponse(503, [("Content-Type", "text/plain; charset=utf-8")], NOT_RUNNING)
        match = self._routes.find(request.method, path)
        if match is None:
            return self._unmatched(request, path)
        if not self._gate.enter():
            return HttpResponse(429)
        try:
            await self._gate.turn()
            return await self._call(request, match)
        finally:
            self._gate.leave()

    def _unmatched(self, request: HttpRequest, path: str) -> HttpResponse:
        home = (setting(os.environ, "AzureWebJobsDisableHomepage") or "").lower() not in ("true", "1")
        if path == "/" and request.method == "GET" and home:
            return HttpResponse(200, [("Content-Type", "text/html; charset=utf-8")], _HOME)
        return HttpResponse(404)

    async def _call(self, request: HttpRequest, match: RouteMatch) -> HttpResponse:
        function = match.function
        datum = request_datum(request, match.values)
        attempt = attempt_of([(str(function.trigger["name"]), datum)], {}, request.header("traceparent"))
        outcome = await self._required_invoker().invoke(Invocation(function, attempt, HTTP_REASON))
        if outcome is None or not outcome.ok:
            return HttpResponse(500)
        try:
            response = response_of(outcome.value)
        except ValueError as error:
            self.console.error(
                f"'Functions.{function.name}' gave no usable response: {error}", f"Function.{function.name}"
            )
            return HttpResponse(500)
        response.headers.extend(self._options.http.custom_headers.items())
        return response


class _Gate:
    """`maxOutstandingRequests` and `maxConcurrentRequests`: who may come in, and who runs now."""

    def __init__(self, concurrent: int, outstanding: int) -> None:
        self._turns = asyncio.Semaphore(concurrent) if concurrent > 0 else None
        self._most = outstanding
        self._inside = 0
        self._release: Callable[[], None] = self._turns.release if self._turns is not None else (lambda: None)

    def enter(self) -> bool:
        """Take a place; False when all are taken."""
        if 0 <= self._most <= self._inside:
            return False
        self._inside += 1
        return True

    async def turn(self) -> None:
        """Wait until this request may run."""
        if self._turns is not None:
            await self._turns.acquire()

    def leave(self) -> None:
        """Give the place back."""
        self._inside -= 1
        self._release()
