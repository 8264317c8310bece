"""The curves of a range test: raw losses, smoothed ones, and where they end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lrdash.analysis.compare.smoothing import smooth

SMOOTHING = 0.9  # share of the past that a smoothed loss keeps by default
QUIET = 0.1  # share of the updates at the start that no rule looks at: smoothing begins there
BLOWN = 4.0  # times the lowest smoothed loss so far: from there on a test counts as diverged
SURE = 4.0  # standard deviations that chance does not explain
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
        divergence edge, and not among the first tenth of the updates), diverged (bool: from that
        edge on).
    """
    used, raw = np.asarray(rates, np.float64), np.asarray(losses, np.float64)
    made = ~np.isnan(raw).all(axis=0)
    count = int(np.flatnonzero(made).max(initial=-1)) + 1
    calm = max(smoothing, SMOOTHING)  # single batches do not make an edge
    parts = []
    for seed, curve in zip(seeds, raw[:, :count], strict=True):
        soft, place = smooth(curve, smoothing), np.arange(count)
        part = usable(smooth(curve, calm), noise_of(curve, calm))
        parts.append(pd.DataFrame({
            "seed": np.full(count, seed, dtype=np.int64),
            "update": place.astype(np.int64),
            "learning_rate": used[:count], "loss": curve, "smoothed": soft,
            "used": (place >= part.start) & (place < part.stop), "diverged": place >= part.stop,
        }))
    return pd.concat(parts, ignore_index=True)


def usable(soft: Curve, noise: float = 0.0) -> slice:
    """The part of a smoothed curve that the rules use: without its first tenth, and up to the
    divergence edge.
    """
    end = edge(soft, noise)
    return slice(min(int(QUIET * len(soft)), end), end)


def noise_of(raw: Curve, smoothing: float) -> float:
    """How far a smoothed loss strays from its start by chance: one standard deviation.

    Args:
        raw: loss of each batch; its first tenth shows how much batches differ.
        smoothing: what the curve is smoothed with, which leaves sqrt((1 - w) / (1 + w)) of that.
    """
    start = raw[: int(QUIET * len(raw))]
    if len(start) < 3 or not np.isfinite(start).all():
        return 0.0
    each = np.std(np.diff(start)) / math.sqrt(2)  # of a batch; a fall in between counts little
    return float(each * math.sqrt((1 - smoothing) / (1 + smoothing) + 1 / len(start)))


def edge(soft: Curve, noise: float = 0.0) -> int:
    """Where a smoothed curve diverges; its length if it never does.

    That is the first place where it is no longer finite, or, after its first tenth, too high above
    its lowest so far. Once the test has learned something, that is back above its start; or before
    that, more than halfway back and above `BLOWN` times the lowest. Until it has learned anything,
    it has to be above both. The first tenth only gives the start, their median: its lowest may be
    one lucky batch. A loss has left its start where `SURE` times the noise cannot explain it.

    Reference: fastai ends its own test above 4 times the lowest and where nothing is finite.
    """
    if not len(soft):
        return 0
    first, later = start_of(soft), np.arange(len(soft)) >= _quiet(soft)
    lowest = np.minimum.accumulate(np.where(later, np.minimum(soft, first), first))
    far = np.maximum(BLOWN * lowest, (lowest + first) / 2)
    above = first + SURE * noise
    learned = lowest < np.minimum(LEARNED * first, first - SURE * noise)
    limit = np.where(learned, np.minimum(far, above), np.maximum(far, above))
    ends = np.flatnonzero((later & (soft > limit)) | ~np.isfinite(soft))
    return int(ends[0]) if len(ends) else len(soft)


def start_of(soft: Curve) -> float:
    """The loss that a smoothed curve starts from: the median of its first tenth."""
    return float(np.median(soft[: _quiet(soft)]))


def edge_rates(frame: pd.DataFrame) -> pd.Series[float]:
    """The rate at which each seed of a `range_frame` diverged; NaN for one that never did."""
    found: dict[Any, float] = {}
    for seed, part in frame.groupby("seed", sort=False):
        beyond = part["learning_rate"][part["diverged"]]
        found[seed] = beyond.iloc[0] if len(beyond) else np.nan
    return pd.Series(found, dtype="float64")


def _quiet(soft: Curve) -> int:
    return max(1, int(QUIET * len(soft)))
