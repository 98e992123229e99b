"""Two regions are written to at once: nobody loses anything."""

from playwright.sync_api import expect

from tests.journeys.browser.conftest import OpenPage, enter_key, new_item
from tests.journeys.conftest import RunningStack
from tests.journeys.test_http import ITEMS, until


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
