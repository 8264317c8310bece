"""Every pair of arms, seed by seed: the difference, its evidence, and what would decide it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrdash.analysis.verdicts.bounds import bounds
from lrdash.analysis.verdicts.crossfit import Judged, at_best, cross_fitted
from lrdash.analysis.verdicts.effects import (
    ALPHA,
    fewest_seeds,
    improvement,
    paired_d,
    seeds_needed,
)
from lrdash.analysis.verdicts.flips import holm, signed_ranks, two_sided_p
from lrdash.analysis.verdicts.scores import Floats, Scores

BETTER, WORSE, OPEN = "better", "worse", "no evidence"
NO_ENDS = (-math.inf, math.inf)  # of an interval that is not known
SIDES = {BETTER: -1, WORSE: 1, OPEN: 0}  # of 0 where the interval of the costs is
COLUMNS = {
    "first": "str", "second": "str", "seeds": "int64", "difference": "float64", "low": "float64",
    "high": "float64", "p": "float64", "p_adjusted": "float64", "effect": "float64",
    "improvement": "float64", "verdict": "str", "seeds_needed": "float64",
}


def judged_pairs(
    arms: Mapping[str, Scores], sign: float = 1.0, *, provisional: bool = False
) -> pd.DataFrame:
    """One row for each pair of arms.

    Args:
        arms: the costs of the arms, in the order of the pairs.
        sign: -1 where costs are negated values (accuracies).
        provisional: leave out the intervals, which take most of the time: pages judge a comparison
            again and again while it trains.

    Columns:
        those of `Verdicts.pairs`.
    """
    names = list(combinations(arms, 2))
    p, ahead = tested(arms)
    adjusted = holm(p)
    decided = adjusted <= ALPHA
    level = ALPHA / max(1, int((~decided).sum()))
    verdicts = [
        (BETTER if first_is else WORSE) if shown else OPEN
        for shown, first_is in zip(decided, ahead, strict=True)
    ]
    spans = [
        NO_ENDS if provisional else bounds(paired(arms[first], arms[second]), level, SIDES[verdict])
        for (first, second), verdict in zip(names, verdicts, strict=True)
    ]
    known = _seed_by_seed(arms, spans)
    rows = []
    for place, (first, second) in enumerate(names):
        found = _estimate(*known[place], spans[place], sign)
        rates = max(len(arms[first].rates), len(arms[second].rates))
        rows.append({
            "first": first, "second": second, **found, "p": p[place],
            "p_adjusted": adjusted[place], "verdict": verdicts[place],
            "seeds_needed": found["seeds"] if decided[place] else _needed(found, level, rates),
        })
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def tested(arms: Mapping[str, Scores]) -> tuple[Floats, NDArray[np.bool_]]:
    """Two-sided p-value of each pair of arms, unadjusted, and if the first is ahead. [pairs]"""
    found = [
        two_sided_p(paired(first, second))
        for first, second in combinations(arms.values(), 2)
    ]
    return (
        np.array([p for p, _ in found], dtype=np.float64),
        np.array([ahead for _, ahead in found], dtype=np.bool_),
    )


def fewest(arms: Mapping[str, Scores]) -> int:
    """The fewest seeds with which a pair of these arms can be decided.

    The search over several rates takes one more: a rate that is never good still has one flip in
    which it is the best.
    """
    pairs = max(1, math.comb(len(arms), 2))
    rates = max((len(arm.rates) for arm in arms.values()), default=1)
    return fewest_seeds(ALPHA / pairs / min(rates, 2))


def paired(first: Scores, second: Scores) -> Floats:
    """Cost of the first arm minus that of the second, with each seed, at each pair of rates.

    Two infinite costs are equal. Where only one is infinite, or known to be longer than the other,
    the difference is infinite; where that is not known (yet) it is NaN.

    Returns:
        [rates of the first, rates of the second, seeds]
    """
    return _minus(
        first.value[:, None], first.least[:, None], second.value[None], second.least[None]
    )


def _minus(value: Floats, least: Floats, other: Floats, other_least: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        both = np.isinf(value) & np.isinf(other)
        difference = np.where(both, 0.0, value - other)
        longer = np.isnan(value) & (least > other)
        shorter = np.isnan(other) & (other_least > value)
    return np.where(longer, np.inf, np.where(shorter, -np.inf, difference))


def _seed_by_seed(
    arms: Mapping[str, Scores], spans: Sequence[tuple[float, float]]
) -> list[tuple[Floats, float]]:
    """For each pair the differences of the seeds, and their mean.

    Each seed is judged at the rates that the others chose. One of these may be a rate at which this
    very seed nearly diverged; then the mean says little, and may lie outside the interval. If that
    is so for any pair, all are judged at the rates that are best on all seeds, as in the
    leaderboard, so that the differences fit each other.
    """
    for judged in (cross_fitted, at_best):
        each = {label: judged(arm) for label, arm in arms.items()}
        found = [_between(first, second) for first, second in combinations(each.values(), 2)]
        pairs = zip(spans, found, strict=True)
        if all(np.isnan(low) or low <= mean <= high for (low, high), (_, mean) in pairs):
            break
    return found


def _estimate(
    known: Floats, mean: float, span: tuple[float, float], sign: float
) -> dict[str, Any]:
    """The difference with its interval, its size and how often the first arm is better."""
    low, high = span if np.isfinite(mean) else (np.nan, np.nan)
    if not np.isnan(low):
        mean = min(max(mean, low), high)  # where seeds are missing at some rates
    low, high = (low, high) if sign > 0 else (-high, -low)
    ranked = signed_ranks(known) if np.isinf(known).any() else known
    return {
        "seeds": len(known), "difference": sign * mean, "low": low, "high": high,
        "effect": -paired_d(ranked), "improvement": improvement(known),
    }


def _between(first: Judged, second: Judged) -> tuple[Floats, float]:
    """Differences of the seeds that both have, and their mean; NaN if every run diverged."""
    difference = _minus(first.value, first.least, second.value, second.least)
    known = difference[~np.isnan(difference)]
    ended = np.isfinite(first.value) | np.isfinite(second.value)
    return known, _mean(known) if ended.any() else float("nan")


def _needed(found: Mapping[str, Any], level: float, rates: int) -> float:
    """Seeds that would probably decide it; the search over an arm's rates counts as so many tests.

    Fewer than 3 seeds do not show how large the noise is, so nothing is known then.
    """
    if np.isnan(found["effect"]):
        return float("nan")
    needed = seeds_needed(found["effect"], level / rates)
    return max(needed, float(found["seeds"]) + 1.0)


def _mean(known: Floats) -> float:
    """Mean difference; infinite if one side has infinite costs, NaN if both have."""
    gone = np.isinf(known)
    if gone.any():
        sides = np.unique(np.sign(known[gone]))
        return float(sides[0]) * np.inf if len(sides) == 1 else float("nan")
    return float(known.mean()) if len(known) else float("nan")
