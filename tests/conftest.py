"""What runs beside what when pytest is told to use two processes (`-n 2 --dist loadgroup`, as `make test` does)."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a folder's tests in one process: they share what is dear to start, a whole stack or a stand-in.

    The journeys come first: they are the longest, and the other process has all the rest to do meanwhile.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group_of(item)))
    items.sort(key=lambda item: _group_of(item) != "journeys")


def _group_of(item: pytest.Item) -> str:
    parts = item.path.relative_to(ROOT).parts
    return parts[0] if parts[0] in {"journeys", "contracts", "kubernetes"} else "/".join(parts[:2])
