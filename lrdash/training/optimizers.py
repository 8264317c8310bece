"""The optimizer of a spec."""

from __future__ import annotations

from typing import Any

import keras

from lrdash.core.spec import RunSpec

SETTINGS: dict[str, tuple[type[Any], tuple[str, ...]]] = {  # by name: fields of a spec that it has
    "sgd": (keras.optimizers.SGD, ("momentum", "nesterov")),
    "rmsprop": (keras.optimizers.RMSprop, ("momentum",)),
    "adam": (keras.optimizers.Adam, ()),
    "adamw": (keras.optimizers.AdamW, ("weight_decay",)),
}


def optimizer_of(spec: RunSpec, learning_rate: Any) -> keras.optimizers.Optimizer:
    """A fresh Keras optimizer.

    Args:
        learning_rate: a float or a Keras `LearningRateSchedule`.
    """
    kind, names = SETTINGS[spec.optimizer]
    return kind(learning_rate, **{name: getattr(spec, name) for name in names})
