"""Start here and the glossary, drawn by Streamlit's own test runner: no browser, no worker."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from lrdash.analysis.guides import GUIDES
from lrdash.core.events import EpochEnded, Event, RateDecided, RunEnded, RunStarted
from lrdash.planning.experiment import Experiment
from lrdash.planning.plan import make
from lrdash.store import Store
from tests.factories.pages import fault, page, words


def begun(store: Store, guide: str = "lowering") -> tuple[AppTest, str]:
    test = page("start")
    test.button(key=f"start-{guide}").click().run()
    (row,) = store.experiments.listing()
    return test, row.experiment_id


def train(
    store: Store, *, epochs: int = 99, status: Literal["finished", "stopped", "failed"] = "finished"
) -> None:
    """What a worker would have written: a loss that follows the rate, and one run left out if it
    is not to finish.
    """
    store.workers.register("w1", "host", 1)
    for group in store.runs.queued_groups():
        claimed = store.runs.claim_group(group, "w1")
        for run_id in claimed:
            plan = make(store.runs.one(run_id).spec)
            program = plan.program()
            events: list[Event] = [
                RunStarted(engine="lanes", parameters=1, steps_per_epoch=plan.steps_per_epoch,
                           updates=plan.updates, versions={})
            ]
            for epoch in range(min(epochs, plan.spec.epochs)):
                rates = program.rates(epoch)
                loss = float(rates[-1]) + (plan.spec.seed + epoch) / 1000
                metrics = {"loss": loss, "val_loss": loss}
                events.append(EpochEnded(epoch=epoch + 1, metrics=metrics, seconds=1.0,
                                       rates=rates.astype(np.float32)))
                decision = program.end_epoch(epoch, metrics)
                if isinstance(decision, RateDecided):
                    events.append(decision)
            ending = status if run_id == claimed[0] else "finished"
            events.append(RunEnded(status=ending, reason="No room left." if ending == "failed"
                                 else ""))
            store.runs.record([(run_id, event) for event in events])


def test_three_questions_are_shown_with_what_they_take_and_nothing_trains(store: Store) -> None:
    test = page("start")
    assert not test.exception
    for guide in GUIDES.values():
        assert guide.title in words(test)
        assert f"{guide.experiment.size} runs on" in words(test)
        assert test.button(key=f"start-{guide.id}").label == f"Train {guide.experiment.size} runs"
    assert not store.experiments.listing()


@pytest.mark.parametrize("guide", GUIDES)
def test_start_queues_the_real_thing_and_names_it_in_the_address(store: Store, guide: str) -> None:
    test, experiment_id = begun(store, guide)
    assert not test.exception
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
    assert not test.exception
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
    assert not test.exception
    findings = {"warmup": "Most seeds survived even", "decay": "**Rate 0.4**: the constant"}
    assert findings[guide] in words(test)


def test_while_it_trains_it_can_be_stopped(store: Store) -> None:
    _, experiment_id = begun(store)
    test = page("start", experiment=experiment_id)
    test.button(key="stop-guided").click().run()
    assert not test.exception
    assert store.experiments.one(experiment_id).counts["stopped"] == 12
    test = page("start", experiment=experiment_id)
    assert "0 of 12 runs finished or diverged: 12 stopped." in words(test)


@pytest.mark.parametrize(
    ("status", "message"),
    [("stopped", "11 of 12 runs finished or diverged: 1 stopped."), ("failed", "No room left.")],
)
def test_without_all_runs_there_is_no_answer(
    store: Store, status: Literal["stopped", "failed"], message: str
) -> None:
    _, experiment_id = begun(store)
    train(store, epochs=12, status=status)
    test = page("start", experiment=experiment_id)
    assert not test.exception
    assert message in words(test)
    assert "So far Step has made" in words(test)
    assert "Which is better?" not in words(test)


def test_other_seeds_are_another_experiment_of_the_same_question(store: Store) -> None:
    _, experiment_id = begun(store)
    train(store)
    test = page("start", experiment=experiment_id)
    test.button(key="again").click().run()
    assert not test.exception
    newest = store.experiments.listing()[0]
    assert Experiment.from_json(newest.definition).seeds == (6, 7, 8, 9, 10, 11)
    assert newest.experiment_id in test.query_params["experiment"]


def test_another_comparison_and_an_unknown_one_are_explained(store: Store) -> None:
    other = GUIDES["lowering"].experiment.replace(seeds=[0], base={"epochs": 2})
    experiment_id = store.experiments.create(other.to_json(), [], groups=[])
    test = page("start", experiment=experiment_id)
    assert not test.exception
    assert "not one of the guided experiments" in words(test)
    assert "nosuch" in fault(page("start", experiment="nosuch"))


def test_the_glossary_is_searched_and_says_when_nothing_is_found(store: Store) -> None:
    test = page("glossary")
    assert not test.exception
    assert "### Patience" in words(test)
    test.text_input(key="term").set_value("patience").run()
    assert "### Bowl" not in words(test)
    test.text_input(key="term").set_value("zebra").run()
    assert "No term has zebra" in words(test)
    assert "### Stability limit" in words(page("glossary", term="2 / curvature"))
    assert not store.experiments.listing()


def test_train_shows_newcomers_where_to_start(store: Store) -> None:
    assert any(button.key == "to-start" for button in page("train").button)
    begun(store)
    assert not any(button.key == "to-start" for button in page("train").button)
