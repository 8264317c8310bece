"""The Runs page: find, open, rename, tag, export, delete."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from lrdash.store import Store
from tests.browser.app import Server, button, number, settle
from tests.factories.jobs import eventually


@pytest.fixture
def trained(server: Server) -> str:
    """A run made from the shell into the same home; the page must show it."""
    done = subprocess.run(
        [sys.executable, "-m", "lrdash", "train", "--epochs", "2", "--strategy", "cosine",
         "--name", "kitten", "--json"],
        env={**os.environ, "LRDASH_HOME": str(server.home)}, capture_output=True, text=True,
        check=True,
    )
    run_id: str = json.loads(done.stdout)["run_id"]
    return run_id


def open_runs(page: Page, server: Server, search: str) -> None:
    page.goto(f"{server.url}/runs?search={search}")
    settle(page)
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()


def saved(server: Server, run_id: str, word: str) -> None:
    """Wait until a run has a word as its name or one of its tags."""
    store = Store(f"sqlite:///{server.home / 'lrdash.db'}")
    eventually(lambda: word in ((run := store.runs.one(run_id)).name, *run.tags))
    store.close()


def tick_first_row(page: Page) -> None:
    grid = page.get_by_test_id("stDataFrame")
    box = grid.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + 52)
    expect(button(page, "open")).to_be_enabled()


def test_a_run_of_the_shell_is_listed_renamed_tagged_exported_and_deleted(
    page: Page, server: Server, trained: str
) -> None:
    open_runs(page, server, trained)
    tick_first_row(page)

    page.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="Name").fill("tiger")
    page.get_by_role("button", name="Save").click()
    saved(server, trained, "tiger")
    open_runs(page, server, "tiger")
    tick_first_row(page)

    page.get_by_role("button", name="Tag").click()
    page.get_by_role("textbox", name=re.compile("Tags, separated")).fill("wild, striped")
    page.get_by_role("button", name="Save").click()
    saved(server, trained, "striped")
    open_runs(page, server, "striped")
    tick_first_row(page)

    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        button(page, "runs-json").click()
    exported = json.loads(download.value.path().read_text())
    assert exported[0]["run_id"] == trained
    assert exported[0]["name"] == "tiger"
    assert len(exported[0]["epochs"]) == 2

    button(page, "delete").click()
    expect(page.get_by_text(re.compile("with all epochs, permanently"))).to_be_visible()
    page.get_by_role("button", name="Delete 1 run").click()
    expect(page.get_by_text(re.compile("with all epochs, permanently"))).to_have_count(0)
    known = Store(f"sqlite:///{server.home / 'lrdash.db'}")
    assert trained not in [run.run_id for run in known.runs.listing()]
    known.close()


def test_a_run_opens_and_its_settings_fill_the_form_again(
    page: Page, server: Server, trained: str
) -> None:
    open_runs(page, server, trained)
    tick_first_row(page)
    button(page, "open").click()
    expect(page.get_by_text(re.compile("Finished after 2 of 2 epochs"))).to_be_visible()
    assert trained in page.url
    page.get_by_role("button", name="Train again with these settings").click()
    expect(page.get_by_role("button", name="Start")).to_be_visible()
    expect(number(page, "Epochs")).to_have_value("2")
    expect(page.get_by_role("combobox", name=re.compile("Strategy"))).to_have_value("Cosine decay")
