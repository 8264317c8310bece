"""Batches from a `tf.data.Dataset` or a `keras.utils.PyDataset`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lrdash.core.errors import InvalidField
from lrdash.training.own.explaining import explained

Stream = Any  # tf.data.Dataset or keras.utils.PyDataset


def is_stream(given: Any) -> bool:
    """Whether it gives batches."""
    return isinstance(given, tf.data.Dataset | keras.utils.PyDataset)


def kind_of(stream: Stream) -> str:
    """What it is, in words."""
    dataset = isinstance(stream, tf.data.Dataset)
    return "tf.data.Dataset" if dataset else "keras.utils.PyDataset"


def as_fed(given: Any) -> Any:
    """A leaf of a batch as models take it: an array of numbers, or any other tensor."""
    if isinstance(given, tf.RaggedTensor | tf.SparseTensor):
        return given
    array = np.asarray(given)
    return tf.constant(array) if array.dtype.kind in "OUS" else array


def first_batch(stream: Stream, name: str = "data") -> tuple[Any, ...]:
    """Inputs, targets and perhaps weights of the first batch, each leaf as `as_fed` gives it.

    Args:
        name: what it is called in messages.

    Raises:
        InvalidField: if there is none, or it is no batch.
    """
    if isinstance(stream, keras.utils.PyDataset):
        batch = None if stream.num_batches == 0 else stream[0]
    else:
        batch = next(iter(stream.take(1)), None)
    if batch is None:
        raise InvalidField(name, "must give batches each time they are read", "none")
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        raise InvalidField(name, "must give batches (x, y)", type(batch).__name__)
    given = tuple(batch[:2] if batch[-1] is None else batch)
    with explained(name, "must give batches of numbers or texts"):
        parts: tuple[Any, ...] = tf.nest.map_structure(as_fed, given)
    if not all(len(leaf.shape) for leaf in tf.nest.flatten(parts)):
        raise InvalidField(name, "must come in batches: call .batch(32)", "single examples")
    return parts


def check_like(stream: Stream, sample: tuple[Any, ...]) -> None:
    """Refuse validation data that do not come in batches like those of the training.

    Raises:
        InvalidField: if they are no batches, or single examples.
    """
    name = "validation data"
    pairs = zip(
        tf.nest.flatten(first_batch(stream, name)[:2]), tf.nest.flatten(sample[:2]), strict=False
    )
    if any(len(one.shape) < len(trained.shape) for one, trained in pairs):
        raise InvalidField(name, "must come in batches: call .batch(32)", "single examples")


def known_batches(stream: Stream) -> int | None:
    """How many batches it has; None without an end, -1 if unknown."""
    if isinstance(stream, keras.utils.PyDataset):
        return None if stream.num_batches is None else int(stream.num_batches)
    number = int(stream.cardinality().numpy())
    return None if number == tf.data.INFINITE_CARDINALITY else max(number, -1)


def steps_of(stream: Stream, wanted: int | None) -> int:
    """Updates an epoch; the batches of a dataset of unknown length are counted.

    Raises:
        InvalidField: if the number that is wanted cannot be, or one is needed.
    """
    if wanted is not None and (type(wanted) is not int or wanted < 1):
        raise InvalidField("steps_per_epoch", "must be a whole number of at least 1", wanted)
    known = known_batches(stream)
    if known is None:
        if wanted is None:
            raise InvalidField("steps_per_epoch", "must be given for data without an end", None)
        return wanted
    if known < 0:
        known = wanted or sum(1 for _ in stream)
    if wanted not in (None, known) and not isinstance(stream, tf.data.Dataset):
        problem = f"must be left out, or {known}: the batches that the data have"
        raise InvalidField("steps_per_epoch", problem, wanted)
    return wanted or known


def over(stream: Stream) -> None:
    """Call its hook at the end of an epoch."""
    if isinstance(stream, keras.utils.PyDataset):
        stream.on_epoch_end()


def same_values(first: Any, second: Any) -> bool:
    """Whether two structures of arrays and tensors hold the same."""
    one, other = (tf.nest.flatten(given, expand_composites=True) for given in (first, second))
    return len(one) == len(other) and all(
        np.array_equal(a, b) for a, b in zip(one, other, strict=True)
    )
