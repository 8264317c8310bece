"""Three interleaved spirals, made here: a boundary that can be drawn but is far from linear.

Example i of class c lies at radius r = 0.1 + 0.9 i / (n - 1) and angle 2 pi c / 3 + 2 pi r, with
normal noise of standard deviation 0.05 on both coordinates. After the two-spirals benchmark of
K. Lang and M. Witbrock, Connectionist Models Summer School, 1988.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdash.datasets.base import Dataset
from lrdash.datasets.scaling import STANDARDISED

SEED = 1988
CLASSES = 3
PER_CLASS = 500  # examples
NOISE = 0.05


def read() -> tuple[NDArray[Any], NDArray[Any]]:
    """Points [1500, 2] in about -1..1, and spirals [1500]."""
    radius = np.tile(np.linspace(0.1, 1.0, PER_CLASS), CLASSES)
    spiral = np.repeat(np.arange(CLASSES), PER_CLASS)
    angle = 2.0 * np.pi * (spiral / CLASSES + radius)
    points = radius[:, np.newaxis] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points + NOISE * np.random.RandomState(SEED).standard_normal(points.shape), spiral


DATASET = Dataset(
    id="spirals",
    label="Spirals",
    description="Points in the plane on three interleaved spirals, with some noise. A linear model "
    "stays near chance; a network needs many updates at a good rate to bend its boundary.",
    task="classification",
    input_shape=(2,),
    num_classes=CLASSES,
    class_names=("spiral 1", "spiral 2", "spiral 3"),
    size=CLASSES * PER_CLASS,
    default_examples=CLASSES * PER_CLASS,
    licence="Made by lrdash from a formula; free of rights",
    source="Made by lrdash with a fixed seed, after the two-spirals benchmark of K. Lang and "
    "M. Witbrock, Connectionist Models Summer School, 1988",
    scaling=STANDARDISED,
    reader=read,
)
