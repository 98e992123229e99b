"""The system as a picture: every region, what it is made of, and what becomes of it when one dies."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.journeys.browser.conftest import OpenPage, axe_violations, new_item
from tests.journeys.conftest import RunningStack
from tests.journeys.test_http import ITEMS, until

STAMPS = ("westeurope", "northeurope")


def stamp(page: Page, name: str) -> Locator:
    return page.locator(f"[data-stamp={name}]")


def until_healthy(page: Page, regions: RunningStack) -> None:
    """Wait until both regions say so themselves: a new processor's first heartbeat takes a while."""
    found = until(lambda: [health(regions, name) for name in STAMPS], lambda both: both == [200, 200], 90)
    assert found == [200, 200]
    for name in STAMPS:
        expect(stamp(page, name)).to_have_attribute("data-light", re.compile("healthy|degraded"))


def health(regions: RunningStack, name: str) -> int:
    return regions.request("GET", f"/health/stamps/{name}/stamp").status


def test_both_regions_are_drawn_with_what_they_are_made_of(open_regions: OpenPage, regions: RunningStack) -> None:
    page = open_regions("/#/status")
    until_healthy(page, regions)
    for name in STAMPS:
        for part in ("api", "queue", "processor", "storage", "dead-letters", "operator"):
            expect(page.locator(f"[data-node='{name}/{part}']")).to_be_visible()
        expect(page.locator(f"[data-node='{name}/queue']")).to_contain_text("waiting")
        # The edge's own looks at it, newest at the right.
        expect(stamp(page, name).locator("[data-probes]")).to_have_attribute("data-probes", re.compile(r"\+$"))
    expect(page.locator("[data-node=database]")).to_be_visible()
    expect(page.locator("[data-node=edge]")).to_contain_text("routes to all 2")


def test_what_people_do_is_seen_in_the_charts(open_regions: OpenPage, regions: RunningStack) -> None:
    item = new_item(regions)
    page = open_regions("/#/status")
    for _ in range(40):
        assert regions.request("GET", f"{ITEMS}/{item}").status == 200
    chart = page.get_by_role("img", name=re.compile(r"Requests in (West|North) Europe: (0\.[1-9]|[1-9])"))
    expect(chart.first).to_be_visible()
    expect(chart.first.locator(".chart-ok")).to_have_attribute("d", re.compile("^M"))
    expect(page.get_by_role("img", name=re.compile("Latency in .* Europe: median")).first).to_be_visible()


def test_details_open_with_the_keyboard_alone(open_regions: OpenPage, regions: RunningStack) -> None:
    page = open_regions("/#/status")
    until_healthy(page, regions)
    page.locator("h1").focus()
    page.keyboard.press("Tab")
    expect(page.locator("[data-node=edge]")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("[data-node=westeurope]")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("[data-node='westeurope/queue']")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#details")).to_contain_text("32 partitions")
    expect(page.get_by_role("list", name="Partitions").get_by_role("listitem")).to_have_count(32)
    # The picture moves on, and the focus stays where it is.
    page.wait_for_timeout(2500)
    expect(page.locator("[data-node='westeurope/queue']")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#details")).to_contain_text("Choose a box")


def test_on_a_small_screen_details_come_into_view(open_page: OpenPage) -> None:
    page = open_page("/#/status", viewport={"width": 320, "height": 600})
    page.locator("[data-node=edge]").click()
    expect(page.get_by_role("heading", name="Edge")).to_be_in_viewport()


def test_a_region_that_is_killed_is_drawn_as_gone_and_comes_back(open_regions: OpenPage, regions: RunningStack) -> None:
    page = open_regions("/#/status", bypass_csp=True, reduced_motion="reduce")
    until_healthy(page, regions)
    regions.control("kill", "northeurope")
    try:
        expect(stamp(page, "northeurope")).to_have_attribute("data-light", "unreachable")
        expect(stamp(page, "northeurope")).to_contain_text("Unreachable")
        # It is still there, with all its parts, and the other one goes on.
        expect(page.locator("[data-node='northeurope/processor']")).to_be_visible()
        expect(stamp(page, "westeurope")).not_to_have_attribute("data-light", "unreachable")
        expect(page.locator("[data-node=edge]")).to_contain_text("routes around 1 of 2")
        expect(stamp(page, "northeurope").locator("[data-probes]")).to_have_attribute("data-probes", re.compile("-$"))
        expect(page.get_by_role("status").filter(has_text="North Europe: Unreachable.")).to_have_count(1)
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 800})
            assert axe_violations(page) == []
    finally:
        regions.control("start", "northeurope")
    until_healthy(page, regions)
    expect(page.locator("[data-node=edge]")).to_contain_text("routes to all 2")


def test_without_a_network_the_last_picture_stays_and_says_its_age(
    open_regions: OpenPage, regions: RunningStack
) -> None:
    page = open_regions("/#/status")
    until_healthy(page, regions)
    page.context.set_offline(True)
    expect(page.locator("[data-banner=old]")).to_contain_text(re.compile(r"This picture is \d+ seconds old"))
    expect(stamp(page, "northeurope")).not_to_have_attribute("data-light", "unreachable")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try now").last.click()
    expect(page.locator("[data-banner=old]")).to_have_count(0)


def test_nobody_is_asked_while_nobody_looks(open_regions: OpenPage) -> None:
    page = open_regions("/#/status")
    expect(stamp(page, "westeurope")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/#/nowhere")
    page.wait_for_timeout(2500)
    assert [url for url in asked if "/health/" in url or "/_control/" in url] == []
    page.goto("/#/status")
    expect(stamp(page, "westeurope")).to_be_visible()
    page.wait_for_timeout(2500)
    assert any("/health/stamps/northeurope/stamp" in url for url in asked)


def test_a_part_of_the_page_that_does_not_come_says_so(open_page: OpenPage) -> None:
    page = open_page("/#/")
    page.route("**/assets/StatusView*", lambda route: route.abort("connectionreset"))
    page.get_by_role("link", name="Status").click()
    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")
    page.unroute_all()
    page.get_by_role("button", name="Reload the page").click()
    expect(stamp(page, "westeurope")).to_be_visible()


def test_lights_can_be_told_apart_without_any_colour(open_page: OpenPage) -> None:
    page = open_page("/#/")
    report = page.request.get("/health/stamps/westeurope/stamp").json()
    for check, status in zip(report["checks"], ("unhealthy", "degraded", "unknown"), strict=False):
        check["status"] = status
    page.route("**/health/stamps/westeurope/stamp", lambda route: route.fulfill(json=report))
    page.goto("/#/status")
    page.get_by_text("The same as a table").click()
    signs = page.locator(".as-table .glyph").evaluate_all(
        "(all) => Object.fromEntries(all.map((one) => [one.getAttribute('class'), one.innerHTML]))"
    )
    assert len(signs) >= 3
    assert len(set(signs.values())) == len(signs)
