"""Every state of the pages that explain, on a phone, in light and dark: no barrier, nothing cut."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.app import Server, barriers, fits, settle

STATES = {  # address, and what has to be there before the look
    "/find_lr?find.lowest=0.5&find.highest=0.6": "Fix this field",
    "/find_lr?test={test}&sweep-strategy=Draw+your+own": "Train the sweep",
    "/inside?example=own": "Variables after this decision",
    "/inside?example=own&callback=LearningRateScheduler": "Variables after this decision",
    "/inside?example=plateau&whatif.patience=7": "Train it for real",
    "/valley?valley.surface=Bowl+in+one+dimension": "What happened, and why",
    "/valley?valley.ravine.base_lr=0.12&valley.strategies=Draw+your+own": "diverged",
    "/compare?compare.strategies=Draw+your+own": "15 runs",
    "/?strategy=Draw+your+own": "How it works: Draw your own",
}


@pytest.fixture(scope="module")
def test_id(server: Server) -> str:
    """A finished range test."""
    done = subprocess.run(
        [sys.executable, "-m", "lrdash", "find-lr", "--dataset", "digits", "--json"],
        env={**os.environ, "LRDASH_HOME": str(server.home)}, capture_output=True, text=True,
        check=True,
    )
    found = re.search(r'"range_test_id": ?"([a-z0-9]+)"', done.stdout)
    assert found
    return found[1]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_serious_barrier_and_nothing_sticks_out_in_any_state(
    browser: Browser, server: Server, test_id: str, theme: str
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        color_scheme=theme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    found = {}
    for path, there in STATES.items():
        page.goto(server.url + path.format(test=test_id))
        settle(page)
        expect(page.get_by_text(re.compile(there)).first).to_be_visible()
        for folded in page.locator("details summary").all():
            folded.click()
        expect(page.locator("details:not([open])")).to_have_count(0)
        if "Draw" in path:
            expect(page.locator(".lrdash-draw[data-points]")).to_be_visible()
        worst = barriers(page)
        if worst or not fits(page):
            found[path] = worst
    context.close()
    assert found == {}
