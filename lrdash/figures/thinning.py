"""Fewer points, the same line: what a screen can show of hundreds of thousands of updates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LIMIT = 2000  # points a trace


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
