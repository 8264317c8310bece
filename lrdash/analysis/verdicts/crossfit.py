"""The peak rate of each seed, chosen on the other seeds.

Losses that chose a rate are optimistic about it, the more so the more rates were tried. Here each
seed is judged at the rate that was best on the other seeds, so that the luck of the choice and the
luck of the judgement are independent.

Reference: Cawley and Talbot, "On over-fitting in model selection and subsequent selection bias in
performance evaluation", JMLR 11 (2010); leave-one-out as in Stone, JRSS B 36 (1974).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrdash.analysis.verdicts.scores import Floats, Scores


@dataclass(frozen=True, kw_only=True)
class Judged:
    """An arm at the peak rates that other seeds have chosen for it."""

    rate: Floats  # [seeds]; NaN where the arm has no run with this seed
    value: Floats  # [seeds]; costs, infinite if diverged or failed, NaN where not known
    least: Floats  # [seeds]; what the cost is at least
    flattery: float  # how much lower the mean would be at the rate best on all seeds


def cross_fitted(arm: Scores) -> Judged:
    """Each seed at the rate that is best on the others; with one seed at the best one there is.

    The best rate has the lowest mean cost; where every rate has infinite costs, the smallest share
    of them, then the lowest mean of the others.
    """
    count = arm.value.shape[1]
    row = np.array([_choice(arm, seed) for seed in range(count)], dtype=np.intp)
    column = np.arange(count)
    present = row >= 0
    value = np.where(present, arm.value[row, column], np.nan)
    return Judged(
        rate=np.where(present, arm.rates[row], np.nan), value=value,
        least=np.where(present, arm.least[row, column], np.nan), flattery=_flattery(arm, value),
    )


def at_best(arm: Scores) -> Judged:
    """Every seed at the rate that is best on all of them, as in the leaderboard."""
    row = _best(arm.value)
    return Judged(
        rate=np.where(np.isnan(arm.least[row]), np.nan, arm.rates[row]), value=arm.value[row],
        least=arm.least[row], flattery=0.0,
    )


def _choice(arm: Scores, seed: int) -> int:
    """Row of the rate at which a seed is judged, -1 without one."""
    offered = np.flatnonzero(~np.isnan(arm.least[:, seed]))
    if not len(offered):
        return -1
    others = np.delete(arm.value[offered], seed, axis=1)
    if np.isnan(others).all():
        others = arm.value[offered]
    return int(offered[_best(others)])


def _best(costs: Floats) -> int:
    """Row of the best rate. Costs are [rates, seeds]."""
    known, gone = ~np.isnan(costs), np.isinf(costs)
    number, missing = known.sum(axis=1), gone.sum(axis=1)
    kept = number - missing
    total = np.where(known & ~gone, costs, 0.0).sum(axis=1)
    surviving = np.where(kept > 0, total / np.maximum(kept, 1), np.inf)
    mean = np.where(missing > 0, np.inf, surviving)
    share = missing / np.maximum(number, 1)
    return int(np.lexsort((surviving, share, mean, number == 0))[0])


def _flattery(arm: Scores, value: NDArray[np.float64]) -> float:
    """Cross-fitted mean minus the mean at the rate best on all seeds; NaN if a cost is infinite."""
    if not np.isfinite(arm.value).any():
        return float("nan")
    seen = ~np.isnan(value)
    usual = arm.value[_best(arm.value)][seen]
    if not seen.any() or not np.isfinite(usual).all() or not np.isfinite(value[seen]).all():
        return float("nan")
    return float(value[seen].mean() - usual.mean())
