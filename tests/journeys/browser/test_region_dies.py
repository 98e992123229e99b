"""A region dies while somebody uses the page: nothing happens to them."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from local.control import ask
from tests.journeys.browser.conftest import new_item, stored_comments, write_comment
from tests.journeys.conftest import RunningStack
from tests.journeys.test_http import until


@pytest.fixture
def visitor(browser: Browser, regions: RunningStack) -> Iterator[Page]:
    """A page at the two regions; whatever a test took down is up again afterwards."""
    context = browser.new_context(base_url=regions.base_url)
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()
    for stamp in ("westeurope", "northeurope"):
        ask(regions.stack.control_port, "start", stamp)
    until(lambda: _healthy(regions), lambda known: known == {"westeurope": True, "northeurope": True}, timeout_s=60)


def _healthy(regions: RunningStack) -> dict[str, bool]:
    report: Any = regions.request("GET", "/_control/status").json
    [group] = [one for one in report["originGroups"] if one["name"] == "api"]
    return {origin["name"]: origin["healthy"] for origin in group["origins"]}


@pytest.mark.timeout(240)
def test_a_region_dies_in_the_middle_of_a_comment(visitor: Page, regions: RunningStack) -> None:
    item = new_item(regions)
    visitor.goto(f"/#/catalog/{item}")
    expect(visitor.get_by_text("No comments yet.")).to_be_visible()
    visitor.fill("#comment-authorName", "Ada")
    visitor.fill("#comment-text", "First half")
    ask(regions.stack.control_port, "kill", "westeurope")
    write_comment(visitor, "First half, and the second.")
    for number in range(3):
        write_comment(visitor, f"And more {number}.")

    expect(visitor.locator(".comment [data-state=saved]")).to_have_count(4, timeout=90_000)
    texts = ["And more 2.", "And more 1.", "And more 0.", "First half, and the second."]
    assert until(lambda: sorted(stored_comments(regions, item)), lambda found: found == sorted(texts)) == sorted(texts)


@pytest.mark.timeout(240)
def test_reading_goes_on_while_a_region_is_drained(visitor: Page, regions: RunningStack) -> None:
    item = new_item(regions, name="Read while drained")
    visitor.goto(f"/#/catalog/{item}")
    expect(visitor.get_by_role("heading", name="Read while drained")).to_be_visible()
    ask(regions.stack.control_port, "drain", "northeurope")

    visitor.goto("/#/catalog")
    expect(visitor.locator("div.catalog-item").first).to_be_visible()
    visitor.goto(f"/#/catalog/{item}")
    visitor.reload()
    expect(visitor.get_by_role("heading", name="Read while drained")).to_be_visible()
    expect(visitor.locator(".banner")).to_have_count(0)
