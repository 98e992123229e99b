"""A region dies while somebody uses the page, and two regions are written to at once: nobody loses anything."""

from playwright.sync_api import expect

from tests.journeys.browser.conftest import OpenPage, enter_key, new_item, stored_comments, write_comment
from tests.journeys.conftest import RunningStack
from tests.journeys.test_http import ITEMS, until


def test_a_region_that_dies_in_the_middle_of_a_comment_takes_nothing_with_it(
    open_regions: OpenPage, regions: RunningStack
) -> None:
    item = new_item(regions)
    page = open_regions(f"/#/catalog/{item}")
    expect(page.get_by_text("No comments yet.")).to_be_visible()
    write_comment(page, "Written before.")
    regions.control("kill", "westeurope")
    try:
        # Whichever region takes the next ones: the page sends until one does.
        write_comment(page, "Written while it was gone.")
        expect(page.locator(".comment")).to_have_count(2)
    finally:
        regions.control("start", "westeurope")
    expect(page.locator(".comment [data-state=saved]")).to_have_count(2, timeout=90_000)
    # The other region's copy is a moment behind.
    texts = until(lambda: stored_comments(regions, item), lambda found: len(found) == 2)
    assert sorted(texts) == ["Written before.", "Written while it was gone."]


def test_a_conflict_is_seen_whichever_region_took_the_other_change(
    open_regions: OpenPage, regions: RunningStack
) -> None:
    item = new_item(regions, name="Stalker", price=10)
    path = f"{ITEMS}/{item}"
    page = open_regions(f"/#/admin/{item}")
    enter_key(page, regions.api_key)
    page.fill("#item-price", "12.50")
    accepted = regions.request("PUT", path, {"name": "Stalker (1979)"}, {"X-API-KEY": regions.api_key})
    assert accepted.status == 202
    until(lambda: regions.request("GET", path).json["name"], lambda name: name == "Stalker (1979)")

    page.click("#submit-item")
    expect(page.locator(".conflict")).to_contain_text("Stalker (1979)")
    page.get_by_role("button", name="Keep my changes").click()
    page.click("#submit-item")
    expect(page.locator("[data-state=saved]")).to_be_visible()
    # Once more: the page's own change is not taken for somebody else's, whichever region answers.
    page.fill("#item-price", "13.50")
    page.click("#submit-item")
    expect(page.locator("[data-state=saved]")).to_be_visible()
    expect(page.locator(".conflict")).to_have_count(0)
    found = until(lambda: regions.request("GET", path).json, lambda stored: stored["price"] == 13.5)
    assert found["name"] == "Stalker (1979)"
