"""Fewer points, the same line: what a screen can show of hundreds of thousands of updates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LIMIT = 2000  # points a trace


def pace(rates: pd.DataFrame) -> float:
    """Updates an epoch, from the places of updates in a `rates_frame`; 1 for fewer than two."""
    if len(rates) < 2:
        return 1.0
    update, epoch = rates["update"].to_numpy(), rates["epoch"].to_numpy()
    return float((update[-1] - update[0]) / (epoch[-1] - epoch[0]))


def as_steps(
    rates: NDArray[np.float64], steps_per_epoch: float, *, first: int = 0, limit: int = LIMIT
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rates as a thinned line: places in epochs and values, each of which holds until the next.

    Args:
        rates: rate of each update.
        steps_per_epoch: updates an epoch, fractions allowed.
        first: update of the first rate.
        limit: points to keep at most.
    """
    kept = keep(rates, limit)
    ends = np.append(kept, len(rates)) if len(rates) else kept
    return (first + ends) / steps_per_epoch, np.append(rates[kept], rates[-1:])


def keep(rates: NDArray[np.floating[Any]], limit: int = LIMIT) -> NDArray[np.intp]:
    """Which points of a curve to draw so that its jumps stay exact.

    A curve that only changes at few places keeps both sides of every change. One that glides is
    sampled evenly, and keeps both sides of its greatest jumps, at most a quarter of the points.

    Args:
        rates: the curve, one value an update.
        limit: points to keep at most; at least 8 are allowed for.

    Returns:
        Growing indices; the first and the last point are among them.
    """
    total, limit = len(rates), max(8, limit)
    if total <= limit:
        return np.arange(total)
    size = np.abs(np.diff(rates))
    changes = np.flatnonzero(size)
    if 2 * len(changes) + 2 > limit:
        room = limit // 8
        usual = np.median(size[changes])
        jumps = changes[size[changes] > 8 * usual]
        changes = jumps[np.argsort(-size[jumps], kind="stable")[:room]]
        even = np.linspace(0, total - 1, limit - 2 * len(changes)).round().astype(np.intp)
    else:
        even = np.array([0, total - 1], dtype=np.intp)
    return np.unique(np.concatenate([even, changes, changes + 1]))
