"""The bowl: how good a strategy is at each peak rate, and where it is best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrdash.analysis.compare.intervals import half_width

TOLERANCE = 0.10  # a loss up to 10% above the best still counts as good in a bowl's width
CELL = ["label", "strategy", "base_lr"]
# The best first. Where runs broke at every rate: the smallest share of them, the best of the rest.
ORDER = ["mean", "broken", "mean_surviving", "base_lr"]


def judged(arms: pd.DataFrame) -> NDArray[np.float64]:
    """The validation loss by which each run of an `arms_frame` counts.

    Returns:
        The last validation loss so far; infinite for a run that diverged or failed or whose last
        loss is not finite; NaN for one that has not done an epoch. [runs]
    """
    loss = arms["final_val_loss"].to_numpy(dtype=np.float64)
    begun = arms["epochs_done"].to_numpy() > 0
    value = np.where(begun, np.where(np.isfinite(loss), loss, np.inf), np.nan)
    return np.where(arms["status"].isin(["diverged", "failed"]), np.inf, value)


def bowl(arms: pd.DataFrame) -> pd.DataFrame:
    """One row for each arm and peak rate of an `arms_frame`: final validation loss over the seeds.

    Columns:
        label, strategy (str), base_lr (float64), mean (float64: infinite if a run diverged or
        failed, NaN if none has begun), low and high (float64: the Student-t interval at 95%, NaN
        with one seed or an infinite mean), mean_surviving (float64, of the runs that neither
        diverged nor failed; NaN without any), runs (int64, those behind the mean, diverged and
        failed ones included), diverged, failed, unfinished, waiting (int64; `diverged` with those
        whose last loss is not finite). Arms keep the order in which they first appear; rates grow.
    """
    value = judged(arms)
    status = arms["status"]
    broken = np.isinf(value)
    failed = (status == "failed").to_numpy(dtype=bool)
    settled = status.isin(["finished", "diverged", "failed"]).to_numpy(dtype=bool)
    runs = arms[CELL].assign(
        surviving=np.where(broken, np.nan, value),
        runs=~np.isnan(value),
        diverged=broken & ~failed,
        failed=failed,
        unfinished=~np.isnan(value) & ~settled,
        waiting=np.isnan(value),
    )
    cells = runs.groupby(CELL, sort=False)
    surviving = cells["surviving"].agg(["mean", "std", "count"])
    counts = cells[["runs", "diverged", "failed", "unfinished", "waiting"]].sum().astype(np.int64)
    whole = (counts["diverged"] + counts["failed"] == 0).to_numpy()
    mean = surviving["mean"].to_numpy(dtype=np.float64)
    half = half_width(surviving["std"], surviving["count"])
    found = pd.DataFrame(
        {
            "mean": np.where(whole, mean, np.inf),
            "low": np.where(whole, mean - half, np.nan),
            "high": np.where(whole, mean + half, np.nan),
            "mean_surviving": mean,
        },
        index=counts.index,
    ).join(counts)
    return _in_order(found.reset_index(), arms["label"])


def best_peaks(arms: pd.DataFrame) -> pd.DataFrame:
    """Each arm of an `arms_frame` at its own best peak rate: the lowest mean final validation loss.

    Where runs diverged or failed at every rate of an arm, it is the rate with the smallest share
    of them, with an infinite mean.

    Columns:
        those of `bowl`, at_edge (bool: the best lies at the edge of the rates tried, so a better
        one may lie beyond) and edge_note (str, that in words; empty otherwise). One row an arm.
    """
    return best_of(bowl(arms))


def best_of(cells: pd.DataFrame) -> pd.DataFrame:
    """`best_peaks` of a `bowl`."""
    broken = (cells["diverged"] + cells["failed"]).to_numpy(dtype=np.float64)
    runs = cells["runs"].to_numpy(dtype=np.float64)
    share = np.divide(broken, runs, out=np.full(len(cells), np.nan), where=runs > 0)
    ranked = cells.assign(broken=share).sort_values(ORDER)
    best = ranked.drop_duplicates("label").drop(columns="broken")
    notes = [
        _edge(rate, mean, cells.loc[cells["label"] == label, "base_lr"])
        for label, rate, mean in zip(best["label"], best["base_lr"], best["mean"], strict=True)
    ]
    best = best.assign(
        at_edge=np.array([bool(note) for note in notes], dtype=bool),
        edge_note=pd.Series(notes, dtype="str", index=best.index),
    )
    return _in_order(best, cells["label"])


def width(rates: Sequence[float], means: Sequence[float]) -> tuple[float, bool]:
    """How much an arm tolerates another peak rate than its best.

    Args:
        rates: the peak rates, growing.
        means: mean final validation loss at each; infinite where runs diverged or failed.

    Returns:
        The factor between the largest and the smallest rate around the best one whose loss is
        within `TOLERANCE` of the best, and whether the grid ends inside (the factor is a lower
        bound then). Between a rate inside and the next one outside, the loss is taken as a straight
        line over the logarithm of the rate; next to a rate with an infinite mean it ends at the
        last good rate. NaN with fewer than two rates or without a finite loss.
    """
    known = [(np.log(r), m) for r, m in zip(rates, means, strict=True) if not np.isnan(m)]
    losses = np.array([mean for _, mean in known])
    if len(known) < 2 or not np.isfinite(losses).any():
        return float("nan"), False
    places = np.array([place for place, _ in known])
    best = int(np.argmin(losses))
    limit = losses[best] + TOLERANCE * abs(losses[best])
    right, right_open = _reach(places[best:], losses[best:], limit)
    left, left_open = _reach(places[best::-1], losses[best::-1], limit)
    return float(np.exp(right - left)), left_open or right_open


def _reach(
    places: NDArray[np.float64], losses: NDArray[np.float64], limit: float
) -> tuple[float, bool]:
    """Where the loss first exceeds the limit on the way from the best, and if it never does."""
    outside = np.flatnonzero(losses > limit)
    if not len(outside):
        return float(places[-1]), True
    after = int(outside[0])
    before = after - 1
    if not np.isfinite(losses[after]):
        return float(places[before]), False
    share = (limit - losses[before]) / (losses[after] - losses[before])
    return float(places[before] + share * (places[after] - places[before])), False


def _edge(best: float, mean: float, rates: pd.Series[float]) -> str:
    if np.isnan(mean):
        return ""
    if len(rates) == 1:
        return "only one rate was tried"
    if np.isinf(mean):
        return "runs diverged or failed at every rate: try lower ones"
    if best == rates.min():
        return "the lowest rate tried: a lower one may be better"
    return "the highest rate tried: a higher one may be better" if best == rates.max() else ""


def _in_order(cells: pd.DataFrame, labels: pd.Series[str]) -> pd.DataFrame:
    """Rows by the first appearance of their label, then by rate."""
    places = {label: place for place, label in enumerate(labels.unique())}
    place = cells["label"].map(places)
    ordered = cells.assign(place=place).sort_values(["place", "base_lr"])
    return ordered.drop(columns="place").reset_index(drop=True)
