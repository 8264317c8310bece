"""House values in California's districts, downloaded at the first use."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from lrdash.datasets.base import Dataset
from lrdash.datasets.download import fetch
from lrdash.datasets.scaling import STANDARDISED_WITH_TARGET

SIZE = 16_512  # Keras sets a fifth of the 20,640 districts aside as a test part


def read() -> tuple[NDArray[Any], NDArray[Any]]:
    """Districts [16512, 8], and median house values [16512] in dollars."""
    return fetch(
        "california_housing",
        label="California housing",
        size=SIZE,
        files=("california_housing.npz",),
    )


DATASET = Dataset(
    id="california_housing",
    label="California housing",
    description="Income, age, rooms, people and place of California's districts in 1990, and the "
    "median value of a house in each. The pool is Keras' training part; its test part (4,128) is "
    "never used.",
    task="regression",
    input_shape=(8,),
    size=SIZE,
    default_examples=5000,
    licence="None stated; derived from the 1990 United States census",
    source="R. Pace and R. Barry, Sparse spatial autoregressions, Statistics and Probability "
    "Letters 33 (1997) 291-297; fetched by keras.datasets",
    scaling=STANDARDISED_WITH_TARGET,
    download_bytes=743_530,
    reader=read,
)
