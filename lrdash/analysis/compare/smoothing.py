"""Smoothed curves, as in TensorBoard."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrdash.core.errors import InvalidField


def smooth(values: ArrayLike, weight: float) -> NDArray[np.float64]:
    """Exponential moving average, bias-corrected.

    s_i = weight * s_(i-1) + (1 - weight) * x_i with s_0 = 0, divided by 1 - weight^i, i the number
    of finite values so far: the first point is the first value. Values that are not finite stay
    as they are and do not count; a curve of equal values does not change.

    Args:
        values: the curve, [points].
        weight: share of the past that is kept, from 0 (no smoothing) to below 1.

    Returns:
        The smoothed curve, float64 [points].

    Raises:
        InvalidField: if the weight is not in its range.

    Reference: debiasing as in Kingma and Ba, "Adam", arXiv 1412.6980, section 3.
    """
    if not 0 <= weight < 1:
        raise InvalidField("smoothing", "must be at least 0 and below 1", weight)
    curve = np.array(values, dtype=np.float64)
    if weight == 0 or len(curve) == 0 or (curve == curve[0]).all():
        return curve
    past, kept = 0.0, 1.0  # the sum so far, and the weight of the 0 that it began with
    for place, value in enumerate(curve.tolist()):
        if math.isfinite(value):
            past = weight * past + (1 - weight) * value
            kept *= weight
            curve[place] = past / (1 - kept)
    return curve
