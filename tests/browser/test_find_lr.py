"""Find LR in a real browser: from Start to a suggestion, through a reload, to the Train page."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.app import UI_TIMEOUT, Server, button, choose, number, settle


def test_a_suggestion_survives_a_reload_and_is_carried_to_the_train_page(
    page: Page, server: Server
) -> None:
    page.goto(f"{server.url}/find_lr")
    settle(page)
    choose(page, "Dataset", "Spirals")
    button(page, "start-test").click()
    page.wait_for_url(re.compile("test="), timeout=UI_TIMEOUT)
    expect(button(page, "use-train")).to_be_visible(timeout=UI_TIMEOUT)
    expect(page.locator(".lrdash-steady .scatterlayer").first).to_be_visible()
    suggested = page.get_by_text(re.compile("Suggested: ")).inner_text()

    page.reload()
    expect(button(page, "use-train")).to_be_visible(timeout=UI_TIMEOUT)
    assert page.get_by_text(re.compile("Suggested: ")).inner_text() == suggested

    label = button(page, "use-train").inner_text()
    rate = float(re.search(r"Train with ([\d.e-]+)", label)[1])  # type: ignore[index]
    button(page, "use-train").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Train")
    expect(number(page, "Peak rate")).to_have_value(re.compile(r"^[\d.e-]+$"))
    assert float(number(page, "Peak rate").input_value()) == rate
    expect(page.get_by_role("combobox", name=re.compile("Dataset"))).to_have_value("Spirals")
    page.wait_for_url(re.compile("base_lr="))

    page.reload()
    settle(page)
    expect(number(page, "Peak rate")).to_have_value(f"{rate:g}")
    expect(page.get_by_role("combobox", name=re.compile("Dataset"))).to_have_value("Spirals")
