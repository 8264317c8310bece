"""Inside the callback in a real browser: playing, stepping, what if, the trained run."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.app import Server, barriers, button, fits, idle, phone, settle, type_number

WALK, CHART = ".lrdash-walk", ".lrdash-walk-chart"


def at_epoch(page: Page, epoch: int) -> None:
    """Wait until steps and chart show this epoch."""
    page.wait_for_function(
        "([walk, chart, n]) => document.querySelector(walk)?.dataset.epoch === n"
        " && document.querySelector(chart)?.dataset.epoch === n",
        arg=[WALK, CHART, str(epoch)], polling=100,
    )


def control(page: Page, what: str) -> Locator:
    return page.locator(f"{WALK} [data-do={what}]")


def points(page: Page, name: str) -> int:
    """Points that a line of the walk's chart shows now."""
    found: int = page.evaluate(
        "([chart, name]) => document.querySelector(chart).data.find(t => t.name === name).x.length",
        [CHART, name],
    )
    return found


@pytest.fixture(scope="module")
def opened(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1400, "height": 1000}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append(1)))
    sent: list[int] = []
    page.messages = sent  # type: ignore[attr-defined]
    page.goto(f"{server.url}/inside")
    settle(page)
    at_epoch(page, 1)
    yield page
    context.close()


@pytest.fixture
def inside(opened: Page) -> Page:
    """The page at its first epoch."""
    if opened.locator(WALK).get_attribute("data-epoch") != "1":
        control(opened, "first").click()
    at_epoch(opened, 1)
    return opened


def test_the_steps_light_up_with_their_numbers_and_the_decision_is_said(inside: Page) -> None:
    control(inside, "change").click()
    at_epoch(inside, 14)
    said = inside.locator(f"{WALK} [aria-live]")
    expect(said).to_contain_text("wait 3 of 3, rate 0.5 to 0.25")
    expect(inside.locator(f"{WALK} [aria-current=step]")).to_contain_text("0.5 × 0.5 = 0.25")
    expect(inside.locator(".lw-lit")).to_have_count(6)
    expect(inside.get_by_role("row", name=re.compile("^wait"))).to_contain_text("3 to 0")
    assert points(inside, "val_loss") == 14
    assert points(inside, "rate changed") == 1
    control(inside, "back").click()
    at_epoch(inside, 13)
    assert points(inside, "rate changed") == 0


def test_arrow_keys_step_on_slider_and_buttons(inside: Page) -> None:
    slider = inside.get_by_role("slider", name="Epoch", exact=True)
    slider.focus()
    inside.keyboard.press("ArrowRight")
    at_epoch(inside, 2)
    expect(slider).to_have_attribute("aria-valuetext", "Epoch 2")
    control(inside, "next").focus()
    inside.keyboard.press("End")
    at_epoch(inside, 40)
    expect(control(inside, "next")).to_be_disabled()
    inside.keyboard.press("ArrowLeft")
    at_epoch(inside, 39)
    inside.keyboard.press("Home")
    at_epoch(inside, 1)


def test_playing_goes_through_the_epochs_without_a_word_to_the_server(inside: Page) -> None:
    pace = inside.locator(f"{WALK} select")
    expect(pace).to_have_value("1")  # slow at first, as less motion is wished for
    pace.select_option("10")
    idle(inside)
    before = len(inside.messages)  # type: ignore[attr-defined]
    label = inside.evaluate(  # pressed again as soon as epoch 12 is there
        """walk => new Promise(done => {
            const root = document.querySelector(walk), play = root.querySelector('[data-do=play]');
            let label = '';
            new MutationObserver((_, watch) => {
                if (root.dataset.epoch !== '12') return;
                watch.disconnect(); label = play.textContent; play.click(); done(label);
            }).observe(root, {attributes: true, attributeFilter: ['data-epoch']});
            play.click();
        })""", WALK,
    )
    assert label == "Pause"
    expect(control(inside, "play")).to_have_text("Play")
    at_epoch(inside, 12)
    assert inside.evaluate(f"document.querySelector('{WALK}').timer") is None
    assert len(inside.messages) == before  # type: ignore[attr-defined]
    expect(inside.locator(f"{WALK} .lw-said")).to_have_attribute("aria-live", "polite")


def test_what_if_answers_at_once_keeps_the_moment_and_trains_it_for_real(inside: Page) -> None:
    control(inside, "change").click()
    type_number(inside, "Patience", "2")
    expect(inside.get_by_text("the rate would have been cut after epochs 13, 16")).to_be_visible()
    at_epoch(inside, 14)  # the player above is not drawn again
    inside.reload()
    settle(inside)
    expect(inside.get_by_text("the rate would have been cut after epochs 13, 16")).to_be_visible()
    button(inside, "truth").click()
    expect(inside.get_by_text(re.compile("^Trained: up to epoch 13"))).to_be_visible(
        timeout=120_000
    )
    inside.wait_for_function(
        "['val_loss, trained', 'rate, trained'].every(name => [...document.querySelectorAll("
        "'.lrdash-steady')].some(c => c.data?.some(t => t.name === name)))", polling=200,
    )
    button(inside, "open-truth").click()
    button(inside, "inside").click()
    inside.wait_for_url(re.compile(r"/inside\?run=[a-z0-9]+"))
    at_epoch(inside, 1)
    first = re.search(r"run=([a-z0-9]+)", inside.url)[1]  # type: ignore[index]

    type_number(inside, "Patience", "4")  # that run has checkpoints to start from
    expect(inside.get_by_text(re.compile("^A branch that leaves this run after"))).to_be_visible()
    button(inside, "truth").click()
    result = inside.get_by_text(re.compile("^Trained as a branch of the record"))
    expect(result).to_be_visible(timeout=120_000)
    inside.wait_for_url(re.compile(rf"run={first}&whatif.patience=4&truth=[a-z0-9]+"))
    inside.reload()
    settle(inside)
    expect(result).to_be_visible()


@pytest.mark.parametrize("look", ["light", "dark"])
def test_no_serious_barrier_and_nothing_sticks_out_on_a_phone(
    browser: Browser, server: Server, look: str
) -> None:
    with phone(browser, look) as page:
        page.goto(f"{server.url}/inside")
        settle(page)
        at_epoch(page, 1)
        expect(page.locator(".lrdash-steady .main-svg").last).to_be_visible()
        assert barriers(page) == []
        assert fits(page)
