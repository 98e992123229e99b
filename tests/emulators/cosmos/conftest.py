"""An account for the tests, clients for it, and the table of the conformance checklist."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cosmos.process import CosmosProcess
from tests.emulators.cosmos.sdk import RESPONSIVE, Sdk

WEST, NORTH = "West Europe", "North Europe"
_ROWS: dict[tuple[int, str], list[tuple[str, str, str]]] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--conformance-table", metavar="FILE", help="write the Cosmos DB checklist's results here")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "conformance(number, behaviour): a point of the Cosmos DB checklist")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    marker = item.get_closest_marker("conformance")
    if marker is None or (report.when != "call" and report.outcome == "passed"):
        return
    number, behaviour = marker.args
    given = item.callspec.params.get("kind", "python-async") if hasattr(item, "callspec") else "python-async"
    sdk = marker.kwargs.get("sdk", given)
    _ROWS.setdefault((number, behaviour), []).append((sdk, report.outcome, item.name))


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--conformance-table")
    if not path:
        return
    sdks = sorted({sdk for rows in _ROWS.values() for sdk, _, _ in rows})
    lines = [
        "# The checklist of the Cosmos DB stand-in, as the tests saw it",
        "",
        "Made by `pytest tests/emulators/cosmos --conformance-table FILE`; `http` stands for signed requests without an"
        " SDK.",
        "",
    ]
    lines += [f"| # | behaviour | {' | '.join(sdks)} |", f"|---|---|{'---|' * len(sdks)}"]
    for (number, behaviour), rows in sorted(_ROWS.items()):
        cells = []
        for sdk in sdks:
            outcomes = {outcome for name, outcome, _ in rows if name == sdk}
            cells.append("-" if not outcomes else "passed" if outcomes == {"passed"} else ", ".join(sorted(outcomes)))
        lines.append(f"| {number} | {behaviour} | {' | '.join(cells)} |")
    passed = sum(1 for rows in _ROWS.values() for _, outcome, _ in rows if outcome == "passed")
    total = sum(len(rows) for rows in _ROWS.values())
    lines += ["", f"{len({number for number, _ in _ROWS})} points, {passed} of {total} checks passed."]
    Path(path).write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def account_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CosmosProcess]:
    """One account with two regions for the whole session."""
    process = CosmosProcess(tmp_path_factory.mktemp("cosmos"), [WEST, NORTH])
    process.start()
    yield process
    process.stop()


@pytest.fixture
def account(account_process: CosmosProcess) -> Iterator[CosmosProcess]:
    """The session's account, without faults, cuts or absent regions before and after."""
    yield account_process
    account_process.control.call("POST", "/_control/undo")


@pytest.fixture(params=["python-async", "python-sync"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which of the Python clients."""
    name: str = request.param
    return name


@pytest.fixture
async def sdk(account: CosmosProcess, kind: str) -> AsyncIterator[Sdk]:
    """A client as an application configures it, at home in West Europe."""
    async with Sdk(kind, account.endpoint, account.key, preferred_locations=[WEST, NORTH], **RESPONSIVE) as client:
        yield client


@pytest.fixture
async def items(sdk: Sdk) -> Any:
    """A new container with the key /pk and TTL on."""
    return await sdk.container(await sdk.database(), default_ttl=-1)
