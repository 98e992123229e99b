"""`python -m tests.journeys.browser.screenshots`: takes the pictures of every view anew, on a running local cloud.

Run something against it for two minutes before, or the charts of the status view are empty.
"""

import argparse
import io
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from local.control import ask
from local.stack import API_KEY

FOLDER = Path(__file__).parents[3] / "docs" / "screenshots"
FILM = "2001"
THEMES = ("light", "dark")


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
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for theme in THEMES:
            everyday(browser, base_url, theme)
        status(browser, base_url, "status")
        if arguments.kill:
            ask(arguments.port + 1, "kill", arguments.kill)
            try:
                status(browser, base_url, "status-region-lost", arguments.kill)
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


def status(browser: Browser, base_url: str, name: str, lost: str | None = None) -> None:
    """The status view; wide in both themes, and as narrow as it gets."""
    for theme in THEMES:
        page = opened(browser, base_url, theme, "/#/status", lost=lost)
        page.locator(f"[data-node='{lost or 'westeurope/queue'}']").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Choose a box")).to_have_count(0)
        page.locator("h1").focus()
        page.wait_for_timeout(4500)  # a few rounds, for the charts
        keep(page, f"{name}-{theme}", full=True)
        page.context.close()
    page = opened(browser, base_url, "dark", "/#/status", lost=lost, width=320)
    keep(page, f"{name}-narrow", height=1040)
    page.context.close()


def opened(
    browser: Browser, base_url: str, theme: str, address: str, *, lost: str | None = None, width: int = 1200
) -> Page:
    """A page at an address; of the status view, once it shows what became of the lost region."""
    page = browser.new_page(
        base_url=base_url,
        viewport={"width": width, "height": 800},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    page.goto(address)
    if lost:
        expect(page.locator(f"[data-stamp={lost}][data-light=unreachable]")).to_be_visible(timeout=30_000)
        expect(page.locator("[data-node=edge]")).to_contain_text("routes around", timeout=60_000)
    return page


def keep(page: Page, name: str, *, height: int = 800, full: bool = False) -> None:
    """Write a picture with few colours: it is to be small, and shows mostly flat ones."""
    size = page.viewport_size
    if size:
        page.set_viewport_size({"width": size["width"], "height": height})
    page.wait_for_timeout(300)
    taken = Image.open(io.BytesIO(page.screenshot(full_page=full))).convert("RGB")
    FOLDER.mkdir(exist_ok=True)
    taken.quantize(128, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)


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
