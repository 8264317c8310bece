from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import lrdash
from lrdash import training
from lrdash.api import Run, load_run
from lrdash.core.errors import InvalidField, NotFound, UnknownName
from lrdash.core.events import Event, RunEnded, Sink
from lrdash.planning.plan import Plan
from lrdash.store import Store
from tests.factories.runs import epoch_event, imitation


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "train_group", imitation)


@pytest.mark.usefixtures("quick")
def test_a_run_gives_frames_numbers_and_a_figure() -> None:
    run = lrdash.train(epochs=3, name="first", strategy="step", params={"drop_every": 1})
    assert (run.status, run.reason, run.spec.epochs) == ("finished", "", 3)
    assert run.frame()["val_loss"].tolist() == [1.0, 0.5, 1 / 3]
    assert len(run.rates()) == 3 * run.row.steps_per_epoch
    assert run.decisions()["decision"].tolist() == ["cut"]
    assert run.summary()["best_epoch"] == 3
    assert [change.epoch for change in run.changes()] == [1.0, 2.0]
    assert len(run.figure().data[0].x) == 3
    assert run.figure("accuracy").data[1].name == "validation accuracy"


@pytest.mark.usefixtures("quick")
def test_a_run_from_python_is_stored_like_any_other(store: Store) -> None:
    run = lrdash.train(epochs=2, name="mine")
    row = store.runs.one(run.run_id)
    assert (row.name, row.status, row.epochs_done) == ("mine", "finished", 2)
    assert load_run(run.run_id, store).as_json() == run.as_json()
    assert store.workers.mark_interrupted() == []


@pytest.mark.usefixtures("quick")
def test_progress_receives_every_event_in_order() -> None:
    received: list[Event] = []
    lrdash.train(epochs=2, progress=received.append)
    names = [type(event).__name__ for event in received]
    assert names == ["RunStarted", "EpochEnded", "EpochEnded", "RateDecided", "RunEnded"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"base_lr": -1}, "base_lr must be above 0"),
        ({"base_rate": 1}, "base_rate"),
        ({"strategy": "step", "params": {"factor": 7}}, "step.factor must be"),
    ],
)
def test_a_wrong_field_is_named_before_anything_is_made(
    fields: dict[str, Any], message: str, store: Store
) -> None:
    with pytest.raises(InvalidField, match=message):
        lrdash.train(**fields)
    assert store.runs.listing() == []


@pytest.mark.parametrize("spec", ["digits", {"epochs": 1}, 3])
def test_anything_but_a_spec_is_refused(spec: Any) -> None:
    with pytest.raises(InvalidField, match="spec must be a RunSpec, got "):
        lrdash.train(spec)


def test_an_unknown_name_is_answered_with_the_nearest(store: Store) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'cosine'"):
        lrdash.train(strategy="cosin")
    with pytest.raises(UnknownName, match="No engine named 'jet'"):
        lrdash.train(engine="jet")
    assert store.runs.listing() == []


@pytest.mark.usefixtures("quick")
def test_fields_replace_those_of_the_spec_that_is_given() -> None:
    spec = lrdash.RunSpec(epochs=2, base_lr=0.5)
    run = lrdash.train(spec, base_lr=0.25)
    assert (run.spec.epochs, run.spec.base_lr) == (2, 0.25)


def test_ctrl_c_stops_the_run_and_keeps_its_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(
        plans: Sequence[Plan], *, run_ids: Sequence[str], sink: Sink, **_others: Any
    ) -> None:
        sink(run_ids[0], epoch_event(plans[0], 1))
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train_group", interrupted)
    run = lrdash.train(epochs=5)
    assert (run.status, run.reason) == ("stopped", "stopped by the user after 1 epoch")
    assert len(run.frame()) == 1


def test_a_stop_from_the_app_reaches_a_run_from_python(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def patient(
        _plans: Sequence[Plan], *, run_ids: Sequence[str], sink: Sink,
        should_stop: Callable[[], set[str]], **_others: Any
    ) -> None:
        store.runs.request_stop(run_ids[0])
        pause = threading.Event()
        while not should_stop():
            pause.wait(0.02)
        sink(run_ids[0], RunEnded(status="stopped", reason="as asked"))

    monkeypatch.setattr(training, "train_group", patient)
    run = lrdash.train(epochs=5)
    assert (run.status, run.reason) == ("stopped", "as asked")


def test_a_fault_in_progress_reaches_the_caller_and_leaves_no_running_run(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def careless(_event: Event) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(training, "train_group", imitation)
    with pytest.raises(ZeroDivisionError):
        lrdash.train(epochs=2, progress=careless)
    assert [row.status for row in store.runs.listing()] == ["interrupted"]


@pytest.mark.usefixtures("quick")
def test_a_run_shows_itself_with_its_name_escaped() -> None:
    run = lrdash.train(epochs=2, name="<b>")
    assert "Digits · Multilayer perceptron" in repr(run)
    html = run._repr_html_()
    assert "&lt;b&gt;" in html
    assert "finished after 2 of 2 epochs" in html


@pytest.mark.usefixtures("quick")
def test_a_regression_run_has_no_accuracy_to_draw() -> None:
    run = lrdash.train(epochs=2, dataset="diabetes")
    assert "final_val_accuracy" not in run.summary()
    with pytest.raises(InvalidField, match="metric must be loss"):
        run.figure("accuracy")
    with pytest.raises(InvalidField, match="one of loss, accuracy"):
        run.figure("f1")  # type: ignore[arg-type]


def test_a_run_that_does_not_exist_cannot_be_loaded(store: Store) -> None:
    with pytest.raises(NotFound):
        load_run("nothere", store)


@pytest.mark.parametrize("engine", ["keras", "auto"])
def test_a_run_is_trained_at_the_rates_of_the_preview(engine: str) -> None:
    run = lrdash.train(
        dataset="wine", epochs=4, base_lr=0.02, strategy="cosine", warmup_epochs=1, batch_size=16,
        engine=engine,
    )
    assert isinstance(run, Run)
    assert (run.row.engine, run.row.engine_note) == ("keras" if engine == "keras" else "lanes", "")
    assert run.status == "finished", run.reason
    rates = lrdash.preview(
        "cosine", base_lr=0.02, epochs=4, warmup_epochs=1, steps_per_epoch=run.row.steps_per_epoch
    )
    assert (run.rates()["learning_rate"] == rates.astype(np.float32)).all()
    assert run.summary()["final_val_accuracy"] > 0.5
