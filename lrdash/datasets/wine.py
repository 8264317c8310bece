"""Wines of three growers: the smallest dataset."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from lrdash.datasets.base import Dataset
from lrdash.datasets.scaling import STANDARDISED


def read() -> tuple[NDArray[Any], NDArray[Any]]:
    """Measurements [178, 13], and growers [178]."""
    from sklearn.datasets import load_wine

    x, y = load_wine(return_X_y=True)
    return x, y


DATASET = Dataset(
    id="wine",
    label="Wine",
    description="Thirteen chemical measurements of wines from three growers. Only 178 examples: "
    "quick, and a reminder that 36 validation examples are coarse (one is 3 percentage points).",
    task="classification",
    input_shape=(13,),
    num_classes=3,
    class_names=("grower 1", "grower 2", "grower 3"),
    size=178,
    default_examples=178,
    licence="CC BY 4.0",
    source="S. Aeberhard and M. Forina, Wine, UCI Machine Learning Repository 1991, "
    "doi:10.24432/C5PC7J; read from scikit-learn",
    scaling=STANDARDISED,
    reader=read,
)
