"""Sign-flip tests of paired differences, and Holm's adjustment for looking at many pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
EXACT = 16  # differences, up to which all 2^n signs are tried
DRAWS = 49_999  # random signs beyond; with the observed ones 50,000
CHUNK = 1000  # draws at a time
NEAR = 1e-12  # share of the sum of |d| by which two sums that should be equal may differ


def flip_p(differences: ArrayLike) -> Floats:
    """Two-sided p-values of mean differences under random signs.

    If two arms do equally well, a seed's difference is as likely d as -d. The p-value is the share
    of all 2^n choices of signs whose sum is at least as far from 0 as the observed one: exact
    up to 16 differences that are not 0; beyond, (b + 1) / (B + 1) from B = 49,999 seeded draws of
    which b are as far.

    Args:
        differences: one column a pair; 0 and NaN (no such seed) do not matter. [seeds, pairs]

    Returns:
        The p-values; 1 without differences. With n of them none is below 2 / 2^n. [pairs]

    Reference: Fisher, "The Design of Experiments" (1935), section 21; Phipson and Smyth,
        "Permutation p-values should never be zero", SAGMB 9 (2010).
    """
    table = np.nan_to_num(np.asarray(differences, dtype=np.float64), nan=0.0)
    size = np.abs(table).sum(axis=0)
    scaled = np.divide(table, size, out=np.zeros_like(table), where=size > 0)
    counts = (scaled != 0).sum(axis=0)
    found = np.ones(table.shape[1])
    for place in np.flatnonzero((counts > 0) & (counts <= EXACT)):
        column = scaled[:, place]
        found[place] = _exact(column[column != 0])
    many = np.flatnonzero(counts > EXACT)
    if len(many):
        found[many] = _drawn(scaled[:, many])
    return found


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

    Reference: Pratt, "Remarks on zeros and ties in the Wilcoxon signed rank procedures", JASA 54
        (1959).
    """
    from scipy.stats import rankdata  # 0.5 s to load, which other commands need not pay

    values = np.asarray(differences, dtype=np.float64)
    known = ~np.isnan(values)
    ranks = np.full(len(values), np.nan)
    ranks[known] = np.sign(values[known]) * rankdata(np.abs(values[known]))
    return ranks


def _exact(d: Floats) -> float:
    """The first sign is kept: the other half of all choices gives the same sums, negated."""
    sums = d[:1]
    for value in d[1:]:
        sums = np.concatenate([sums + value, sums - value])
    return float((np.abs(sums) >= abs(d.sum()) - NEAR).mean())


def _drawn(table: Floats) -> Floats:
    observed = np.abs(table.sum(axis=0)) - NEAR
    random = np.random.default_rng(0)
    as_far = np.zeros(table.shape[1])
    left = DRAWS
    while left:
        size = min(CHUNK, left)
        signs = random.integers(0, 2, (size, len(table)), dtype=np.int8) * 2.0 - 1.0
        as_far += (np.abs(signs @ table) >= observed).sum(axis=0)
        left -= size
    return np.asarray((as_far + 1) / (DRAWS + 1))
