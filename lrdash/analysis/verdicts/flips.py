"""Sign-flip tests of paired differences, and Holm's adjustment for looking at many pairs.

Only the losses show which peak rate is an arm's best. Losses that picked a rate are optimistic
about it, and picking it on the other seeds (leave one out) does not fix the test: the picks are
correlated, so that their mean varies more than its parts suggest. In simulations of equal arms
with several equal rates such a test found a difference in more than one of ten. The test below
picks nothing. To find the first arm better it must find a rate of the first that is better than
each rate of the second, and the search over the first arm's rates is repeated in each flip. Rates
of the first at which some runs diverged or failed are not searched if there are others: their mean
has no bound, so none of them is its best, though by ranks one might win.

Shifted differences ask whether the first arm is better by more than the shift; the shifts that this
does not reject are the interval in `bounds`.
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
EQUAL = 1e-12  # norm of scaled differences that are all equal to the shift


class Against:
    """The searched rates of the first arm against one rate of the second, ready to be flipped.

    Args:
        differences: cost of the first minus the second; NaN where there is no such seed.
            [searched rates of the first, seeds]
    """

    def __init__(self, differences: Floats) -> None:
        kept = differences[:, ~np.isnan(differences).all(axis=0)]
        self.by_rank = np.isinf(kept).any(axis=1)
        finite = np.where(np.isfinite(kept), kept, 0.0)
        size = np.abs(finite).max(axis=1, keepdims=True, initial=0.0)
        self.size = np.where(size > 0, size, 1.0)  # units in which no square overflows
        self.scaled = kept / self.size
        present = (~np.isnan(kept)).astype(np.float64)
        self.exact = kept.shape[1] <= EXACT
        self.signs = _signs(kept.shape[1]) if kept.size else np.ones((0, 1))
        self.moved = (finite / self.size) @ self.signs
        whole = kept.size and present.all()  # so no seed is missing at any rate
        self.steps = self.signs.sum(axis=0)[None] if whole else present @ self.signs
        count = present.sum(axis=1)
        has_mean = (count > 0) & ~self.by_rank
        mean = np.divide(finite.sum(axis=1), count, out=np.full(len(kept), np.inf), where=has_mean)
        second_lost = (kept == -np.inf).any()  # so its rate has no mean
        self.lowest_mean = float(mean.min()) if has_mean.any() and not second_lost else -np.inf

    @property
    def spread(self) -> float:
        """The largest finite difference minus the smallest."""
        values = (self.scaled * self.size)[np.isfinite(self.scaled)]
        return float(np.ptp(values)) if len(values) else 0.0

    def p(self, shift: float = 0.0) -> float:
        """Share of flips in which the largest -sum(d - shift) / norm over the rates is as large."""
        seeds = self.scaled.shape[1]
        if not seeds:
            return 1.0
        steps = shift / self.size
        moved, sums = self.scaled - steps, self.moved - steps * self.steps
        if self.by_rank.any():
            moved[self.by_rank] = signed_ranks(moved[self.by_rank])
            sums[self.by_rank] = np.nan_to_num(moved[self.by_rank]) @ self.signs
        norm = np.sqrt(np.nansum(moved**2, axis=1, keepdims=True))
        weight = np.divide(-1.0, norm, out=np.zeros_like(norm), where=norm > EQUAL)
        observed = (weight[:, 0] * np.nansum(moved, axis=1)).max() - NEAR
        sums *= weight
        as_large = np.count_nonzero(sums.max(axis=0) >= observed)
        if not self.exact:
            return float((as_large + 1) / (DRAWS + 1))
        as_large += np.count_nonzero(sums.min(axis=0) <= -observed)
        return float(as_large / (2 * sums.shape[1]))


def against_each(differences: ArrayLike) -> list[Against]:
    """The first arm's searched rates against each rate of the second.

    Args:
        differences: cost of the first minus the second; infinite where only one of them diverged or
            failed, NaN where there is no such seed. [rates of the first, of the second, seeds]
    """
    table = np.asarray(differences, dtype=np.float64)
    lost = table == np.inf
    partly = (lost.any(axis=2) & (table < np.inf).any(axis=2)).any(axis=1)
    table = table if lost.any(axis=(1, 2)).all() else table[~partly]
    return [Against(table[:, place]) for place in range(table.shape[1])]


def better_p(differences: ArrayLike) -> float:
    """One-sided p-value of "the best rate of the first arm costs less than that of the second".

    Let b be the second arm's best rate. If the first arm is no better, then at each of its rates a
    the differences d(a, b) are centred at 0 or above, and the signs of all of them may be flipped
    seed by seed: p(b) is the share of flips in which the largest -sum(d) / norm(d) over a is at
    least as large as observed. Since b is not known, the largest p(b) counts. With one rate each
    this is the plain sign-flip test of the mean.

    Args:
        differences: as in `against_each`; where one is infinite, signed ranks take their place.

    Returns:
        The p-value, exact up to 14 seeds, (k + 1) / (B + 1) from B = 19,999 seeded flips beyond.
        With n seeds it is not below 1 / 2^n.

    Reference: Fisher, "The Design of Experiments" (1935), section 21; Westfall and Young,
        "Resampling-Based Multiple Testing" (1993), for the maximum over a; Berger,
        "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24 (1982), for
        the largest p over b; Phipson and Smyth, SAGMB 9 (2010), for the + 1.
    """
    return max((one.p() for one in against_each(differences)), default=1.0)


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
