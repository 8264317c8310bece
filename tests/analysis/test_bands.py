"""Bands, leaderboard, settings that differ and smoothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lrdash import analysis
from lrdash.core.errors import InvalidField
from lrdash.core.spec import EarlyStopping, RunSpec
from lrdash.planning import plan
from tests.factories.frames import INF, NAN, Trained, framed, grid

# Bands


def test_a_band_has_the_mean_over_the_seeds_at_the_best_peak() -> None:
    arms, curves = framed([
        ("cosine", 0.1, 0, "finished", [4.0, 1.0]), ("cosine", 0.1, 1, "finished", [6.0, 3.0]),
        ("cosine", 0.2, 0, "finished", [9.0, 9.0]), ("cosine", 0.2, 1, "finished", [9.0, 9.0]),
    ])
    best = analysis.band(curves, arms)
    assert best["epoch"].tolist() == [1, 2]
    assert best["mean"].tolist() == [5.0, 2.0]
    half = stats.t.ppf(0.975, 1)
    assert best["high"].to_numpy() - best["mean"].to_numpy() == pytest.approx([half, half])
    assert analysis.band(curves, arms, at=0.2)["mean"].tolist() == [9.0, 9.0]
    assert analysis.band(curves, arms, metric="learning_rate")["mean"].tolist() == [0.1, 0.05]


def test_the_band_of_one_seed_is_its_line() -> None:
    arms, curves = framed([("cosine", 0.1, 0, "finished", [2.0, 1.0])])
    line = analysis.band(curves, arms)
    assert line["low"].tolist() == line["mean"].tolist() == line["high"].tolist() == [2.0, 1.0]
    assert line["runs"].tolist() == [1, 1]


def test_a_rate_that_was_not_tried_is_refused_with_those_that_were() -> None:
    arms, curves = framed(grid({0.1: [1.0], 0.2: [1.0]}))
    with pytest.raises(InvalidField, match=r"at must be best or .*\(0.1, 0.2\), got 0.3"):
        analysis.band(curves, arms, at=0.3)


def test_a_band_ends_where_a_seed_of_it_is_lost() -> None:
    arms, curves = framed([
        ("cosine", 0.1, 0, "finished", [2.0, 1.0, 1.0]), ("cosine", 0.1, 1, "diverged", [4.0]),
    ])
    line = analysis.band(curves, arms)
    assert line["mean"].iloc[0] == 3.0
    assert line["mean"].iloc[1:].isna().all()
    assert line["runs"].tolist() == [2, 2, 2]


def test_a_seed_lost_before_its_first_epoch_leaves_no_mean() -> None:
    arms, curves = framed([
        ("cosine", 0.1, 0, "finished", [2.0]), ("cosine", 0.1, 1, "diverged", []),
    ])
    assert analysis.band(curves, arms)["mean"].isna().all()


def test_a_run_stopped_early_as_planned_keeps_its_last_value() -> None:
    arms, curves = framed([
        ("cosine", 0.1, 0, "finished", [2.0, 1.0, 0.0]), ("cosine", 0.1, 1, "finished", [4.0]),
    ])
    assert analysis.band(curves, arms)["mean"].tolist() == [3.0, 2.5, 2.0]


def test_runs_under_way_do_not_count_where_they_have_not_come() -> None:
    arms, curves = framed([
        ("cosine", 0.1, 0, "running", [2.0, 1.0]), ("cosine", 0.1, 1, "running", [4.0]),
    ])
    line = analysis.band(curves, arms)
    assert line["mean"].tolist() == [3.0, 1.0]
    assert line["runs"].tolist() == [2, 1]


def test_planned_rates_stand_at_the_end_of_their_update() -> None:
    made = plan.make(RunSpec(strategy="linear", base_lr=0.1, epochs=2))
    rates = analysis.planned_rates({"Linear": made})
    assert rates["mean"].tolist() == made.rates().tolist()
    assert rates["epoch"].iloc[-1] == 2.0
    assert set(rates["label"]) == {"Linear"}
    assert list(rates) == list(analysis.planned_rates({}))


def test_long_planned_rates_are_sampled() -> None:
    made = plan.make(RunSpec(strategy="linear", epochs=200))
    rates = analysis.planned_rates({"Linear": made})
    assert len(rates) == 1000
    assert rates["mean"].iloc[[0, -1]].tolist() == made.rates()[[0, -1]].tolist()


# The leaderboard


def test_the_leaderboard_ranks_each_arm_at_its_own_best_peak() -> None:
    runs = [
        *grid({0.1: [0.3, 0.5], 0.2: [0.6, 0.6]}),
        *grid({0.1: [9.0, 9.0], 0.2: [0.1, 0.1], 0.4: [0.2, 0.4]}, "step"),
        ("linear", 0.1, 0, "diverged", []), ("plateau", 0.1, 0, "queued", []),
    ]
    board = analysis.leaderboard(*framed(runs))
    assert board["label"].tolist() == ["Step", "Cosine", "Linear", "Plateau"]
    assert board["best_base_lr"].tolist() == [0.2, 0.1, 0.1, 0.1]
    assert board["final_val_loss"].iloc[:3].tolist() == [0.1, 0.4, INF]
    assert np.isnan(board["final_val_loss"].iloc[3])
    assert board["runs"].tolist() == [6, 4, 1, 1]
    assert board["seeds"].tolist() == [2, 2, 1, 0]
    assert board["diverged"].tolist() == [0, 0, 1, 0]
    assert board["waiting"].tolist() == [0, 0, 0, 1]
    assert board["at_edge"].tolist() == [False, True, True, False]
    assert board["final_val_accuracy"].iloc[0] == pytest.approx(1 - 0.1 / 8)
    assert board["final_val_accuracy"].iloc[2:].isna().all()
    assert board["low"].iloc[0] == pytest.approx(0.1)
    assert board["sparkline"].iloc[0] == [0.1]


def test_one_seed_has_no_interval() -> None:
    board = analysis.leaderboard(*framed(grid({0.1: [1.0]})))
    assert board[["low", "high"]].isna().all(axis=None)


def test_epochs_to_target_is_the_median_with_unreached_runs_as_longer_than_all() -> None:
    reached = [[2.0, 1.0, 0.5], [2.0, 2.0, 1.0], [3.0, 3.0, 3.0]]
    runs: list[Trained] = [
        ("cosine", 0.1, seed, "finished", losses) for seed, losses in enumerate(reached)
    ]
    row = analysis.leaderboard(*framed(runs), target=1.0).iloc[0]
    assert (row["epochs_to_target"], row["reached"]) == (3.0, 2)


def test_a_target_that_half_of_the_runs_missed_has_no_median() -> None:
    arms, curves = framed(grid({0.1: [1.0, 3.0]}))
    row = analysis.leaderboard(arms, curves, target=1.0).iloc[0]
    assert np.isnan(row["epochs_to_target"])
    assert row["reached"] == 1
    without = analysis.leaderboard(arms, curves).iloc[0]
    assert np.isnan(without["epochs_to_target"])
    assert without["reached"] == 0


def test_a_run_that_diverged_later_did_not_reach_the_target() -> None:
    runs: list[Trained] = [("cosine", 0.1, 0, "diverged", [0.5, NAN])]
    row = analysis.leaderboard(*framed(runs), target=1.0).iloc[0]
    assert row["reached"] == 0


def test_the_width_stands_in_the_leaderboard() -> None:
    row = analysis.leaderboard(*framed(grid({0.01: [2.0], 0.1: [1.0], 1.0: [1.05]}))).iloc[0]
    assert row["bowl_width"] == pytest.approx(10**1.1)
    assert row["bowl_open"]


# Settings


def test_only_settings_that_differ_are_listed() -> None:
    specs = [
        RunSpec(base_lr=0.1, strategy="step", params={"factor": 0.3}, seed=1),
        RunSpec(base_lr=0.2, early_stopping=EarlyStopping(patience=3), batch_size=1024, seed=1),
    ]
    diff = analysis.settings_diff(specs)
    assert list(diff) == ["Strategy", "Peak rate", "Batch size", "Early stopping"]
    assert diff["Strategy"].tolist() == ["step (factor 0.3)", "constant"]
    assert diff["Peak rate"].tolist() == ["0.1", "0.2"]
    assert diff["Batch size"].tolist() == ["32", "1,024"]
    assert diff["Early stopping"].tolist()[1].startswith("val_loss, patience 3")


def test_settings_of_the_model_are_named_as_in_the_form() -> None:
    specs = [plan.make(RunSpec(model_params=params)).spec for params in ({}, {"dropout": 0.5})]
    diff = analysis.settings_diff(specs)
    assert diff.shape == (2, 1)
    assert next(iter(diff)).startswith("Model: ")
    assert diff.iloc[1, 0] == "0.5"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_equal_specs_differ_in_nothing(count: int) -> None:
    diff = analysis.settings_diff([RunSpec()] * count)
    assert diff.shape == (count, 0)


def test_runs_are_called_by_what_differs() -> None:
    specs = [RunSpec(base_lr=0.1), RunSpec(base_lr=0.2), RunSpec(base_lr=0.2)]
    assert analysis.distinct_names(specs) == [
        "peak rate 0.1", "peak rate 0.2 (1)", "peak rate 0.2 (2)",
    ]
    strategies = [RunSpec(strategy=name, seed=3) for name in ("step", "cosine")]
    assert analysis.distinct_names(strategies) == ["step", "cosine"]
    assert analysis.distinct_names([RunSpec(strategy="step")]) == ["step"]


# Smoothing


def test_smoothing_is_the_debiased_average_by_hand() -> None:
    # s1 = .5 * 1 = .5 / .5; s2 = .25 + .5 * 3 = 1.75 / .75; s3 = .875 + .5 * 2 = 1.875 / .875
    assert analysis.smooth([1.0, 3.0, 2.0], 0.5).tolist() == pytest.approx(
        [1.0, 1.75 / 0.75, 1.875 / 0.875]
    )


@given(st.lists(st.floats(-1e6, 1e6), max_size=30), st.floats(0, 0.99))
def test_a_smoothed_curve_stays_within_its_values(values: list[float], weight: float) -> None:
    smoothed = analysis.smooth(values, weight)
    assert len(smoothed) == len(values)
    if values:
        assert smoothed[0] == pytest.approx(values[0])
        assert smoothed.min() >= min(values) - 1e-6
        assert smoothed.max() <= max(values) + 1e-6


def test_no_smoothing_and_flat_curves_leave_the_values_alone() -> None:
    assert analysis.smooth([1.0, 5.0], 0).tolist() == [1.0, 5.0]
    assert analysis.smooth([0.1] * 5, 0.9).tolist() == [0.1] * 5


def test_values_that_are_not_finite_stay_and_do_not_count() -> None:
    smoothed = analysis.smooth([1.0, NAN, 3.0], 0.5)
    assert np.isnan(smoothed[1])
    assert smoothed[2] == pytest.approx(analysis.smooth([1.0, 3.0], 0.5)[1])


@pytest.mark.parametrize("weight", [-0.1, 1.0, NAN])
def test_a_smoothing_outside_its_range_is_refused(weight: float) -> None:
    with pytest.raises(InvalidField, match="smoothing must be at least 0 and below 1"):
        analysis.smooth([1.0], weight)
