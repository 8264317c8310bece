"""The Valley page in a real browser: it plays, the start moves, everybody can use it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.app import Server, barriers, fits, settle, type_number

ROOT = ".lrdash-valley"


def at(page: Page) -> float:
    """Steps played."""
    return float(page.locator(ROOT).get_attribute("data-at") or -1)


def open_valley(page: Page, server: Server, query: str = "") -> None:
    page.goto(f"{server.url}/valley{query}")
    settle(page)
    expect(page.locator(f"{ROOT}[data-at]")).to_be_visible()
    expect(page.locator(f"{ROOT} .lv-rate .main-svg").first).to_be_visible()


def test_it_plays_frame_by_frame_without_the_server(page: Page, server: Server) -> None:
    open_valley(page, server)
    assert at(page) == 60  # at first the whole path is shown
    sent: list[object] = []
    page.on("websocket", lambda socket: sent.append(socket))
    frames = int(page.locator(ROOT).get_attribute("data-frames") or 0)
    page.locator(".lv-play").click()
    page.wait_for_function(f"+document.querySelector('{ROOT}').dataset.at > 5 && "
                           f"+document.querySelector('{ROOT}').dataset.at < 60", polling=50)
    page.locator(".lv-play").click()
    drawn = int(page.locator(ROOT).get_attribute("data-frames") or 0) - frames
    assert drawn > at(page)  # more frames than steps: it glides
    here = int(at(page))
    page.locator(".lv-step").click()
    assert at(page) == here + 1
    page.locator(".lv-back").click()
    assert at(page) == here
    expect(page.locator(".lv-count")).to_have_text(f"step {here} of 60")
    said = page.locator(f"{ROOT} [aria-live=polite]")
    expect(said).to_contain_text(f"Step {here} of 60. Constant: loss ")
    expect(said).to_contain_text("Cosine decay: loss ")
    row = page.locator(".lv-now tbody tr").first
    expect(row).to_contain_text("0.099")
    expect(row).to_contain_text("jumps over the floor, lands 0.98× as far out")
    page.locator(".lv-reset").click()
    assert at(page) == 0
    page.locator(".lv-slider").focus()
    page.keyboard.press("ArrowRight")
    assert at(page) == 1
    assert not sent


def test_the_start_is_dragged_typed_and_moved_by_key_and_is_in_the_address(
    page: Page, server: Server
) -> None:
    open_valley(page, server)
    box = page.locator(".lv-start").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 15, box["y"] + 15)
    page.mouse.down()
    page.mouse.move(box["x"] + 95, box["y"] + 65, steps=5)
    page.mouse.up()
    page.wait_for_url(re.compile(r"valley\.ravine\.x="))
    x = page.get_by_role("spinbutton", name="Start x")
    moved = float(re.search(r"ravine\.x=(-?[\d.]+)", page.url)[1])  # type: ignore[index]
    assert -2.6 < moved < -1
    expect(x).to_have_value(str(moved))
    expect(page.locator(f"{ROOT}[data-playing=yes]")).to_be_visible()  # it replays from there

    type_number(page, "Start y", "-0.5")
    expect(page.locator(".lv-start")).to_have_attribute("aria-label", re.compile(r"y -0\.5\."))
    page.locator(".lv-start").focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("spinbutton", name="Start y")).to_have_value("-0.452")
    page.reload()
    settle(page)
    expect(page.locator(".lv-start")).to_have_attribute("aria-label", re.compile(r"y -0\.452\."))


def test_a_message_that_is_behind_does_not_take_the_ring_back(
    page: Page, server: Server
) -> None:
    open_valley(page, server)
    start_y = page.get_by_role("spinbutton", name="Start y")
    before = float(start_y.input_value())
    page.evaluate(f"window.player = document.querySelector('{ROOT}').valley; "
                  "window.behind = structuredClone(player.data)")
    page.locator(".lv-start").focus()
    for _ in range(3):
        page.keyboard.press("ArrowUp")
        page.evaluate("player.take(behind)")
    step = page.evaluate("(player.data.picture.spans[1][1] - player.data.picture.spans[1][0]) / 50")
    expect(start_y).to_have_value(f"{round(before + 3 * step, 3):g}")


def test_a_path_that_leaves_says_so_and_stops(page: Page, server: Server) -> None:
    open_valley(page, server, "?valley.ravine.base_lr=0.12")
    row = page.locator(".lv-now tbody tr").first
    expect(row).to_contain_text("diverged: left the picture")
    expect(page.get_by_text(re.compile("above the limit 0.1 there")).first).to_be_visible()


def test_where_motion_is_unwelcome_it_moves_in_whole_steps(
    browser: Browser, server: Server
) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    open_valley(page, server)
    type_number(page, "Start y", "-0.5")
    expect(page.locator(".lv-start")).to_have_attribute("aria-label", re.compile(r"y -0\.5\."))
    assert at(page) == 60  # no automatic replay
    assert page.locator(ROOT).get_attribute("data-playing") in (None, "no")
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_serious_barrier_and_nothing_sticks_out_on_a_phone(
    browser: Browser, server: Server, theme: str
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True,
        color_scheme=theme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    open_valley(page, server, "?valley.surface=Two+valleys")
    assert barriers(page) == []
    assert fits(page)
    page.locator(".lv-map canvas").tap(position={"x": 200, "y": 60})
    page.wait_for_url(re.compile(r"valley\.two_valleys\.x="))
    context.close()
