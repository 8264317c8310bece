"""Each arm at its own best peak rate, the best arm first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lrdash.analysis import frames
from lrdash.analysis.compare.bands import band
from lrdash.analysis.compare.bowl import best_of, bowl, judged, width
from lrdash.analysis.verdicts.survival import epochs_to, median_wait

COLUMNS = {
    "label": "str", "strategy": "str", "best_base_lr": "float64", "at_edge": "bool",
    "edge_note": "str", "runs": "int64", "diverged": "int64", "failed": "int64",
    "unfinished": "int64", "waiting": "int64", "seeds": "int64", "final_val_loss": "float64",
    "low": "float64", "high": "float64", "final_val_accuracy": "float64",
    "epochs_to_target": "float64", "reached": "int64", "bowl_width": "float64",
    "bowl_open": "bool", "sparkline": "object",
}


def leaderboard(
    arms: pd.DataFrame, curves: pd.DataFrame, target: float | None = None
) -> pd.DataFrame:
    """One row an arm, ordered by mean final validation loss.

    Args:
        arms: an `arms_frame`.
        curves: the `curves_frame` of the same runs.
        target: validation loss to reach.

    Columns:
        label, strategy (str), best_base_lr (float64), at_edge (bool), edge_note (str), then of all
        runs of the arm: runs, diverged, failed, unfinished, waiting (int64), then at the best peak
        rate: seeds (int64, runs that count), final_val_loss (float64, mean; infinite if a run
        diverged or failed), low, high (float64, Student-t interval at 95%, NaN with one seed),
        final_val_accuracy (float64, mean share; NaN without one or with an infinite loss),
        epochs_to_target (float64, median; see below), reached (int64, runs that reached the
        target), then bowl_width (float64, see `bowl.width`), bowl_open (bool: the width is a
        lower bound), sparkline (list, mean validation loss over the epochs).

        A run that is over and did not reach the target counts as slower than all others, one that
        is unfinished as censored (Kaplan and Meier, see `verdicts.survival`): the median is NaN
        unless more than half of the runs are expected to reach it.
    """
    arms = arms.reset_index(drop=True)
    cells = bowl(arms)
    peaks = best_of(cells)
    at = dict(zip(peaks["label"], peaks["base_lr"], strict=True))
    lines, waits = band(curves, arms, at), _waits(arms, curves, target)
    rows = [_row(peak, arms, cells, lines, waits) for peak in peaks.to_dict(orient="records")]
    board = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    order = ["final_val_loss", "diverged", "label"]
    return board.sort_values(order, kind="stable").reset_index(drop=True)


def _row(
    peak: dict[Any, Any],
    arms: pd.DataFrame,
    cells: pd.DataFrame,
    lines: pd.DataFrame,
    waits: pd.DataFrame,
) -> dict[str, Any]:
    label = peak["label"]
    own = arms[arms["label"] == label]
    at_peak = own[own["base_lr"] == peak["base_lr"]]
    bowl_of = cells[cells["label"] == label]
    counts = ["diverged", "failed", "unfinished", "waiting"]
    wait = waits.loc[at_peak.index]
    accuracy = at_peak["final_val_accuracy"].mean()
    factor, is_open = width(bowl_of["base_lr"].tolist(), bowl_of["mean"].tolist())
    return {
        "label": label, "strategy": peak["strategy"], "best_base_lr": peak["base_lr"],
        "at_edge": peak["at_edge"], "edge_note": peak["edge_note"],
        "runs": len(own), **{name: int(bowl_of[name].sum()) for name in counts},
        "seeds": peak["runs"], "final_val_loss": peak["mean"],
        "low": peak["low"], "high": peak["high"],
        "final_val_accuracy": np.nan if np.isinf(peak["mean"]) else accuracy,
        "epochs_to_target": median_wait(wait["first"], wait["seen"]),
        "reached": int(np.isfinite(wait["first"]).sum()),
        "bowl_width": factor, "bowl_open": is_open,
        "sparkline": frames.sparkline(lines.loc[lines["label"] == label, "mean"].to_numpy()),
    }


def _waits(arms: pd.DataFrame, curves: pd.DataFrame, target: float | None) -> pd.DataFrame:
    """The first epoch of each run at the target, and the epochs seen: none without a target."""
    first, seen = np.full(len(arms), np.nan), np.zeros(len(arms))
    if target is not None:
        first, seen = epochs_to(target, arms, curves, np.isinf(judged(arms)))
    return pd.DataFrame({"first": first, "seen": seen}, index=arms.index)
