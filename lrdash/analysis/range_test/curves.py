"""The curves of a range test: raw losses, smoothed ones, and where they end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lrdash.analysis.compare.smoothing import smooth

SMOOTHING = 0.9  # share of the past that a smoothed loss keeps by default
QUIET = 0.1  # share of the updates at the start that no rule looks at: smoothing begins there
BLOWN = 4.0  # times the lowest smoothed loss so far: from there on a test counts as diverged
LEARNED = 0.8  # share of its first loss that a test has to fall below to have learned something

Curve = NDArray[np.float64]


def range_frame(
    rates: ArrayLike, losses: ArrayLike, seeds: Sequence[int], smoothing: float = SMOOTHING
) -> pd.DataFrame:
    """One row an update of each seed, those that were made.

    Args:
        rates: of each update [updates].
        losses: of each batch before its update [seeds, updates]; NaN at the end: not made.
        seeds: one a row of the losses.
        smoothing: see `analysis.smooth`.

    Columns:
        seed (int64), update (int64, from 0), learning_rate (float64), loss (float64, as it was;
        NaN or infinite where the seed has diverged), smoothed (float64), used (bool: before the
        divergence edge, and not among the first tenth of the updates).
    """
    used, raw = np.asarray(rates, np.float64), np.asarray(losses, np.float64)
    made = ~np.isnan(raw).all(axis=0)
    count = int(np.flatnonzero(made).max(initial=-1)) + 1
    parts = []
    for seed, curve in zip(seeds, raw[:, :count], strict=True):
        soft = smooth(curve, smoothing)
        inside = np.zeros(count, dtype=bool)
        inside[usable(soft)] = True
        parts.append(pd.DataFrame({
            "seed": np.full(count, seed, dtype=np.int64),
            "update": np.arange(count, dtype=np.int64),
            "learning_rate": used[:count], "loss": curve, "smoothed": soft, "used": inside,
        }))
    return pd.concat(parts, ignore_index=True)


def usable(soft: Curve) -> slice:
    """The part of a smoothed curve that the rules use: without its first tenth, and up to the
    divergence edge.
    """
    end = edge(soft)
    return slice(min(int(QUIET * len(soft)), end), end)


def edge(soft: Curve) -> int:
    """Where a smoothed curve diverges; its length if it never does.

    That is the first place after its lowest so far where it is no longer finite, or above
    `BLOWN` times that lowest, or, once the test has learned something, above its start. fastai ends
    its own test by the first two of these.
    """
    if not len(soft):
        return 0
    first = float(np.median(soft[: max(1, int(QUIET * len(soft)))]))
    lowest = np.minimum(np.minimum.accumulate(soft), first)
    limit = np.where(lowest > 0, BLOWN * lowest, np.inf)
    limit = np.where(lowest < LEARNED * first, np.minimum(limit, first), limit)
    above = (soft > limit) & (np.arange(len(soft)) >= QUIET * len(soft))
    ends = np.flatnonzero(above | ~np.isfinite(soft))
    return int(ends[0]) if len(ends) else len(soft)


def edge_rates(frame: pd.DataFrame) -> pd.Series[float]:
    """The rate at which each seed of a `range_frame` diverged; NaN for one that never did."""
    found: dict[Any, float] = {}
    for seed, part in frame.groupby("seed", sort=False):
        end = edge(part["smoothed"].to_numpy(dtype=np.float64))
        found[seed] = part["learning_rate"].iloc[end] if end < len(part) else np.nan
    return pd.Series(found, dtype="float64")
