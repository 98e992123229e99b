"""What becomes of a write when the network or the service is in trouble: exactly one effect, and nothing lost."""

from playwright.sync_api import Page, Route, expect

from tests.journeys.browser.conftest import OpenPage, stored_comments, write_comment
from tests.journeys.conftest import RunningStack
from tests.journeys.test_http import ITEMS

COMMENTS = "**/comments"


class Scripted:
    """Treats the first POSTs as told and lets later ones pass; remembers the key of each."""

    def __init__(self, page: Page, *treatments: str) -> None:
        self.keys: list[str] = []
        self._treatments = list(treatments)
        page.route(COMMENTS, self._treat)

    def _treat(self, route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        self.keys.append(route.request.headers["idempotency-key"])
        treatment = self._treatments.pop(0) if self._treatments else "pass"
        if treatment == "pass":
            route.continue_()
        elif treatment == "cut":
            route.abort("connectionreset")
        elif treatment == "lose the answer":
            route.fetch()
            route.abort("connectionreset")
        else:
            route.fulfill(status=int(treatment), headers={"Retry-After": "1"}, content_type="text/plain", body="no")


def test_a_comment_written_offline_is_sent_when_the_network_is_back(
    open_page: OpenPage, item: str, stack: RunningStack
) -> None:
    page = open_page(f"/#/catalog/{item}")
    expect(page.get_by_text("No comments yet.")).to_be_visible()
    page.context.set_offline(True)
    expect(page.locator("[data-banner=offline]")).to_be_visible()
    write_comment(page, "Written in a tunnel.")
    expect(page.locator(".comment [data-state=waiting]")).to_be_visible()
    expect(page.locator("[data-banner=offline]")).to_contain_text("1 entry is kept here")
    assert stored_comments(stack, item) == []

    page.context.set_offline(False)
    expect(page.locator(".comment [data-state=saved]")).to_be_visible()
    expect(page.locator(".banner")).to_have_count(0)
    assert stored_comments(stack, item) == ["Written in a tunnel."]


def test_a_comment_survives_a_reload_and_has_one_effect(open_page: OpenPage, item: str, stack: RunningStack) -> None:
    page = open_page(f"/#/catalog/{item}")
    # The first try takes effect, but its answer is lost; the page never learns of it.
    before = Scripted(page, "lose the answer", *["cut"] * 50)
    write_comment(page, "Once only.")
    expect(page.locator(".comment [data-state=waiting]")).to_be_visible()
    page.unroute_all()
    page.reload()
    expect(page.locator(".comment [data-state=saved]")).to_be_visible()
    assert len(set(before.keys)) == 1
    assert stored_comments(stack, item) == ["Once only."]


def test_a_busy_service_is_asked_again_with_the_same_key(open_page: OpenPage, item: str, stack: RunningStack) -> None:
    page = open_page(f"/#/catalog/{item}")
    script = Scripted(page, "429", "503", "502", "cut")
    write_comment(page, "Patience.")
    expect(page.locator("[data-banner=trouble]")).to_be_visible()
    expect(page.locator(".comment [data-state=saved]")).to_be_visible(timeout=60_000)
    assert len(script.keys) == 5
    assert len(set(script.keys)) == 1
    assert stored_comments(stack, item) == ["Patience."]


def test_comments_of_one_item_keep_their_order_through_an_outage(
    open_page: OpenPage, item: str, stack: RunningStack
) -> None:
    page = open_page(f"/#/catalog/{item}")
    Scripted(page, "503")
    for text in ("first", "second", "third"):
        write_comment(page, text)
    expect(page.locator(".comment [data-state=saved]")).to_have_count(3)
    assert stored_comments(stack, item) == ["third", "second", "first"]


def test_a_refusal_is_told_and_the_text_can_be_mended(open_page: OpenPage, item: str, stack: RunningStack) -> None:
    page = open_page(f"/#/catalog/{item}")
    Scripted(page, "400")
    write_comment(page, "Not like this.")
    expect(page.locator(".comment [role=alert]")).to_be_visible()
    page.get_by_role("button", name="Edit").click()
    expect(page.locator("#comment-text")).to_have_value("Not like this.")
    page.fill("#comment-text", "But like this.")
    page.click("#submit-comment")
    expect(page.locator(".comment [data-state=saved]")).to_be_visible()
    assert stored_comments(stack, item) == ["But like this."]


def test_what_is_typed_and_not_sent_survives_a_reload(open_page: OpenPage, item: str) -> None:
    page = open_page(f"/#/catalog/{item}")
    page.fill("#comment-authorName", "Ada")
    page.fill("#comment-text", "Half a sen")
    page.reload()
    expect(page.locator("#comment-text")).to_have_value("Half a sen")
    expect(page.locator("#comment-authorName")).to_have_value("Ada")


def test_reading_goes_on_by_itself_after_an_outage(open_page: OpenPage, item: str, stack: RunningStack) -> None:
    page = open_page("/#/")
    expect(page.locator("div.catalog-item").first).to_be_visible()
    page.route("**/api/**", lambda route: route.fulfill(status=503, body="down"))
    page.goto(f"/#/catalog/{item}")
    expect(page.get_by_text("This item could not be loaded.")).to_be_visible(timeout=60_000)
    page.unroute_all()
    page.get_by_role("alert").filter(has_text="This item").get_by_role("button", name="Try again").click()
    expect(page.locator(".description")).to_have_text("Made by a test.")
    assert stack.request("GET", f"{ITEMS}/{item}").status == 200
