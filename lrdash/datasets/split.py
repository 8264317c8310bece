"""Which examples train and which validate: one fixed order for each dataset.

The order does not depend on the seed of a run, so that all arms of a comparison see the same parts.
A cap takes the first examples of each part: what trains under a small cap also trains under a
larger one, and no example ever changes sides.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 20170
BINS = 10  # strata of a regression target
VALIDATION_OF = 5  # one in this many examples validates, rounded up

Indices = NDArray[np.intp]


def part_sizes(examples: int) -> tuple[int, int]:
    """How many examples train and validate; validation has a fifth, rounded up.

    >>> part_sizes(1797)
    (1437, 360)
    """
    validation = math.ceil(examples / VALIDATION_OF)
    return examples - validation, validation


def quantile_bins(targets: NDArray[Any], bins: int = BINS) -> NDArray[np.int32]:
    """The stratum of each regression target [n]: 0 for the lowest tenth, and so on."""
    ranks = np.empty(len(targets), np.int64)
    ranks[np.argsort(targets, kind="stable")] = np.arange(len(targets))
    return (ranks * bins // len(targets)).astype(np.int32)


def split_order(strata: NDArray[Any]) -> tuple[Indices, Indices]:
    """Indices of the training and the validation part, in the order in which a cap takes them.

    Args:
        strata: class or stratum of each example [n].

    Returns:
        Two disjoint arrays that hold 0..n-1 between them. In any leading stretch of either, each
        stratum has its share of the whole to within about one example.
    """
    # RandomState and not Generator: NumPy promises that its stream never changes (NEP 19).
    shuffled = np.random.RandomState(SEED).permutation(len(strata))
    order = _interleave(shuffled, strata)
    _, validation = part_sizes(len(strata))
    return _interleave(order[validation:], strata), _interleave(order[:validation], strata)


def _interleave(indices: Indices, strata: NDArray[Any]) -> Indices:
    """The same indices such that every leading stretch is stratified.

    The i-th of m examples of a stratum goes to the place (i + 1/2) / m (Webster's method of
    apportionment); those with equal places keep their order.
    """
    held = strata[indices]
    place = np.empty(len(indices), np.float64)
    for stratum in np.unique(held):
        members = held == stratum
        count = np.count_nonzero(members)
        place[members] = (np.arange(count) + 0.5) / count
    return indices[np.argsort(place, kind="stable")]
