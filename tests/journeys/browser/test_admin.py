"""Creating and editing items."""

from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.journeys.browser.conftest import OpenPage, axe_violations, new_item
from tests.journeys.conftest import RunningStack
from tests.journeys.test_http import ITEMS, until


def enter_key(page: Page, key: str) -> None:
    page.fill("#admin-key", key)
    page.click("#submit-key")


def test_an_item_is_created_and_found(open_page: OpenPage, stack: RunningStack) -> None:
    page = open_page("/#/admin")
    enter_key(page, stack.api_key)
    name = f"Solaris {uuid4()}"
    page.fill("#item-name", name)
    page.fill("#item-description", "An ocean that thinks.")
    page.fill("#item-price", "14.99")
    page.click("#submit-item")
    page.get_by_role("link", name="See the item").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator(".price")).to_have_text("$14.99")
    stored = page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert stack.api_key not in stored


def test_a_wrong_key_is_refused_and_can_be_replaced(open_page: OpenPage) -> None:
    page = open_page("/#/admin")
    enter_key(page, "not-the-right-key-at-all")
    page.fill("#item-name", "Nothing")
    page.fill("#item-description", "Nothing.")
    page.fill("#item-price", "1")
    page.click("#submit-item")
    expect(page.get_by_role("alert")).to_contain_text("The API key was not accepted.")
    page.get_by_role("button", name="Enter another key").click()
    expect(page.locator("#admin-key")).to_be_visible()


def test_a_change_does_not_overwrite_somebody_elses(open_page: OpenPage, stack: RunningStack) -> None:
    item = new_item(stack, name="Stalker", price=10)
    path = f"{ITEMS}/{item}"
    page = open_page(f"/#/admin/{item}", bypass_csp=True)
    enter_key(page, stack.api_key)
    page.fill("#item-price", "12.50")

    accepted = stack.request("PUT", path, {"name": "Stalker (1979)"}, {"X-API-KEY": stack.api_key})
    assert accepted.status == 202
    until(lambda: stack.request("GET", path).json["name"], lambda name: name == "Stalker (1979)")

    page.click("#submit-item")
    conflict = page.locator(".conflict")
    expect(conflict).to_contain_text("Somebody else changed this item")
    expect(conflict).to_contain_text("Stalker (1979)")
    assert stack.request("GET", path).json["price"] == 10
    assert axe_violations(page) == []
    page.get_by_role("button", name="Keep my changes").click()
    page.click("#submit-item")
    expect(page.locator("[data-state=saved]")).to_be_visible()
    changed = stack.request("GET", path).json
    assert (changed["name"], changed["price"]) == ("Stalker (1979)", 12.5)
