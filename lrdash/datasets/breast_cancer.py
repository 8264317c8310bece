"""Breast tumours, benign or malignant: a small table with two classes."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from lrdash.datasets.base import Dataset
from lrdash.datasets.scaling import STANDARDISED


def read() -> tuple[NDArray[Any], NDArray[Any]]:
    """Measurements [569, 30], and classes [569]."""
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    return x, y


DATASET = Dataset(
    id="breast_cancer",
    label="Breast cancer",
    description="Thirty measurements of cell nuclei from each of 569 breast tumours; 212 are "
    "malignant. Nearly linear: a good rate exceeds 95% accuracy within a few epochs.",
    task="classification",
    input_shape=(30,),
    num_classes=2,
    class_names=("malignant", "benign"),
    size=569,
    default_examples=569,
    licence="CC BY 4.0",
    source="W. Wolberg, O. Mangasarian, N. Street and W. Street, Breast cancer Wisconsin "
    "(diagnostic), UCI Machine Learning Repository 1995, doi:10.24432/C5DW2B; read from "
    "scikit-learn",
    scaling=STANDARDISED,
    reader=read,
)
