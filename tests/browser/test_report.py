"""The report in a browser without a network: drawn, readable in light and dark, printed whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from lrdash import api
from lrdash.store import Store
from tests.browser.app import barriers
from tests.factories.runs import one_experiment

HOSTILE = '<b>bold</b> <script>alert("x")</script>'
ARMS = ("constant", {"strategy": "step", "label": HOSTILE})
DRAWN = "[...document.querySelectorAll('.chart')].every(host => host.dataset.drawn)"
WIDEST = "Math.max(...[...document.querySelectorAll('.chart .main-svg')].map(" \
    "chart => chart.getBoundingClientRect().right)) <= innerWidth"


@pytest.fixture
def report(tmp_path: Path) -> str:
    store = Store()
    try:
        made = api.load_comparison(one_experiment(store, ARMS, diverging=0.05), store)
        return made.report(tmp_path / "report.html").as_uri()
    finally:
        store.close()


@pytest.fixture(params=[("light", 1400), ("dark", 390)], ids=["light, wide", "dark, phone"])
def offline(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    scheme, width = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    yield context.new_page()
    context.close()


def test_a_report_draws_itself_from_one_file_and_has_no_serious_barrier(
    offline: Page, report: str
) -> None:
    asked: list[str] = []
    faults: list[str] = []
    offline.on("request", lambda request: asked.append(request.url))
    offline.on("console", lambda message: faults.append(message.text))
    offline.on("pageerror", lambda fault: faults.append(str(fault)))
    offline.goto(report)
    offline.wait_for_function(DRAWN)
    assert (asked, faults) == ([report], [])
    width = offline.viewport_size["width"]  # type: ignore[index]
    assert offline.evaluate("document.documentElement.scrollWidth") <= width
    assert offline.evaluate(WIDEST)
    names = offline.locator(".chart[data-source=loss-data] .legendtext").all_text_contents()
    assert names == ["Constant", HOSTILE]
    assert barriers(offline) == []


def test_the_chart_takes_the_colour_of_the_scheme(offline: Page, report: str) -> None:
    offline.goto(report)
    offline.wait_for_function(DRAWN)
    title = offline.locator(".chart[data-source=loss-data] .ytitle")
    dark = offline.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    shown = {True: "rgb(228, 232, 236)", False: "rgb(31, 41, 51)"}
    expect(title).to_have_css("fill", shown[dark])
    offline.emulate_media(color_scheme="light" if dark else "dark")
    expect(title).to_have_css("fill", shown[not dark])


def test_in_print_the_charts_are_dark_on_white_and_the_tables_are_open(
    offline: Page, report: str
) -> None:
    offline.goto(report)
    offline.wait_for_function(DRAWN)
    offline.evaluate("dispatchEvent(new Event('beforeprint'))")
    title = offline.locator(".chart[data-source=loss-data] .ytitle")
    expect(title).to_have_css("fill", "rgb(31, 41, 51)")
    assert offline.evaluate("[...document.querySelectorAll('details')].every(fold => fold.open)")
    offline.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not offline.evaluate("document.querySelector('details').open")
    dark = offline.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    expect(title).to_have_css("fill", "rgb(228, 232, 236)" if dark else "rgb(31, 41, 51)")
    assert offline.pdf(prefer_css_page_size=True).startswith(b"%PDF")
