"""Own layers in a real browser: edited in the table, fixed, saved, trained."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.app import (
    UI_TIMEOUT,
    Server,
    barriers,
    button,
    fits,
    idle,
    phone,
    settle,
    start,
    type_number,
    wait_epochs,
)

ROW, COLUMN = 35, 100  # pixels: height of a line, a place in the first column


def weights(page: Page) -> Locator:
    return page.get_by_test_id("stMetricValue")


def type_size(page: Page, row: int, value: str) -> None:
    """Type into the column Size, the second one, of a row counted from 0."""
    page.get_by_test_id("stDataFrame").locator(".dvn-scroller").click(
        position={"x": COLUMN, "y": ROW * (row + 1.5)}
    )
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    field = page.locator("#portal input")  # the table's own, over the cell
    field.fill(value)
    field.press("Enter")


def test_layers_are_edited_kept_in_the_address_saved_and_trained(
    page: Page, server: Server
) -> None:
    page.goto(f"{server.url}/models")
    settle(page)
    before, changed = (f"{64 * n + n + n * 32 + 32 + 32 * 10 + 10:,}" for n in (64, 16))
    expect(weights(page)).to_have_text(before)
    type_size(page, 1, "16")
    expect(weights(page)).to_have_text(changed)
    page.wait_for_url(re.compile(r"layers=.*size%3D16"))
    page.reload()
    expect(weights(page)).to_have_text(changed)

    page.get_by_label("Save under a name").fill("narrow")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as narrow.")).to_be_visible()
    button(page, "layers-over").click()
    expect(weights(page)).to_have_text(before)
    button(page, "layers-open").click()
    expect(weights(page)).to_have_text(changed)

    button(page, "layers-to-train").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Train")
    expect(page.get_by_role("combobox", name=re.compile("Model"))).to_have_value("Own layers")
    type_number(page, "Epochs", "2")
    start(page)
    wait_epochs(page, 2)
    expect(page.get_by_text("Finished after 2 of 2 epochs")).to_be_visible(timeout=UI_TIMEOUT)


def test_typing_continues_in_one_table_and_each_value_stays(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/models")
    settle(page)
    expect(weights(page)).to_be_visible()
    page.get_by_test_id("stDataFrame").evaluate("table => { table.dataset.same = 'yes' }")
    type_size(page, 1, "0")
    fault = page.get_by_role("alert").filter(has_text="Row 2, Dense. Size must be between 1 and")
    expect(fault).to_be_visible()
    expect(weights(page)).to_have_count(0)
    page.wait_for_url(re.compile("size%3D0.*size%3D32"))
    for value in ("7", "5"):  # Enter has gone one row down, and nothing was clicked since
        page.keyboard.press("Enter")
        field = page.locator("#portal input")
        field.fill(value)
        field.press("Enter")
        page.wait_for_url(re.compile(f"size%3D0.*size%3D{value}"))
    expect(page.locator("[data-same=yes]")).to_have_count(1)
    page.go_back()
    page.wait_for_url(re.compile("size%3D0.*size%3D7"))
    button(page, "layers-undo").click()
    page.wait_for_url(re.compile("size%3D0.*size%3D5"))


def test_after_a_button_the_next_click_into_the_table_counts(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/models")
    settle(page)
    type_size(page, 1, "16")
    page.wait_for_url(re.compile("size%3D16.*size%3D32"))
    page.get_by_label("Save under a name").fill("clicked")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as clicked.")).to_be_visible()
    idle(page)  # the new table is there
    type_size(page, 1, "8")
    page.wait_for_url(re.compile("size%3D8.*size%3D32"))


def test_a_wrong_order_names_its_row_and_can_be_fixed(page: Page, server: Server) -> None:
    wrong = "flatten; conv2d size=8 kernel=3 strides=1 activation=relu; dense size=4"
    page.goto(f"{server.url}/models?layers={wrong}")
    settle(page)
    fault = page.get_by_role("alert").filter(has_text="Row 2")
    expect(fault).to_be_visible()
    expect(button(page, "layers-to-train")).to_have_count(0)
    type_number(page, "Row", "2")
    button(page, "move-up").click()
    expect(fault).to_have_count(0)
    expect(weights(page)).to_be_visible()
    expect(button(page, "layers-to-train")).to_be_visible()


@pytest.mark.parametrize("look", ["light", "dark"])
def test_no_serious_barrier_and_nothing_sticks_out_on_a_phone(
    browser: Browser, server: Server, look: str
) -> None:
    with phone(browser, look) as page:
        page.goto(f"{server.url}/models")
        settle(page)
        expect(weights(page)).to_be_visible()
        page.get_by_text("Keras code").click()
        assert barriers(page) == []
        assert fits(page)
