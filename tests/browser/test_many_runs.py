"""A comparison of 500 runs of 100 epochs opens fast and light."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from lrdash.core.events import EpochEnded, Event, RunEnded, RunStarted
from lrdash.core.spec import RunSpec
from lrdash.planning.experiment import Arm, Experiment, plan_all
from lrdash.store import NewRun, Store
from lrdash.store.settings import DATABASE_FILE, sqlite_url
from tests.browser.app import Server, idle

EPOCHS = 100
LIMIT = 1.5e6  # bytes
ARMS = ("constant", "linear", "cosine", "step", "exponential")


@pytest.fixture(scope="module")
def many(server: Server) -> str:
    """An experiment of 5 strategies x 5 rates x 20 seeds, as if it had been trained."""
    experiment = Experiment(
        base=RunSpec(epochs=EPOCHS, batch_size=1437), arms=tuple(Arm(strategy=a) for a in ARMS),
        base_lrs=(0.01, 0.03, 0.1, 0.3, 1.0), seeds=tuple(range(20)),
    )
    planned = plan_all(experiment)
    store = Store(sqlite_url(server.home / DATABASE_FILE))
    made = store.experiments.create(
        experiment.to_json(), worker_id="filler", groups=[list(range(len(planned)))],
        new_runs=[
            NewRun(spec=run.plan.spec, label=run.label, steps_per_epoch=1, updates=EPOCHS,
                   parameters=17_226)
            for run in planned
        ],
    )
    random = np.random.default_rng(0)
    rows = reversed(store.runs.listing(experiment_id=made))
    batch: list[tuple[str, Event]] = []
    for row, run in zip(rows, planned, strict=True):
        batch.append((row.run_id, RunStarted(
            engine="lanes", parameters=17_226, steps_per_epoch=1, updates=EPOCHS, versions={}
        )))
        rates = run.plan.rates().astype(np.float32)
        level = 0.05 + abs(np.log10(run.plan.spec.base_lr) + 1)
        noise = random.lognormal(0, 0.2, (4, EPOCHS))
        for epoch in range(EPOCHS):
            loss = level + np.exp(-epoch / 20)
            values = dict(zip(("loss", "val_loss", "accuracy", "val_accuracy"),
                              (loss * noise[:, epoch]).tolist(), strict=True))
            batch.append((row.run_id, EpochEnded(
                epoch=epoch + 1, metrics=values, rates=rates[epoch : epoch + 1],
                seconds=0.01 * epoch,
            )))
        batch.append((row.run_id, RunEnded(status="finished", seconds=1.0)))
    store.runs.record(batch)
    store.close()
    return made


class Traffic:
    """Bytes that a page receives: websocket frames, and answers but for Streamlit's own files and
    Plotly, which the browser keeps."""

    def __init__(self, page: Page) -> None:
        self.bytes = 0
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.webSocketFrameReceived", self._frame)
        session.on("Network.responseReceived", self._answer)
        session.on("Network.dataReceived", self._data)
        self._counted: set[str] = set()

    def _frame(self, event: dict[str, Any]) -> None:
        frame = event["response"]
        binary = frame["opcode"] == 2  # its payload comes in base64
        self.bytes += len(frame["payloadData"]) * 3 // 4 if binary else len(frame["payloadData"])

    def _answer(self, event: dict[str, Any]) -> None:
        path = event["response"]["url"].partition("?")[0]
        if "/static/" not in path and not path.endswith((".js", ".css", ".woff2", ".svg")):
            self._counted.add(event["requestId"])

    def _data(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._counted:
            self.bytes += event["dataLength"]


@pytest.mark.parametrize("query", ["", "&every=true"], ids=["means", "every run"])
def test_500_runs_of_100_epochs_are_light(
    browser: Browser, server: Server, many: str, query: str, capsys: pytest.CaptureFixture[str]
) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.goto(f"{server.url}/compare")  # Streamlit's own files and Plotly are there now
    page.wait_for_function("window.Plotly")
    traffic = Traffic(page)
    began = perf_counter()
    page.goto(f"{server.url}/compare?experiment={many}{query}")
    expect(page.get_by_role("heading", name="Leaderboard")).to_be_visible()
    expect(page.locator(".lrdash-steady .main-svg").nth(3)).to_be_attached()
    seconds = perf_counter() - began
    idle(page)
    with capsys.disabled():
        print(f"\n500 runs x 100 epochs ({query or 'means'}): {seconds:.2f} s until the "
              f"leaderboard, {traffic.bytes / 1e6:.2f} MB received")
    assert 20_000 < traffic.bytes < LIMIT
    context.close()


def test_200_runs_side_by_side_are_light(
    browser: Browser, server: Server, many: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(sqlite_url(server.home / DATABASE_FILE))
    ids = [row.run_id for row in store.runs.listing(experiment_id=many, limit=200)]
    store.close()
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.goto(f"{server.url}/runs")
    page.wait_for_function("window.Plotly")
    traffic = Traffic(page)
    began = perf_counter()
    page.goto(f"{server.url}/runs?runs={','.join(ids)}")
    expect(page.get_by_role("heading", name="What differs")).to_be_visible()
    expect(page.get_by_text("Validation loss of 200 runs over epochs")).to_be_visible()
    seconds = perf_counter() - began
    idle(page)
    with capsys.disabled():
        print(f"\n200 runs side by side: {seconds:.2f} s, {traffic.bytes / 1e6:.2f} MB received")
    assert 20_000 < traffic.bytes < LIMIT
    context.close()
