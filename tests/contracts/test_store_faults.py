"""Faults of the database on real calls: each ends as ours, within the client's time-outs, and the next call works."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from azure.cosmos.aio import CosmosClient

from adapters.cosmos import Container
from adapters.cosmos_outcomes import CosmosOutcomes
from domain.errors import InvalidInput, StoreUnavailable
from domain.records import Failure
from local.faults import ControlClient
from settings import OUTCOMES
from tests.contracts.conftest import Cloud, container

STORE_FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "throttled": ("status", {"status": 429, "retryAfterMs": 20}),
    "unavailable": ("status", {"status": 503}),
    "timed out": ("status", {"status": 408}),
    "forbidden": ("status", {"status": 403}),
    "not the write region": ("status", {"status": 403, "substatus": 3}),
    "gone": ("status", {"status": 410}),
    "retry with": ("status", {"status": 449}),
    "failed": ("status", {"status": 500}),
    "session not there": ("status", {"status": 404, "substatus": 1002}),
    "no container": ("status", {"status": 404, "substatus": 1003}),
    "reset": ("reset", {}),
    "reset after": ("reset-after", {}),
    "hanging": ("silence", {}),
    "hanging after": ("silence-after", {}),
    "cut short": ("truncate", {}),
}
# Which call meets which fault; those that hang take seconds, and are met once.
WRITE_ONLY = ("not the write region", "hanging after", "reset after")
READ_ONLY = ("hanging",)
QUERIED = ("session not there", "cut short")


async def _read(outcomes: CosmosOutcomes) -> object:
    return await outcomes.find(uuid4(), "0" * 32)


async def _write(outcomes: CosmosOutcomes) -> None:
    await outcomes.record(Failure(uuid4(), "0" * 32, "test"))


async def _query(outcomes: CosmosOutcomes) -> object:
    return await outcomes._container.query("SELECT * FROM c WHERE c.id = @id", "x", id="x")


@pytest.fixture
def store_faults(cloud: Cloud) -> Iterator[ControlClient]:
    control = ControlClient(cloud.cosmos_endpoint)
    yield control
    control.clear_faults()


@pytest.mark.parametrize(
    ("fault", "call"),
    [
        *((fault, _read) for fault in STORE_FAULTS if fault not in WRITE_ONLY),
        *((fault, _write) for fault in STORE_FAULTS if fault not in READ_ONLY),
        *((fault, _query) for fault in QUERIED),
    ],
)
async def test_a_fault_of_the_database_ends_as_ours_in_time(
    account: CosmosClient, store_faults: ControlClient, fault: str, call: Callable[[CosmosOutcomes], Awaitable[object]]
) -> None:
    name, args = STORE_FAULTS[fault]
    proxy = container(account, OUTCOMES).proxy
    outcomes = CosmosOutcomes(Container(proxy, asyncio.Semaphore(10), deadline_s=2.5))
    await call(outcomes)
    rule = store_faults.add_fault(name, args=args, match={"container": OUTCOMES})

    with pytest.raises(StoreUnavailable):
        async with asyncio.timeout(20):
            await call(outcomes)

    store_faults.remove_fault(rule)
    await call(outcomes)


async def test_a_database_that_refuses_connections_is_unavailable_in_time(
    account: CosmosClient, store_faults: ControlClient
) -> None:
    outcomes = CosmosOutcomes(container(account, OUTCOMES))
    await _read(outcomes)
    store_faults.add_fault("refuse")

    for call in (_read, _write):
        with pytest.raises(StoreUnavailable):
            async with asyncio.timeout(20):
                await call(outcomes)


async def test_what_the_database_refuses_for_what_it_is_can_never_succeed(
    account: CosmosClient, store_faults: ControlClient
) -> None:
    outcomes = CosmosOutcomes(container(account, OUTCOMES))
    for status in (400, 413):
        store_faults.add_fault("status", args={"status": status}, match={"container": OUTCOMES}, count=1)
        with pytest.raises(InvalidInput):
            await _write(outcomes)
