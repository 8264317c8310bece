"""Metrics of a caller's own: in frames, figures, tables and verdicts."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

import lrdash
from lrdash.analysis.verdicts import METRICS, judge
from lrdash.analysis.verdicts.metrics import metric_named
from lrdash.core.errors import InvalidField, UnknownName
from lrdash.core.wording import number

layers = keras.layers
RNG = np.random.default_rng(3)
X = RNG.normal(size=(80, 4)).astype(np.float32)
Y = (X[:, :1] > 0).astype(np.float32)
FEW: dict[str, Any] = {
    "strategies": ["constant", "cosine"], "base_lrs": [0.05], "epochs": 2, "progress": False,
}


def network() -> Any:
    return keras.Sequential([layers.Input((4,)), layers.Dense(1, activation="sigmoid")])


def strange(y: Any, prediction: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(y - prediction))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LRDASH_HOME", str(tmp_path_factory.mktemp("own-metrics")))
        metrics = [keras.metrics.AUC(name="auc"), strange, "accuracy"]
        yield lrdash.compare(
            network, (X, Y), loss="binary_crossentropy", metrics=metrics, seeds=3, **FEW
        )


def test_frames_hold_the_last_value_of_own_metrics(made: Any) -> None:
    curves, frame = made.curves(), made.frame()
    last = curves[curves["epoch"] == 2].set_index("run_id")
    for name in ("auc", "val_auc", "strange", "val_strange"):
        found = frame.set_index("run_id")[f"final_{name}"]
        assert np.isfinite(found).all()
        pd.testing.assert_series_equal(found, last[name], check_names=False)
    assert made.as_json()["arms"][0]["final_val_auc"] == frame["final_val_auc"][0]


def test_a_run_shows_its_own_metrics() -> None:
    run = lrdash.train(
        build_model=network, data=(X, Y), loss="binary_crossentropy", metrics=[strange], epochs=2,
        base_lr=0.1, progress=False,
    )
    assert np.isfinite(run.frame()[["strange", "val_strange"]]).all(axis=None)


def test_figures_draw_any_metric(made: Any) -> None:
    figure = made.figure(metric="val_auc")
    assert "auc" in figure.layout.yaxis.title.text
    drawn = [trace for trace in figure.data if trace.name == "Constant" and trace.mode]
    wanted = made.curves().query("label == 'Constant' and epoch == 2")["val_auc"].mean()
    assert drawn[-1].y[-1] == pytest.approx(wanted, rel=1e-5)
    with pytest.raises(InvalidField, match="metric must be one of loss, val_loss, accuracy"):
        made.figure(metric="val_aux")
    with pytest.raises(InvalidField, match="metric must be left out for the kind bowl"):
        made.figure("bowl", metric="val_auc")


def test_the_table_shows_them(made: Any) -> None:
    row = made.table()[0]
    means = made.frame().groupby("label")["final_val_auc"].mean()
    assert row["val_auc"] == number(means[row["Strategy"]])
    assert "<th>val_auc</th>" in made._repr_html_()
    assert "val_accuracy" not in row


def test_verdicts_by_an_own_metric(made: Any) -> None:
    verdicts = made.verdicts("final_val_auc")
    assert verdicts.sentence.startswith("By final val auc (higher is better): ")
    means = made.frame().groupby("label")["final_val_auc"].mean()
    wanted = means["Constant"] - means["Cosine decay"]
    assert verdicts.pairs["difference"][0] == pytest.approx(wanted)
    assert verdicts.order[0] == means.idxmax()
    best = made.curves().groupby("run_id")["val_auc"].max()
    labels = made.frame().set_index("run_id")["label"]
    assert made.verdicts("best_val_auc").order[0] == best.groupby(labels).mean().idxmax()
    assert made.verdicts("area_auc").metric == "area_auc"


def test_a_name_that_does_not_show_the_direction_needs_a_mode(made: Any) -> None:
    with pytest.raises(InvalidField, match=r"mode must be min or max .* val_strange"):
        made.verdicts("final_val_strange")
    lower, higher = (made.verdicts("final_val_strange", mode=mode) for mode in ("min", "max"))
    assert lower.order == higher.order[::-1]
    assert "(lower is better)" in lower.sentence
    with pytest.raises(UnknownName, match="Did you mean 'final_val_auc'"):
        made.verdicts("final_val_aux")
    with pytest.raises(InvalidField, match="mode must be auto, min or max"):
        made.verdicts("final_val_auc", mode="up")
    with pytest.raises(InvalidField, match="mode must be left out"):
        made.verdicts("final_val_loss", mode="max")


@pytest.mark.parametrize(("name", "higher"), [
    ("val_auc", True), ("auc_1", True), ("val_f1_score", True), ("precision", True),
    ("val_top_k_categorical_accuracy", True), ("head_accuracy", True), ("r2_score", True),
    ("mean_io_u", True), ("val_mae", False), ("mean_absolute_error", False), ("rmse", False),
    ("head_loss", False), ("false_positives", False), ("root_mean_squared_error", False),
    ("val_mape", False), ("kl_divergence", False), ("perplexity", False),
])
def test_names_show_the_direction(name: str, higher: bool) -> None:
    assert metric_named(f"final_{name}", own=[name]).sign == (-1.0 if higher else 1.0)


def test_runs_that_diverged_are_the_worst_by_own_metrics_too() -> None:
    arms = pd.DataFrame({
        "run_id": ["a", "b", "c", "d"], "label": ["one", "one", "two", "two"],
        "base_lr": 0.1, "seed": [0, 1, 0, 1], "epochs_done": 2,
        "status": ["finished", "finished", "finished", "diverged"],
        "final_val_loss": [0.1, 0.1, 0.1, np.nan], "final_val_auc": [0.6, 0.7, 0.9, 0.9],
    })
    curves = pd.DataFrame({"run_id": ["a"], "val_auc": [0.6]})
    verdicts = judge(arms, curves, metric="final_val_auc")
    assert verdicts.order == ("one", "two")
    assert verdicts.pairs["difference"][0] == np.inf or verdicts.pairs["difference"][0] == -np.inf
    assert "final_val_auc" not in METRICS
