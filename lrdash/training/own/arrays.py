"""Examples in memory: arrays of numbers or texts, ragged tensors, or structures of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lrdash.core.errors import InvalidField
from lrdash.datasets.split import Indices, part_sizes, quantile_bins, split_order

LEAST = 10  # examples that can be split into training and validation
NUMBERS, TEXTS = "biuf", "biufUS"  # kinds of arrays that targets and inputs may have
PARTS = {NUMBERS: "targets", TEXTS: "inputs"}
FEW_SHARE = 10  # targets with as many examples each, or more, on average, are classes


@dataclass(frozen=True, eq=False)
class Arrays:
    """Examples in memory; x and y may each be an array, a ragged tensor or a structure of these."""

    x: Any
    y: Any
    weights: NDArray[Any] | None = None  # of the examples in the loss [n]

    @property
    def examples(self) -> int:
        """How many there are."""
        return int(tf.nest.flatten(self.x)[0].shape[0])

    def take(self, rows: Indices) -> Arrays:
        """Some of them, in this order."""
        def taken(array: Any) -> Any:
            return array[rows] if isinstance(array, np.ndarray) else tf.gather(array, rows)

        return Arrays(*(tf.nest.map_structure(taken, part) for part in self.parts))

    @property
    def parts(self) -> tuple[Any, ...]:
        """Inputs, targets, and weights if there are any."""
        return (self.x, self.y) if self.weights is None else (self.x, self.y, self.weights)


def arrays(given: Any, name: str) -> Arrays:
    """Examples in the form in which they are trained on.

    Args:
        given: inputs, targets and perhaps weights.
        name: what they are called in messages.

    Raises:
        InvalidField: for anything else, or if they do not belong together.
    """
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        problem = "must be (x, y), or (x, y, sample_weight)"
        raise InvalidField(name, problem, type(given).__name__)
    x, y = given[:2]
    made = Arrays(_structure(x, y, name, TEXTS), _structure(y, x, name, NUMBERS))
    lengths = {int(array.shape[0]) for array in tf.nest.flatten(made.parts)}
    if len(lengths) != 1 or not lengths.pop():
        shapes = [tuple(array.shape) for array in tf.nest.flatten(made.parts)]
        raise InvalidField(name, "must have as many targets as inputs, and at least one", shapes)
    if len(given) == 2 or given[2] is None:
        return made
    weights = _array(given[2], name, NUMBERS)
    if weights.shape not in ((made.examples,), (made.examples, 1)):
        problem = "must have one weight for each example"
        raise InvalidField(f"{name}: sample_weight", problem, weights.shape)
    return Arrays(made.x, made.y, weights.reshape(-1).astype(np.float32))


def _structure(given: Any, other: Any, name: str, kinds: str) -> Any:
    """One or several arrays; lists of arrays become tuples, as `tf.data` needs them."""
    if isinstance(given, Mapping):
        return {key: _array(value, name, kinds) for key, value in given.items()}
    if isinstance(given, tuple) or _is_several(given, other):
        return tuple(_array(value, name, kinds) for value in given)
    return _array(given, name, kinds)


def _is_several(given: Any, other: Any) -> bool:
    """Whether a list holds several arrays of all examples, not one array an example."""
    if not _holds_arrays(given):
        return False
    if isinstance(other, Mapping):
        other = next(iter(other.values()), ())
    elif isinstance(other, tuple) or _holds_arrays(other):
        other = other[0]
    return hasattr(other, "__len__") and len(given[0]) == len(other)


def _holds_arrays(given: Any) -> bool:
    return isinstance(given, list) and bool(given) and all(
        hasattr(one, "shape") and len(one.shape) for one in given
    )


def _array(given: Any, name: str, kinds: str) -> Any:
    """As a NumPy array; floats in float32, as Keras computes. Ragged tensors stay what they are."""
    if isinstance(given, tf.RaggedTensor):
        return given
    array = _texts(np.asarray(given))
    if array.dtype.kind not in kinds or not array.ndim:
        texts = "or texts " if kinds == TEXTS else ""
        problem = f"must hold arrays of numbers {texts}as {PARTS[kinds]}, the examples first"
        raise InvalidField(name, problem, f"{array.dtype} {array.shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InvalidField(name, "must hold finite numbers", "NaN or infinite ones")
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _texts(array: NDArray[Any]) -> NDArray[Any]:
    """Objects that are all texts as an array of texts; anything else as it is."""
    if array.dtype.kind != "O" or {type(one) for one in array.flat} not in ({str}, {bytes}):
        return array
    return np.array(array.tolist())


def held_out(whole: Arrays) -> tuple[Arrays, Arrays]:
    """The training and the validation part, stratified by a plain target.

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
