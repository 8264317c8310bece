"""The interval of the difference between two arms, each at its best peak rate.

Which rate is the best is not known for sure. A t interval at rates chosen by the data ignores that:
for arms with three equal rates and ten seeds it contained the true value in 81 of 100 simulations
instead of 95. Here all rates count that are the best once any one seed is left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lrdash.analysis.compare.intervals import LEVEL
from lrdash.analysis.verdicts.scores import Floats


def bounds(first: ArrayLike, second: ArrayLike) -> tuple[float, float]:
    """The interval at 95% of the lowest mean cost of one arm minus that of another.

    For any rate a of the first arm and b* the best of the second, the difference is at most
    mean(a) - mean(b*); so the upper end is the lowest over a of the highest over b of the one-sided
    t bounds at 97.5%, for as many a as there are by Bonferroni; the lower end alike. With one rate
    each, this is Student's t interval of the paired difference.

    Args:
        first: costs at the rates that might be the best (those that some seeds chose), infinite for
            runs that diverged or failed, NaN where there are none. [rates, seeds]
        second: those of the other arm.

    Returns:
        Low and high; NaN if no rate is without an infinite cost, or with fewer than 2 common seeds.

    Reference: Berger, Technometrics 24 (1982), for the highest over b; Student, Biometrika 6
        (1908).
    """
    here, there = _whole(np.asarray(first)), _whole(np.asarray(second))
    if not len(here) or not len(there):
        return float("nan"), float("nan")
    difference = here[:, None] - there[None]
    upper = _upper(difference, len(here)).max(axis=1).min()
    lower = -(_upper(-difference, len(there)).max(axis=0).min())
    return float(lower), float(upper)


def _whole(costs: Floats) -> Floats:
    """The rates without an infinite cost."""
    kept: Floats = costs[~np.isinf(costs).any(axis=1) & ~np.isnan(costs).all(axis=1)]
    return kept


def _upper(differences: Floats, tests: int) -> Floats:
    """One-sided t bounds of means over the last axis; NaN with fewer than 2 values."""
    from scipy.special import stdtrit  # 0.2 s to load

    known = ~np.isnan(differences)
    n = known.sum(axis=-1).astype(np.float64)
    n[n < 2] = np.nan
    mean = np.where(known, differences, 0.0).sum(axis=-1) / n
    square = np.where(known, (differences - mean[..., None]) ** 2, 0.0).sum(axis=-1)
    quantile = stdtrit(n - 1, 1 - (1 - LEVEL) / 2 / tests)
    return np.asarray(mean + quantile * np.sqrt(square / (n - 1) / n))
