from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from lrdash.analysis import frames
from lrdash.core.events import RateDecided
from lrdash.store.rows import EpochRow
from tests.factories.runs import epoch_row, run_row


def test_a_regression_run_has_no_accuracy_columns() -> None:
    frame = frames.epochs_frame([epoch_row(1), epoch_row(2)])
    assert list(frame) == ["run_id", "epoch", "loss", "val_loss", "learning_rate", "seconds"]
    assert frame["val_loss"].tolist() == [2.0, 1.0]
    assert frame["learning_rate"].iloc[1] == pytest.approx(0.05)


def test_a_classification_run_has_all_four_metrics_in_order() -> None:
    row = epoch_row(1, val_accuracy=0.9, val_loss=0.2, accuracy=0.8, loss=0.1)
    frame = frames.epochs_frame([row])
    assert list(frame)[2:6] == ["loss", "accuracy", "val_loss", "val_accuracy"]


def test_a_metric_that_one_run_lacks_is_nan_there() -> None:
    rows = [epoch_row(1), epoch_row(1, "r2", loss=1.0, accuracy=0.5, val_loss=1.0)]
    frame = frames.epochs_frame(rows)
    assert np.isnan(frame["accuracy"].iloc[0])
    assert frame["accuracy"].iloc[1] == 0.5


def test_update_t_stands_at_t_over_steps_per_epoch() -> None:
    frame = frames.rates_frame([epoch_row(2), epoch_row(3)])
    assert frame["update"].tolist() == list(range(4, 12))
    assert frame["epoch"].tolist() == [t / 4 for t in range(4, 12)]
    assert frame["learning_rate"].tolist() == [np.float32(0.05)] * 4 + [np.float32(0.1 / 3)] * 4


def test_runs_of_different_length_of_epoch_share_one_frame() -> None:
    frame = frames.rates_frame([epoch_row(2, "a", steps=2), epoch_row(1, "b", steps=3)])
    assert frame["run_id"].tolist() == ["a", "a", "b", "b", "b"]
    assert frame["epoch"].tolist() == [1.0, 1.5, 0.0, 1 / 3, 2 / 3]


def test_what_does_not_apply_to_a_decision_is_missing_and_not_zero() -> None:
    decided = RateDecided(epoch=3, rate_before=0.1, rate_after=0.05, reason="halved")
    frame = frames.decisions_frame([decided])
    assert frame["wait"].isna().all()
    assert np.isnan(frame["monitored"].iloc[0])
    assert frame["decision"].tolist() == ["halved"]


def test_a_run_is_reported_in_words_with_its_best_value_and_curve() -> None:
    frame = frames.runs_frame([run_row()], {"r1": [0.5, np.nan, 0.3, 0.4]})
    row = frame.iloc[0]
    assert row["settings"] == (
        "Digits · Multilayer perceptron · Constant · SGD 0.9, rate 0.1, 4 epochs, seed 0"
    )
    assert (row["best_val_loss"], row["final_val_loss"], row["progress"]) == (0.3, 0.4, 0.5)
    assert row["curve"] == [0.5, None, 0.3, 0.4]
    assert row["tags"] == ["a", "b"]
    assert row["created_at"] == pd.Timestamp("2026-01-02", tz="UTC")


def test_a_run_without_epochs_has_no_best_value() -> None:
    frame = frames.runs_frame([run_row(epochs_done=0)], {})
    assert np.isnan(frame["best_val_loss"].iloc[0])
    assert frame["curve"].iloc[0] == []


@pytest.mark.parametrize(
    ("empty", "full"),
    [
        (frames.epochs_frame([]), frames.epochs_frame([epoch_row(1)])),
        (frames.rates_frame([]), frames.rates_frame([epoch_row(1)])),
        (
            frames.decisions_frame([]),
            frames.decisions_frame(
                [RateDecided(epoch=1, rate_before=1, rate_after=1, reason="", wait=1, cooldown=0)]
            ),
        ),
        (frames.runs_frame([], {}), frames.runs_frame([run_row()], {})),
    ],
    ids=["epochs", "rates", "decisions", "runs"],
)
def test_no_rows_give_an_empty_frame_of_the_same_columns_and_types(
    empty: pd.DataFrame, full: pd.DataFrame
) -> None:
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()


def test_a_sparkline_keeps_the_first_and_last_value() -> None:
    line = frames.sparkline(np.arange(1000.0), limit=50)
    assert (len(line), line[0], line[-1]) == (50, 0.0, 999.0)


def test_a_run_as_json_has_null_where_the_loss_was_not_finite() -> None:
    found = frames.run_as_json(run_row(), [epoch_row(1, loss=np.inf, val_loss=np.nan)])
    again = json.loads(json.dumps(found, allow_nan=False))
    assert again["epochs"][0]["loss"] is None
    assert again["epochs"][0]["epoch"] == 1
    assert again["spec"]["epochs"] == 4


@pytest.mark.parametrize("rate", [0.1, 1e-4, 0.3333, 1000.0, 7.5e-8])
def test_a_run_as_json_has_its_rates_as_they_were_typed(rate: float) -> None:
    row = epoch_row(1)
    used = EpochRow(**{**vars(row), "learning_rate": float(np.float32(rate))})
    found = frames.run_as_json(run_row(), [used])["epochs"][0]["learning_rate"]
    assert found == rate
    assert np.float32(found) == np.float32(used.learning_rate)
