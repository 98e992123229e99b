"""What runs beside what when pytest is told to use two processes (`-n 2`, as `make test` does)."""

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

ROOT = Path(__file__).parent


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps a folder's tests in one process: they share what is dear to start, a whole stack or a stand-in."""

    def _split_scope(self, nodeid: str) -> str:
        parts = nodeid.partition("::")[0].removeprefix("tests/").split("/")
        return parts[0] if parts[0] in {"journeys", "contracts", "kubernetes"} else "/".join(parts[:2])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    """Called by xdist in the process that hands out the work."""
    return ByFolder(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the journeys first: they are the longest, and the other process has all the rest to do meanwhile."""
    items.sort(key=lambda item: not item.path.is_relative_to(ROOT / "journeys"))
