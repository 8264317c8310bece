"""Own data in a real browser: the worked example from the upload to the curve, and to its end."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from tests import ROOT
from tests.browser.app import UI_TIMEOUT, Server, barriers, button, fits, settle, start, wait_epochs

EXAMPLE = ROOT / "examples/own_csv/leaves.csv"


def upload(page: Page, name: str, content: bytes) -> None:
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )


def test_the_example_is_uploaded_trained_on_and_deleted(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/data")
    settle(page)
    expect(page.get_by_text("Data that you save is listed here")).to_be_visible()

    upload(page, "broken.csv", b"a;b;c\n1;2;3\n4;5\n")
    fault = page.get_by_text("line 3 has 2 fields, the line with the names has 3")
    expect(fault).to_be_visible(timeout=UI_TIMEOUT)
    page.get_by_role("button", name="Remove broken.csv").click()

    page.locator("input[type=file]").set_input_files(EXAMPLE)
    expect(page.get_by_text("CSV, semicolon, UTF-8")).to_be_visible(timeout=UI_TIMEOUT)
    expect(page.get_by_role("combobox", name=re.compile("Target"))).to_have_value("species")
    expect(page.get_by_text("species has 3 classes")).to_be_visible()
    button(page, "data-save").click()
    expect(page.get_by_text("Saved as leaves.")).to_be_visible(timeout=UI_TIMEOUT)
    assert barriers(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert fits(page)
    page.set_viewport_size({"width": 1400, "height": 1000})

    button(page, "data-train-new").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Train")
    data = page.get_by_role("combobox", name=re.compile("Dataset"))
    expect(data).to_have_value("leaves", timeout=UI_TIMEOUT)
    run_id = start(page)
    wait_epochs(page, 30)
    expect(page.get_by_text("Finished after 30 of 30 epochs")).to_be_visible(timeout=UI_TIMEOUT)

    page.goto(f"{server.url}/data")
    settle(page)
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text(run_id)).to_be_visible()
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_text("Data that you save is listed here")).to_be_visible()

    page.goto(f"{server.url}/?run={run_id}")
    expect(page.get_by_text("Finished after 30 of 30 epochs")).to_be_visible(timeout=UI_TIMEOUT)
    button(page, "again").click()
    expect(page.get_by_text("To train on it again, add leaves.csv")).to_be_visible(
        timeout=UI_TIMEOUT
    )
    expect(button(page, "start")).to_have_count(0)


def test_a_file_that_is_too_large_is_refused_and_the_server_lives(
    page: Page, server: Server, tmp_path: Path
) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(200 * 2**20)  # sparse: takes no room
    page.goto(f"{server.url}/data")
    settle(page)
    page.locator("input[type=file]").set_input_files(large)
    expect(page.get_by_text(re.compile("must be 20(.0)?MB or smaller"))).to_be_visible()
    assert server.healthy()
    refused = subprocess.run(
        [sys.executable, "-m", "lrdash", "data", "add", str(large)], capture_output=True, text=True
    )
    assert (refused.returncode, "at most 20 MB" in refused.stderr) == (2, True)
