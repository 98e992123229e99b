"""`python -m tests.journeys.browser.screenshots`: takes the pictures of every view anew, on a running local cloud.

Run something against it for two minutes before, or the charts of the status view are empty.
"""

import argparse
import io
import json
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from local.catalogue.films import films
from local.control import ask
from local.stack import API_KEY

FOLDER = Path(__file__).parents[3] / "docs" / "screenshots"
FILM = "2001"
THEMES = ("light", "dark")
COMMENTS = (
    ("Heywood", "Saw it again last night. The cut from the bone to the ship is still the best one ever made."),
    ("Ada", "Slow, and I would not want it any faster."),
    ("Dave", "Bring a friend who asks no questions until the end."),
)


def main() -> None:
    """Take every picture in both themes."""
    arguments = _arguments()
    base_url = f"http://127.0.0.1:{arguments.port}"
    try:
        urllib.request.urlopen(base_url, timeout=5).close()
    except (urllib.error.URLError, TimeoutError):
        sys.exit(f"no local cloud answers on {base_url}: start it with `make run`, or name its --port")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium: run scripts/ensure-chromium")
    people_said_something(base_url)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        # Open all the while, so that their charts have something to tell.
        pages = {theme: opened(browser, base_url, theme, "/#/status") for theme in THEMES}
        pages["narrow"] = opened(browser, base_url, "dark", "/#/status", width=320)
        for theme in THEMES:
            everyday(browser, base_url, theme)
        status(pages, "status", "westeurope/queue")
        if arguments.kill:
            ask(arguments.port + 1, "kill", arguments.kill)
            try:
                status(pages, "status-region-lost", f"{arguments.kill}/api", lost=arguments.kill)
            finally:
                ask(arguments.port + 1, "start", arguments.kill)
        browser.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Take the pictures in docs/screenshots anew.")
    parser.add_argument("--port", type=int, default=8080, help="the local cloud's port (default 8080)")
    parser.add_argument("--kill", metavar="REGION", help="also kill a region, such as northeurope, and show that")
    return parser.parse_args()


def everyday(browser: Browser, base_url: str, theme: str) -> None:
    """Catalogue, item and administration."""
    page = opened(browser, base_url, theme, "/#/")
    expect(page.locator("div.catalog-item").nth(20)).to_be_visible()
    keep(page, f"catalogue-{theme}")
    page.goto(f"/#/catalog?q={FILM}")
    page.locator("div.catalog-item a").first.click()
    expect(page.locator(".description")).not_to_be_empty()
    expect(page.locator(".average")).to_be_visible()
    item = page.url.rpartition("/")[2]
    keep(page, f"item-{theme}", height=900)
    page.goto("/#/admin")
    page.fill("#admin-key", API_KEY)
    page.click("#submit-key")
    expect(page.locator(".rows li").first).to_be_visible()
    keep(page, f"admin-{theme}")
    page.goto(f"/#/admin/{item}")
    file: FilePayload = {"name": "monolith.png", "mimeType": "image/png", "buffer": poster()}
    page.set_input_files("#item-image", files=[file])
    expect(page.get_by_role("img", name="Preview of the chosen image")).to_be_visible()
    keep(page, f"edit-{theme}", height=880)
    page.click("#delete-item")
    expect(page.get_by_role("dialog")).to_be_visible()
    keep(page, f"delete-{theme}", height=880)
    page.context.close()


def status(pages: Mapping[str, Page], name: str, node: str, lost: str | None = None) -> None:
    """The status view with the details of one box; wide in both themes, and as narrow as it gets."""
    for kind, page in pages.items():
        page.bring_to_front()  # behind others it would not ask
        if lost:
            expect(page.locator(f"[data-stamp={lost}][data-light=unreachable]")).to_be_visible(timeout=60_000)
            expect(page.locator("[data-node=edge]")).to_contain_text("routes around", timeout=60_000)
        box = page.locator(f"[data-node='{node}']")
        if kind != "narrow" and box.get_attribute("aria-pressed") == "false":
            box.focus()
            page.keyboard.press("Enter")
            expect(box).to_have_attribute("aria-pressed", "true")
        page.locator("h1").focus()
        page.wait_for_timeout(3000)  # a round, or two
        keep(page, f"{name}-{kind}", full=kind != "narrow", height=1040 if kind == "narrow" else 800)


def people_said_something(base_url: str) -> None:
    """Let the film have votes and comments; the same ones however often this runs, for the keys are the same."""
    found = [film for film in films() if str(film["name"]).startswith(FILM)]
    item = f"{base_url}/api/1.0/catalogitem/{found[0]['id']}"
    said: list[tuple[str, dict[str, object]]] = [("ratings", {"rating": stars}) for stars in (5, 5, 4, 5, 3, 5, 4)]
    said += [("comments", {"authorName": author, "text": text}) for author, text in COMMENTS]
    for number, (kind, body) in enumerate(said):
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"screenshots-{number}"}
        request = urllib.request.Request(f"{item}/{kind}", json.dumps(body).encode(), headers)
        urllib.request.urlopen(request, timeout=15).close()


def opened(browser: Browser, base_url: str, theme: str, address: str, width: int = 1280) -> Page:
    """A page at an address."""
    page = browser.new_page(
        base_url=base_url,
        viewport={"width": width, "height": 800},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    page.goto(address)
    return page


def keep(page: Page, name: str, *, height: int = 800, full: bool = False) -> None:
    """Write a picture with few colours: it is to be small, and shows mostly flat ones."""
    size = page.viewport_size
    if size:
        page.set_viewport_size({"width": size["width"], "height": height})
    page.wait_for_timeout(300)
    taken = Image.open(io.BytesIO(page.screenshot(full_page=full))).convert("RGB")
    FOLDER.mkdir(exist_ok=True)
    taken.quantize(256, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)


def poster() -> bytes:
    """Something to upload: a monolith before a rising sun."""
    picture = Image.new("RGB", (600, 800), "#0d1424")
    draw = ImageDraw.Draw(picture)
    for step in range(12):
        radius = 330 - step * 24
        shade = (40 + step * 17, 30 + step * 11, 50 + step * 2)
        draw.ellipse((300 - radius, 600 - radius, 300 + radius, 600 + radius), fill=shade)
    draw.rectangle((0, 600, 600, 800), fill="#241a16")
    draw.polygon([(250, 210), (350, 210), (362, 640), (238, 640)], fill="#05070b")
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


if __name__ == "__main__":
    main()
