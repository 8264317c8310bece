"""Examples without content: the noise is in the model, these only count the updates.

The noisy quadratic model (`lrdash/models/noisy_quadratic.py`) draws new noise at every
update. Noise from a fixed set of examples would not work: over an epoch it adds up to the same sum
in any order, so that each update would be correlated with the next.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdash.datasets.base import Dataset

EXAMPLES = 2000  # 1600 to train on: 50 updates an epoch at the default batch size


def read() -> tuple[NDArray[Any], NDArray[Any]]:
    """Examples without inputs [2000, 0], and targets of 0 [2000]."""
    return np.zeros((EXAMPLES, 0)), np.zeros(EXAMPLES)


DATASET = Dataset(
    id="noisy_quadratic",
    label="Noisy quadratic",
    description="Descends a bowl in noisy steps, without any data: each example only adds one draw "
    "of noise to the gradient. It shows most clearly why rates are lowered. At a constant rate the "
    "loss falls fast and then stays on a floor that is proportional to the rate; with decay it "
    "falls through that floor. The expected loss of any schedule is known exactly and drawn over "
    "the measured one.",
    task="regression",
    input_shape=(0,),
    size=EXAMPLES,
    default_examples=EXAMPLES,
    licence="Made by lrdash; free of rights",
    source="The model of G. Zhang et al., Which algorithmic choices matter at which batch sizes? "
    "Insights from a noisy quadratic model, 2019, arXiv 1907.04164",
    scaling="There is nothing to scale: no features, and a target of 0.",
    reader=read,
)
