"""What everybody must be able to use: narrow screens, dark mode, assistive technology."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.app import CHART, Server, barriers, fits, settle, wait_epochs


@pytest.fixture(scope="module")
def run_id(server: Server) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "lrdash", "train", "--epochs", "3", "--strategy", "plateau",
         "--json"],
        env={**os.environ, "LRDASH_HOME": str(server.home)}, capture_output=True, text=True,
        check=True,
    )
    return str(re.search(r'"run_id": ?"([a-z0-9]+)"', done.stdout)[1])  # type: ignore[index]


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme=request.param
    )
    page = context.new_page()
    yield page
    context.close()


@pytest.mark.parametrize("path", ["/", "/runs", "/?run={run_id}"])
def test_no_serious_barrier_and_nothing_sticks_out_on_a_phone(
    themed: Page, server: Server, run_id: str, path: str
) -> None:
    themed.goto(server.url + path.format(run_id=run_id))
    settle(themed)
    if "run=" in path:
        wait_epochs(themed, 3)
        expect(themed.locator(f"{CHART}[role=figure][aria-label]")).to_be_visible()
    elif path == "/":
        expect(themed.get_by_role("button", name="Start")).to_be_visible()
    else:
        expect(themed.get_by_test_id("stDataFrame")).to_be_visible()
    assert barriers(themed) == []
    assert fits(themed)
