"""The order of the examples: one seeded permutation an epoch, the same in every engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def epoch_order(seed: int, epoch: int, examples: int) -> NDArray[np.int64]:
    """The order in which an epoch sees the examples.

    Args:
        epoch: counted from 0.
        examples: n, the number of training examples.

    Returns:
        Permutation of 0..n-1, int64 [n]; consecutive stretches of `batch_size` are the batches,
        of which the last may be smaller.
    """
    return np.random.default_rng([seed, epoch]).permutation(examples)
