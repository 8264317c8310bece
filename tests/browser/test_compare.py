"""A comparison in a real browser: from Start to the leaderboard, and through a crash."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from lrdash.store import ExperimentRow, Store
from lrdash.store.settings import DATABASE_FILE, sqlite_url
from tests.browser.app import UI_TIMEOUT, Server, barriers, button, fits, settle, type_number
from tests.factories.jobs import eventually

STEADY = ".lrdash-steady"
PATIENCE = 150  # seconds
WATCH = """chart => {
    const seen = window.seen = {shares: new Set(), drawn: new Set()};
    new MutationObserver(() => {
        for (const bar of document.querySelectorAll('[data-testid=stProgress]')) {
            const share = bar.innerText.match(/(\\d+)% of all/);
            if (share) seen.shares.add(share[1]);
        }
        const drawn = document.querySelector(chart)?.dataset.drawn;
        if (drawn) seen.drawn.add(drawn);
    }).observe(document.body, {
        subtree: true, childList: true, characterData: true, attributes: true,
        attributeFilter: ['data-drawn'],
    });
}"""
MORE = ("Step decay", "Exponential decay", "Polynomial decay")


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    opened = Store(sqlite_url(server.home / DATABASE_FILE))
    yield opened
    opened.close()


def form(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/compare")
    settle(page)
    expect(button(page, "start-compare")).to_be_visible()


def begin(page: Page) -> str:
    button(page, "start-compare").click()
    page.wait_for_url(re.compile(r"experiment="))
    return re.search(r"experiment=([a-z0-9]+)", page.url)[1]  # type: ignore[index]


def until(store: Store, experiment_id: str, status: str, number: int) -> ExperimentRow:
    """Wait until so many runs have a status."""
    found: ExperimentRow = eventually(
        lambda: (row := store.experiments.one(experiment_id)).counts[status] >= number and row,
        f"{number} runs are {status}",
    )
    return found


def test_eight_strategies_five_rates_three_seeds_live_to_the_leaderboard(
    page: Page, server: Server
) -> None:
    form(page, server)
    box = page.get_by_role("combobox", name=re.compile("Strategies"))
    for name in MORE:
        box.fill(name)
        page.get_by_role("option", name=name, exact=True).click()
        expect(page.locator(".st-key-compare-strategies, [data-testid=stMultiSelect]").first) \
            .to_contain_text(name)
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="120 runs")).to_be_visible()
    page.evaluate(WATCH, STEADY)
    begin(page)
    expect(page.get_by_text("120 runs: 120 finished").or_(
        page.get_by_text(re.compile(r"120 runs: \d+ finished, \d+ diverged"))
    )).to_be_visible(timeout=1000 * PATIENCE)
    shares, drawn = page.evaluate("[[...window.seen.shares], [...window.seen.drawn]]")
    assert shares  # progress was there before the end
    assert len(drawn) >= 2  # and the first chart was drawn again
    expect(page.get_by_role("heading", name="Leaderboard")).to_be_visible()
    board = page.get_by_test_id("stDataFrame").first
    expect(board).to_be_visible()
    expect(page.locator(STEADY)).to_have_count(5)  # the fifth is the forest plot
    page.wait_for_function(
        f"document.querySelector('{STEADY}').data?.filter(t => t.mode.startsWith('lines') "
        "&& t.showlegend !== false).length === 8", polling=200,
    )
    expect(page.get_by_text(re.compile("^Lowest of all: "))).to_be_visible()


def test_zoom_stays_while_the_charts_go_on(page: Page, server: Server) -> None:
    form(page, server)
    type_number(page, "Epochs", "400")
    begin(page)
    chart = page.locator(STEADY).first
    expect(chart.locator(".nsewdrag").first).to_be_visible(timeout=UI_TIMEOUT)
    box = chart.locator(".nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 150, steps=6)
    page.mouse.up()
    axis = f"document.querySelector('{STEADY}')._fullLayout.xaxis.range"
    page.wait_for_function(f"{axis}[1] < 350", polling=200)
    zoomed, drawn = page.evaluate(axis), int(chart.get_attribute("data-drawn") or 0)
    page.wait_for_function(
        f"+document.querySelector('{STEADY}').dataset.drawn >= {drawn + 2}", polling=200,
        timeout=UI_TIMEOUT,
    )
    assert page.evaluate(axis) == zoomed
    button(page, "stop-all").click()
    expect(page.get_by_text(re.compile(r"75 runs: .*stopped"))).to_be_visible()


def test_a_killed_worker_costs_only_what_was_training_and_the_rest_goes_on(
    page: Page, server: Server, store: Store
) -> None:
    form(page, server)
    type_number(page, "Seeds", "12")
    type_number(page, "Epochs", "12")
    expect(page.get_by_role("heading", name="300 runs")).to_be_visible()
    experiment_id = begin(page)  # two groups
    until(store, experiment_id, "finished", 150)  # all of the first
    first = until(store, experiment_id, "running", 1)  # the second
    for pid in server.workers():
        os.kill(pid, signal.SIGKILL)
    row = until(store, experiment_id, "interrupted", 1)
    assert row.counts["finished"] >= first.counts["finished"]
    assert row.counts["finished"] + row.counts["interrupted"] == 300
    expect(page.get_by_text(re.compile(r"300 runs: \d+ finished, \d+ interrupted"))).to_be_visible()
    button(page, "resume").click()
    expect(page.get_by_text("300 runs: 300 finished")).to_be_visible(timeout=1000 * PATIENCE)
    assert all(run.epochs_done == 12 for run in store.runs.listing(experiment_id=experiment_id))


def test_a_wrong_rate_names_its_field_and_nothing_is_lost(page: Page, server: Server) -> None:
    form(page, server)
    type_number(page, "Seeds", "7")
    page.get_by_role("radio", name="Typed").click()
    rates = page.get_by_role("textbox", name="Peak rates, typed")
    rates.fill("0.1, ten")
    rates.press("Tab")
    expect(page.get_by_text(re.compile("base_lrs must be numbers like .* got '0.1, ten'"))) \
        .to_be_visible()
    expect(button(page, "start-compare")).to_have_count(0)
    rates.fill("0.1 1")
    rates.press("Tab")
    expect(page.get_by_role("heading", name="70 runs")).to_be_visible()  # 5 x 2 x 7


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_serious_barrier_and_nothing_sticks_out_on_a_phone(
    browser: Browser, server: Server, store: Store, theme: str
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        color_scheme=theme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    newest = store.experiments.listing(limit=1)[0].experiment_id
    for path in ("/compare", f"/compare?experiment={newest}"):
        page.goto(server.url + path)
        settle(page)
        if "experiment" in path:
            figure = page.locator(f"{STEADY}[role=figure][aria-label]")
            expect(figure.locator(".main-svg").first).to_be_visible()
        else:
            expect(button(page, "start-compare")).to_be_visible()
        assert barriers(page) == []
        assert fits(page)
    context.close()
