"""A region dies while somebody uses the page: nothing happens to them."""

import pytest
from playwright.sync_api import expect

from tests.journeys.browser.conftest import OpenPage, new_item, stored_comments, write_comment
from tests.journeys.conftest import RunningStack
from tests.journeys.test_http import until


@pytest.mark.timeout(240)
def test_a_region_dies_in_the_middle_of_a_comment(open_regions: OpenPage, regions: RunningStack) -> None:
    item = new_item(regions)
    visitor = open_regions(f"/#/catalog/{item}")
    expect(visitor.get_by_text("No comments yet.")).to_be_visible()
    visitor.fill("#comment-authorName", "Ada")
    visitor.fill("#comment-text", "First half")
    regions.control("kill", "westeurope")
    write_comment(visitor, "First half, and the second.")
    for number in range(3):
        write_comment(visitor, f"And more {number}.")

    expect(visitor.locator(".comment [data-state=saved]")).to_have_count(4, timeout=90_000)
    texts = ["And more 2.", "And more 1.", "And more 0.", "First half, and the second."]
    assert until(lambda: sorted(stored_comments(regions, item)), lambda found: found == sorted(texts)) == sorted(texts)


@pytest.mark.timeout(240)
def test_reading_goes_on_while_a_region_is_drained(open_regions: OpenPage, regions: RunningStack) -> None:
    item = new_item(regions, name="Read while drained")
    visitor = open_regions(f"/#/catalog/{item}")
    expect(visitor.get_by_role("heading", name="Read while drained")).to_be_visible()
    regions.control("drain", "northeurope")

    visitor.goto("/#/catalog")
    expect(visitor.locator("div.catalog-item").first).to_be_visible()
    visitor.goto(f"/#/catalog/{item}")
    visitor.reload()
    expect(visitor.get_by_role("heading", name="Read while drained")).to_be_visible()
    expect(visitor.locator(".banner")).to_have_count(0)
