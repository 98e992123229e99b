"""Finding something in the catalogue."""

import re

from playwright.sync_api import Page, Response, expect

from tests.journeys.browser.conftest import OpenPage, new_item
from tests.journeys.conftest import RunningStack

# As it goes over the wire, compressed.
MOST_SCRIPT_BYTES = 60_000


def test_the_catalogue_lists_items_and_leads_to_each(page: Page) -> None:
    expect(page).to_have_title(re.compile("AlwaysOn Catalog"))
    first = page.locator("div.catalog-item").first
    name = first.locator(".card-name").inner_text()
    first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page).to_have_title(f"{name} · AlwaysOn Catalog")
    expect(page.locator(".description")).not_to_be_empty()


def test_the_list_goes_on_while_one_scrolls(page: Page) -> None:
    cards = page.locator("div.catalog-item")
    expect(cards).to_have_count(60)
    page.locator("div.catalog-item").last.scroll_into_view_if_needed()
    page.mouse.wheel(0, 4000)
    expect(cards.nth(110)).to_be_attached()


def test_a_search_finds_what_no_loaded_page_has_yet(page: Page, stack: RunningStack) -> None:
    new_item(stack, name="Zzyzx, the last of all names")
    page.fill("#search", "ZZYZX last")
    expect(page.locator("div.catalog-item")).to_have_count(1)
    expect(page.locator(".summary")).to_contain_text("1 match for")
    # The address can be shared.
    page.reload()
    expect(page.locator("#search")).to_have_value("ZZYZX last")
    expect(page.locator(".card-name")).to_have_text("Zzyzx, the last of all names")
    page.fill("#search", "certainly nothing")
    page.get_by_role("button", name="Show everything").click()
    expect(page.locator("div.catalog-item").first).to_be_visible()


def test_going_back_leads_to_where_one_was(page: Page) -> None:
    expect(page.locator("div.catalog-item")).to_have_count(60)
    page.evaluate("window.scrollTo(0, 1500)")
    page.wait_for_function("() => history.state?.scrollY > 1000")
    page.locator("div.catalog-item a:visible").nth(24).click()
    expect(page.locator("#rating-1")).to_be_attached()
    assert page.evaluate("window.scrollY") == 0
    page.go_back()
    expect(page.locator("div.catalog-item").first).to_be_attached()
    page.wait_for_function("() => window.scrollY > 1000")


def test_an_unknown_item_and_an_unknown_page_say_so(open_page: OpenPage) -> None:
    page = open_page("/#/catalog/00000000-0000-4000-8000-00000000dead")
    expect(page.get_by_role("heading", level=1)).to_have_text("This item does not exist")
    page.goto("/#/nowhere")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    page.get_by_role("link", name="To the catalog").click()
    expect(page.locator("div.catalog-item").first).to_be_visible()


def test_the_first_load_is_small_and_leaves_out_what_most_never_see(open_page: OpenPage) -> None:
    page = open_page("/favicon.svg")
    scripts: list[Response] = []
    page.on("response", lambda answer: scripts.append(answer) if answer.request.resource_type == "script" else None)
    page.goto("/#/")
    expect(page.locator("div.catalog-item").first).to_be_visible()
    assert 10_000 < sum(answer.request.sizes()["responseBodySize"] for answer in scripts) <= MOST_SCRIPT_BYTES
    assert not [answer.url for answer in scripts if "StatusView" in answer.url]
