"""Everybody can use every view: in both themes, on a small screen, without motion."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browser.conftest import OpenPage, axe_violations, enter_key, new_item, write_comment
from tests.journeys.conftest import RunningStack

VIEWS = [
    *("home", "search", "nothing found", "item", "missing item", "admin key", "admin", "edit", "delete"),
    *("status", "status details", "unknown"),
]
WIDTHS = (1280, 768, 320)


def show(page: Page, view: str, stack: RunningStack) -> None:
    """Bring a page to a view with something in it."""
    match view:
        case "home":
            expect(page.locator("div.catalog-item").first).to_be_visible()
        case "search":
            page.goto("/#/catalog?q=a")
            expect(page.locator(".summary")).to_contain_text("matches")
        case "nothing found":
            page.goto("/#/catalog?q=certainly%20nothing")
            expect(page.get_by_role("button", name="Show everything")).to_be_visible()
        case "item":
            page.goto(f"/#/catalog/{new_item(stack)}")
            page.click("#rating-4")
            write_comment(page, "Something to look at.")
            page.click("#submit-comment")  # an empty one: shows what is wrong with it
            expect(page.locator(".comment [data-state=saved]")).to_be_visible()
        case "missing item":
            page.goto("/#/catalog/00000000-0000-4000-8000-00000000dead")
            expect(page.get_by_role("heading", level=1)).to_have_text("This item does not exist")
        case "status" | "status details":
            page.goto("/#/status")
            expect(page.locator("[data-stamp=westeurope]")).to_be_visible()
            if view == "status details":
                page.locator("[data-node='westeurope/queue']").click()
                expect(page.get_by_role("list", name="Partitions")).to_be_visible()
                page.get_by_text("The same as a table").click()
        case "delete":
            page.goto(f"/#/admin/{new_item(stack)}")
            enter_key(page, stack.api_key)
            page.click("#submit-image")  # without a file: shows what is missing
            expect(page.locator("#item-image-error")).to_be_visible()
            page.click("#delete-item")
            expect(page.get_by_role("dialog")).to_be_visible()
        case "admin key" | "admin" | "edit":
            page.goto(f"/#/admin/{new_item(stack)}" if view == "edit" else "/#/admin")
            expect(page.locator("#admin-key")).to_be_visible()
            if view != "admin key":
                enter_key(page, stack.api_key)
                page.fill("#item-name", "")
                page.click("#submit-item")
                expect(page.locator("#item-name-error")).to_be_visible()
        case _:
            page.goto("/#/nowhere")
            expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_and_320_pixels_are_enough(view: str, open_page: OpenPage, stack: RunningStack) -> None:
    page = open_page(color_scheme="light", bypass_csp=True, reduced_motion="reduce")
    show(page, view, stack)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme)
            assert axe_violations(page) == [], f"{theme}, {width} pixels wide"
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_the_theme_follows_the_system_until_one_chooses(open_page: OpenPage) -> None:
    page = open_page(color_scheme="dark")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(background)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(background)
    assert dark != light
    button = page.get_by_role("button", name=re.compile("Colours"))
    button.click()
    button.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(background) == dark
    page.reload()
    expect(page.locator("div.catalog-item").first).to_be_visible()
    assert page.evaluate(background) == dark


def test_nothing_moves_for_those_who_do_not_want_it(open_page: OpenPage, item: str) -> None:
    page = open_page(f"/#/catalog/{item}", reduced_motion="reduce")
    write_comment(page, "Calm.")
    expect(page.locator(".comment-own")).to_be_visible()
    running = "document.getAnimations().filter((animation) => animation.playState === 'running').length"
    assert page.evaluate(running) == 0


def test_stars_can_be_told_apart_in_forced_colours(open_page: OpenPage, item: str) -> None:
    page = open_page(f"/#/catalog/{item}", forced_colors="active")
    page.click("#rating-3")
    fill = "(star) => getComputedStyle(star).fill"
    chosen = page.locator(".rating-stars .star").nth(2).evaluate(fill)
    other = page.locator(".rating-stars .star").nth(4).evaluate(fill)
    assert chosen != other
