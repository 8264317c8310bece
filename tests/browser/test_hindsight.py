"""Hindsight in a real browser: from a finished run to what was found, and back to its run."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.app import (
    UI_TIMEOUT,
    Server,
    barriers,
    button,
    choose,
    fits,
    settle,
    start,
    type_number,
)

LONG = 4 * UI_TIMEOUT  # four trainings one after another on a busy machine


def test_a_run_is_looked_back_on_and_the_address_shows_what_was_found(
    page: Page, server: Server
) -> None:
    choose(page, "Dataset", "Wine")
    type_number(page, "Epochs", "6")
    start(page)
    button(page, "hindsight").click(timeout=UI_TIMEOUT)
    page.wait_for_url(re.compile("hindsight"), timeout=UI_TIMEOUT)
    expect(page.get_by_role("heading", level=1)).to_have_text("Hindsight")
    expect(page.get_by_text(re.compile("At most 58 runs of 6 epochs"))).to_be_visible()
    type_number(page, "Decision points", "2")
    type_number(page, "Fresh seeds", "2")
    expect(page.get_by_text(re.compile("branches after epoch 2 and 4"))).to_be_visible()
    button(page, "start-search").click()
    page.wait_for_url(re.compile("search="), timeout=UI_TIMEOUT)
    expect(button(page, "stop-search")).to_be_visible()

    page.reload()  # the address shows the same search
    checked = page.get_by_text(re.compile("Trained again with 2 fresh seeds, it ends at"))
    expect(checked).to_be_visible(timeout=LONG)
    expect(page.locator(".lrdash-steady .scatterlayer")).to_have_count(2)
    expect(button(page, "stop-search")).to_have_count(0)

    page.set_viewport_size({"width": 390, "height": 844})
    settle(page)
    assert barriers(page) == []
    assert fits(page)

    page.set_viewport_size({"width": 1400, "height": 1000})
    button(page, "open-found").click()
    page.wait_for_url(re.compile("run="), timeout=UI_TIMEOUT)
    expect(page.get_by_role("heading", level=1)).to_have_text("Train")
    expect(page.get_by_text("Finished after 6 of 6 epochs")).to_be_visible()
