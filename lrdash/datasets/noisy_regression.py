"""A smooth function plus noise, made here, so that the best possible error is known.

y = 10 sin(pi x1 x2) + 20 (x3 - 1/2)^2 + 10 x4 + 5 x5 + e, with x1..x8 uniform on 0..1 (x6 to x8
have no effect) and e normal with standard deviation 1: the first function of J. Friedman,
Multivariate adaptive regression splines, Annals of Statistics 19 (1991) 1-67.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdash.datasets.base import Dataset
from lrdash.datasets.scaling import STANDARDISED_WITH_TARGET

SEED = 1991
EXAMPLES = 2000
FEATURES = 8
NOISE = 1.0


def read() -> tuple[NDArray[Any], NDArray[Any]]:
    """Features [2000, 8] in 0..1, and targets [2000], about 0 to 30."""
    random = np.random.RandomState(SEED)
    x = random.random_sample((EXAMPLES, FEATURES))
    noise = NOISE * random.standard_normal(EXAMPLES)
    return x, smooth(x) + noise


def smooth(x: NDArray[Any]) -> NDArray[Any]:
    """The target without noise [n] of features [n, 8]."""
    return np.asarray(
        10.0 * np.sin(np.pi * x[:, 0] * x[:, 1])
        + 20.0 * (x[:, 2] - 0.5) ** 2
        + 10.0 * x[:, 3]
        + 5.0 * x[:, 4]
    )


DATASET = Dataset(
    id="noisy_regression",
    label="Noisy regression",
    description="Numbers from a smooth function of five features (three more have no effect) "
    "plus noise. The noise alone leaves a squared error of about 0.04: the lowest loss is known.",
    task="regression",
    input_shape=(FEATURES,),
    size=EXAMPLES,
    default_examples=EXAMPLES,
    licence="Made by lrdash from a formula; free of rights",
    source="Made by lrdash with a fixed seed, by the function of J. Friedman, Multivariate "
    "adaptive regression splines, Annals of Statistics 19 (1991) 1-67",
    scaling=STANDARDISED_WITH_TARGET,
    reader=read,
)
