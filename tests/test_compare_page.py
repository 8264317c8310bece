"""States of the Compare page, drawn by Streamlit's own test runner: no browser, no trainer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from lrdash.events import EpochEnded, Event, RunEnded, RunStarted
from lrdash.plan import make
from lrdash.store import Store
from lrdash.ui import resources


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    opened = Store()
    monkeypatch.setattr(resources, "store", lambda: opened)
    monkeypatch.setattr(resources, "laboratory", lambda: None)
    yield opened
    opened.close()


def page(**query: str) -> AppTest:
    test = AppTest.from_file("../pages/compare.py", default_timeout=60)
    for key, value in query.items():
        test.query_params[key] = value
    return test.run()


def words(test: AppTest) -> str:
    kinds = (test.markdown, test.caption, test.error, test.info, test.header)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def started(store: Store) -> tuple[AppTest, str]:
    """A small experiment, begun from the form: 2 strategies x 2 rates x 2 seeds."""
    test = page()
    test.multiselect(key="compare.strategies").set_value(["constant", "cosine"]).run()
    test.text_input(key="compare.rates").set_value("0.1 0.01").run()
    test.number_input(key="compare.seeds").set_value(2).run()
    test.button(key="start-compare").click().run()
    (row,) = store.experiments()
    return test, row.experiment_id


def train(store: Store, experiment_id: str, *, diverging: float = 1e9) -> None:
    """What a worker would have written; runs at or above a rate diverge."""
    store.register_worker("w1", "host", 1)
    for group in store.queued_groups():
        for run_id in store.claim_group(group, "w1"):
            plan = make(store.run(run_id).spec)
            lost = plan.spec.base_lr >= diverging
            events: list[Event] = [
                RunStarted(engine="keras", parameters=1, steps_per_epoch=plan.steps_per_epoch,
                           updates=plan.updates, versions={})
            ]
            course = plan.course()
            for epoch in range(1 if lost else 3):
                loss = plan.spec.base_lr + plan.spec.seed / 100 + 1 / (epoch + 1)
                metrics = {"loss": loss, "val_loss": float("nan") if lost else loss,
                           "accuracy": 0.5, "val_accuracy": 0.5}
                events.append(EpochEnded(
                    epoch=epoch + 1, metrics=metrics, seconds=1.0,
                    rates=course.rates(epoch).astype(np.float32),
                ))
            events.append(RunEnded(status="diverged" if lost else "finished"))
            store.record([(run_id, event) for event in events])
    assert not store.experiment(experiment_id).active


def test_the_form_says_how_many_runs_before_anything_starts(store: Store) -> None:
    test = page()
    assert not test.exception
    assert "75 runs" in words(test)
    assert "5 strategies × 5 peak rates × 3 seeds" in words(test)
    assert not store.experiments()


def test_start_queues_all_runs_and_names_the_experiment_in_the_address(store: Store) -> None:
    test, experiment_id = started(store)
    assert experiment_id in test.query_params["experiment"]
    assert len(store.runs(experiment_id=experiment_id)) == 8
    assert not test.exception


@pytest.mark.parametrize(
    ("rates", "message"), [("0.1, ten", "must be numbers like"), ("0.1, 0.1", "different rates")]
)
def test_wrong_peak_rates_are_told_and_start_disappears(
    store: Store, rates: str, message: str
) -> None:
    test = page()
    test.text_input(key="compare.rates").set_value(rates).run()
    assert not test.exception
    assert message in test.error[0].value
    assert not [button for button in test.button if button.label == "Start"]


def test_the_result_ranks_each_strategy_at_its_own_best_rate(store: Store) -> None:
    _, experiment_id = started(store)
    train(store, experiment_id)
    test = page(experiment=experiment_id)
    assert not test.exception
    assert "8 runs: 8 finished" in words(test)
    assert "at 0.01" in words(test)
    board = test.dataframe[0].value
    assert list(board["best_base_lr"]) == [0.01, 0.01]


def test_diverged_runs_stay_in_the_picture(store: Store) -> None:
    _, experiment_id = started(store)
    train(store, experiment_id, diverging=0.1)
    test = page(experiment=experiment_id)
    assert not test.exception
    assert "4 diverged" in words(test)
    assert list(test.dataframe[0].value["diverged"]) == [2, 2]


def test_an_unknown_experiment_is_told_without_a_traceback(store: Store) -> None:
    test = page(experiment="nosuch")
    assert not test.exception
    assert "nosuch" in test.error[0].value
