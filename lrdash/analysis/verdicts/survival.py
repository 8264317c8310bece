"""Times until a target is reached, where some runs never reach it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def epochs_to(
    target: float, arms: pd.DataFrame, curves: pd.DataFrame, broken: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Epochs that each run took until its validation loss was at or below a target.

    A finished run that did not reach it never will: its time is infinite. So is that of a run that
    diverged or failed, whatever it had reached before. An unfinished run takes longer than it has
    run so far: its time is censored.

    Args:
        target: validation loss to reach.
        arms: an `arms_frame`.
        curves: the `curves_frame` of the same runs.
        broken: which runs diverged or failed.

    Returns:
        The first epoch at the target (infinite: never; NaN: not yet) and the epochs seen. [runs]
    """
    hits = curves[curves["val_loss"] <= target].groupby("run_id")["epoch"].min()
    first = hits.reindex(arms["run_id"]).to_numpy(dtype=np.float64)
    over = arms["status"].to_numpy() == "finished"
    first = np.where(broken | (over & np.isnan(first)), np.inf, first)
    return first, arms["epochs_done"].to_numpy(dtype=np.float64)


def median_wait(first: ArrayLike, seen: ArrayLike) -> float:
    """The median of censored times by Kaplan and Meier.

    S(t) is the product over the event times t_i <= t of 1 - d_i / n_i, with d_i runs that reached
    the target at t_i and n_i that had not yet. The median is the first t with S(t)
    below 1/2, or the middle of the span on which S is 1/2.

    Args:
        first: the time of each run; infinite: never; NaN: censored after the time seen.
        seen: how long each run was watched.

    Returns:
        The median time, NaN if S does not fall below 1/2, and without runs. Runs that were not
        watched at all do not count.

    Reference: Kaplan and Meier, "Nonparametric estimation from incomplete observations", JASA 53
        (1958).
    """
    time, watched = np.asarray(first, np.float64), np.asarray(seen, np.float64)
    counted = ~np.isnan(time) | (watched > 0)
    time, watched = time[counted], watched[counted]
    censored = np.isnan(time)
    until = np.where(censored, watched, time)
    surviving, flat_from = 1.0, float("nan")
    for event in np.unique(time[np.isfinite(time)]):
        if not np.isnan(flat_from):
            return (flat_from + float(event)) / 2
        at_risk = int((until >= event).sum())
        surviving *= 1 - int((time == event).sum()) / at_risk
        if surviving < 0.5 - 1e-12:
            return float(event)
        if surviving <= 0.5 + 1e-12:
            flat_from = float(event)
    return float("nan")
