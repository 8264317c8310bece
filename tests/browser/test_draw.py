"""Draw your own in a real browser: by mouse, by touch, by keyboard and by number."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from lrdash.strategies import preview
from tests.browser.app import Server, barriers, fits, settle

ROOT = ".lrdash-draw"


def open_editor(page: Page, server: Server, more: str = "") -> None:
    page.goto(f"{server.url}/?strategy=Draw+your+own{more}")
    settle(page)
    expect(page.locator(f"{ROOT}[data-points]")).to_be_visible()


def points(page: Page) -> list[list[float]]:
    found: list[list[float]] = json.loads(page.locator(ROOT).get_attribute("data-points") or "")
    return found


def field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Points")


def as_typed(found: list[list[float]]) -> str:
    return ", ".join(f"{share:g}: {factor:g}" for share, factor in found)


def press(page: Page, selector: str) -> None:
    """A button of the editor, once the page has what was done before."""
    expect(page.locator(selector)).to_be_enabled()
    page.locator(selector).click()


def test_points_are_added_dragged_deleted_and_undone(page: Page, server: Server) -> None:
    open_editor(page, server)
    ground = page.locator(".ld-ground").bounding_box()
    assert ground is not None
    page.mouse.click(ground["x"] + 0.25 * ground["width"], ground["y"] + 0.6 * ground["height"])
    added = points(page)
    assert len(added) == 4
    assert added[1][0] == pytest.approx(0.25, abs=0.01)
    assert 0.001 < added[1][1] < 0.1
    expect(field(page)).to_have_value(as_typed(added))
    sentence = re.compile(r"^Follows straight lines.* at 2[45][.\d]*%")
    expect(page.get_by_text(sentence)).to_be_visible()

    dot = page.locator(".ld-dot").nth(2).bounding_box()
    assert dot is not None
    page.mouse.move(dot["x"] + 6, dot["y"] + 6)
    page.mouse.down()
    page.mouse.move(dot["x"] - 900, dot["y"] + 60, steps=6)  # as far as its neighbour lets it
    page.mouse.up()
    moved = points(page)
    assert moved[2][0] == pytest.approx(moved[1][0] + 0.002, abs=1e-4)
    assert moved[2][1] < 1
    expect(field(page)).to_have_value(as_typed(moved))
    page.wait_for_url(re.compile(r"points\.points="))

    press(page, ".ld-delete")
    expect(field(page)).to_have_value(as_typed([added[0], added[1], added[3]]))
    for before in (moved, added, [[0, 1], [0.5, 1], [1, 0]]):
        press(page, ".ld-undo")
        expect(field(page)).to_have_value(as_typed(before))
        expect(page.locator(ROOT)).to_have_attribute(
            "data-points", json.dumps(before, separators=(",", ":"))
        )
    expect(page.locator(".ld-undo")).to_be_disabled()


def test_keyboard_and_numbers_reach_every_point_and_a_reload_keeps_them(
    page: Page, server: Server
) -> None:
    open_editor(page, server)
    page.locator(".ld-point").nth(1).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(field(page)).to_have_value("0: 1, 0.51: 0.909, 1: 0")
    page.keyboard.press("Insert")
    expect(field(page)).to_have_value("0: 1, 0.51: 0.909, 0.755: 0.455, 1: 0")
    page.keyboard.press("Delete")
    expect(field(page)).to_have_value("0: 1, 0.51: 0.909, 1: 0")
    page.locator(".ld-after").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".ld-point").nth(2)).to_be_focused()  # there is no next one
    expect(page.locator(".ld-which")).to_have_text("Point 3 of 3")
    expect(page.locator(".ld-x")).to_be_disabled()  # the ends keep their places
    page.locator(".ld-y").fill("5000")
    page.locator(".ld-y").press("Enter")
    expect(field(page)).to_have_value("0: 1, 0.51: 0.909, 1: 10")  # the highest factor allowed
    page.reload()
    settle(page)
    expect(page.locator(f"{ROOT}[data-points]")).to_be_visible()
    assert points(page) == [[0, 1], [0.51, 0.909], [1, 10]]
    field(page).fill("0: 1, 1: 0.5")
    field(page).press("Enter")
    expect(page.locator(ROOT)).to_have_attribute("data-points", "[[0,1],[1,0.5]]")


def test_a_message_that_is_behind_takes_no_key_press_back(page: Page, server: Server) -> None:
    open_editor(page, server)
    page.evaluate(f"window.editor = document.querySelector('{ROOT}').editor; "
                  "window.behind = structuredClone(editor.data)")
    page.locator(".ld-point").nth(1).focus()
    page.keyboard.press("Insert")
    page.evaluate("editor.take(behind)")
    assert len(points(page)) == 4
    page.keyboard.press("ArrowUp")
    page.evaluate("editor.take(behind)")
    page.keyboard.press("Delete")
    page.evaluate("editor.take(behind)")
    assert points(page) == [[0, 1], [0.5, 1], [1, 0]]
    page.keyboard.press("ArrowDown")
    expect(field(page)).to_have_value("0: 1, 0.5: 0.909, 1: 0")
    expect(page.locator(".ld-point").nth(1)).to_be_focused()


def test_quick_presses_of_undo_all_count(page: Page, server: Server) -> None:
    open_editor(page, server)
    for count in (4, 5, 6):
        page.locator(".ld-add").click()
        expect(field(page)).to_have_value(re.compile(rf"^([^,]+, ){{{count - 1}}}[^,]+$"))
    expect(page.locator(".ld-undo")).to_be_enabled()
    page.evaluate("for (let i = 0; i < 3; i++) document.querySelector('.ld-undo').click()")
    expect(field(page)).to_have_value("0: 1, 0.5: 1, 1: 0")
    expect(page.locator(".ld-undo")).to_be_disabled()
    page.locator(".ld-add").click()
    expect(field(page)).to_have_value(re.compile("^([^,]+, ){3}[^,]+$"))


@pytest.mark.parametrize("kind", ["linear", "cosine"])
def test_the_line_while_dragging_is_the_formula_of_the_strategy(
    page: Page, server: Server, kind: str
) -> None:
    drawn = [[0, 0.2], [0.3, 2.0], [0.31, 0.5], [1, 0.0]]
    open_editor(page, server, f"&points.points={as_typed(drawn)}&points.interpolation={kind}")
    assert points(page) == drawn
    exact = preview("points", {"points": drawn, "interpolation": kind}, base_lr=1.0, epochs=100)
    shown = page.evaluate(
        f"Array.from({{length: 100}}, (_, i) => document.querySelector('{ROOT}')"
        ".editor.between(i / 100))"
    )
    np.testing.assert_allclose(shown, exact, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_works_by_touch_and_bars_nobody(browser: Browser, server: Server, theme: str) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True,
        color_scheme=theme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    open_editor(page, server)
    page.locator(".ld-ground").tap(position={"x": 60, "y": 40})
    expect(page.locator(".ld-which")).to_have_text("Point 2 of 4")
    expect(field(page)).to_have_value(as_typed(points(page)))
    assert barriers(page) == []
    assert fits(page)
    context.close()
