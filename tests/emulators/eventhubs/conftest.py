"""A broker per test, and the conformance table.

`pytest tests/emulators/eventhubs --eventhubs-conformance-table FILE` writes it.
"""

import asyncio
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
import pytest_asyncio

from local.eventhubs.server import EventHubsServer
from tests.emulators.eventhubs.clients import CLOSING
from tests.emulators.eventhubs.conformance import MARK, Row, rows_of, table
from tests.emulators.eventhubs.side_by_side import StartBroker, brokers

_ROWS = pytest.StashKey[list[Row]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--eventhubs-conformance-table", metavar="FILE", default=None, help="write the conformance table there"
    )
    parser.addoption("--eventhubs-long", action="store_true", help="run the tests that wait for minutes, too")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARK}(point, behaviour, sdk): a line of the conformance table")
    config.stash.setdefault(_ROWS, [])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" or (report.when == "setup" and report.outcome != "passed"):
        rows = item.config.stash[_ROWS]
        rows += rows_of(item, report.outcome)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--eventhubs-conformance-table", default=None)
    if path is not None:
        rows = session.config.stash[_ROWS]
        Path(path).write_text(table(rows))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One event loop for all tests here: the SDK's closing, a second of sleep, goes on during the next test."""
    for item in items:
        if item.path.parent == Path(__file__).parent and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(loop_scope="session", scope="session", autouse=True)
async def wait_for_closing() -> AsyncIterator[None]:
    """Lets the clients of the last tests finish."""
    yield
    await asyncio.gather(*CLOSING, return_exceptions=True)


@pytest_asyncio.fixture(loop_scope="session")
async def start_broker(tmp_path: Path) -> AsyncIterator[StartBroker]:
    """Starts brokers on one data folder; all are stopped at the end of the test."""
    async with brokers(tmp_path) as start:
        yield start


@pytest_asyncio.fixture(loop_scope="session")
async def broker(start_broker: StartBroker) -> EventHubsServer:
    """A namespace with the hub `commands`: 4 partitions, groups $Default and processor."""
    return await start_broker()
