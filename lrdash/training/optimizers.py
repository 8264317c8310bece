"""The optimizer of a spec."""

from __future__ import annotations

from typing import Any

import keras

from lrdash.core.spec import RunSpec


def optimizer_of(spec: RunSpec, learning_rate: Any) -> keras.optimizers.Optimizer:
    """A fresh Keras optimizer.

    Args:
        learning_rate: a float or a Keras `LearningRateSchedule`.
    """
    if spec.optimizer == "sgd":
        return keras.optimizers.SGD(
            learning_rate, momentum=spec.momentum, nesterov=spec.nesterov
        )
    if spec.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(learning_rate, momentum=spec.momentum)
    if spec.optimizer == "adam":
        return keras.optimizers.Adam(learning_rate)
    return keras.optimizers.AdamW(learning_rate, weight_decay=spec.weight_decay)
