"""Saying what one thinks of an item."""

from playwright.sync_api import Page, expect

from tests.journeys.browser.conftest import OpenPage, stored_comments, write_comment
from tests.journeys.conftest import RunningStack
from tests.journeys.test_http import ITEMS, until


def test_a_vote_changes_the_average(open_page: OpenPage, item: str, stack: RunningStack) -> None:
    page = open_page(f"/#/catalog/{item}")
    expect(page.locator(".average")).to_contain_text("No votes yet")
    page.click("#rating-2")
    # At once, and then for everybody.
    expect(page.locator(".average")).to_have_attribute("data-average", "2.00")
    expect(page.locator(".rating-status")).to_contain_text("You gave 2 of 5 stars. Saved")
    assert stack.request("GET", f"{ITEMS}/{item}/ratings").json == {"averageRating": 2, "numberOfVotes": 1}

    other = open_page(f"/#/catalog/{item}")
    expect(other.locator(".average")).to_have_attribute("data-average", "2.00")
    other.click("#rating-5")
    expect(other.locator(".rating-status")).to_contain_text("Saved")
    expect(other.locator(".average")).to_have_attribute("data-average", "3.50")
    expect(other.locator(".average")).to_have_attribute("data-votes", "2")


def test_a_vote_with_the_keyboard_alone(open_page: OpenPage, item: str, stack: RunningStack) -> None:
    page = open_page(f"/#/catalog/{item}")
    page.locator("h1").focus()
    # Nothing is chosen, and the group can be reached all the same.
    page.keyboard.press("Tab")
    expect(page.locator("#rating-1")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#rating-1")).to_be_checked()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#rating-3")).to_be_checked()
    expect(page.locator(".rating-status")).to_contain_text("3 of 5 stars chosen")
    assert stack.request("GET", f"{ITEMS}/{item}/ratings").json["numberOfVotes"] == 0
    page.keyboard.press("Enter")
    expect(page.locator(".rating-status")).to_contain_text("You gave 3 of 5 stars. Saved")
    assert stack.request("GET", f"{ITEMS}/{item}/ratings").json == {"averageRating": 3, "numberOfVotes": 1}


def test_the_stars_are_a_radio_group_that_asks_a_question(open_page: OpenPage, item: str) -> None:
    page = open_page(f"/#/catalog/{item}")
    group = page.get_by_role("group", name="How many stars do you give?")
    for stars in range(1, 6):
        radio = group.get_by_role("radio", name=f"{stars} of 5 stars", exact=True)
        expect(radio).to_have_id(f"rating-{stars}")
        box = radio.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 24


def test_a_comment_is_shown_at_once_and_then_saved(open_page: OpenPage, item: str, stack: RunningStack) -> None:
    page = open_page(f"/#/catalog/{item}")
    expect(page.get_by_text("No comments yet.")).to_be_visible()
    write_comment(page, "A fine one. 😀\nReally.")
    comment = page.locator(".comment").first
    expect(comment).to_contain_text("A fine one. 😀")
    expect(comment.locator("[data-state=saved]")).to_be_visible()
    assert stored_comments(stack, item) == ["A fine one. 😀\nReally."]
    page.reload()
    expect(page.locator(".comment")).to_have_count(1)
    expect(page.locator(".comment time")).to_have_text("just now")


def test_markup_in_a_comment_is_only_text(open_page: OpenPage, item: str) -> None:
    text = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    page = open_page(f"/#/catalog/{item}")
    write_comment(page, text)
    expect(page.locator(".comment [data-state=saved]")).to_be_visible()
    page.reload()
    expect(page.locator(".comment-text")).to_have_text(text)


def test_older_comments_come_on_demand_and_newest_are_first(
    open_page: OpenPage, item: str, stack: RunningStack
) -> None:
    for number in range(12):
        body = {"authorName": "Fritz", "text": f"Comment {number}"}
        accepted = stack.request("POST", f"{ITEMS}/{item}/comments", body)
        location = accepted.headers["Location"]
        until(lambda path=location: stack.request("GET", path).status, lambda status: status == 200)  # type: ignore[misc]
    page = open_page(f"/#/catalog/{item}")
    expect(page.locator(".comment")).to_have_count(10)
    expect(page.locator(".comment-text").first).to_have_text("Comment 11")
    page.get_by_role("button", name="More comments").click()
    expect(page.locator(".comment")).to_have_count(12)
    expect(page.locator(".comment-text").last).to_have_text("Comment 0")


def test_the_skip_link_and_the_order_of_focus(page: Page) -> None:
    expect(page.locator("div.catalog-item").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    # A new view: the focus is at its heading, so a screen reader reads where one is.
    expect(page.locator("#rating-1")).to_be_attached()
    expect(page.locator("h1")).to_be_focused()
