"""States of the pages, drawn by Streamlit's own test runner: no browser, no worker."""

from __future__ import annotations

import pytest

from lrdash.core.spec import RunSpec
from lrdash.planning.plan import make
from lrdash.store import Store
from lrdash.ui import resources
from tests.factories.pages import fault, labels, page, words
from tests.factories.runs import trained


def test_the_first_page_offers_a_form_a_preview_and_start(store: Store) -> None:
    test = page("train")
    assert "Start training" in labels(test)
    assert "17,226 parameters" in words(test)
    assert "Halves the rate" in words(test)


def test_start_queues_the_run_and_names_it_in_the_address(store: Store) -> None:
    test = page("train")
    test.button(key="start").click().run()
    (run,) = store.runs.listing()
    assert run.run_id in test.query_params["run"]
    assert run.status == "queued"
    assert run.spec.strategy == "plateau"
    assert "Queued" in words(test)


def test_every_strategy_can_be_chosen_and_explained(store: Store) -> None:
    test = page("train")
    box = test.selectbox(key="strategy")
    for label in box.options:
        test.selectbox(key="strategy").set_value(_id_of(label)).run()
        assert not test.error, label
        assert test.latex, label


def _id_of(label: str) -> str:
    from lrdash.strategies import STRATEGIES

    return next(key for key, strategy in STRATEGIES.items() if strategy.label == label)


def test_only_models_that_fit_are_offered_and_the_choice_moves_on(store: Store) -> None:
    test = page("train")
    test.selectbox(key="model").set_value("cnn").run()
    test.selectbox(key="dataset").set_value("wine").run()
    assert not test.error
    assert "cnn" not in test.selectbox(key="model").options
    assert test.selectbox(key="model").value == "mlp"


def test_the_noisy_quadratic_offers_no_other_model_and_leaves_with_its_dataset(
    store: Store,
) -> None:
    test = page("train")
    test.selectbox(key="dataset").set_value("noisy_quadratic").run()
    assert test.selectbox(key="model").options == ["Noisy quadratic"]
    assert test.selectbox(key="model").value == "noisy_quadratic"
    assert any("No inputs, only random noise" in text.value for text in test.caption)
    test.selectbox(key="dataset").set_value("digits").run()
    assert "Noisy quadratic" not in test.selectbox(key="model").options
    assert test.selectbox(key="model").value == "mlp"


def test_a_run_of_the_noisy_quadratic_says_what_the_dashed_line_is(store: Store) -> None:
    pair = {"dataset": "noisy_quadratic", "model": "noisy_quadratic"}
    for strategy, note in (
        ("cosine", "Dashed: the exact expected validation loss"),
        ("plateau", "No exact curve: its rates depend on the noise."),
    ):
        test = page("train", run=trained(store, strategy=strategy, **pair))
        assert any(note in text.value for text in test.caption)
        assert not any("overfitting" in text.value for text in test.caption)


def test_a_regression_is_never_asked_for_accuracy(store: Store) -> None:
    test = page("train")
    test.selectbox(key="dataset").set_value("diabetes").run()
    assert not test.error
    assert all("accuracy" not in choice for choice in test.selectbox(key="plateau.monitor").options)


@pytest.mark.parametrize(
    ("strategy", "field", "typed", "message"),
    [
        ("custom", "custom.expression", "lr * -1", "custom.expression"),
        ("custom", "custom.expression", "__import__('os')", "custom.expression"),
        ("multistep", "multistep.milestones", "15, 99", "milestones"),
        ("multistep", "multistep.milestones", "15, ten", "must be numbers like"),
    ],
)
def test_a_wrong_setting_is_explained_and_start_disappears(
    store: Store, strategy: str, field: str, typed: str, message: str
) -> None:
    test = page("train")
    test.selectbox(key="strategy").set_value(strategy).run()
    test.text_input(key=field).set_value(typed).run()
    assert message in fault(test)
    assert "Start training" not in labels(test)


