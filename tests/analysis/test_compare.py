"""None"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lrdash import analysis
from lrdash.analysis import frames
from lrdash.analysis.compare.bowl import width
from lrdash.analysis.compare.intervals import half_width
from lrdash.core.events import EpochEnded
from lrdash.core.spec import RunSpec
from lrdash.store import Store
from lrdash.store.rows import NewRun
from tests.factories.frames import INF, NAN, Trained, comparison, framed, grid
from tests.factories.runs import run_row

# Frames


def test_curves_distinguish_runs_and_count_updates() -> None:
    _, curves = framed([("step", 0.1, 3, "finished", [2.0, 1.0])])
    assert curves["run_id"].tolist() == ["run0", "run0"]
    assert curves["label"].tolist() == ["Step", "Step"]
    assert curves["seed"].tolist() == [3, 3]
    assert curves["update"].tolist() == [4, 8]
    assert curves["val_loss"].tolist() == [2.0, 1.0]


def test_what_the_store_gives_is_framed_as_it_is(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/runs.db")
    new = [
        NewRun(
            spec=RunSpec(strategy=name, seed=4, epochs=2), label=name.upper(), steps_per_epoch=3,
            updates=6, parameters=1,
        )
        for name in ("step", "cosine")
    ]
    experiment_id = store.experiments.create("{}", new, groups=[[0, 1]])
    rows = store.runs.listing(experiment_id=experiment_id)
    last = next(row for row in rows if row.label == "COSINE")
    assert store.runs.claim(last.run_id, "worker")
    metrics = {"loss": 1.0, "val_loss": 2.0}
    ended = EpochEnded(epoch=1, metrics=metrics, rates=np.full(3, 0.1, np.float32), seconds=1.5)
    store.runs.record([(last.run_id, ended)])
    curves = frames.curves_frame(store.experiments.curves(experiment_id=experiment_id), rows)
    store.close()
    assert curves["label"].tolist() == ["COSINE"]
    assert curves[["seed", "epoch", "update"]].iloc[0].tolist() == [4, 1, 3]
    assert curves["val_loss"].tolist() == [2.0]
    assert curves["val_accuracy"].isna().all()
    arms = frames.arms_frame(rows, curves)
    assert sorted(arms["epochs_done"]) == [0, 1]


def test_curves_leave_out_runs_that_were_not_asked_for() -> None:
    rows, columns = comparison(grid({0.1: [1.0, 2.0], 0.2: [3.0]}))
    curves = frames.curves_frame(columns, [rows[2], rows[0]])
    assert curves["run_id"].tolist() == ["run0", "run2"]
    assert curves["base_lr"].tolist() == [0.1, 0.2]


def test_curves_take_names_and_further_metrics_as_given() -> None:
    rows, columns = comparison(grid({0.1: [1.0]}))
    curves = frames.curves_frame({**columns, "weight_norm": np.array([7.0])}, rows, ["mine"])
    assert curves["label"].tolist() == ["mine"]
    assert curves["weight_norm"].tolist() == [7.0]


def test_a_run_without_a_label_is_called_by_its_strategy() -> None:
    rows = [run_row(label="", spec=RunSpec(strategy="step", params={"factor": 0.3}))]
    _, columns = comparison([])
    arms = frames.arms_frame(rows, frames.curves_frame(columns, rows))
    assert arms["label"].tolist() == ["step (factor 0.3)"]


def test_arms_have_final_and_best_values() -> None:
    arms, _ = framed([
        ("step", 0.1, 0, "finished", [2.0, 1.0, 1.5]),
        ("step", 0.1, 1, "diverged", [3.0, INF]),
        ("step", 0.1, 2, "queued", []),
    ])
    assert arms["final_val_loss"].iloc[0] == 1.5
    assert arms["best_val_loss"].iloc[:2].tolist() == [1.0, 3.0]
    assert arms["final_val_accuracy"].iloc[0] == pytest.approx(1 - 1.5 / 8)
    assert arms["best_val_accuracy"].iloc[0] == pytest.approx(1 - 1.0 / 8)
    assert arms["epochs_done"].tolist() == [3, 2, 0]
    assert arms[["final_val_loss", "best_val_loss"]].iloc[2].isna().all()


def test_no_runs_give_empty_frames_with_the_same_types() -> None:
    empty_arms, empty_curves = framed([])
    arms, curves = framed(grid({0.1: [1.0]}))
    assert empty_arms.dtypes.equals(arms.dtypes)
    assert empty_curves.dtypes.equals(curves.dtypes)
    for found, expected in [
        (analysis.bowl(empty_arms), analysis.bowl(arms)),
        (analysis.best_peaks(empty_arms), analysis.best_peaks(arms)),
        (analysis.band(empty_curves, empty_arms), analysis.band(curves, arms)),
        (analysis.leaderboard(empty_arms, empty_curves), analysis.leaderboard(arms, curves)),
    ]:
        assert found.empty
        assert list(found) == list(expected)


def test_the_input_stays_as_it_is() -> None:
    arms, curves = framed(grid({0.1: [1.0, 2.0], 0.2: [3.0, 4.0]}))
    before = arms.copy(deep=True), curves.copy(deep=True)
    analysis.leaderboard(arms, curves, target=1.0)
    pd.testing.assert_frame_equal(arms, before[0])
    pd.testing.assert_frame_equal(curves, before[1])


# Intervals


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_the_interval_is_that_of_scipy(values: list[float]) -> None:
    half = half_width(np.std(values, ddof=1), len(values))
    with np.errstate(invalid="ignore"):  # SciPy's own, where all values are equal
        low, high = stats.t.interval(
            0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values)
        )
    if np.std(values) > 0:
        assert 2 * float(half) == pytest.approx(float(high - low), rel=1e-9, abs=1e-9)
    else:
        assert float(half) == 0


def test_three_seeds_have_the_wide_interval_that_they_deserve() -> None:
    assert float(half_width(1.0, 3)) == pytest.approx(4.302652729911275 / math.sqrt(3))
    assert np.isnan(half_width(1.0, 1))


# The bowl


def test_the_bowl_has_mean_and_interval_of_each_cell() -> None:
    arms, _ = framed(grid({0.1: [1.0, 2.0, 3.0], 0.2: [5.0]}))
    cells = analysis.bowl(arms)
    assert cells["base_lr"].tolist() == [0.1, 0.2]
    assert cells["mean"].tolist() == [2.0, 5.0]
    half = 4.302652729911275 / math.sqrt(3)
    assert cells["high"].iloc[0] == pytest.approx(2 + half)
    assert cells["low"].iloc[0] == pytest.approx(2 - half)
    assert np.isnan(cells["low"].iloc[1])
    assert cells["runs"].tolist() == [3, 1]


@pytest.mark.parametrize(("status", "column"), [("diverged", "diverged"), ("failed", "failed")])
def test_a_lost_run_counts_as_the_worst_and_never_vanishes(status: str, column: str) -> None:
    arms, _ = framed([*grid({0.1: [1.0, 3.0]}), ("cosine", 0.1, 2, status, [0.1])])
    cell = analysis.bowl(arms).iloc[0]
    assert cell["mean"] == INF
    assert np.isnan(cell["low"])
    assert np.isnan(cell["high"])
    assert cell["mean_surviving"] == 2.0
    assert (cell["runs"], cell[column]) == (3, 1)


def test_a_finished_run_without_a_finite_loss_is_a_diverged_one() -> None:
    arms, _ = framed(grid({0.1: [NAN]}))
    cell = analysis.bowl(arms).iloc[0]
    assert (cell["mean"], cell["diverged"], cell["unfinished"]) == (INF, 1, 0)


def test_runs_under_way_count_so_far_and_queued_ones_wait() -> None:
    arms, _ = framed([
        ("cosine", 0.1, 0, "finished", [2.0, 1.0]), ("cosine", 0.1, 1, "running", [3.0]),
        ("cosine", 0.1, 2, "queued", []), ("cosine", 0.2, 0, "queued", []),
    ])
    cells = analysis.bowl(arms)
    assert cells["mean"].iloc[0] == 2.0
    assert cells[["runs", "unfinished", "waiting"]].iloc[0].tolist() == [2, 1, 1]
    assert np.isnan(cells["mean"].iloc[1])
    assert cells["waiting"].iloc[1] == 1


# Best peaks


def test_each_arm_stands_at_its_own_best_peak() -> None:
    runs = grid({0.1: [1.0], 0.2: [0.5], 0.4: [2.0]}) + grid({0.1: [0.2], 0.2: [0.6]}, "step")
    peaks = analysis.best_peaks(framed(runs)[0])
    assert peaks["label"].tolist() == ["Cosine", "Step"]
    assert peaks["base_lr"].tolist() == [0.2, 0.1]
    assert peaks["at_edge"].tolist() == [False, True]
    assert "lowest" in peaks["edge_note"].iloc[1]


def test_a_best_peak_at_the_upper_edge_is_said() -> None:
    peak = analysis.best_peaks(framed(grid({0.1: [1.0], 0.2: [0.5]}))[0]).iloc[0]
    assert peak["at_edge"]
    assert "highest" in peak["edge_note"]


def test_a_single_rate_is_no_bowl() -> None:
    peak = analysis.best_peaks(framed(grid({0.1: [1.0]}))[0]).iloc[0]
    assert peak["edge_note"] == "only one rate was tried"


def test_a_peak_with_a_diverged_seed_loses_to_any_whole_one() -> None:
    runs: list[Trained] = [
        ("cosine", 0.1, 0, "finished", [5.0]), ("cosine", 0.1, 1, "finished", [5.0]),
        ("cosine", 0.2, 0, "finished", [0.1]), ("cosine", 0.2, 1, "diverged", []),
    ]
    assert analysis.best_peaks(framed(runs)[0])["base_lr"].tolist() == [0.1]


def test_where_every_rate_lost_runs_the_smallest_share_is_best() -> None:
    runs: list[Trained] = [
        ("cosine", 0.1, 0, "diverged", []), ("cosine", 0.1, 1, "diverged", []),
        ("cosine", 0.2, 0, "finished", [9.0]), ("cosine", 0.2, 1, "diverged", []),
        ("cosine", 0.3, 0, "finished", [8.0]), ("cosine", 0.3, 1, "failed", []),
    ]
    peak = analysis.best_peaks(framed(runs)[0]).iloc[0]
    assert (peak["base_lr"], peak["mean"], peak["mean_surviving"]) == (0.3, INF, 8.0)
    assert "every rate" in peak["edge_note"]


# Width of the bowl


def test_the_width_is_read_from_straight_lines_over_the_log_of_the_rate() -> None:
    factor, is_open = width([0.01, 0.1, 1.0], [2.0, 1.0, 1.2])
    # 10% above 1.0 lies a tenth of a decade to the left and half a decade to the right.
    assert factor == pytest.approx(10**0.6)
    assert not is_open


def test_a_bowl_cut_off_by_the_grid_is_at_least_so_wide() -> None:
    assert width([0.1, 1.0], [1.0, 1.05]) == (pytest.approx(10.0), True)


def test_a_bowl_ends_at_the_last_good_rate_before_divergence() -> None:
    assert width([0.01, 0.1, 1.0], [1.2, 1.0, INF]) == (pytest.approx(10**0.5), False)
    assert width([0.01, 0.1, 1.0], [INF, 1.0, INF]) == (1.0, False)


@pytest.mark.parametrize("means", [[1.0], [INF, INF], [NAN, 1.0]])
def test_a_bowl_has_no_width_without_two_rates_and_a_finite_loss(means: list[float]) -> None:
    assert np.isnan(width([0.1, 0.2][: len(means)], means)[0])


# Whether the rate has an effect


@pytest.mark.parametrize(("runs", "noted"), [
    ([("cosine", rate, seed, "finished", [2.0 + seed, 1.0]) for rate in (0.1, 0.2)
      for seed in (0, 1)], True),
    ([("cosine", rate, 0, "finished", [2.0, 1.0 + (rate > 0.1) * 1e-15]) for rate in (0.1, 0.2)],
     False),
    ([("cosine", 0.1, seed, "finished", [2.0, 1.0]) for seed in (0, 1)], False),
    ([(name, 0.1, 0, "finished", [2.0, 1.0]) for name in ("cosine", "step")], False),
    ([("cosine", rate, 0, "diverged", [NAN]) for rate in (0.1, 0.2)], False),
    ([("cosine", 0.1, 0, "finished", [2.0]), ("cosine", 0.2, 0, "finished", [2.0]),
      ("step", 0.2, 1, "finished", [2.0]), ("step", 0.4, 1, "finished", [2.5])], False),
    ([], False),
])
def test_equal_losses_at_different_rates_get_a_note(runs: list[Trained], noted: bool) -> None:
    _, curves = framed(runs)
    notes = analysis.without_effect(curves)
    assert any("the rate has no effect" in note for note in notes) == noted == bool(notes)
