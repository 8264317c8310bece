from __future__ import annotations

import numpy as np
import pytest

from lrdash import analysis
from lrdash.analysis import frames
from lrdash.core.events import RateDecided
from lrdash.core.spec import EarlyStopping, RunSpec
from lrdash.strategies.base import Mark
from tests.factories.runs import epoch_row, run_row


def test_time_left_follows_the_pace_so_far() -> None:
    assert analysis.time_left(10, 30, 5.0) == 10.0
    assert analysis.time_left(30, 30, 5.0) == 0.0
    assert analysis.time_left(0, 30, 5.0) is None


def test_settings_name_only_what_is_not_usual() -> None:
    spec = RunSpec(
        strategy="step", params={"drop_every": 10, "factor": 0.3}, optimizer="adam", epochs=1,
        warmup_epochs=0.5, early_stopping=EarlyStopping(patience=7), seed=3,
    )
    assert analysis.settings_in_words(spec) == (
        "Digits · Multilayer perceptron · Step decay (factor 0.3) · Adam, rate 0.1, 1 epoch, "
        "warm-up 0.5, early stopping 7, seed 3"
    )


def test_settings_of_a_strategy_that_is_gone_are_reported_in_full() -> None:
    spec = RunSpec(strategy="lost", params={"a": 1, "b": [1, 2], "c": True})
    assert analysis.strategy_in_words(spec) == "lost (a 1, b [1, 2], c on)"


def test_a_summary_finds_the_best_epoch_and_skips_what_is_not_finite() -> None:
    values = [0.5, np.nan, 0.2, 0.2, 0.4]
    rows = [
        epoch_row(e, loss=1.0, accuracy=0.1 * e, val_loss=v, val_accuracy=0.5)
        for e, v in enumerate(values, start=1)
    ]
    found = analysis.summary(frames.epochs_frame(rows), RunSpec(epochs=10))
    assert (found["best_epoch"], found["best_val_loss"], found["final_val_loss"]) == (3, 0.2, 0.4)
    assert found["best_accuracy"] == pytest.approx(0.5)
    assert (found["epochs_done"], found["seconds_left"]) == (5, 2.5)
    assert found["last_change"]["epoch"] == 4
    assert found["last_change"]["rate_after"] == pytest.approx(0.02)


def test_a_summary_of_nothing_is_empty_and_not_an_error() -> None:
    found = analysis.summary(frames.epochs_frame([]), RunSpec(epochs=10))
    assert (found["epochs_done"], found["best_epoch"], found["final_loss"]) == (0, None, None)
    assert found["last_change"] is None


@pytest.mark.parametrize("known", [[True, False, True, False], [False] * 4])
def test_an_epoch_whose_rate_is_not_known_is_no_change_of_the_rate(known: list[bool]) -> None:
    frame = frames.epochs_frame([epoch_row(e, val_loss=1.0) for e in range(1, 5)])
    frame["learning_rate"] = np.where(known, 0.1, np.nan)
    assert analysis.summary(frame, RunSpec(epochs=4))["last_change"] is None


def test_a_run_that_only_saw_nan_has_no_best_epoch() -> None:
    frame = frames.epochs_frame([epoch_row(1, loss=np.nan, val_loss=np.nan)])
    found = analysis.summary(frame, RunSpec())
    assert found["best_epoch"] is None
    assert found["final_val_loss"] is None


def decided(epoch: int, before: float, after: float, wait: int | None = 0) -> RateDecided:
    return RateDecided(
        epoch=epoch, rate_before=before, rate_after=after, reason=f"because {epoch}",
        monitor="val_loss", monitored=1.0, wait=wait,
    )


def test_changes_merge_marks_that_were_reached_with_decisions_that_moved_the_rate() -> None:
    rates = [0.05, 0.1, 0.1, 0.1, 0.05]
    marks = [Mark(update=1, text="warm-up ends"), Mark(update=9, text="later")]
    changes = analysis.rate_changes(
        rates, 2, [decided(1, 0.1, 0.1), decided(2, 0.1, 0.05)], marks
    )
    assert changes == ((0.5, 0.05, 0.1, "warm-up ends"), (2, 0.1, 0.05, "because 2"))
    assert analysis.last_change(changes) == "0.1 to 0.05 at epoch 2"


def test_a_rule_that_sleeps_through_the_warm_up_changed_nothing() -> None:
    assert analysis.rate_changes([0.05, 0.1], 1, [decided(1, 0.05, 0.1, wait=None)]) == ()
    assert analysis.last_change(()) == ""


def test_a_decision_is_reported_in_place_of_a_mark_at_the_same_update() -> None:
    marks = [Mark(update=2, text="mark")]
    changes = analysis.rate_changes([1, 1, 0.5], 2, [decided(1, 1, 0.5)], marks)
    assert [change.text for change in changes] == ["because 1"]


def test_the_expected_time_is_the_pace_of_runs_of_the_same_work() -> None:
    same = run_row(seconds=4.0, epochs_done=2)
    other = run_row(seconds=400.0, epochs_done=2, spec=RunSpec(dataset="wine"))
    assert analysis.expected_seconds(RunSpec(epochs=10), [other, same]) == 20.0
    assert analysis.expected_seconds(RunSpec(epochs=10), [other]) is None