def test_settings_of_a_run_fill_the_form(store: Store) -> None:
    run_id = trained(
        store, strategy="multistep", params={"milestones": [2, 5]}, base_lr=0.03, seed=7,
        model_params={"widths": [32], "dropout": 0.2}, early_stopping={"patience": 4},
    )
    test = page("train", **{"from": run_id})
    assert not test.error
    assert test.text_input(key="multistep.milestones").value == "2, 5"
    assert test.text_input(key="mlp.widths").value == "32"
    test.button(key="start").click().run()
    first, again = store.runs.one(run_id), store.runs.listing()[0]
    assert again.run_id != run_id
    assert again.spec == first.spec


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        ("finished", "", "Finished after 3 of 10 epochs"),
        ("stopped", "stopped by the user after 3 epochs", "Stopped after 3 of 10 epochs"),
        ("failed", "no memory left", "no memory left"),
        ("diverged", "the loss became NaN in epoch 4", "the loss became NaN in epoch 4"),
        ("interrupted", "the training process ended unexpectedly", "ended unexpectedly"),
    ],
)
def test_each_ending_is_shown(store: Store, status: str, reason: str, said: str) -> None:
    test = page("train", run=trained(store, status=status, reason=reason))
    assert said in words(test)
    assert "Train again with these settings" in labels(test)


def test_a_running_run_shows_progress_tiles_and_a_way_to_stop(store: Store) -> None:
    run_id = trained(store, status="running")
    test = page("train", run=run_id)
    assert [metric.label for metric in test.metric] == [
        "Epoch", "Training loss", "Validation loss", "Validation accuracy", "Learning rate",
    ]
    assert test.metric[0].value == "3 of 10"
    test.button(key="stop").click().run()
    assert store.runs.one(run_id).stop_requested


def test_the_rate_shown_is_the_rate_used(store: Store) -> None:
    test = page("train", run=trained(store, strategy="plateau", params={"patience": 1}))
    test.segmented_control(key="details").set_value("Settings").run()
    assert "rate used: 0" in words(test)


def test_an_unknown_run_is_explained_without_a_traceback(store: Store) -> None:
    test = page("train", run="nosuchrun")
    assert "There is no run 'nosuchrun'" in fault(test)


def test_settings_of_a_deleted_run_are_missed_and_the_form_stays(store: Store) -> None:
    test = page("train", **{"from": "nosuchrun"})
    assert "There is no run 'nosuchrun'" in fault(test)
    assert "Start training" in labels(test)


def test_many_runs_are_shown_page_by_page(store: Store) -> None:
    plan = make(RunSpec(dataset="wine", model="linear", epochs=1))
    for _ in range(103):
        run_id = store.runs.create(plan.spec, steps_per_epoch=1, updates=1, parameters=1)
        store.runs.request_stop(run_id)
    test = page("runs")
    assert len(test.dataframe[0].value) == 100
    assert "103 runs" in words(test)


def test_no_runs_yet_says_what_will_be_here(store: Store) -> None:
    test = page("runs")
    assert "will be listed here" in test.info[0].value


def test_runs_are_listed_and_filtered(store: Store) -> None:
    trained(store, strategy="cosine")
    trained(store, strategy="step", status="failed", reason="no memory left")
    test = page("runs")
    assert len(test.dataframe[0].value) == 2
    test.text_input(key="search").set_value("cosine").run()
    assert len(test.dataframe[0].value) == 1
    test.text_input(key="search").set_value("nothing like it").run()
    assert "No run matches" in words(test)


def test_a_database_that_cannot_be_opened_is_reported_on_every_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    broken = tmp_path_factory.mktemp("broken") / "lrdash.db"
    broken.write_bytes(b"this is no database at all" * 100)
    monkeypatch.setenv("LRDASH_DATABASE_URL", f"sqlite:///{broken}")
    monkeypatch.setattr(resources, "laboratory", resources.store)
    for name in ("train", "runs"):
        test = page(name)
        assert test.error
        assert "database" in fault(test)
