"""Each vendor's errors: the tables miss none that the installed SDKs can raise."""

import asyncio
import importlib
import inspect
import pkgutil
import ssl
from collections.abc import Iterator
from types import ModuleType

import aiohttp
import azure.cosmos
import azure.eventhub
import azure.identity
import azure.storage.blob
import pytest
from azure.core import exceptions as core
from azure.cosmos import exceptions as cosmos_exceptions
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError
from azure.cosmos.http_constants import StatusCodes
from azure.eventhub import exceptions as hub_exceptions
from azure.eventhub._pyamqp.error import AMQPLinkError, ErrorCondition, MessageSendFailed
from azure.eventhub.exceptions import ConnectError, EventDataSendError

from adapters import blobs, cosmos, event_hubs
from adapters.vendor_errors import ErrorTable
from domain.errors import (
    DeadLettersUnavailable,
    EventTooLarge,
    InvalidInput,
    QueueUnavailable,
    StoreUnavailable,
    TransientError,
)

TABLES = {"cosmos": cosmos.ERRORS, "event hubs": event_hubs.ERRORS, "blobs": blobs.ERRORS}

# Error classes inside the SDKs that cannot reach us, and why. A new one fails the test: look where it is raised.
CAUGHT_INSIDE = {
    "azure.cosmos._routing": "the routing map is built anew",
    "azure.storage.blob._shared.avro": "of change feed and query results, which we do not read",
    "azure.eventhub._pyamqp": "the producer wraps what its connection raises in an EventHubError",
}

# Another library's name space, code for other systems, and old names that warn.
NOT_LOOKED_INTO = ("azure.eventhub.extensions", "azure.identity._internal.linux", "azure.cosmos.errors")


def errors_in(module: ModuleType) -> list[type[Exception]]:
    """The exception classes that a module defines."""
    classes = [value for value in vars(module).values() if inspect.isclass(value) and issubclass(value, Exception)]
    return [one for one in classes if one.__module__ == module.__name__]


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    yield package
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not any(
            found.name.startswith(part) for part in ("azure.eventhub.extensions", "azure.identity._internal.linux")
        ):
            try:
                yield importlib.import_module(found.name)
            except ImportError:  # optional parts whose own dependencies are not installed
                continue


@pytest.mark.parametrize(
    ("table", "module"),
    [
        ("cosmos", core),
        ("cosmos", cosmos_exceptions),
        ("event hubs", core),
        ("event hubs", hub_exceptions),
        ("blobs", core),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_every_public_error_has_a_line_of_its_own(table: str, module: ModuleType) -> None:
    missing = [one.__name__ for one in errors_in(module) if one not in TABLES[table].types]

    assert missing == []


@pytest.mark.parametrize(
    ("table", "package"),
    [
        ("cosmos", azure.cosmos),
        ("cosmos", azure.identity),
        ("event hubs", azure.eventhub),
        ("event hubs", azure.identity),
        ("blobs", azure.storage.blob),
        ("blobs", azure.identity),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
@pytest.mark.filterwarnings("ignore:azure.cosmos.errors module is deprecated")
def test_no_error_inside_an_sdk_escapes_the_table(table: str, package: ModuleType) -> None:
    found = [one for module in modules_of(package) for one in errors_in(module)]

    escaping = [
        f"{one.__module__}.{one.__name__}"
        for one in found
        if not issubclass(one, TABLES[table].caught) and not one.__module__.startswith(tuple(CAUGHT_INSIDE))
    ]

    assert found
    assert escaping == []


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_what_leaks_from_sockets_and_their_libraries_is_transient(table: ErrorTable) -> None:
    leaks: list[type[Exception]] = [
        TimeoutError,
        asyncio.TimeoutError,
        ConnectionResetError,
        ConnectionRefusedError,
        BrokenPipeError,
        OSError,
        ssl.SSLError,
        ssl.CertificateError,
        *errors_in(aiohttp.client_exceptions),
    ]
    ours = [one for one in leaks if issubclass(one, aiohttp.ClientError | OSError)]

    assert [one.__name__ for one in ours if not issubclass(table.meaning(one.__new__(one)), TransientError)] == []
    assert len(ours) > 20


def test_every_status_that_the_sdk_knows_is_in_the_database_table() -> None:
    known = {value for name, value in vars(StatusCodes).items() if isinstance(value, int) and 400 <= value < 600}

    assert known - set(cosmos.ERRORS.statuses) == set()


def test_every_condition_that_the_sdk_knows_is_in_the_queues_table() -> None:
    known = {condition.value.decode().partition(":")[2] for condition in ErrorCondition}

    assert known - set(event_hubs.ERRORS.conditions) == set()


@pytest.mark.parametrize("status", [*range(400, 432), 449, 451, *range(500, 512), 0, None])
def test_a_status_of_the_database_is_ours_whatever_it_is(status: int | None) -> None:
    """Only what the document is to blame for is permanent; what nobody documented is no reason to drop an event."""
    expected = InvalidInput if status in {400, 413} else StoreUnavailable

    whole: Exception = CosmosHttpResponseError(status_code=status, message="x")  # type: ignore[no-untyped-call]
    batch: Exception = CosmosBatchOperationError(0, {}, status or 0, "x", [])  # type: ignore[no-untyped-call]

    assert type(cosmos.as_ours(whole)) is expected
    assert type(cosmos.as_ours(batch)) is expected


def test_no_answer_of_blob_storage_makes_parking_a_letter_fail_for_good() -> None:
    """A batch whose bad event cannot be parked comes again; were the failure permanent, who would park that?"""
    meanings = {
        blobs.ERRORS.meaning(error(message="x"), status=status)
        for error in (core.HttpResponseError, core.ResourceModifiedError, core.ClientAuthenticationError)
        for status in (*range(300, 600), 0, None)
    }

    assert meanings == {DeadLettersUnavailable}


@pytest.mark.parametrize("condition", [*ErrorCondition, b"com.microsoft:server-busy", b"com.microsoft:brand-new"])
def test_a_condition_of_the_broker_is_ours_whatever_it_is(condition: bytes) -> None:
    expected = EventTooLarge if condition == ErrorCondition.LinkMessageSizeExceeded else QueueUnavailable
    rejected = EventDataSendError("no", MessageSendFailed(condition))  # type: ignore[arg-type]
    detached = ConnectError("no", AMQPLinkError(condition))  # type: ignore[arg-type]

    assert type(event_hubs.as_ours(rejected)) is expected
    assert type(event_hubs.as_ours(detached)) is expected
