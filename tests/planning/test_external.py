"""Runs whose model and data lrdash does not have: shown everywhere, trained nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from lrdash.analysis import settings_in_words
from lrdash.api import load_comparison, load_run
from lrdash.api.reporting import ProgressReport, reporting
from lrdash.core.errors import InvalidField, NotHere
from lrdash.core.events import EpochEnded, RunEnded
from lrdash.core.spec import Facts, RunSpec
from lrdash.core.wording import escaped
from lrdash.export import FORMATS, recorded
from lrdash.planning import external
from lrdash.planning.experiment import Experiment, plan_all
from lrdash.planning.plan import make
from lrdash.store import NewRun, Store
from tests.factories import pages as shown
from tests.factories.pages import serve, words
from tests.factories.runs import reported

FACTS = Facts(
    train_examples=120, validation_examples=30, steps_per_epoch=4, parameters=99,
    metrics=("loss", "val_loss", "accuracy", "val_accuracy"), input_shape=(6,), num_classes=3,
    loss="focal", optimizer="Lion", notes=("A fifth is held out.",), token="0" * 16,
)
FIELDS: dict[str, Any] = {
    "dataset": "Sensors *2024*", "model": "my_net", "origin": "script", "facts": FACTS.as_dict(),
    "epochs": 3,
}
SPEC = RunSpec(**FIELDS)
REASON = "Its model and data are in the script that trained it"


def test_specs_of_lrdashs_own_runs_are_written_as_before() -> None:
    assert not {"origin", "facts"} & set(RunSpec().as_dict())
    assert not {"origin", "facts"} & {knob.name for knob in RunSpec.knobs()}
    assert RunSpec.from_json(SPEC.to_json()) == SPEC
    assert '"origin":"script"' in SPEC.to_json()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({**FIELDS, "facts": None}, "facts must be given for a run of the origin script"),
        ({"facts": FACTS.as_dict()}, "facts must be empty for a run of the origin here"),
        ({**FIELDS, "model": "m" * 81}, "model must have at most 80 characters"),
        ({**FIELDS, "origin": "there"}, "origin must be one of here, script, watched, import"),
    ],
)
def test_what_does_not_belong_together_is_refused(fields: Any, message: str) -> None:
    with pytest.raises(InvalidField, match=message):
        RunSpec(**fields)


def test_a_plan_is_made_of_the_facts_and_refuses_to_be_trained() -> None:
    plan = make(SPEC)
    assert (plan.steps_per_epoch, plan.updates, plan.parameters) == (4, 12, 99)
    assert (plan.train_examples, plan.validation_examples) == (120, 30)
    assert plan.metrics == FACTS.metrics
    assert (plan.dataset.label, plan.model.label) == ("Sensors *2024*", "my_net")
    assert make(plan.spec) == plan
    assert len(plan.rates()) == 12
    with pytest.raises(NotHere, match=REASON):
        plan.dataset.load()
    with pytest.raises(NotHere, match=REASON):
        plan.model.build(plan.dataset.shape)
    assert "Lion" in settings_in_words(SPEC)


def test_what_is_present_replaces_the_placeholders() -> None:
    dataset, model = external.found(SPEC)
    assert external.why_not(SPEC).startswith(REASON)
    with external.present(FACTS.token, dataset, model):
        assert not external.why_not(SPEC)
        assert external.found(SPEC) == (dataset, model)
    assert external.why_not(SPEC)
    assert not external.why_not(RunSpec())


def test_names_of_users_are_shown_as_they_are() -> None:
    assert escaped("a *b* <c> _d_") == r"a \*b\* \<c\> \_d\_"


@pytest.fixture
def store(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    return serve(store, monkeypatch)


@pytest.fixture
def made(store: Store) -> str:
    """A comparison as a script leaves it: two strategies, two seeds, one run stopped."""
    experiment = Experiment(
        base=SPEC, arms=({"strategy": "plateau"}, {"strategy": "cosine"}), base_lrs=(0.1,),
        seeds=(0, 1),
    )
    planned = plan_all(experiment)
    store.workers.register("w")
    new = [
        NewRun(spec=run.plan.spec, label=run.label, steps_per_epoch=4, updates=12, parameters=99)
        for run in planned
    ]
    experiment_id = store.experiments.create(
        experiment.to_json(), new, groups=[list(range(len(new)))], worker_id="w"
    )
    rows = list(reversed(store.runs.listing(experiment_id=experiment_id)))
    for row, run in zip(rows, planned, strict=True):
        stopped, seed = row is rows[-1], run.plan.spec.seed
        events = reported(
            run.plan,
            lambda epoch, _rate, seed=seed: dict.fromkeys(
                FACTS.metrics, 1 / (epoch + 1) + seed / 50
            ),
            epochs=2 if stopped else 3, status="stopped" if stopped else "finished",
            engine="keras", note="lanes do not have the optimizer Lion",
        )
        store.runs.record([(row.run_id, event) for event in events])
    return experiment_id


def page(name: str, **query: str) -> AppTest:
    test = shown.page(name, **query)
    assert not test.exception
    return test


def test_the_pages_show_such_runs_and_say_that_only_the_script_trains_them(
    store: Store, made: str
) -> None:
    shown = page("compare", experiment=made)
    keys = {button.key for button in shown.button}
    assert REASON in words(shown)
    assert "A fifth is held out." in words(shown)
    assert "Sensors *2024*" in words(shown)
    assert "Lion" in words(shown)
    assert not keys & {"add-seeds", "resume"}
    assert shown.button(key="run-again").disabled
    for row in store.runs.listing():
        run = page("train", run=row.run_id)
        assert REASON in words(run)
        assert not {button.key for button in run.button} & {"again", "resume"}
    run.segmented_control(key="details").set_value("Settings").run()
    assert "lanes do not have the optimizer Lion" in words(run)
    plateau = next(row for row in store.runs.listing() if row.spec.strategy == "plateau")
    assert "plateau" in words(page("inside", run=plateau.run_id))
    page("runs")


def test_forms_are_not_filled_with_what_they_cannot_train(store: Store, made: str) -> None:
    run_id = store.runs.listing()[0].run_id
    assert REASON in page("train", **{"from": run_id}).error[0].value
    assert REASON in page("compare", like=made).error[0].value


def test_nothing_queues_such_runs_again(store: Store, made: str) -> None:
    stopped = store.runs.listing(status="stopped")[0].run_id
    assert store.runs.requeue([stopped]) == []
    assert store.runs.one(stopped).status == "stopped"


def test_results_and_exports_work_without_the_model(
    store: Store, made: str, tmp_path: Path
) -> None:
    comparison = load_comparison(made, store)
    assert {
        "A fifth is held out.",
        "Trained by keras, not in a group: lanes do not have the optimizer Lion.",
    } <= set(comparison.notes())
    for kind in ("loss", "rates", "bowl", "heatmap"):
        comparison.figure(kind)  # type: ignore[arg-type]
    report = comparison.report(tmp_path / "all.html").read_text("utf-8")
    assert REASON in report
    assert "Lion" in report
    assert "focal" in report
    assert "lrdash compare" not in report
    run = load_run(store.runs.listing()[0].run_id, store)
    assert REASON in run.report(tmp_path / "one.html").read_text("utf-8")
    assert run.figure("accuracy").data
    json.dumps(comparison.as_json())
    rows = store.runs.listing()[:1]
    for kind in FORMATS.values():
        found = recorded(rows, store.runs.epochs_of([rows[0].run_id]), "")
        if kind.id in ("script", "notebook"):
            with pytest.raises(NotHere, match=REASON):
                kind.write(found)
        else:
            assert kind.write(found)


def test_progress_is_reported_in_a_line() -> None:
    lines: list[tuple[float, str]] = []
    report = ProgressReport({"a": 2, "b": 2}, lambda share, text: lines.append((share, text)))
    report("a", EpochEnded(
        epoch=1, metrics={"loss": 1.0, "val_loss": 0.5}, rates=np.zeros(1, np.float32), seconds=1.0
    ))
    report("b", RunEnded(status="diverged"))
    report.show()
    assert lines[-1][0] == 0.75
    assert lines[-1][1].startswith("1 of 2 runs done, lowest validation loss 0.500")
    with reporting({"a": 1}) as sink:
        assert sink is None  # neither a notebook nor a terminal
    with reporting({"a": 1}, False) as sink:
        assert sink is None
    with reporting({"a": 1}, report) as sink:
        assert sink is report
