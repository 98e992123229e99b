"""A browser, its pages, and items to use them on."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.journeys.conftest import RunningStack
from tests.journeys.test_http import ITEMS, until

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = [
    "--no-sandbox",  # tests may run as root, for which Chromium has no sandbox
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_AXE = Path(__file__).parents[3] / "web" / "node_modules" / "axe-core" / "axe.min.js"

# Generous: what is tested is what happens, never how fast on a busy machine.
expect.set_options(timeout=20_000)

type OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is; the only reason to skip these tests is that there is none."""
    found = next((path for path in map(shutil.which, _NAMES) if path), None)
    if found is None:
        pytest.skip("no Chromium: apt-get install --no-install-recommends chromium fonts-liberation, or any Chrome")
    return found


# Not for the whole session: while Playwright's loop runs, no test after it could run an event loop of its own.
@pytest.fixture(scope="package")
def browser(chromium: str, stack: RunningStack) -> Iterator[Browser]:
    """One browser for all these tests; the stack is up before it."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Browser, stack: RunningStack) -> Iterator[OpenPage]:
    """Opens a visitor's page; options are those of a browser context."""
    with pages_of(browser, stack.base_url) as opened:
        yield opened


@pytest.fixture
def open_regions(browser: Browser, regions: RunningStack) -> Iterator[OpenPage]:
    """The same on two regions, which are both up before the test, and again in rotation after it."""
    bring_up(regions)
    with pages_of(browser, regions.base_url) as opened:
        yield opened
    bring_up(regions)
    both = {"westeurope": True, "northeurope": True}
    assert until(regions.rotation, lambda known: known == both, timeout_s=60) == both


def bring_up(regions: RunningStack) -> None:
    """Start what a test took down."""
    for stamp in ("westeurope", "northeurope"):
        regions.control("start", stamp)


@contextmanager
def pages_of(browser: Browser, base_url: str) -> Iterator[OpenPage]:
    """Opens visitors' pages, each with storage of its own.

    At the end no page may have thrown, broken its own policy, or asked anybody but the stack.
    """
    contexts = []
    complaints: list[str] = []

    def opened(address: str = "/#/", **options: Any) -> Page:
        context = browser.new_context(base_url=base_url, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(f"the page threw: {error}"))
        page.on("console", lambda message: _note_policy(message.text, complaints))
        page.on("request", lambda request: _note_stranger(request.url, base_url, complaints))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


def _note_policy(text: str, complaints: list[str]) -> None:
    if "Content Security Policy" in text or "Trusted" in text:
        complaints.append(text)


def _note_stranger(url: str, base_url: str, complaints: list[str]) -> None:
    if not url.startswith((base_url, "data:", "blob:")):
        complaints.append(f"the page asked a third party: {url}")


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A visitor at home."""
    return open_page()


@pytest.fixture
def item(stack: RunningStack) -> str:
    """The id of a new item that is readable."""
    return new_item(stack)


def new_item(stack: RunningStack, **members: object) -> str:
    """Make an item and wait until it is readable; answers its id."""
    body = {"name": f"Item {uuid4()}", "description": "Made by a test.", "price": 9.99, **members}
    accepted = stack.request("POST", ITEMS, body, {"X-API-KEY": stack.api_key})
    assert accepted.status == 202, accepted.body
    path = accepted.headers["Location"]
    assert until(lambda: stack.request("GET", path), lambda answer: answer.status == 200).status == 200
    return path.rpartition("/")[2]


def enter_key(page: Page, key: str) -> None:
    """Give the administrator's key to a page that asks for it."""
    page.fill("#admin-key", key)
    page.click("#submit-key")


def write_comment(page: Page, text: str, author: str = "Ada") -> None:
    """Fill in the comment form and send it."""
    page.fill("#comment-authorName", author)
    page.fill("#comment-text", text)
    page.click("#submit-comment")


def stored_comments(stack: RunningStack, item_id: str) -> list[str]:
    """The texts of an item's comments, as the service has them."""
    return [comment["text"] for comment in stack.request("GET", f"{ITEMS}/{item_id}/comments?limit=100").json]


def axe_violations(page: Page) -> list[str]:
    """What axe finds in the page as it is, one line each; the page's context must bypass the policy for axe itself."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=_AXE)
    # Thousands of elements that are as they should be are neither described nor carried here.
    found: list[str] = page.evaluate(
        """axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
             violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`)))"""
    )
    return found
