"""Rates that were used, as corners of the strategy `points`: a schedule to take elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrdash.strategies.points import MOST_POINTS

EVEN = 120  # corners spread evenly over a curve that bends everywhere
SAME = 1e-6  # of the highest rate; rates were used as 32-bit numbers


def as_points(rates: ArrayLike) -> dict[str, Any]:
    """A schedule through rates, exact where they are made of at most 200 straight lines.

    A jump becomes two corners, one update apart.

    Args:
        rates: of each update [updates], at least one above 0.

    Returns:
        strategy (`points`), base_lr (the highest rate), params, and largest_difference, the
        greatest distance from the rates given, as a share of base_lr.

    >>> as_points([0.4, 0.4, 0.1, 0.1])["params"]["points"]
    [[0.0, 1.0], [0.25, 1.0], [0.5, 0.25], [1.0, 0.25]]
    """
    used = np.asarray(rates, dtype=np.float64)
    top = float(used.max())
    factors = np.append(used / top, used[-1] / top)  # the last corner is after the last update
    places = _corners(factors)
    drawn = np.interp(np.arange(len(used)), places, factors[places])
    points = [[float(at / len(used)), float(f"{factors[at]:.9g}")] for at in places]
    return {
        "strategy": "points", "base_lr": float(f"{top:.9g}"),
        "params": {"points": points, "interpolation": "linear"},
        "largest_difference": float(np.abs(drawn - factors[:-1]).max()),
    }


def _corners(factors: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places of the corners: where the line bends, or evenly with its sharpest bends."""
    last = len(factors) - 1
    bends = np.abs(np.diff(factors, 2))
    inner = np.flatnonzero(bends > SAME) + 1
    if len(inner) > MOST_POINTS - 2:
        sharpest = np.argsort(-bends, kind="stable")[: MOST_POINTS - 2 - EVEN] + 1
        inner = np.concatenate([np.linspace(0, last, EVEN).round().astype(np.int64), sharpest])
    return np.unique(np.concatenate([[0], inner, [last]])).astype(np.int64)
