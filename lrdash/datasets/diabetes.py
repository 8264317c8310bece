"""Progress of diabetes within a year: a small, noisy regression."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from lrdash.datasets.base import Dataset
from lrdash.datasets.scaling import STANDARDISED_WITH_TARGET


def read() -> tuple[NDArray[Any], NDArray[Any]]:
    """Patients [442, 10], and progress of the disease [442], 25 to 346."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    return x, y


DATASET = Dataset(
    id="diabetes",
    label="Diabetes",
    description="Age, sex, body mass index, blood pressure and six blood values of 442 patients, "
    "and how far their diabetes progressed within a year. Mostly noise: about half of the "
    "squared error remains, and larger networks soon overfit.",
    task="regression",
    input_shape=(10,),
    size=442,
    default_examples=442,
    licence="None stated by the authors; distributed with scikit-learn (BSD-3-Clause)",
    source="B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, Least angle regression, "
    "Annals of Statistics 32 (2004) 407-499; read from scikit-learn",
    scaling=STANDARDISED_WITH_TARGET,
    reader=read,
)
