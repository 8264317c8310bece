"""Start here in a real browser: press, watch, read what one's own results show."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.app import UI_TIMEOUT, Server, barriers, button, fits, settle

STEADY = ".lrdash-steady"
TRAINED = 180_000  # ms; some seconds on a machine that is not busy


@pytest.fixture(scope="module")
def trained(browser: Browser, server: Server) -> str:
    """The address of a guided experiment, started by its button from the first page."""
    page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    page.goto(server.url)
    settle(page)
    links = page.get_by_test_id("stTopNavLink")
    expect(links.first).to_have_text(re.compile("Start here"), timeout=UI_TIMEOUT)
    links.first.click()
    page.wait_for_url(re.compile("/start"))
    button(page, "start-lowering").click()
    page.wait_for_url(re.compile(r"experiment="), timeout=UI_TIMEOUT)
    expect(page.get_by_text("What to watch").or_(page.get_by_text("What your results show"))) \
        .to_be_visible(timeout=UI_TIMEOUT)
    expect(page.get_by_role("heading", name="What your results show")) \
        .to_be_visible(timeout=TRAINED)
    address = page.url
    page.context.close()
    return address


def test_one_press_trains_the_real_thing_and_explains_it_from_its_own_numbers(
    page: Page, trained: str
) -> None:
    page.goto(trained)  # as after F5, or in a second tab
    explained = page.locator(".st-key-explained")
    expect(explained).to_contain_text("Step cut after epochs 10 and 20 with every seed",
                                 timeout=UI_TIMEOUT)
    expect(explained).to_contain_text(re.compile(r"The callback reported at epoch \d+ of seed \d"))
    expect(explained).to_contain_text(re.compile(r"Mean final validation loss: 0\.0\d+ with Step"))
    expect(page.get_by_text("12 runs: 12 finished.")).to_be_visible()
    chart = page.locator(STEADY)
    expect(chart).to_have_count(2)
    expect(chart.first.locator(".nsewdrag").first).to_be_visible(timeout=UI_TIMEOUT)
    drawn = "document.querySelectorAll('.lrdash-steady')[1].calcdata?.map(line => line.length)"
    page.wait_for_function(  # epochs of the two runs of the first seed
        f"JSON.stringify({drawn}) === '[30,30]'", polling=200, timeout=UI_TIMEOUT
    )
    button(page, "to-inside").click()
    expect(page.get_by_role("heading", level=1, name="Inside the callback")).to_be_visible()
    page.wait_for_url(re.compile(r"/inside\?run="))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_first_page_explanation_and_glossary_on_a_phone_without_a_barrier(
    browser: Browser, server: Server, trained: str, theme: str
) -> None:
    page = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme=theme  # type: ignore[arg-type]
    ).new_page()
    for address, seen in (
        (f"{server.url}/start", page.get_by_role("heading", name="Why warm up?")),
        (trained, page.locator(f"{STEADY} .nsewdrag").first),
        (f"{server.url}/glossary#patience", page.get_by_role("heading", name="Patience")),
    ):
        page.goto(address)
        settle(page)
        expect(seen).to_be_visible(timeout=UI_TIMEOUT)
        if "#" in address:
            expect(seen).to_be_in_viewport()
        assert barriers(page) == []
        assert fits(page)
    page.get_by_role("textbox", name="Find a term").fill("bounces")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Stability limit")).to_be_visible()
    expect(page.get_by_role("heading", name="Patience")).to_have_count(0)
    page.context.close()
