"""Creating, editing and deleting items, and their images."""

import io
from uuid import uuid4

from PIL import Image
from playwright.sync_api import FilePayload, expect

from tests.journeys.browser.conftest import (
    OpenPage,
    axe_violations,
    enter_key,
    new_item,
    stored_comments,
    write_comment,
)
from tests.journeys.conftest import RunningStack
from tests.journeys.test_http import ITEMS, until


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


def an_image(kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (90, 120), "#7a3b47").save(content, kind)
    return content.getvalue()


def test_an_image_is_looked_at_uploaded_and_shown_to_everybody(open_page: OpenPage, stack: RunningStack) -> None:
    item = new_item(stack, name=f"Mirror {uuid4()}")
    page = open_page(f"/#/admin/{item}")
    enter_key(page, stack.api_key)
    # What the file calls itself does not matter, neither here nor to the service.
    file: FilePayload = {"name": "cover.dat", "mimeType": "text/plain", "buffer": an_image("WEBP")}
    page.set_input_files("#item-image", files=[file])
    expect(page.get_by_role("img", name="Preview of the chosen image, 90 by 120 pixels")).to_be_visible()
    page.click("#submit-image")
    expect(page.locator(".image-form [data-state=saved]")).to_be_visible()
    stored = stack.request("GET", f"{ITEMS}/{item}").json
    assert stored["imageUrl"] == f"/images/{item}"

    visitor = open_page(f"/#/catalog/{item}")
    picture = visitor.locator(".item-picture img.cover")
    expect(picture).to_have_attribute("src", f"/images/{item}?v={stored['version']}")
    expect(picture).to_have_js_property("naturalWidth", 90)
    # Its place has the cover's shape, whatever the image's, and is there before it.
    box = picture.bounding_box()
    assert box is not None
    assert abs(box["width"] / box["height"] - 3 / 4) < 0.02


def test_a_file_that_is_no_image_or_too_large_is_refused_before_it_is_sent(
    open_page: OpenPage, stack: RunningStack
) -> None:
    item = new_item(stack)
    page = open_page(f"/#/admin/{item}")
    enter_key(page, stack.api_key)
    problem = page.locator("#item-image-error")
    broken = an_image()[:40]
    for content, words in (
        (b"GIF89a", "no PNG, JPEG or WebP"),
        (broken, "damaged"),
        (an_image() + bytes(2 * 1024 * 1024), "may have 2 MiB"),
    ):
        file: FilePayload = {"name": "cover.png", "mimeType": "image/png", "buffer": content}
        page.set_input_files("#item-image", files=[file])
        expect(problem).to_contain_text(words)
    page.click("#submit-image")
    expect(problem).to_be_visible()
    assert "imageUrl" not in stack.request("GET", f"{ITEMS}/{item}").json


def test_a_missing_image_leaves_the_drawn_cover(open_page: OpenPage, stack: RunningStack) -> None:
    item = new_item(stack, name="Nostalghia")
    page = open_page("/#/")
    body = {**stack.request("GET", f"{ITEMS}/{item}").json, "imageUrl": f"/images/{uuid4()}"}
    page.route(f"**/catalogitem/{item}", lambda route: route.fulfill(json=body))
    page.goto(f"/#/catalog/{item}")
    expect(page.locator(".item-picture svg.cover")).to_be_visible()


def test_an_item_is_deleted_with_the_keyboard_after_a_question(open_page: OpenPage, stack: RunningStack) -> None:
    item = new_item(stack, name=f"Zerkalo {uuid4()}")
    page = open_page(f"/#/admin/{item}")
    enter_key(page, stack.api_key)
    page.locator("#delete-item").focus()
    page.keyboard.press("Enter")
    # The harmless button has the focus, and Escape leaves everything as it was.
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#delete-item")).to_be_focused()
    assert stack.request("GET", f"{ITEMS}/{item}").status == 200

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#confirm")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The item is deleted.")).to_be_visible()
    assert stack.request("GET", f"{ITEMS}/{item}").status == 404
    page.goto("/#/catalog?q=Zerkalo")
    expect(page.get_by_role("button", name="Show everything")).to_be_visible()


def test_only_an_administrator_deletes_a_comment(open_page: OpenPage, item: str, stack: RunningStack) -> None:
    page = open_page(f"/#/catalog/{item}")
    for text in ("Buy cheap watches!", "A fine film."):
        write_comment(page, text)
    expect(page.locator(".comment [data-state=saved]")).to_have_count(2)
    expect(page.get_by_role("button", name="Delete the comment of Ada")).to_have_count(0)

    admin = open_page("/#/admin")
    enter_key(admin, stack.api_key)
    admin.goto(f"/#/catalog/{item}")
    spam = admin.locator(".comment").filter(has_text="watches")
    spam.get_by_role("button", name="Delete the comment of Ada").click()
    expect(admin.get_by_role("dialog")).to_contain_text("Buy cheap watches!")
    admin.click("#confirm")
    expect(spam).to_have_count(0)
    expect(admin.locator(".comment-text")).to_have_text(["A fine film."])
    assert stored_comments(stack, item) == ["A fine film."]
    admin.reload()
    expect(admin.locator(".comment-text")).to_have_text(["A fine film."])
