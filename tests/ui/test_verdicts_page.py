"""What the Compare page says about pairs of strategies, without a browser."""

from __future__ import annotations

from functools import partial

import pytest

from lrdash.store import Store
from tests.factories import pages
from tests.factories.pages import words
from tests.factories.runs import one_experiment

page = partial(pages.page, "compare")
trained = partial(one_experiment, seeds=2)  # 2 strategies x 2 rates x 2 seeds


def test_the_sentence_stands_on_top_and_says_no_more_than_it_knows(store: Store) -> None:
    experiment_id = trained(store)
    test = page(experiment=experiment_id)
    assert "no evidence of a difference between **Constant** and **Cosine" in words(test)
    assert "Seeds needed" in words(test)


def test_one_seed_decides_nothing_and_more_are_offered(store: Store) -> None:
    experiment_id = one_experiment(store, base_lrs=(0.1,), seeds=1)
    test = page(experiment=experiment_id)
    assert "One seed decides nothing" in words(test)
    assert test.button(key="add-seeds").label == "Add 5 seeds"
    assert "10 runs" in words(test)
    test.button(key="add-seeds").click().run()
    row = store.experiments.one(experiment_id)
    assert (row.runs, row.counts["queued"]) == (12, 10)


def test_a_pinned_baseline_turns_sentence_percentages_and_differences(store: Store) -> None:
    experiment_id = trained(store)
    test = page(experiment=experiment_id)
    assert "Difference against Constant" in words(test)
    test.selectbox(key="baseline").set_value("Cosine decay").run()
    assert "compared with **Cosine decay**" in words(test)
    assert "Difference against Cosine decay" in words(test)
    assert list(test.dataframe[0].value["percent"]) == [0, 0]
    assert "Against Cosine decay" in test.dataframe[0].proto.columns


def test_all_pairs_of_eight_strategies_stand_in_a_table_of_words(store: Store) -> None:
    names = ["constant", "step", "cosine", "linear", "plateau", "wsd", "one_cycle", "polynomial"]
    test = page(experiment=trained(store, names, base_lrs=(0.1,)))
    tables = {tuple(table.value.shape): table.value for table in test.dataframe}
    assert (8, 8) in tables
    assert set(tables[8, 8].to_numpy().ravel()) == {"", "no evidence"}
    assert len([table for table in test.dataframe if len(table.value) == 28]) == 1
    assert "and 5 more" in words(test)


@pytest.mark.parametrize("metric", ["best_val_loss", "area_val_loss", "final_val_accuracy"])
def test_the_user_chooses_by_what_is_judged(store: Store, metric: str) -> None:
    experiment_id = trained(store)
    test = page(experiment=experiment_id)
    assert "Epochs to the target" not in test.selectbox(key="judge-by").options
    test.selectbox(key="judge-by").set_value(metric).run()
    titles = {"best_val_loss": "best validation loss", "area_val_loss": "mean loss",
              "final_val_accuracy": "final validation accuracy"}
    assert f"By {titles[metric]}" in words(test)


def test_a_target_can_be_judged_by_once_there_is_one(store: Store) -> None:
    experiment_id = trained(store)
    store.experiments.set_target(experiment_id, 0.4)
    test = page(experiment=experiment_id)
    test.selectbox(key="judge-by").set_value("epochs_to_target").run()
    assert "Target not reached" in words(test)


def test_smoothing_is_named_above_the_chart(store: Store) -> None:
    experiment_id = trained(store)
    test = page(experiment=experiment_id)
    assert "Validation loss: mean and interval" in words(test)
    test.slider(key="smoothing").set_value(0.6).run()
    assert "Validation loss: smoothed" in words(test)
