"""Examples as `tf.data`: batches gathered from tensors, in lrdash's own order."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lrdash.planning.grouping import VALIDATION_BATCH
from lrdash.training.batches import epoch_order


def training_batches(
    *parts: Any, batch_size: int, epochs: int, seed: int, first: int = 0
) -> tf.data.Dataset:
    """The batches of all epochs in one stream; an epoch has ceil(n / batch_size) of them.

    Args:
        parts: inputs [n, ...], targets [n, ...], perhaps weights [n]; each an array, a ragged
            tensor or a structure of these.
        batch_size: examples per update.
        epochs: the last one, counted from 1.
        seed: of the run; decides the order.
        first: epoch to begin with, from 0.
    """
    def kept(part: Any) -> Any:
        return part if isinstance(part, tf.RaggedTensor) else tf.constant(part)

    held = tf.nest.map_structure(kept, parts)
    examples = int(tf.nest.flatten(held)[0].shape[0])

    def order(epoch: np.int64) -> NDArray[np.int64]:
        return epoch_order(seed, int(epoch), examples)

    def index_batches(epoch: tf.Tensor) -> tf.data.Dataset:
        permutation = tf.numpy_function(order, [epoch], tf.int64)
        permutation.set_shape([examples])
        return tf.data.Dataset.from_tensor_slices(permutation).batch(batch_size)

    def gather(indices: tf.Tensor) -> Any:
        return tf.nest.map_structure(lambda tensor: tf.gather(tensor, indices), held)

    return tf.data.Dataset.range(first, epochs).flat_map(index_batches).map(gather).prefetch(2)


def validation_batches(
    *parts: Any, batch_size: int, least: int = VALIDATION_BATCH
) -> tf.data.Dataset:
    """The validation examples in their order, in batches at least as large as the training's.

    Args:
        least: examples of a batch at least; a model of lrdash takes batches of any size.
    """
    size = max(batch_size, least)
    return tf.data.Dataset.from_tensor_slices(parts).batch(size).prefetch(2)
