"""The interval of the difference between two arms: what the test of the verdict does not reject.

It is the test turned around. A shift is inside if the differences minus this shift show neither arm
ahead, so the interval excludes 0 exactly where the verdict is better or worse. With one rate each,
its ends are means of some of the seeds (Hartigan 1969): the test rejects a shift once few enough of
all 2^n - 1 such means are on its other side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lrdash.analysis.verdicts.flips import Against, against_each

# Halvings of the span in which an end is looked for: to the last digits where all flips are tried,
# to a thousandth of a standard deviation, far below the error of random ones, beyond.
HALVINGS = {True: 30, False: 12}
DOUBLINGS = 20  # of that span, until an end is taken as infinite


def bounds(differences: ArrayLike, level: float, side: int) -> tuple[float, float]:
    """The lowest and the highest shift that the two-sided test at a level does not reject.

    Args:
        differences: as in `flips.against_each`.
        level: of the test; the interval has a confidence of 1 - level.
        side: of the verdict at this level: -1 if the first arm costs less, 1 if it costs more, 0 if
            neither is shown. The interval lies there, whatever rounding does.

    Returns:
        Low and high; infinite where no shift is rejected, as with too few seeds for the level, NaN
        where no pair of rates is without an infinite difference.

    Reference: Hartigan, "Using subsample values as typical values", JASA 64 (1969).
    """
    table = np.asarray(differences, dtype=np.float64)
    high = _highest(against_each(table), level / 2, below=side < 0)
    low = -_highest(against_each(-table.swapaxes(0, 1)), level / 2, below=side > 0)
    return (low, high) if not np.isnan([low, high]).any() else (float("nan"), float("nan"))


def _highest(columns: list[Against], level: float, *, below: bool) -> float:
    """The highest shift that is not rejected; below: 0 is rejected."""
    end = max((column.lowest_mean for column in columns), default=-np.inf)
    if np.isinf(end):
        return float("nan")
    end = end if below else max(end, 0.0)
    for column in columns:
        if np.isfinite(end) and column.p(end) > level:
            end = _end(column, end, 0.0 if below else np.inf, level)
    return end


def _end(column: Against, inside: float, outside: float, level: float) -> float:
    """Where the test begins to reject, between a shift that it accepts and one that it rejects."""
    step = column.spread or abs(inside) or 1.0
    for _ in range(DOUBLINGS if np.isinf(outside) else 0):
        if column.p(inside + step) <= level:
            outside = inside + step
            break
        step *= 2
    else:
        if np.isinf(outside):
            return float("inf")
    for _ in range(HALVINGS[column.exact]):
        middle = (inside + outside) / 2
        if column.p(middle) > level:
            inside = middle
        else:
            outside = middle
    return inside
