"""Faults of blob storage on real calls of the SDK: a letter counts as parked only when it is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from adapters.blobs import CLIENT_SETTINGS, BlobDeadLetters, BlobLetterBox, blob_name
from domain.errors import DeadLettersUnavailable
from domain.records import DeadLetter
from tests.builders import NOON, a_delivery
from tests.processes import free_port

LETTER = DeadLetter(a_delivery(b"\xff", 7, hub="evhns.test/commands"), "undecodable", "not a command", NOON)
NAME = blob_name(LETTER.delivery)
HURRIED = CLIENT_SETTINGS | {
    "read_timeout": 0.5,
    "retry_total": 1,
    "initial_backoff": 0,
    "increment_base": 0,
    "random_jitter_range": 0,
}


class FaultyAccount:
    """Answers every request as the test says; what a blob account on fire can do to a client."""

    def __init__(self) -> None:
        self.fault: Callable[[web.Request], Awaitable[web.StreamResponse]] = self.hang
        self.port = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[ContainerClient]:
        async def answer(request: web.Request) -> web.StreamResponse:
            return await self.fault(request)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            async with client_of(self.port) as service:
                yield service.get_container_client("dead-letters")
        finally:
            await runner.cleanup()

    async def hang(self, _: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        raise web.HTTPInternalServerError

    async def reset(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def cut(self, request: web.Request) -> web.StreamResponse:
        """Promise more than comes."""
        response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Range": "bytes 0-999/1000"})
        await response.prepare(request)
        await response.write(b"<?xml")
        return await self.reset(request)

    def status(self, status: int, code: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(_: web.Request) -> web.StreamResponse:
            body = f"<?xml version='1.0' encoding='utf-8'?><Error><Code>{code}</Code><Message>no</Message></Error>"
            headers = {"x-ms-error-code": code, "Content-Type": "application/xml"}
            return web.Response(status=status, text=body, headers=headers)

        return answer


def client_of(port: int) -> BlobServiceClient:
    account = f"http://127.0.0.1:{port}/stregion"
    return BlobServiceClient(account, credential={"account_name": "stregion", "account_key": "c2VjcmV0"}, **HURRIED)


async def _park(container: ContainerClient) -> None:
    await BlobDeadLetters(container).park(LETTER)


async def _list(container: ContainerClient) -> None:
    async for _ in BlobLetterBox(container).lines():
        pass


async def _read(container: ContainerClient) -> None:
    await BlobLetterBox(container).read(NAME)


@pytest.mark.parametrize("call", [_park, _list, _read])
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "InvalidHeaderValue"),
        (403, "AuthorizationFailure"),
        (409, "ContainerBeingDeleted"),
        (409, "AccountBeingCreated"),
        (429, "TooManyRequests"),
        (500, "InternalError"),
        (503, "ServerBusy"),
        (503, "BrandNewCode"),
    ],
)
async def test_an_answer_that_is_no_success_parks_nothing(
    status: int, code: str, call: Callable[[ContainerClient], Awaitable[None]]
) -> None:
    """Among them are two that the SDK raises as "exists"."""
    account = FaultyAccount()
    account.fault = account.status(status, code)
    async with account.serving() as container:
        with pytest.raises(DeadLettersUnavailable):
            async with asyncio.timeout(20):
                await call(container)


@pytest.mark.parametrize(
    ("fault", "call"),
    [("hang", _park), ("reset", _park), ("reset", _list), ("cut", _park), ("cut", _list), ("cut", _read)],
)
async def test_a_broken_connection_parks_nothing(
    fault: str, call: Callable[[ContainerClient], Awaitable[None]]
) -> None:
    account = FaultyAccount()
    account.fault = getattr(account, fault)
    async with account.serving() as container:
        with pytest.raises(DeadLettersUnavailable):
            async with asyncio.timeout(20):
                await call(container)


@pytest.mark.parametrize("call", [_park, _list, _read])
async def test_an_account_that_is_away_parks_nothing(call: Callable[[ContainerClient], Awaitable[None]]) -> None:
    async with client_of(free_port()) as service:
        with pytest.raises(DeadLettersUnavailable):
            async with asyncio.timeout(20):
                await call(service.get_container_client("dead-letters"))


@pytest.mark.parametrize(("status", "code"), [(409, "BlobAlreadyExists"), (412, "ConditionNotMet")])
async def test_a_letter_that_is_there_is_parked(status: int, code: str) -> None:
    """The condition is that nothing is there: where it is not met, the letter is."""
    account = FaultyAccount()
    account.fault = account.status(status, code)
    async with account.serving() as container:
        await _park(container)
