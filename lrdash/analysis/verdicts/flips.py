"""Sign-flip tests of paired differences, and Holm's adjustment for looking at many pairs.

Only the losses show which peak rate is an arm's best. Losses that picked a rate are optimistic
about it, and picking it on the other seeds (leave one out) does not fix the test: the picks are
correlated, so that their mean varies more than its parts suggest. In simulations of equal arms
with several equal rates such a test found a difference in more than one of ten. The test below
picks nothing. To find the first arm better it must find a rate of the first that is better than
each rate of the second, and the search over the first arm's rates is repeated in each flip.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
EXACT = 14  # seeds, up to which all 2^n signs are tried
DRAWS = 19_999  # random signs beyond; with the observed ones 20,000
NEAR = 1e-9  # by which two sums of scaled differences that should be equal may differ


def better_p(differences: ArrayLike) -> float:
    """One-sided p-value of "the best rate of the first arm costs less than that of the second".

    Let b be the second arm's best rate. If the first arm is no better, then at each of its rates a
    the differences d(a, b) are centred at 0 or above, and the signs of all of them may be flipped
    seed by seed: p(b) is the share of flips in which the largest -sum(d) / norm(d) over a is at
    least as large as observed. Since b is not known, the largest p(b) counts. With one rate each
    this is the plain sign-flip test of the mean.

    Args:
        differences: cost of the first minus the second, infinite ones by rank already; NaN where
            there is no such seed. [rates of the first, rates of the second, seeds]

    Returns:
        The p-value, exact up to 14 seeds, (k + 1) / (B + 1) from B = 19,999 seeded flips beyond.
        With n seeds it is not below 1 / 2^n.

    Reference: Fisher, "The Design of Experiments" (1935), section 21; Westfall and Young,
        "Resampling-Based Multiple Testing" (1993), for the maximum over a; Berger,
        "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24 (1982), for
        the largest p over b; Phipson and Smyth, SAGMB 9 (2010), for the + 1.
    """
    table = np.nan_to_num(np.asarray(differences, dtype=np.float64), nan=0.0)
    largest = np.abs(table).max(axis=2, keepdims=True, initial=0.0)
    table = np.divide(table, largest, out=np.zeros_like(table), where=largest > 0)
    norm = np.sqrt((table**2).sum(axis=2, keepdims=True))
    scaled = np.divide(-table, norm, out=np.zeros_like(table), where=norm > 0)
    return max((_share(scaled[:, place]) for place in range(table.shape[1])), default=1.0)


def two_sided_p(differences: ArrayLike) -> tuple[float, bool]:
    """Both directions of `better_p`: twice the smaller p-value, and whether the first is ahead."""
    table = np.asarray(differences, dtype=np.float64)
    ahead, behind = better_p(table), better_p(-table.swapaxes(0, 1))
    return min(1.0, 2 * min(ahead, behind)), ahead <= behind


def holm(p: ArrayLike) -> Floats:
    """p-values adjusted so that the chance of any false alarm among all stays below the level.

    The k-th smallest of m is multiplied by m - k + 1 and is at least the one before it.

    Reference: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
        Journal of Statistics 6 (1979).
    """
    raw = np.asarray(p, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    factors = len(raw) - np.arange(len(raw))
    adjusted = np.empty(len(raw))
    adjusted[order] = np.minimum(np.maximum.accumulate(raw[order] * factors), 1.0)
    return adjusted


def signed_ranks(differences: ArrayLike) -> Floats:
    """Differences by rank: each becomes the rank of its size, with its sign.

    Infinite ones share the highest ranks; zeros are ranked, too, and stay 0; NaN stays NaN.
    Ranks run along the last axis.

    Reference: Pratt, "Remarks on zeros and ties in the Wilcoxon signed rank procedures", JASA 54
        (1959).
    """
    values = np.asarray(differences, dtype=np.float64)
    rows = pd.DataFrame(np.abs(values).reshape(-1, values.shape[-1]))
    ranks = rows.rank(axis="columns").to_numpy().reshape(values.shape)
    return np.asarray(np.sign(values) * ranks)


def _share(columns: Floats) -> float:
    """Share of flips whose largest sum over the columns is as large as observed. [rates, seeds]"""
    present = columns[:, (columns != 0).any(axis=0)]
    count = present.shape[1]
    if not count:
        return 1.0
    observed = float(present.sum(axis=1).max()) - NEAR
    sums = present @ _signs(count)  # [rates, flips]
    as_large = np.count_nonzero(sums.max(axis=0) >= observed)
    if count > EXACT:
        return float((as_large + 1) / (DRAWS + 1))
    as_large += np.count_nonzero(sums.min(axis=0) <= -observed)
    return float(as_large / (2 * sums.shape[1]))


@lru_cache(maxsize=4)
def _signs(count: int) -> Floats:
    """Half of all choices of signs (the other half are these, negated), or random ones.

    Returns:
        [seeds, flips]
    """
    if count > EXACT:
        drawn = np.random.default_rng(0).integers(0, 2, (count, DRAWS), dtype=np.int8)
        return drawn.astype(np.float64) * 2.0 - 1.0
    choices = np.arange(2 ** (count - 1)) >> np.arange(count)[:, None] & 1
    return 1.0 - 2.0 * choices.astype(np.float64)
