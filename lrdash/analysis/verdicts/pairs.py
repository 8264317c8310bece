"""Every pair of arms, seed by seed: the difference, its evidence, and what would decide it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrdash.analysis.verdicts.bounds import bounds
from lrdash.analysis.verdicts.crossfit import Judged, cross_fitted
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
COLUMNS = {
    "first": "str", "second": "str", "seeds": "int64", "difference": "float64", "low": "float64",
    "high": "float64", "p": "float64", "p_adjusted": "float64", "effect": "float64",
    "improvement": "float64", "verdict": "str", "seeds_needed": "float64",
}


def judged_pairs(arms: Mapping[str, Scores], sign: float = 1.0) -> pd.DataFrame:
    """One row for each pair of arms.

    Args:
        arms: the costs of the arms, in the order of the pairs.
        sign: -1 where costs are negated values (accuracies).

    Columns:
        those of `Verdicts.pairs`.
    """
    names = list(combinations(arms, 2))
    p, ahead = tested(arms)
    adjusted = holm(p)
    decided = adjusted <= ALPHA
    level = ALPHA / max(1, int((~decided).sum()))
    judged = {label: cross_fitted(arm) for label, arm in arms.items()}
    likely = {
        label: arm.value[np.isin(arm.rates, judged[label].rate)] for label, arm in arms.items()
    }
    rows = []
    for place, (first, second) in enumerate(names):
        found = _estimates(judged[first], judged[second], sign)
        ends = _interval(found["difference"], likely[first], likely[second], sign)
        rates = max(len(arms[first].rates), len(arms[second].rates))
        rows.append({
            "first": first, "second": second, **found, **ends,
            "p": p[place], "p_adjusted": adjusted[place],
            "verdict": (BETTER if ahead[place] else WORSE) if decided[place] else OPEN,
            "seeds_needed": found["seeds"] if decided[place] else _needed(found, level, rates),
        })
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def tested(arms: Mapping[str, Scores]) -> tuple[Floats, NDArray[np.bool_]]:
    """Two-sided p-value of each pair of arms, unadjusted, and if the first is ahead. [pairs]"""
    found = [
        two_sided_p(_for_test(paired(first, second)))
        for first, second in combinations(arms.values(), 2)
    ]
    return (
        np.array([p for p, _ in found], dtype=np.float64),
        np.array([ahead for _, ahead in found], dtype=np.bool_),
    )


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


def _for_test(differences: Floats) -> Floats:
    """The differences themselves, or their signed ranks at rates where one is infinite."""
    some = np.isinf(differences).any(axis=-1, keepdims=True)
    return np.where(some, signed_ranks(differences), differences) if some.any() else differences


def _estimates(first: Judged, second: Judged, sign: float) -> dict[str, Any]:
    """Of the differences at the rates that other seeds chose."""
    difference = _minus(first.value, first.least, second.value, second.least)
    known = difference[~np.isnan(difference)]
    ended = np.isfinite(first.value) | np.isfinite(second.value)
    return {
        "seeds": len(known), "difference": sign * _mean(known) if ended.any() else float("nan"),
        "effect": -paired_d(_for_test(known)), "improvement": improvement(known),
    }


def _needed(found: Mapping[str, Any], level: float, rates: int) -> float:
    """Seeds that would decide it; the search over an arm's rates counts as so many tests."""
    if np.isnan(found["effect"]):
        return float(fewest_seeds(level / min(rates, 2)))
    needed = seeds_needed(found["effect"], level / rates)
    return max(needed, float(found["seeds"]) + 1.0)


def _interval(
    difference: float, first: Floats, second: Floats, sign: float
) -> dict[str, float]:
    """The ends of the interval; unknown where the difference has no number."""
    low, high = bounds(first, second)
    if not np.isfinite(difference) or np.isnan(low):
        return {"low": float("nan"), "high": float("nan")}
    low, high = (low, high) if sign > 0 else (-high, -low)
    return {"low": min(low, difference), "high": max(high, difference)}


def _mean(known: Floats) -> float:
    """Mean difference; infinite if one side has infinite costs, NaN if both have."""
    gone = np.isinf(known)
    if gone.any():
        sides = np.unique(np.sign(known[gone]))
        return float(sides[0]) * np.inf if len(sides) == 1 else float("nan")
    return float(known.mean()) if len(known) else float("nan")
