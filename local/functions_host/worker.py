"""The language worker in this process: the official `azure-functions-runtime` library, driven as its host drives it.

The library takes its protobuf classes from the caller; since nothing crosses a wire here, plain objects with the same
attributes do. One app per process: the library keeps its functions in a module global.
"""

import _strptime  # type: ignore[import-not-found]
import asyncio
import json
import sys
import time
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import azure_functions_runtime as runtime  # type: ignore[import-untyped]
from azure_functions_runtime.bindings.datumdef import Datum  # type: ignore[import-untyped]
from azure_functions_runtime.native_invocation import invocation_request_native  # type: ignore[import-untyped]

from .errors import WorkerError

# The host waits this long for the answer to WorkerInit; from Python 3.13 on, the app is imported within it.
INIT_LIMIT_S = 10.0


class _Record:
    """Any protobuf message: keeps what it is built with."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


class _Protos(types.ModuleType):
    """Stands in for the compiled FunctionRpc protocol: every name is a record class."""

    BindingInfo: Any
    StatusResult: Any

    def __getattr__(self, name: str) -> Any:
        record = type(name, (_Record,), {})
        setattr(self, name, record)
        return record


def _protos() -> _Protos:
    protos = _Protos("protos")
    directions = {"in": 0, "out": 1, "inout": 2}
    data_types = {"undefined": 0, "string": 1, "binary": 2, "stream": 3}
    scopes = {"Direction": types.SimpleNamespace(**directions), "DataType": types.SimpleNamespace(**data_types)}
    binding_info: dict[str, Any] = {**directions, **data_types, **scopes}
    protos.BindingInfo = type("BindingInfo", (_Record,), binding_info)
    protos.StatusResult = type("StatusResult", (_Record,), {"Failure": 0, "Success": 1, "Cancelled": 2})
    return protos


@dataclass(frozen=True)
class RetryPolicy:
    """The retry policy of one function, as the worker reports it; a count of -1 is for ever."""

    strategy: str
    max_retry_count: int
    delay_s: float = 0.0
    minimum_s: float = 0.0
    maximum_s: float = 0.0


@dataclass(frozen=True)
class Function:
    """One indexed function: its id and its bindings as the host reads them."""

    name: str
    id: str
    bindings: tuple[Mapping[str, Any], ...]
    retry: RetryPolicy | None = None

    @property
    def trigger(self) -> Mapping[str, Any]:
        """The trigger binding; a function without one is refused at indexing."""
        return next(binding for binding in self.bindings if str(binding["type"]).lower().endswith("trigger"))

    @property
    def trigger_type(self) -> str:
        """The trigger's type in lower case."""
        return str(self.trigger["type"]).lower()


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended; `answered` is false where the worker would never have sent an answer."""

    ok: bool
    value: Any = None
    error: str = ""
    traceback: str = ""
    answered: bool = True
    worker_exit: bool = False


@dataclass
class Attempt:
    """What one attempt of an invocation tells the function about itself."""

    invocation_id: str
    inputs: Sequence[tuple[str, Any]]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    trace_parent: str = ""
    trace_state: str = ""
    retry_count: int = 0
    max_retry_count: int = 0
    retry_error: Any = None


class Worker:
    """Indexes the app once, then runs its functions."""

    def __init__(self, app_dir: Path, init_limit_s: float = INIT_LIMIT_S) -> None:
        self._app_dir = app_dir
        self._init_limit_s = init_limit_s
        self._protos = _protos()

    async def index(self) -> list[Function]:
        """Import the app and list its functions, in the order the worker reports them.

        Raises:
            WorkerError: the worker answered WorkerInit with a failure (its message is kept), or the import took longer
                than the host waits.
        """
        sys.path.insert(0, str(self._app_dir))
        started = time.monotonic()
        request = self._request("worker_init_request", capabilities={}, function_app_directory=str(self._app_dir))
        try:
            answer = await runtime.worker_init_request(request)
        except SystemExit as error:
            raise WorkerError(f"function_app.py ended the worker process with SystemExit({error.code})") from error
        if answer.result.status != self._protos.StatusResult.Success:
            failure = answer.result.exception
            raise WorkerError(f"{failure.message}\n{failure.stack_trace}".rstrip())
        took_s = time.monotonic() - started
        if took_s > self._init_limit_s:
            raise WorkerError(
                f"importing the app took {took_s:.1f} s; the host gives WorkerInit {self._init_limit_s:g} s and then "
                "restarts the worker for ever"
            )
        listing = await runtime.functions_metadata_request(self._request("functions_metadata_request"))
        if listing.function_metadata_results is None:
            raise WorkerError(f"no function_app.py in {self._app_dir.name}: 0 functions found")
        functions = [_function(metadata) for metadata in listing.function_metadata_results]
        for function in functions:
            await runtime.function_load_request(self._request("function_load_request", function_id=function.id))
        runtime.start_threadpool_executor()
        # The worker tries 13 formats on each event's time; with room for 5 the standard library compiles each anew.
        _strptime._CACHE_MAX_SIZE = 64
        return functions

    async def run(self, function: Function, attempt: Attempt) -> Outcome:
        """Run one attempt to its end; whatever the function does, an outcome comes back."""
        try:
            ok, value, _outputs, error, trace = await invocation_request_native(
                attempt.invocation_id,
                function.id,
                attempt.inputs,
                attempt.metadata,
                trace_parent=attempt.trace_parent,
                trace_state=attempt.trace_state,
                retry_count=attempt.retry_count,
                max_retry_count=attempt.max_retry_count,
                retry_exception=attempt.retry_error,
            )
        except asyncio.CancelledError:
            # The worker catches Exception only: this one ends the task and no answer is ever sent.
            return Outcome(False, error="asyncio.CancelledError left the function: no answer", answered=False)
        except (SystemExit, KeyboardInterrupt) as error:
            return Outcome(False, error=f"{type(error).__name__} ended the worker process", worker_exit=True)
        return Outcome(bool(ok), value, error or "", trace or "")

    def _request(self, kind: str, **fields: Any) -> Any:
        request = types.SimpleNamespace(**{kind: types.SimpleNamespace(**fields)})
        return types.SimpleNamespace(request=request, properties={"host": "127.0.0.1", "protos": self._protos})


def _function(metadata: Any) -> Function:
    retry = metadata.retry_options
    policy = None
    if retry is not None:
        seconds = {
            name: getattr(retry, name).total_seconds() if hasattr(retry, name) else 0.0
            for name in ("delay_interval", "minimum_interval", "maximum_interval")
        }
        policy = RetryPolicy(
            strategy=retry.retry_strategy,
            max_retry_count=retry.max_retry_count,
            delay_s=seconds["delay_interval"],
            minimum_s=seconds["minimum_interval"],
            maximum_s=seconds["maximum_interval"],
        )
    bindings = tuple(json.loads(binding) for binding in metadata.raw_bindings)
    return Function(metadata.name, metadata.function_id, bindings, policy)


def text_datum(value: str) -> Any:
    """A string as the worker receives it."""
    return Datum(value, "string")


def json_datum(value: object) -> Any:
    """Anything JSON can hold, as the worker receives it."""
    return Datum(json.dumps(value, separators=(",", ":")), "json")


def bytes_datum(value: bytes) -> Any:
    """Bytes as the worker receives them."""
    return Datum(value, "bytes")


def http_datum(value: Mapping[str, Any]) -> Any:
    """An HTTP request as the worker receives it."""
    return Datum(value, "http")


def collection_bytes_datum(bodies: list[bytes]) -> Any:
    """A batch of bodies, byte for byte."""
    return Datum(types.SimpleNamespace(bytes=bodies), "collection_bytes")


def collection_string_datum(bodies: list[str]) -> Any:
    """A batch of bodies, as text."""
    return Datum(types.SimpleNamespace(string=bodies), "collection_string")
