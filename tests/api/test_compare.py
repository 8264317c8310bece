"""Comparisons from Python and from the shell."""

from __future__ import annotations

import json
import re
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import lrdash
from lrdash import training
from lrdash.api import Comparison, extend, load_comparison
from lrdash.cli import app
from lrdash.core.errors import InvalidField, LrdashError, NotFound
from lrdash.core.events import EpochEnded, Event, RunEnded, RunStarted, Sink
from lrdash.jobs import presence
from lrdash.planning.experiment import Arm
from lrdash.planning.plan import Plan
from lrdash.store import Store
from lrdash.training.checkpoints import CheckpointWriter

SMALL: dict[str, Any] = {"dataset": "wine", "model": "linear", "epochs": 3}
SHELL = ["compare", "--dataset", "wine", "--model", "linear", "--epochs", "3"]


def say_run(plan: Plan, run_id: str, sink: Sink) -> RunEnded:
    """What an engine would say of a run: the nearer the rate is to 0.1, the better."""
    spec = plan.spec
    sink(run_id, RunStarted(
        engine="lanes", parameters=plan.parameters, steps_per_epoch=plan.steps_per_epoch,
        updates=plan.updates, versions={},
    ))
    if spec.base_lr > 1:
        ended = RunEnded(status="diverged", reason="the loss became NaN", seconds=0.1)
        sink(run_id, ended)
        return ended
    away = abs(np.log10(spec.base_lr / 0.1)) + 0.01 * spec.seed + (spec.strategy == "step")
    for epoch in range(1, spec.epochs + 1):
        rates = plan.program().rates(epoch - 1).astype(np.float32)
        metrics = {"loss": 1.0, "val_loss": away + 1 / epoch, "accuracy": 0.5, "val_accuracy": 0.5}
        sink(run_id, EpochEnded(epoch=epoch, metrics=metrics, rates=rates, seconds=0.1 * epoch))
    ended = RunEnded(status="finished", seconds=0.5)
    sink(run_id, ended)
    return ended


