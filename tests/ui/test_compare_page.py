"""States of the Compare page, drawn by Streamlit's own test runner: no browser, no worker."""

from __future__ import annotations

from functools import partial

import pytest
from streamlit.testing.v1 import AppTest

from lrdash.store import Store, keep_pace
from tests.factories import pages as shown
from tests.factories.pages import fault, keys, typed, words
from tests.factories.runs import one_experiment

page = partial(shown.page, "compare")
trained = partial(one_experiment, seeds=2)  # 2 strategies x 2 rates x 2 seeds


def started(store: Store) -> tuple[AppTest, str]:
    """A small experiment, begun from the form: 2 strategies x 2 rates x 2 seeds."""
    test = page()
    test.multiselect(key="compare.strategies").set_value(["constant", "cosine"]).run()
    typed(test, "0.1 0.01")
    test.number_input(key="compare.seeds").set_value(2).run()
    test.button(key="start-compare").click().run()
    (row,) = store.experiments.listing()
    return test, row.experiment_id


def test_the_form_says_how_many_runs_before_anything_starts(store: Store) -> None:
    test = page()
    assert "75 runs" in words(test)
    assert "5 strategies × 5 peak rates × 3 seeds" in words(test)
    assert not store.experiments.listing()


def test_five_rates_around_the_usual_one_of_the_optimizer_are_offered(store: Store) -> None:
    test = page()
    assert "0.01, 0.032, 0.1, 0.32, 1: a factor of 3 apart, around the usual 0.1 " in words(test)
    test.selectbox(key="optimizer").set_value("adam").run()
    assert "1e-4, 3.2e-4, 0.001, 0.0032, 0.01: a factor" in words(test)
    assert not store.experiments.listing()


def test_time_memory_and_groups_are_shown_before_the_start(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiles = {metric.label: metric.value for metric in page().metric}
    assert tiles == {"Time": "unknown yet", "Memory": tiles["Memory"], "Groups": "1"}
    assert tiles["Memory"].endswith(" MB")
    keep_pace("dense", 1e-9)
    keep_pace("start", 2.0)
    assert {m.label: m.value for m in page().metric}["Time"].startswith("about ")
    monkeypatch.setenv("LRDASH_MEMORY_MB", "64")
    small = page()
    assert {m.label: m.value for m in small.metric}["Groups"] != "1"
    small.text_input(key="mlp.widths").set_value("4096, 4096").run()
    assert "one run would take about" in fault(small)
    assert "64 MB are free" in fault(small)
    assert not store.experiments.listing()


def test_start_queues_all_runs_and_names_the_experiment_in_the_address(store: Store) -> None:
    test, experiment_id = started(store)
    assert experiment_id in test.query_params["experiment"]
    assert len(store.runs.listing(experiment_id=experiment_id)) == 8


@pytest.mark.parametrize(
    ("rates", "message"), [("0.1, ten", "must be numbers like"), ("0.1, 0.1", "different rates")]
)
def test_wrong_peak_rates_are_explained_and_start_disappears(
    store: Store, rates: str, message: str
) -> None:
    test = page()
    typed(test, rates)
    assert message in fault(test)
    assert "start-compare" not in keys(test)


def test_the_result_ranks_each_strategy_at_its_own_best_rate(store: Store) -> None:
    experiment_id = trained(store)
    test = page(experiment=experiment_id)
    assert "8 runs: 8 finished" in words(test)
    assert "at peak rate 0.01" in words(test)
    board = test.dataframe[0].value
    assert list(board["best_base_lr"]) == [0.01, 0.01]


def test_diverged_runs_stay_in_the_picture(store: Store) -> None:
    experiment_id = trained(store, diverging=0.1)
    test = page(experiment=experiment_id)
    assert "4 diverged" in words(test)
    assert list(test.dataframe[0].value["diverged"]) == [2, 2]


def test_an_experiment_is_extended_without_repeating_what_exists(store: Store) -> None:
    experiment_id = trained(store)
    test = page(experiment=experiment_id)
    test.number_input(key="more-seeds").set_value(1)
    test.text_input(key="more-rates").set_value("0.3")
    test.multiselect(key="more-strategies").set_value(["linear"]).run()
    test.number_input(key="more.linear.end_factor").set_value(0.2)
    test.button(key="extend-start").click().run()
    row = store.experiments.one(experiment_id)
    assert (row.runs, row.counts["queued"]) == (3 * 3 * 3, 27 - 8)
    added = [run.spec for run in store.runs.listing(experiment_id=experiment_id)
             if run.spec.strategy == "linear"]
    assert {spec.params["end_factor"] for spec in added} == {0.2}
    assert "8 of 27 runs done" in test.get("progress")[0].proto.text


def test_an_experiment_is_named_and_given_a_target(store: Store) -> None:
    experiment_id = trained(store)
    test = page(experiment=experiment_id)
    assert "to_target" not in list(test.dataframe[0].proto.column_order)
    test.text_input(key="experiment-name").set_value("My question")
    test.number_input(key="experiment-target").set_value(0.4)
    next(b for b in test.button if b.label == "Save").click().run()
    assert "My question" in words(test)
    assert "to_target" in list(test.dataframe[0].proto.column_order)
    assert set(test.dataframe[0].value["to_target"]) == {"3 (2 of 2)"}
    assert store.experiments.one(experiment_id).target == 0.4


def test_the_form_can_be_filled_from_an_experiment(store: Store) -> None:
    experiment_id = trained(store)
    test = page(experiment=experiment_id)
    test.button(key="run-again").click().run()
    assert "8 runs" in words(test)
    assert test.multiselect(key="compare.strategies").value == ["constant", "cosine"]
    assert test.text_input(key="compare.rates").value == "0.01, 0.1"


def test_stopped_runs_are_continued(store: Store) -> None:
    _, experiment_id = started(store)
    test = page(experiment=experiment_id)
    test.button(key="stop-all").click().run()
    assert store.experiments.one(experiment_id).counts["stopped"] == 8
    test = page(experiment=experiment_id)
    assert "8 runs: 8 stopped" in words(test)
    test.button(key="resume").click().run()
    assert store.experiments.one(experiment_id).counts["queued"] == 8


def test_every_run_and_further_curves_can_be_drawn(store: Store) -> None:
    experiment_id = trained(store)
    test = page(experiment=experiment_id)
    test.toggle(key="every").set_value(True)
    test.selectbox(key="curve").set_value("gradient_norm").run()
    assert "Gradient norm of every run" in words(test)


def test_earlier_comparisons_are_listed(store: Store) -> None:
    assert not page().dataframe
    _, experiment_id = started(store)
    store.experiments.rename(experiment_id, "First try")
    (table,) = page().dataframe
    assert list(table.value["what"]) == ["First try"]
    assert list(table.value["runs"]) == [8]


def test_an_unknown_experiment_is_explained_without_a_traceback(store: Store) -> None:
    test = page(experiment="nosuch")
    assert "nosuch" in fault(test)
