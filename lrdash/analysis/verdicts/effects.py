"""How large a difference is compared with its noise, and how many seeds would show it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

ALPHA = 0.05  # chance of any false alarm among all pairs
POWER = 0.8  # chance to see a difference that is as large as the one seen so far
MOST = 1000  # seeds, more are never suggested
LARGE = 5.0  # larger effects count as this one


def paired_d(differences: ArrayLike) -> float:
    """Mean paired difference over its standard deviation, with the small-sample correction.

    d = J * mean / std with J = 1 - 3 / (4 (n - 1) - 1): few pairs overstate d, so it is shrunk.

    Args:
        differences: NaN ones do not count. [pairs]

    Returns:
        The effect; NaN with fewer than 3 differences (J is 0 for 2),
        infinite where they are all equal and not 0.

    Reference: Hedges, "Distribution theory for Glass's estimator of effect size and related
        estimators", Journal of Educational Statistics 6 (1981); J with n - 1 degrees of freedom.
    """
    values = np.asarray(differences, dtype=np.float64)
    values = values[~np.isnan(values)]
    if len(values) < 3:
        return float("nan")
    mean, spread = float(values.mean()), float(values.std(ddof=1))
    if spread <= 1e-12 * abs(mean) or spread == 0:
        return math.copysign(math.inf, mean) if mean else 0.0
    return (1 - 3 / (4 * (len(values) - 1) - 1)) * mean / spread


def improvement(differences: ArrayLike) -> float:
    """The share of seeds in which the first costs less than the second; equal ones count half.

    An estimate of the probability of improvement, over pairs of the same seed. NaN without seeds.

    Reference: Agarwal et al., "Deep reinforcement learning at the edge of the statistical
        precipice", NeurIPS 2021.
    """
    values = np.asarray(differences, dtype=np.float64)
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan")
    return float(((values < 0) + 0.5 * (values == 0)).mean())


def fewest_seeds(level: float) -> int:
    """The smallest n with which a two-sided sign-flip test can reach a level: 2 / 2^n <= level."""
    return max(1, math.ceil(1 - math.log2(level) - 1e-9))


def seeds_needed(effect: float, level: float) -> float:
    """Seeds with which a sign-flip test at a level would see an effect with a chance of 0.8.

    The power is that of the paired t test (of the noncentral t distribution), which the sign-flip
    test has in the long run, at the level that n seeds can reach: the largest multiple of
    2 / 2^n that is not above it.

    Args:
        effect: paired d; its sign does not matter.
        level: two-sided, of one test.

    Returns:
        The number of seeds in all, never below `fewest_seeds(level)`; infinite where more than
        1,000 would be needed or the effect is 0 or not known.
    """
    from scipy.special import nctdtr, stdtrit  # 0.2 s to load

    if math.isnan(effect) or effect == 0:
        return math.inf
    least = fewest_seeds(level)
    n = np.arange(max(2, least), MOST + 1, dtype=np.float64)
    steps = np.exp2(np.minimum(n - 1, 60))
    reached = np.floor(level * steps + 1e-9) / steps
    limit = stdtrit(n - 1, 1 - reached / 2)
    power = 1 - nctdtr(n - 1, min(abs(effect), LARGE) * np.sqrt(n), limit)
    enough = np.flatnonzero(power >= POWER)
    return float(n[enough[0]]) if len(enough) else math.inf
