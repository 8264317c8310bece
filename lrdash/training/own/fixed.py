"""Models that take batches of one size only: a fixed batch in `Input`, or layers with a state."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from lrdash.core.errors import InvalidField
from lrdash.training.own.data import OwnData
from lrdash.training.own.lanes import flat

ONLY = "the model takes batches of {size} only"


def check_batches(model: Any, data: OwnData) -> None:
    """Refuse data that do not come in the batches that a model takes.

    Raises:
        InvalidField: for another batch size, and arrays that leave a smaller batch at the end.
    """
    size = _fixed(model, data)
    if size is None:
        return
    only = ONLY.format(size=size)
    if data.batch_size != size:
        raise InvalidField("batch_size", f"must be {size}, since {only}", data.batch_size)
    if any(examples % size for examples in data.sizes):
        problem = (
            f"must have a multiple of {size} examples for training and for validation, since "
            f"{only}: give (x, y, x_val, y_val)"
        )
        raise InvalidField("data", problem, f"{data.sizes[0]} and {data.sizes[1]}")


def _fixed(model: Any, data: OwnData) -> int | None:
    """The only batch size that a model takes; None if it takes any."""
    sizes = [tensor.shape[0] for tensor in tf.nest.flatten(getattr(model, "inputs", None) or [])]
    stateful = any(getattr(layer, "stateful", False) for layer in flat(model))
    known = [size for size in sizes if size is not None]
    return known[0] if known else data.batch_size if stateful else None
