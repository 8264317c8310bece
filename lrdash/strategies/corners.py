"""A curve of rates as the corners of straight lines: what `points` can draw."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lrdash.core.errors import InvalidField
from lrdash.strategies.points import MOST_POINTS

EXACT = 2e-7  # of the peak rate: the rounding of float32


def corners(rates: ArrayLike, base_lr: float) -> dict[str, Any]:
    """Settings of `points` that draw these rates again, to 1e-6 of the peak rate.

    From each corner on, a line goes as far as all rates in between lie on it. A jump is a line over
    one update.

    Args:
        rates: of every update [updates].
        base_lr: peak rate that the points will be shares of.

    Raises:
        InvalidField: if that takes more than 200 points, as curves that bend all the time do.
    """
    used = np.asarray(rates, dtype=np.float64) / base_lr
    places, last = [0], len(used) - 1
    while places[-1] < last:
        places.append(_reach(used, places[-1]))
    if len(places) >= MOST_POINTS:
        problem = f"must be a curve of at most {MOST_POINTS - 1} corners to be drawn by points"
        raise InvalidField("rates", problem, len(places))
    found = [[place / len(used), max(0.0, float(used[place]))] for place in places]
    return {"points": [*found, [1.0, found[-1][1]]], "interpolation": "linear"}


def _reach(used: np.ndarray[Any, Any], start: int) -> int:
    """The furthest corner that a straight line from here reaches."""
    low, high, best = -np.inf, np.inf, start + 1
    for place in range(start + 1, len(used)):
        slope = (used[place] - used[start]) / (place - start)
        if low <= slope <= high:
            best = place
        room = EXACT / (place - start)
        low, high = max(low, slope - room), min(high, slope + room)
        if low > high:
            break
    return best
