"""States of the Find LR page, drawn by Streamlit's own test runner: no browser, no worker."""

from __future__ import annotations

import numpy as np
import pytest

from lrdash.core.spec import RunSpec
from lrdash.planning.range_test import RangeTestSpec, make
from lrdash.store import Store
from lrdash.ui.find_lr import result
from tests.factories.pages import fault, keys, page, progress, words
from tests.factories.runs import finish


@pytest.fixture(autouse=True)
def forgets_results() -> None:
    result._findings.clear()


def stored(store: Store, *, updates: int = 60, made: int = 60, end: str = "finished") -> str:
    """A test of wine with Adam, whose loss falls to its lowest at 0.1 and then blows up."""
    base = RunSpec(dataset="wine", model="mlp", optimizer="adam")
    spec = make(RangeTestSpec(base=base, lowest=1e-4, updates=updates, seeds=(0, 1))).spec
    place = np.log10(spec.rates)
    curve = 2 - np.clip(place + 3, 0, 2) / 2 + 9 * np.clip(place + 1, 0, None)
    losses = np.stack([curve, curve * 1.1])
    losses[:, made:] = np.nan
    test_id = store.range_tests.create(spec.to_json(), spec.rates, seeds=2)
    store.range_tests.claim(test_id, "w")
    store.range_tests.note(test_id, made, losses, "w")
    if end != "running":
        store.range_tests.end(test_id, end, "" if end == "finished" else "it broke")  # type: ignore[arg-type]
    return test_id


def test_the_empty_page_says_what_a_range_test_is_and_what_it_will_do(store: Store) -> None:
    test = page("find_lr")
    assert "The rate starts too low to matter" in words(test)
    assert "200 updates for each of 5 seeds, from 1e-5 to 10" in words(test)
    assert "Earlier tests will be listed here." in words(test)
    assert not store.range_tests.listing()


def test_start_queues_a_test_with_an_address_of_its_own(store: Store) -> None:
    test = page("find_lr")
    test.number_input(key="find.seeds").set_value(3).run()
    test.selectbox(key="optimizer").set_value("adam").run()
    test.button(key="start-test").click().run()
    (row,) = store.range_tests.listing()
    spec = RangeTestSpec.from_json(row.definition)
    assert (spec.seeds, spec.base.optimizer, row.status) == ((0, 1, 2), "adam", "queued")
    assert test.query_params["test"] in (row.range_test_id, [row.range_test_id])
    assert "Queued. It starts as soon as" in words(test)
    test.button(key="stop-test").click().run()
    assert store.range_tests.one(row.range_test_id).status == "stopped"


def test_a_range_that_is_too_narrow_is_explained_and_nothing_is_lost(store: Store) -> None:
    test = page("find_lr")
    test.number_input(key="find.lowest").set_value(5.0).run()
    assert "must be at least 10 times the lowest rate" in fault(test)
    assert "start-test" not in keys(test)
    test.number_input(key="find.lowest").set_value(0.001).run()
    assert not test.error
    assert not store.range_tests.listing()


def test_a_running_test_shows_how_far_it_is(store: Store) -> None:
    test = page("find_lr", test=stored(store, made=20, end="running"))
    assert "update 20 of 60" in progress(test)
    assert "stop-test" in keys(test)
    assert "use-train" not in keys(test)


def test_a_finished_test_shows_suggestions_and_leads_on(store: Store) -> None:
    test = page("find_lr", test=stored(store))
    assert "Suggested: 0.0079 (rule descent / 3" in words(test)
    assert "The loss diverges at" in words(test)
    table = test.dataframe[0].value
    assert list(table["label"]) == [
        "Steepest", "Valley", "Minimum / 10", "Slide", "Descent / 3"
    ]
    labels = {button.key: button.label for button in test.button}
    assert labels["use-train"] == "Train with 0.0079"
    test.selectbox(key="rule").set_value("steepest").run()
    labels = {button.key: button.label for button in test.button}
    assert labels["use-train"] != "Train with 0.0079"
    assert "12 times" in words(test)  # 60 updates of 5 a pass


def test_a_range_that_ends_too_early_offers_a_better_one_and_no_rate(store: Store) -> None:
    made = stored(store, made=20)  # up to 0.0041, before the loss has risen
    test = page("find_lr", test=made)
    assert "still at its lowest where the range ends. Test rates from 1e-4 to 0.41." in words(test)
    assert "use-train" not in keys(test)
    assert not test.dataframe
    assert test.button(key="test-again").label == "Test 1e-4 to 0.41"
    test.button(key="test-again").click().run()
    row = next(row for row in store.range_tests.listing() if row.range_test_id != made)
    spec = RangeTestSpec.from_json(row.definition)
    assert (spec.lowest, spec.highest, spec.updates, spec.seeds) == (1e-4, 0.41, 60, (0, 1))
    assert (spec.base.dataset, spec.base.optimizer, row.status) == ("wine", "adam", "queued")
    assert test.query_params["test"] in (row.range_test_id, [row.range_test_id])


