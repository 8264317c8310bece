"""A script that trains beside the server: its run appears, moves, and opens Inside the callback."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from playwright.sync_api import Page, expect

from tests import ROOT
from tests.browser.app import UI_TIMEOUT, Server, button, settle

SCRIPT = ROOT / "examples/monitor_script.py"
EPOCHS = 4000  # more than it will be left the time for


def test_the_run_of_a_script_appears_by_itself_and_can_be_walked_through(
    page: Page, server: Server
) -> None:
    page.goto(f"{server.url}/runs?search=digits-64")
    settle(page)
    expect(page.get_by_text("digits-64 · ReduceLROnPlateau")).to_have_count(0)
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), str(EPOCHS)], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, cwd=ROOT,
        env={**os.environ, "LRDASH_HOME": str(server.home), "PYTHONPATH": str(ROOT)},
    ) as script:
        try:
            grid = page.get_by_test_id("stDataFrame")
            cell = grid.get_by_text("digits, plateau", exact=True)
            expect(cell).to_have_count(1, timeout=UI_TIMEOUT)
            status = grid.get_by_text("running", exact=True)
            expect(status.first).to_be_attached(timeout=UI_TIMEOUT)
            run_id = _newest(server)
            page.goto(f"{server.url}/?run={run_id}")
            settle(page)
            expect(page.get_by_text("It trains in its own program")).to_be_visible()
            moving = page.get_by_text(re.compile(rf"epoch \d+ of {EPOCHS}"))
            before = moving.first.inner_text(timeout=UI_TIMEOUT)
            expect(moving.first).not_to_have_text(before, timeout=UI_TIMEOUT)
        finally:
            script.kill()
    expect(page.get_by_text(re.compile("Interrupted after"))).to_be_visible(timeout=UI_TIMEOUT)
    button(page, "inside").click()
    walk = page.locator(".lrdash-walk")
    expect(walk).to_be_visible(timeout=UI_TIMEOUT)
    expect(page.get_by_text("ReduceLROnPlateau, after every epoch")).to_be_visible()
    walk.locator("[data-do=change]").click()
    expect(page.get_by_text(re.compile(r"rate 0\.5 to 0\.25")).first).to_be_visible()


def _newest(server: Server) -> str:
    from lrdash.store import Store
    from lrdash.store.settings import DATABASE_FILE, sqlite_url

    store = Store(sqlite_url(server.home / DATABASE_FILE))
    try:
        return next(row.run_id for row in store.runs.listing() if row.name == "digits, plateau")
    finally:
        store.close()
