"""States of the Hindsight page, drawn by Streamlit's own test runner: no browser, no worker."""

from __future__ import annotations

from lrdash.jobs import hindsight
from lrdash.planning.experiment import Arm, Experiment, plan_all
from lrdash.planning.hindsight import Search
from lrdash.store import NewRun, Store
from tests.factories.jobs import BASE, by_rate, over, search, stage_over
from tests.factories.pages import fault, keys, page, progress, words


def trained(store: Store, name: str = "") -> str:
    run_id = store.runs.create(BASE, steps_per_epoch=5, updates=20, parameters=1, name=name)
    over(store, run_id, 1.0)
    return run_id


def test_without_a_run_the_page_says_what_it_is_for_and_leads_to_training(store: Store) -> None:
    test = page("hindsight")
    assert "After training, we can see what would have worked" in words(test)
    assert "There is no finished run to search yet." in words(test)
    assert "train-one" in keys(test)
    assert store.hindsights.listing() == []


def test_a_search_of_a_run_shows_what_it_takes_before_it_starts(store: Store) -> None:
    run_id = trained(store, "mine")
    assert "mine" in words(page("hindsight"))
    test = page("hindsight", run=run_id)
    test.number_input(key="hindsight.points").set_value(2).run()
    test.text_input(key="hindsight.factors").set_value("0.1 3").run()
    # 2 branches, then 2 of each of 3; linear, cosine and plateau, and all 5 with 5 fresh seeds.
    assert "At most 36 runs of 4 epochs" in words(test)
    assert "branches after epoch 1 and 3 · judged by the final validation loss" in words(test)
    test.button(key="start-search").click().run()
    (row,) = store.hindsights.listing()
    what = Search.from_json(row.definition)
    assert (what.points, what.factors, what.base) == ((1, 3), (0.1, 3.0), BASE)
    assert test.query_params["search"] in (row.hindsight_id, [row.hindsight_id])
    assert store.hindsights.due() == [row.hindsight_id]


def test_what_is_not_allowed_is_explained_and_cannot_be_started(store: Store) -> None:
    test = page("hindsight", run=trained(store))
    test.text_input(key="hindsight.factors").set_value("0.1, much").run()
    assert "hindsight.factors must be numbers like" in fault(test)
    test.text_input(key="hindsight.factors").set_value("1").run()
    assert "must hold one that is not 1" in fault(test)
    assert "start-search" not in keys(test)
    waiting = store.runs.create(BASE, steps_per_epoch=5, updates=20, parameters=1)
    refusal = fault(page("hindsight", run=waiting))
    assert "must have finished before its search" in refusal
    assert "There is no hindsight" in fault(page("hindsight", search="gone"))


def test_a_search_is_shown_while_it_trains_when_stopped_and_when_it_is_over(store: Store) -> None:
    made = hindsight.create(store, search(), trained(store))
    hindsight.advance(store, made)
    test = page("hindsight", search=made)
    assert "Point 1 of 2: 0 of 2 runs done, waiting for a worker" in progress(test)
    test.button(key="stop-search").click().run()
    assert store.hindsights.one(made).status == "stopped"
    assert "Stopped at point 1 of 2. It can be resumed from the checkpoints." in words(test)
    test.button(key="resume-search").click().run()
    assert store.hindsights.one(made).status == "running"

    stage_over(store, made, lambda run: 1.01 - by_rate(run) / 100)
    stage_over(store, made, lambda run: 1.01 - by_rate(run) / 100)
    assert "Check on fresh seeds: 0 of" in progress(page("hindsight", search=made))
    stage_over(store, made, lambda run: 0.9)
    test = page("hindsight", search=made)
    assert "Best in hindsight: times 3 after epoch 1, times 3 after epoch 2." in words(test)
    assert "it ends at 0.940, 4.4% above Cosine decay, the nearest." in words(test)
    assert "Trained again with 2 fresh seeds, it ends at 0.900 on average, equal to" in words(test)
    tables = [frame.value for frame in test.dataframe]
    assert tables[0]["label"].tolist()[0] == "Hindsight"
    assert set(tables[0]["label"]) == {"Hindsight", "As it was", "Cosine decay"}
    assert "found" in tables[1]["kept"].tolist()
    assert len(test.get("bidi_component")) == 2
    test.button(key="delete-search").click().run()
    assert store.hindsights.listing() == []
    assert len(store.runs.listing()) == 1


def test_a_failed_search_says_why(store: Store) -> None:
    made = hindsight.create(store, search())
    over(store, store.hindsights.runs(made)[0].run_id, 1.0, "failed")
    hindsight.advance(store, made)
    test = page("hindsight", search=made)
    assert "Failed: the run itself failed: it was so." in words(test)
    assert "there is nothing to draw" in words(test)
    listed = page("hindsight").dataframe[0].value
    assert listed["status"].tolist() == ["failed"]
    assert listed["search"].tolist() == ["2 points · times 0.1 or 3 · best 2 kept"]


def test_from_a_comparison_the_winner_is_searched_and_the_others_are_rivals(
    store: Store,
) -> None:
    experiment = Experiment(
        base=BASE, arms=(Arm(strategy="constant"), Arm(strategy="cosine")), base_lrs=(0.1, 0.3),
        seeds=(4, 5),
    )
    planned = plan_all(experiment)
    made = store.experiments.create(
        experiment.to_json(), NewRun.of_each(planned), groups=[list(range(len(planned)))]
    )
    for row in store.runs.listing(experiment_id=made):
        better = (row.spec.strategy == "cosine") + (row.spec.base_lr == 0.3) / 2
        over(store, row.run_id, 2.0 - better)
    assert "hindsight" in keys(page("compare", experiment=made))
    test = page("hindsight", experiment=made)
    assert "Wine · Linear model · Cosine decay · SGD 0.9, rate 0.3, 4 epochs, seed 4" in words(test)
    assert "at their best peak rates: Constant at 0.3." in words(test)
    test.button(key="start-search").click().run()
    what = Search.from_json(store.hindsights.listing()[0].definition)
    assert (what.base.strategy, what.base.base_lr, what.base.seed) == ("cosine", 0.3, 4)
    assert [(one.strategy, one.base_lr) for one in what.rivals] == [("constant", 0.3)]
    assert what.seeds == (5, 6, 7, 8, 9)


def test_a_finished_run_leads_to_hindsight_and_one_that_trains_does_not(store: Store) -> None:
    assert "hindsight" in keys(page("train", run=trained(store)))
    waiting = store.runs.create(BASE, steps_per_epoch=5, updates=20, parameters=1)
    assert "hindsight" not in keys(page("train", run=waiting))
