"""Every pair of arms, seed by seed: what differs, how sure that is, what would decide it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from lrdash.analysis.compare.intervals import half_width
from lrdash.analysis.verdicts.crossfit import Judged
from lrdash.analysis.verdicts.effects import (
    ALPHA,
    fewest_seeds,
    improvement,
    paired_d,
    seeds_needed,
)
from lrdash.analysis.verdicts.flips import flip_p, holm, signed_ranks
from lrdash.analysis.verdicts.scores import Floats

BETTER, WORSE, OPEN = "better", "worse", "no evidence"
COLUMNS = {
    "first": "str", "second": "str", "seeds": "int64", "difference": "float64", "low": "float64",
    "high": "float64", "p": "float64", "p_adjusted": "float64", "effect": "float64",
    "improvement": "float64", "verdict": "str", "seeds_needed": "float64",
}


def judged_pairs(arms: Mapping[str, Judged], sign: float = 1.0) -> pd.DataFrame:
    """One row for each two arms.

    Args:
        arms: the arms with their costs by seed, in the order in which they stand in pairs.
        sign: -1 where costs are negated values (accuracies).

    Columns:
        those of `Verdicts.pairs`.
    """
    names = list(combinations(arms, 2))
    costs = [paired(arms[first], arms[second]) for first, second in names]
    tested = [_for_test(d) for d in costs]
    p = flip_p(np.column_stack(tested)) if costs else np.empty(0)
    adjusted = holm(p)
    undecided = max(1, int((adjusted > ALPHA).sum()))
    rows = [
        _row(d, t, level=ALPHA / undecided, p_adjusted=float(q), sign=sign)
        for d, t, q in zip(costs, tested, adjusted, strict=True)
    ]
    whole = pd.DataFrame(rows, columns=list(COLUMNS)).assign(
        first=[first for first, _ in names], second=[second for _, second in names],
        p=p, p_adjusted=adjusted,
    )
    return whole.astype(COLUMNS)


def paired(first: Judged, second: Judged) -> Floats:
    """Cost of the first arm minus that of the second, with each seed.

    Two lost runs are equal. Where the one run is lost, or is known to take longer than the other,
    the difference is infinite; where that is not known (yet) it is NaN. [seeds]
    """
    both_lost = np.isinf(first.value) & np.isinf(second.value)
    with np.errstate(invalid="ignore"):
        difference = np.where(both_lost, 0.0, first.value - second.value)
        longer = np.isnan(first.value) & (first.least > second.value)
        shorter = np.isnan(second.value) & (second.least > first.value)
    return np.where(longer, np.inf, np.where(shorter, -np.inf, difference))


def _for_test(difference: Floats) -> Floats:
    """The differences themselves, or their signed ranks where one is infinite."""
    return signed_ranks(difference) if np.isinf(difference).any() else difference


def _row(
    difference: Floats, tested: Floats, *, level: float, p_adjusted: float, sign: float
) -> dict[str, Any]:
    known = difference[~np.isnan(difference)]
    mean, half = _mean(known)
    effect = -paired_d(tested)
    total = float(np.nansum(tested))
    decided = p_adjusted <= ALPHA and total != 0
    needed = float(len(known))
    if not decided:
        few = np.isnan(effect)
        needed = float(fewest_seeds(level)) if few else seeds_needed(effect, level)
    return {
        "seeds": len(known), "difference": sign * mean,
        "low": sign * mean - half, "high": sign * mean + half, "effect": effect,
        "improvement": improvement(known),
        "verdict": (BETTER if total < 0 else WORSE) if decided else OPEN,
        "seeds_needed": needed,
    }


def _mean(known: Floats) -> tuple[float, float]:
    """Mean difference and half its interval; infinite and NaN if only one of the arms lost runs."""
    gone = np.isinf(known)
    if gone.any():
        sides = np.unique(np.sign(known[gone]))
        return (float(sides[0]) * np.inf if len(sides) == 1 else float("nan")), float("nan")
    if not len(known):
        return float("nan"), float("nan")
    spread = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
    return float(known.mean()), float(half_width(spread, len(known)))
