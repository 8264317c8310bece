"""Examples in memory: arrays, or structures of arrays, as a caller gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lrdash.datasets.split import Indices, part_sizes, quantile_bins, split_order
from lrdash.errors import InvalidField

LEAST = 10  # examples that can be parted into training and validation
FEW_SHARE = 10  # targets that each stand for so many examples or more, on average, are classes


@dataclass(frozen=True, eq=False)
class Arrays:
    """Examples in memory; x and y may each be an array or a structure of arrays."""

    x: Any
    y: Any

    @property
    def examples(self) -> int:
        """How many there are."""
        return len(tf.nest.flatten(self.x)[0])

    def take(self, rows: Indices) -> Arrays:
        """Some of them, in this order."""
        return Arrays(*(tf.nest.map_structure(lambda a: a[rows], part) for part in self.parts))

    @property
    def parts(self) -> tuple[Any, Any]:
        """Inputs and targets."""
        return self.x, self.y


def arrays(given: Any, name: str) -> Arrays:
    """Inputs and targets as they are trained on.

    Args:
        given: a pair of them.
        name: what they are called in messages.

    Raises:
        InvalidField: for what are no such arrays, or do not belong together.
    """
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise InvalidField(name, "must be a pair (x, y)", type(given).__name__)
    made = Arrays(*(_structure(part, name) for part in given))
    lengths = {len(array) for array in tf.nest.flatten(made.parts)}
    if len(lengths) != 1 or not lengths.pop():
        shapes = [array.shape for array in tf.nest.flatten(made.parts)]
        raise InvalidField(name, "must have as many targets as inputs, and at least one", shapes)
    return made


def _structure(given: Any, name: str) -> Any:
    if isinstance(given, Mapping):
        return {key: _array(value, name) for key, value in given.items()}
    if isinstance(given, tuple):
        return tuple(_array(value, name) for value in given)
    return _array(given, name)


def _array(given: Any, name: str) -> NDArray[Any]:
    """As NumPy has it; floats in float32, as Keras computes."""
    array = np.asarray(given)
    if array.dtype.kind not in "biuf" or not array.ndim:
        problem = "must hold arrays of numbers, the examples first"
        raise InvalidField(name, problem, f"{array.dtype} {array.shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InvalidField(name, "must hold finite numbers", "NaN or infinite ones")
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def held_out(whole: Arrays) -> tuple[Arrays, Arrays]:
    """The training and the validation part: stratified by a plain target.

    Raises:
        InvalidField: for too few examples.
    """
    examples = whole.examples
    if examples < LEAST:
        problem = f"must have at least {LEAST} examples, or validation data of their own"
        raise InvalidField("data", problem, examples)
    y: NDArray[Any] = whole.y if isinstance(whole.y, np.ndarray) else np.zeros(examples)
    if y.ndim == 2 and y.shape[-1] > 1:
        y = y.argmax(axis=1)
    y = y.reshape(examples, -1)[:, 0]
    if len(np.unique(y)) * FEW_SHARE > examples:
        y = quantile_bins(y)
    train, validation = split_order(np.unique(y, return_inverse=True)[1])
    sizes = part_sizes(examples)
    return whole.take(train[: sizes[0]]), whole.take(validation[: sizes[1]])
