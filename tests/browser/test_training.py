"""The main job in a real browser, with the real server, the real worker and real training."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.app import (
    CHART,
    UI_TIMEOUT,
    Server,
    choose,
    epochs_drawn,
    number,
    settle,
    start,
    type_number,
    wait_epochs,
    x_range,
)

# Of a server that has shown all pages to other tests before; TensorFlow would double it.
LIMIT_MB = 300


def test_the_first_page_is_there_without_tensorflow_in_the_server(
    page: Page, server: Server
) -> None:
    expect(page.get_by_role("heading", name="Learning rate during training")).to_be_visible()
    expect(page.get_by_role("button", name="Start")).to_be_enabled()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    mapped = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "libtensorflow" not in mapped
    assert server.memory_mb() < LIMIT_MB


def test_loss_and_rate_are_drawn_while_it_trains_and_zoom_stays(page: Page, server: Server) -> None:
    type_number(page, "Epochs", "400")
    start(page)
    wait_epochs(page, 1)
    seen: list[int] = []
    while len(seen) < 10:  # ten live updates, each with more epochs than the one before
        wait_epochs(page, (seen[-1] if seen else 0) + 1)
        seen.append(epochs_drawn(page))
    assert seen == sorted(set(seen))
    assert server.memory_mb() < LIMIT_MB

    box = page.locator(f"{CHART} .nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 8, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 140, steps=6)
    page.mouse.up()
    page.wait_for_function(
        f"document.querySelector('{CHART}')._fullLayout.xaxis.range[1] < 100"
    )
    zoomed = x_range(page)
    wait_epochs(page, epochs_drawn(page) + 1)
    wait_epochs(page, epochs_drawn(page) + 1)
    assert x_range(page) == zoomed
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text(re.compile("Stopped after"))).to_be_visible()


def test_reload_second_tab_and_stop_show_the_same_run(page: Page, browser: Browser) -> None:
    type_number(page, "Epochs", "400")
    run_id = start(page)
    wait_epochs(page, 3)
    before = epochs_drawn(page)
    page.reload()
    settle(page)
    wait_epochs(page, before)

    context = browser.new_context()
    other = context.new_page()
    other.goto(page.url)
    settle(other)
    wait_epochs(other, before)
    assert run_id in other.url

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text(re.compile("Stopped after"))).to_be_visible()
    expect(other.get_by_text(re.compile("Stopped after"))).to_be_visible()
    context.close()


def test_a_killed_worker_is_reported_and_the_app_stays_up(
    page: Page, server: Server
) -> None:
    type_number(page, "Epochs", "10000")
    start(page)
    wait_epochs(page, 2)
    for pid in server.workers():
        os.kill(pid, signal.SIGKILL)
    expect(page.get_by_text(re.compile("Interrupted after"))).to_be_visible()

    page.get_by_role("button", name="New run").click()
    type_number(page, "Epochs", "2")
    start(page)
    expect(page.get_by_text(re.compile("Finished after 2 of 2 epochs"))).to_be_visible(
        timeout=UI_TIMEOUT
    )


def test_the_plateau_rule_shows_epoch_by_epoch_what_it_did(page: Page) -> None:
    type_number(page, "Epochs", "4")
    start(page)
    expect(page.get_by_text(re.compile("Finished after 4 of 4 epochs"))).to_be_visible(
        timeout=UI_TIMEOUT
    )
    page.get_by_role("radio", name="What the callback did").click()
    with page.expect_download() as download:  # the table of epochs, which has one too, may linger
        page.locator("[class*=st-key-download][class*=-decisions-] button").click()
    text = download.value.path().read_text()
    assert text.splitlines()[0].startswith("epoch,")
    assert "new best" in text
    assert len(text.splitlines()) == 5


def test_the_epochs_download_holds_what_was_trained(page: Page) -> None:
    choose(page, "Strategy", "Step decay")
    type_number(page, "Drop every", "1")
    type_number(page, "Epochs", "3")
    start(page)
    expect(page.get_by_text(re.compile("Finished after 3 of 3 epochs"))).to_be_visible(
        timeout=UI_TIMEOUT
    )
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    lines = download.value.path().read_text().splitlines()
    column = lines[0].split(",").index("learning_rate")
    rates = [float(line.split(",")[column]) for line in lines[1:]]
    assert [round(rate, 6) for rate in rates] == [0.1, 0.05, 0.025]


def test_a_wrong_value_is_explained_and_nothing_is_lost(page: Page) -> None:
    type_number(page, "Epochs", "7")
    page.get_by_text("Batches, loss, early stopping, seed").click()
    type_number(page, "Batch size", "5000")
    expect(page.get_by_text(re.compile("batch_size must be at most 1437"))).to_be_visible()
    expect(page.get_by_role("button", name="Start")).to_have_count(0)
    type_number(page, "Batch size", "64")
    expect(page.get_by_role("button", name="Start")).to_be_visible()
    expect(number(page, "Epochs")).to_have_value("7")


def test_an_unknown_run_is_explained_and_offers_the_way_back(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/?run=nosuchrun")
    expect(page.get_by_text(re.compile("There is no run 'nosuchrun'"))).to_be_visible()
    page.get_by_role("button", name="New run").click()
    expect(page.get_by_role("button", name="Start")).to_be_visible()
    assert "Traceback" not in page.content()


def test_a_run_can_be_started_with_the_keyboard_alone(page: Page) -> None:
    type_number(page, "Epochs", "1")
    button = page.get_by_role("button", name="Start")
    expect(button).to_be_visible()
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("Finished after 1 of 1 epochs"))).to_be_visible(
        timeout=UI_TIMEOUT
    )
