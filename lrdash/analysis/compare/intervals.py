"""The interval of a mean, from few values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95  # two-sided


def half_width(std: ArrayLike, n: ArrayLike) -> NDArray[np.float64]:
    """Half the Student-t interval of a mean, at 95%.

    With 3 values this is 2.2 times as wide as 1.96 standard errors, which would cover 81% only.

    Args:
        std: standard deviations of the samples (n - 1 in the denominator).
        n: sizes of the samples.

    Returns:
        t(0.975, n - 1) * std / sqrt(n), of the common shape; NaN where n is below 2.

    Reference: Student, "The probable error of a mean", Biometrika 6 (1908).
    """
    from scipy.special import stdtrit  # 0.2 s to load, which other commands need not pay

    size = np.asarray(n, dtype=np.float64)
    enough = np.where(size >= 2, size, np.nan)
    quantile: NDArray[Any] = stdtrit(enough - 1, (1 + LEVEL) / 2)
    return np.asarray(quantile * np.asarray(std, dtype=np.float64) / np.sqrt(enough))
