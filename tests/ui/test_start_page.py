"""Start here and the glossary, drawn by Streamlit's own test runner: no browser, no worker."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from lrdash.analysis.guides import GUIDES
from lrdash.planning.experiment import Experiment
from lrdash.store import Store
from tests.factories.pages import fault, keys, page, words
from tests.factories.runs import finish


def begun(store: Store, guide: str = "lowering") -> tuple[AppTest, str]:
    test = page("start")
    test.button(key=f"start-{guide}").click().run()
    (row,) = store.experiments.listing()
    return test, row.experiment_id


def train(store: Store, *, epochs: int | None = None, status: str = "finished") -> None:
    """Train all queued runs as a worker would: a loss that follows the rate, and one run that
    ends with this status.
    """
    for run_id in store.runs.queued():
        seed = store.runs.one(run_id).spec.seed

        def measured(epoch: int, rate: float, seed: int = seed) -> dict[str, float]:
            return dict.fromkeys(("loss", "val_loss"), rate + (seed + epoch) / 1000)

        finish(store, run_id, measured, epochs=epochs, status=status,
               reason="No room left." * (status == "failed"))
        status = "finished"


def test_three_questions_are_shown_with_what_they_take_and_nothing_trains(store: Store) -> None:
    test = page("start")
    for guide in GUIDES.values():
        assert guide.title in words(test)
        assert f"{guide.experiment.size} runs on" in words(test)
        assert test.button(key=f"start-{guide.id}").label == f"Train {guide.experiment.size} runs"
    assert not store.experiments.listing()


@pytest.mark.parametrize("guide", GUIDES)
def test_start_queues_the_real_thing_and_names_it_in_the_address(store: Store, guide: str) -> None:
    test, experiment_id = begun(store, guide)
    assert experiment_id in test.query_params["experiment"]
    row = store.experiments.one(experiment_id)
    assert Experiment.from_json(row.definition) == GUIDES[guide].experiment
    assert row.counts["queued"] == GUIDES[guide].experiment.size
    assert "What to watch" in words(test)
    assert "first curves appear after the first epochs" in words(test)


def test_a_second_tab_sees_the_same_explanation_of_what_was_trained(store: Store) -> None:
    _, experiment_id = begun(store)
    train(store)
    test = page("start", experiment=experiment_id)
    said = words(test)
    assert "What your results show" in said
    assert "**Step** cut after epochs 10 and 20 with every seed" in said
    assert "**Plateau** cut after these epochs: seed 0: 4, " in said
    assert "The callback reported at epoch 4 of seed 0: “" in said
    assert test.button(key="to-inside")
    test.button(key="back").click().run()
    assert "experiment" not in test.query_params
    assert test.button(key="last-lowering").label == "Last result"
    test.button(key="last-lowering").click().run()
    assert experiment_id in test.query_params["experiment"]


@pytest.mark.parametrize("guide", ["warmup", "decay"])
def test_what_did_not_happen_is_explained(store: Store, guide: str) -> None:
    _, experiment_id = begun(store, guide)
    train(store)
    test = page("start", experiment=experiment_id)
    findings = {"warmup": "Most seeds survived even", "decay": "**Rate 0.4**: the constant"}
    assert findings[guide] in words(test)


def test_while_it_trains_it_can_be_stopped(store: Store) -> None:
    _, experiment_id = begun(store)
    test = page("start", experiment=experiment_id)
    test.button(key="stop-guided").click().run()
    assert store.experiments.one(experiment_id).counts["stopped"] == 12
    test = page("start", experiment=experiment_id)
    assert "0 of 12 runs finished or diverged: 12 stopped." in words(test)


@pytest.mark.parametrize(
    ("status", "message"),
    [("stopped", "11 of 12 runs finished or diverged: 1 stopped."), ("failed", "No room left.")],
)
def test_without_all_runs_there_is_no_answer(
    store: Store, status: str, message: str
) -> None:
    _, experiment_id = begun(store)
    train(store, epochs=12, status=status)
    test = page("start", experiment=experiment_id)
    assert message in words(test)
    assert "So far Step has made" in words(test)
    assert "Which is better?" not in words(test)


def test_other_seeds_are_another_experiment_of_the_same_question(store: Store) -> None:
    _, experiment_id = begun(store)
    train(store)
    test = page("start", experiment=experiment_id)
    test.button(key="again").click().run()
    newest = store.experiments.listing()[0]
    assert Experiment.from_json(newest.definition).seeds == (6, 7, 8, 9, 10, 11)
    assert newest.experiment_id in test.query_params["experiment"]


def test_another_comparison_and_an_unknown_one_are_explained(store: Store) -> None:
    other = GUIDES["lowering"].experiment.replace(seeds=[0], base={"epochs": 2})
    experiment_id = store.experiments.create(other.to_json(), [], groups=[])
    test = page("start", experiment=experiment_id)
    assert "not one of the guided experiments" in words(test)
    assert "nosuch" in fault(page("start", experiment="nosuch"))


def test_the_glossary_is_searched_and_says_when_nothing_is_found(store: Store) -> None:
    test = page("glossary")
    assert "### Patience" in words(test)
    test.text_input(key="term").set_value("patience").run()
    assert "### Bowl" not in words(test)
    test.text_input(key="term").set_value("zebra").run()
    assert "No term has zebra" in words(test)
    assert "### Stability limit" in words(page("glossary", term="2 / curvature"))
    assert not store.experiments.listing()


def test_train_shows_newcomers_where_to_start(store: Store) -> None:
    assert "to-start" in keys(page("train"))
    begun(store)
    assert "to-start" not in keys(page("train"))