def test_a_script_alone_can_test_better_rates_of_its_own_model(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stored(store, made=20)
    monkeypatch.setattr("lrdash.planning.external.why_not", lambda _spec: "Its script alone can.")
    test = page("find_lr", test=made)
    assert "still at its lowest" in words(test)
    assert "test-again" not in keys(test)


def test_more_smoothing_moves_the_suggestion_not_the_losses(store: Store) -> None:
    made = stored(store)
    test = page("find_lr", test=made)
    before = test.dataframe[0].value["suggestion"].tolist()
    test.slider(key="smoothing-test").set_value(0.0).run()
    assert test.dataframe[0].value["suggestion"].tolist() != before
    assert store.range_tests.one(made).losses[0, 0] == 2.0


@pytest.mark.parametrize("end", ["failed", "stopped", "interrupted"])
def test_an_end_before_its_time_is_shown_with_its_reason(store: Store, end: str) -> None:
    test = page("find_lr", test=stored(store, made=40, end=end))
    assert f"{end.capitalize()} after 40 of 60 updates: it broke." in words(test)
    nothing = page("find_lr", test=stored(store, made=0, end=end))
    assert "nothing to draw" in words(nothing)


def test_a_test_that_does_not_exist_is_reported(store: Store) -> None:
    assert store.range_tests.listing() == []
    test = page("find_lr", test="nowhere")
    assert "There is no range test 'nowhere'" in fault(test)
    test.button(key="new-test").click().run()
    assert not test.error
    assert test.button(key="start-test").label == "Start range test"


def test_earlier_tests_are_listed_with_their_suggestion(store: Store) -> None:
    stored(store)
    stored(store, made=0, end="failed")
    table = page("find_lr").dataframe[0].value
    assert table["what"].tolist() == ["Wine · Multilayer perceptron · Adam"] * 2
    assert table["rate"].tolist() == ["–", "0.0079"]
    assert table["status"].tolist() == ["failed", "finished"]


def test_a_test_is_deleted_from_its_page(store: Store) -> None:
    test = page("find_lr", test=stored(store))
    test.button(key="delete-test").click().run()
    assert not store.range_tests.listing()
    assert "start-test" in keys(test)


def test_the_train_page_takes_the_rate_with_data_model_and_optimizer(store: Store) -> None:
    test = page("train", range_test=stored(store), rate="0.02")
    assert test.selectbox(key="dataset").value == "wine"
    assert test.selectbox(key="optimizer").value == "adam"
    assert test.selectbox(key="strategy").value == "plateau"
    assert test.number_input(key="base_lr").value == 0.02
    assert test.number_input(key="epochs").value == 30


def test_the_compare_page_takes_rates_around_it(store: Store) -> None:
    test = page("compare", range_test=stored(store), rate="0.02")
    assert test.selectbox(key="dataset").value == "wine"
    assert test.text_input(key="compare.rates").value == "0.002, 0.0063, 0.02, 0.063, 0.2"


def test_a_broken_address_is_explained_on_the_page_that_it_leads_to(store: Store) -> None:
    test = page("train", range_test=stored(store), rate="much")
    assert "rate must be a number above 0" in fault(test)
    assert "start" in keys(test)
    assert "There is no range test" in fault(page("compare", range_test="gone", rate="1"))


def trained(store: Store, experiment_id: str) -> None:
    """What a worker would have written: the lowest loss at the second of the rates."""
    rates = sorted({run.spec.base_lr for run in store.runs.listing(experiment_id=experiment_id)})
    for run in store.runs.listing(experiment_id=experiment_id):
        loss = 0.1 + abs(rates.index(run.spec.base_lr) - 1)
        finish(store, run.run_id, lambda *_, loss=loss: {"loss": loss, "val_loss": loss}, epochs=1)


def test_the_bowl_of_whole_trainings_stands_beside_the_suggestions(store: Store) -> None:
    made = stored(store)
    test = page("find_lr", test=made)
    assert "21 runs" in words(test)
    test.selectbox(key="sweep-strategy").set_value("points").run()
    test.text_input(key="sweep.points.points").set_value("0: 1, 1: 50").run()
    assert "points.points must have factors" in fault(test)
    test.selectbox(key="sweep-strategy").set_value("cosine").run()
    test.number_input(key="sweep.cosine.alpha").set_value(0.1).run()
    test.button(key="sweep-start").click().run()
    sweep = store.range_tests.one(made).experiment_id
    assert sweep is not None
    specs = [run.spec for run in store.runs.listing(experiment_id=sweep)]
    assert {(spec.strategy, spec.params["alpha"]) for spec in specs} == {("cosine", 0.1)}
    assert len({spec.base_lr for spec in specs}) == 7
    assert "0 of 21 runs done" in progress(test)
    trained(store, sweep)
    over = page("find_lr", test=made)
    assert "Best rate of the sweep: 7.9e-4" in words(over)
    assert "Closest:" in words(over)
    judged = next(frame.value for frame in over.dataframe if "off" in frame.value)
    assert judged["off"].tolist()[4] == "10 ×"
    over.button(key="sweep-again").click().run()
    assert store.range_tests.one(made).experiment_id is None
    assert store.experiments.one(sweep).runs == 21


def test_a_script_alone_can_train_the_bowl_of_its_own_model(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stored(store)
    sentence = "Its script alone has the model."
    monkeypatch.setattr("lrdash.planning.external.why_not", lambda _spec: sentence)
    test = page("find_lr", test=made)
    assert "Its script alone has the model." in words(test)
    assert "sweep-start" not in keys(test)
