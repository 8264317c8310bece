"""Scaling of features and targets, by statistics of the training part only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

STANDARDISED = (
    "Each feature is standardised: its mean is subtracted and it is divided by its standard "
    "deviation, both of the training part."
)
STANDARDISED_WITH_TARGET = (
    "Each feature and the target are standardised: the mean is subtracted and they are divided by "
    "the standard deviation, both of the training part. Always predicting the mean has a squared "
    "error of 1."
)

FILLED = (
    " A missing number is replaced by the median of the training part; an extra feature marks "
    "where."
)

Floats = NDArray[np.float32]


def pixels_divided(largest: int) -> str:
    """How an image dataset is scaled, in words."""
    return f"Pixels are divided by {largest}, so that they range from 0 to 1."


def standardise(train: NDArray[Any], validation: NDArray[Any]) -> tuple[Floats, Floats]:
    """Both parts minus the training mean, divided by the training standard deviation.

    A feature that is constant in training is only shifted to 0.

    Args:
        train: values [n, ...], at least one example.
        validation: values [m, ...].

    Returns:
        The two, float32, of the same shapes.
    """
    mean = train.mean(axis=0, dtype=np.float64)
    deviation = train.std(axis=0, dtype=np.float64)
    # Rounding gives a constant like 0.1 a deviation of about 1e-17, hence no comparison with 0.
    deviation = np.where(train.max(axis=0) > train.min(axis=0), deviation, 1.0)
    return (
        ((train - mean) / deviation).astype(np.float32),
        ((validation - mean) / deviation).astype(np.float32),
    )


def fill_missing(
    train: NDArray[np.float64], validation: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both parts with the training median in place of what is missing (NaN).

    A feature without any value in training becomes 0.

    Args:
        train: values [n, features], at least one example.
        validation: values [m, features].

    Returns:
        The two, of the same shapes, without NaN.
    """
    known = ~np.isnan(train).all(axis=0)
    medians = np.zeros(train.shape[1])
    medians[known] = np.nanmedian(train[:, known], axis=0)
    return (
        np.where(np.isnan(train), medians, train),
        np.where(np.isnan(validation), medians, validation),
    )


def scale_pixels(images: NDArray[Any], largest: float) -> Floats:
    """Pixels from 0..largest to 0..1, float32."""
    return images.astype(np.float32) / np.float32(largest)