def group(
    plans: Sequence[Plan], *, run_ids: Sequence[str], sink: Sink,
    should_stop: Callable[[], set[str]], engine: str = "auto", writer: CheckpointWriter,
    **_more: object,
) -> dict[str, RunEnded]:
    """Says what the lanes engine would say, without it."""
    endings = {}
    for plan, run_id in zip(plans, run_ids, strict=True):
        if run_id in should_stop():
            endings[run_id] = RunEnded(status="stopped", reason="stopped by the user")
            sink(run_id, endings[run_id])
        else:
            endings[run_id] = say_run(plan, run_id, sink)
    return endings


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training without TensorFlow."""
    monkeypatch.setattr(training, "train_group", group)
    engine = types.ModuleType("lrdash.training.keras.engine")
    monkeypatch.setitem(sys.modules, "lrdash.training.keras.engine", engine)
    monkeypatch.setattr(training, "keras_engine", engine, raising=False)


def made(**changes: Any) -> Comparison:
    usual: dict[str, Any] = {"base_lrs": [0.01, 0.1, 10], "seeds": 2, "name": "first", **SMALL}
    return lrdash.compare(["step", "cosine"], **{**usual, **changes})


@pytest.mark.usefixtures("quick")
def test_a_comparison_gives_frames_numbers_and_figures() -> None:
    comparison = made(target=0.4)
    arms = comparison.frame()
    assert len(arms) == 12
    assert arms["label"].tolist() == ["Step decay"] * 6 + ["Cosine decay"] * 6
    assert arms["base_lr"].tolist() == [0.01, 0.01, 0.1, 0.1, 10, 10] * 2
    assert arms["seed"].tolist() == [0, 1] * 6
    assert arms["status"].tolist() == (["finished"] * 4 + ["diverged"] * 2) * 2
    board = comparison.summary()
    assert board["label"].tolist() == ["Cosine decay", "Step decay"]
    assert board["best_base_lr"].tolist() == [0.1, 0.1]
    assert board["diverged"].tolist() == [2, 2]
    assert board["epochs_to_target"].iloc[0] == 3
    assert len(comparison.curves()) == 8 * 3
    for kind in ("loss", "rates", "bowl", "heatmap"):
        assert comparison.figure(kind).data
    assert "Cosine decay" in comparison._repr_html_()
    assert "12 runs (8 finished, 4 diverged)" in repr(comparison)
    assert comparison.experiment.size == 12
    with pytest.raises(InvalidField, match="kind must be one of loss, rates, bowl, heatmap"):
        comparison.figure("pie")  # type: ignore[arg-type]


@pytest.mark.usefixtures("quick")
def test_a_comparison_is_stored_as_an_experiment(store: Store) -> None:
    comparison = made()
    row = store.experiments.one(comparison.experiment_id)
    assert (row.name, row.runs, row.active) == ("first", 12, False)
    rows = store.runs.listing(experiment_id=row.experiment_id)
    assert len({run.group_id for run in rows}) == 1
    assert {run.engine for run in rows} == {"lanes"}
    assert load_comparison(row.experiment_id, store).as_json() == comparison.as_json()
    assert store.workers.mark_interrupted() == []


@pytest.mark.usefixtures("quick")
def test_json_holds_no_number_that_is_not_finite() -> None:
    found = made(seeds=1).as_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["arms"][2]["final_val_loss"] is None
    assert found["summary"][0]["interval_low"] is None
    assert {"strategy", "label", "best_base_lr", "mean_final_val_loss", "runs", "diverged"} <= set(
        found["summary"][0]
    )


@pytest.mark.usefixtures("quick")
def test_strategies_may_have_settings_and_labels() -> None:
    arms = [
        Arm(strategy="step", params={"factor": 0.1}), {"strategy": "step", "label": "gentle"},
        "cosine",
    ]
    comparison = lrdash.compare(arms, base_lrs=(0.1,), seeds=[7], **SMALL)
    assert comparison.frame()["label"].tolist() == [
        "Step decay (factor 0.1)", "gentle", "Cosine decay"
    ]
    assert [row.spec.seed for row in comparison.rows] == [7, 7, 7]


@pytest.mark.usefixtures("quick")
def test_an_experiment_is_extended_without_repeating_what_exists(store: Store) -> None:
    first = made(seeds=1, base_lrs=[0.1])
    trained = {row.run_id for row in first.rows}
    larger = extend(first.experiment_id, base_lrs=[0.01], seeds=[1], strategies=["linear"])
    assert larger.experiment_id == first.experiment_id
    assert len(larger.rows) == 3 * 2 * 2
    assert trained < {row.run_id for row in larger.rows}
    specs = [row.spec.to_json() for row in larger.rows]
    assert len(set(specs)) == len(specs)
    assert larger.experiment.base_lrs == (0.01, 0.1)
    again = extend(first.experiment_id, seeds=[1])
    assert len(again.rows) == 12
    with pytest.raises(NotFound):
        extend("nowhere", seeds=[1])


@pytest.mark.usefixtures("quick")
def test_ctrl_c_stops_what_is_not_done_and_keeps_the_rest() -> None:
    ended = 0

    def interrupt(_run_id: str, event: Event) -> None:
        nonlocal ended
        ended += isinstance(event, RunEnded)
        if ended == 3 and isinstance(event, EpochEnded):
            raise KeyboardInterrupt

    comparison = made(progress=interrupt)
    assert [row.status for row in comparison.rows] == ["finished"] * 3 + ["stopped"] * 9
    assert comparison.rows[3].reason == "stopped by the user after 1 epoch"
    assert comparison.rows[4].reason == "stopped by the user after 0 epochs"


@pytest.mark.usefixtures("quick")
def test_a_run_stopped_in_the_app_is_stopped(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_last(_run_id: str, event: Event) -> None:
        if isinstance(event, RunStarted):
            store.runs.request_stop(store.runs.listing(limit=1)[0].run_id)

    monkeypatch.setattr(presence, "POLL", 0.0)
    comparison = made(progress=stop_last, base_lrs=[0.1])
    assert [row.status for row in comparison.rows] == ["finished"] * 3 + ["stopped"]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": "step"}, "strategy is not one value in a comparison: give strategies"),
        ({"base_lr": 0.1}, "base_lr is not one value in a comparison: give base_lrs"),
        ({"seeds": 0}, "seeds must be a number of seeds between 1 and 200, or a list"),
        ({"seeds": True}, "seeds must be a number of seeds"),
        ({"base_lrs": []}, "base_lrs must be a list of 1 to 50"),
        ({"engine": "lane"}, "No engine named 'lane'"),
        (
            {"engine": "lanes", "early_stopping": {"restore_best_weights": True}},
            "restore_best_weights",
        ),
        ({"spec": "digits"}, "spec must be a RunSpec"),
        ({"epochs": 0}, "epochs must be between 1 and 10,000"),
        ({"batch_size": 5000}, "batch_size must be at most"),
        ({"name": "x" * 201}, "name must have at most 200"),
    ],
)
def test_what_cannot_be_compared_is_explained_and_nothing_is_made(
    changes: dict[str, Any], message: str, store: Store
) -> None:
    with pytest.raises(LrdashError, match=message):
        made(**changes)
    assert store.experiments.listing() == []


@pytest.mark.usefixtures("quick")
def test_a_comparison_too_large_for_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRDASH_MEMORY_MB", "64")
    with pytest.raises(InvalidField, match="one run would take about"):
        made(model="mlp", model_params={"widths": [4096, 4096]})


@pytest.mark.usefixtures("quick")
def test_verdicts_are_asked_for_by_metric_baseline_and_target() -> None:
    comparison = made(target=0.4)
    assert comparison.verdicts().pairs["verdict"].tolist() == ["no evidence"]
    found = comparison.verdicts("epochs_to_target", baseline="Step decay")
    assert found.pairs["difference"].tolist() == [np.inf]  # step never gets there
    assert found.sentence.startswith("By epochs to the target: compared with **Step decay**")
    assert comparison.verdicts("epochs_to_target", target=9.0).pairs["difference"].tolist() == [0]
    with pytest.raises(LrdashError, match="No metric named 'loss'"):
        comparison.verdicts("loss")


def test_a_strategy_trained_under_two_names_is_no_better_than_itself() -> None:
    again = Arm(strategy="polynomial", params={"power": 1.0}, label="Linear again")
    comparison = lrdash.compare(["linear", again], base_lrs=[0.05, 0.2], seeds=7, **SMALL)
    found = comparison.verdicts()
    assert found.pairs["verdict"].tolist() == ["no evidence"]
    assert found.pairs["difference"].iloc[0] == pytest.approx(0, abs=1e-6)
    assert found.more_seeds == 0


def test_the_same_comparison_twice_gives_the_same_numbers() -> None:
    both = [
        lrdash.compare(["step", "plateau"], base_lrs=[0.05], seeds=2, **SMALL) for _ in range(2)
    ]
    one, two = (comparison.frame().drop(columns=["run_id", "seconds"]) for comparison in both)
    assert one.equals(two)
    assert one["status"].tolist() == ["finished"] * 4
    same = ["loss", "val_loss", "accuracy", "val_accuracy", "learning_rate"]
    assert both[0].curves()[same].equals(both[1].curves()[same])
    single_run = lrdash.train(both[0].rows[1].spec)
    assert single_run.frame()["val_loss"].tolist() == pytest.approx(
        both[0].curves().query("seed == 1 and strategy == 'step'")["val_loss"].tolist(), rel=1e-5
    )


# The shell


def call(*words: str) -> Result:
    return CliRunner().invoke(app, [*SHELL, *words])


@pytest.mark.usefixtures("quick")
def test_the_shell_prints_the_comparison_as_one_json_document(store: Store) -> None:
    result = call("--strategies", "step,cosine", "--base-lrs", "0.01,0.1,10", "--seeds", "2",
                  "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert set(found) == {
        "experiment_id", "name", "arms", "summary", "verdicts", "sentence", "seconds"
    }
    (pair,) = found["verdicts"]
    assert (pair["first"], pair["second"]) == ("Step decay", "Cosine decay")
    assert (pair["seeds"], pair["verdict"], pair["p"]) == (2, "no evidence", 1.0)
    assert pair["difference"] == pytest.approx(1.0)
    assert "no evidence of a difference between Cosine decay and Step decay" in found["sentence"]
    assert len(found["arms"]) == 12
    assert [row["strategy"] for row in found["summary"]] == ["cosine", "step"]
    assert found == load_comparison(found["experiment_id"], store).as_json()


@pytest.mark.usefixtures("quick")
def test_the_shell_shows_size_progress_and_result() -> None:
    result = call("--strategies", "step,cosine", "--base-lrs", "0.1", "--name", "mine")
    assert result.exit_code == 0, result.output
    assert "2 strategies x 1 peak rate x 3 seeds: 6 runs of 3 epochs" in result.stdout
    assert "6 of 6 runs done" in result.stdout
    assert "Cosine decay" in result.stdout
    assert "lowest validation loss" in result.stdout
    assert "no evidence of a difference between Cosine decay and Step decay" in result.stdout


@pytest.mark.usefixtures("quick")
def test_settings_go_to_one_strategy_or_to_all_that_have_them(store: Store) -> None:
    result = call(
        "--strategies", "step,plateau,cosine", "--seeds", "4,9", "--base-lrs", "0.1",
        "--param", "factor=0.3", "--param", "step.factor=0.2", "--param", "plateau.patience=1",
        "--json",
    )
    assert result.exit_code == 0, result.output
    rows = store.runs.listing(experiment_id=json.loads(result.stdout)["experiment_id"])
    params = {row.spec.strategy: row.spec.params for row in rows}
    assert params["step"]["factor"] == 0.2
    assert (params["plateau"]["factor"], params["plateau"]["patience"]) == (0.3, 1)
    assert {row.spec.seed for row in rows} == {4, 9}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--strategies", "steb"], "Did you mean 'step'"),
        (["--strategies", ","], "arms must be a list of 1 to 20 strategies"),
        (["--strategies", "step", "--seeds", "x"], "seeds must be whole numbers separated"),
        (["--strategies", "step", "--seeds", "0"], "seeds must be a number of seeds"),
        (["--strategies", "step", "--base-lrs", "a"], "base_lrs must be numbers separated"),
        (["--strategies", "step", "--base-lrs", "0"], "base_lrs must be a list of 1 to 50"),
        (["--strategies", "step", "--param", "alpha=1"], "--param must be a setting of a compared"),
        (
            ["--strategies", "step", "--param", "cosine.alpha=1"],
            r"--param must name a compared strategy \(step\)",
        ),
        (["--strategies", "step", "--engine", "lane"], "No engine named 'lane'"),
    ],
)
def test_wrong_options_end_with_status_2_and_nothing_is_made(
    words: list[str], message: str, store: Store
) -> None:
    result = call(*words)
    assert result.exit_code == 2
    assert re.search(message, result.stderr)
    assert store.experiments.listing() == []


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("rates", "status"), [("0.1,10", 0), ("10", 1)])
def test_divergence_is_a_result_unless_all_diverge(rates: str, status: int) -> None:
    assert call("--strategies", "step", "--base-lrs", rates, "--json").exit_code == status


def test_a_failed_run_gives_status_1(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(plans: Sequence[Plan], *, run_ids: Sequence[str], sink: Sink, **_: Any) -> Any:
        endings = {run_id: RunEnded(status="failed", reason="no") for run_id in run_ids}
        for run_id, ended in endings.items():
            sink(run_id, ended)
        return endings

    monkeypatch.setattr(training, "train_group", fails)
    assert call("--strategies", "step,cosine").exit_code == 1
