"""Handwritten digits of 8 x 8 pixels, the quickest image dataset."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from lrdash.datasets.base import Dataset
from lrdash.datasets.scaling import pixels_divided


def read() -> tuple[NDArray[Any], NDArray[Any]]:
    """Images [1797, 8, 8, 1] with pixels 0..16, and digits [1797]."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x.reshape(-1, 8, 8, 1), y


DATASET = Dataset(
    id="digits",
    label="Digits",
    description="Handwritten digits as 8 x 8 grey images. Small enough for quick epochs, hard "
    "enough to show which rates are good: a small network reaches about 98% accuracy.",
    task="classification",
    input_shape=(8, 8, 1),
    num_classes=10,
    class_names=tuple("0123456789"),
    size=1797,
    default_examples=1797,
    licence="CC BY 4.0",
    source="E. Alpaydin and C. Kaynak, Optical recognition of handwritten digits (test part), "
    "UCI Machine Learning Repository 1998, doi:10.24432/C50P49; read from scikit-learn",
    scaling=pixels_divided(16),
    pixel_max=16.0,
    reader=read,
)
