"""Steer, pause, continue, branch by a click, train more: in a real browser, with real training."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.app import (
    CHART,
    Server,
    barriers,
    button,
    choose,
    fits,
    settle,
    start,
    type_number,
    wait_epochs,
)

FAMILY = ".lrdash-steady"
LONG = 120_000  # ms
MARKS = f"document.querySelector('{CHART}').data[4].text"


def click_epoch(page: Page, epoch: int) -> None:
    """Click the chart where this many epochs are done."""
    page.locator(CHART).scroll_into_view_if_needed()
    x, y = page.evaluate(
        f"""(epoch) => {{ const host = document.querySelector('{CHART}'), l = host._fullLayout,
        box = host.getBoundingClientRect(), y = host.data[1].y[epoch - 1];
        return [box.x + l._size.l + l.xaxis.d2p(epoch),
                box.y + l.yaxis._offset + l.yaxis.d2p(y)]; }}""",
        epoch,
    )
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y)
    page.wait_for_function(f"document.querySelector('{CHART}')._hoverdata?.length > 0")
    page.mouse.click(x, y)


def look(page: Page) -> None:
    """No serious barrier in light and dark, and nothing sticks out on a phone."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(  # Streamlit follows the browser
            "dark => (getComputedStyle(document.querySelector('.stApp')).backgroundColor"
            " === 'rgb(255, 255, 255)') !== dark", arg=theme == "dark",
        )
        assert (theme, barriers(page)) == (theme, [])
    page.set_viewport_size({"width": 390, "height": 844})
    assert fits(page)
    page.set_viewport_size({"width": 1400, "height": 1000})
    page.emulate_media(color_scheme="light")


def test_a_run_is_steered_paused_and_continued(page: Page) -> None:
    page.set_default_timeout(LONG)
    type_number(page, "Epochs", "3000")
    page.wait_for_url(re.compile("epochs=3000"))  # the page has taken it
    choose(page, "Strategy", "Constant")
    page.wait_for_url(re.compile("strategy=Constant"))
    start(page)
    wait_epochs(page, 2)
    button(page, "steer-halve").click()
    page.wait_for_function(f"{MARKS}.some(t => t.includes('times 0.5'))", timeout=LONG)
    expect(page.get_by_text(re.compile(r"after epoch \d+ rate × 0\.5"))).to_be_visible()
    button(page, "steer-more").click()
    look(page)
    type_number(page, "Hold this rate", "0.02")
    button(page, "steer-rate-go").click()
    expect(page.get_by_text(re.compile(r"after epoch \d+ held at 0\.02"))).to_be_visible()
    page.wait_for_function(f"{MARKS}.some(t => t.includes('held at 0.02'))", timeout=LONG)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text(re.compile("Stopped after"))).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text(re.compile("Stopped after"))).to_be_visible()
    expect(page.get_by_role("button", name="Replay")).to_be_visible()


def test_branches_grow_from_a_click_and_more_epochs_follow(page: Page, server: Server) -> None:
    page.set_default_timeout(LONG)
    type_number(page, "Epochs", "8")
    page.wait_for_url(re.compile("epochs=8"))  # the page has taken it
    choose(page, "Strategy", "Linear decay")
    page.wait_for_url(re.compile("strategy=Linear"))
    parent = start(page)
    expect(page.get_by_text(re.compile("Finished after 8 of 8"))).to_be_visible(timeout=LONG)
    wait_epochs(page, 8)
    click_epoch(page, 5)
    expect(page.get_by_role("spinbutton", name="From the end of epoch")).to_have_value("5")
    look(page)
    button(page, "branch-go").click()
    page.wait_for_function(
        f"""(() => {{ const d = document.querySelector('{FAMILY}')?.data ?? [];
        return d.length === 10 && d.slice(2).every(t => !t.x.length || t.x[0] === 5)
          && d.filter(t => t.yaxis !== 'y2').every(t => t.x.at(-1) === 8); }})()""",
        polling=200, timeout=LONG,
    )

    look(page)  # the family

    button(page, "more").click()
    expect(page.get_by_text("What should the rate do?")).to_be_visible()
    look(page)
    type_number(page, "More epochs", "3")
    button(page, "more-go").click()
    expect(page.get_by_text(re.compile("Finished after 11 of 11"))).to_be_visible(timeout=LONG)

    page.get_by_role("button", name=re.compile(r"rate × 0\.1,")).click()
    expect(page.get_by_role("button", name=re.compile(f"Branch of run {parent}"))).to_be_visible()
    page.goto(f"{server.url}/runs")
    settle(page)
    cells = page.locator("[data-testid=stDataFrame] td[role=gridcell]")
    expect(cells.filter(has_text="└ from epoch 5: rate × 0.1")).to_have_count(1)
