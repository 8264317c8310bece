"""Logs as Keras and other programs write them, and models that write them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from lrdash.export.events import header, scalars

EPOCHS, STEPS = 3, 4
LATE = "The learning rates are approximate: Keras' TensorBoard callback reads the rate when an " \
    "epoch is over. Under a schedule, or after a cut by ReduceLROnPlateau, that is the rate of " \
    "the next epoch."


def events(*points: tuple[str, int, float], at: float = 100.0) -> bytes:
    return header(at) + b"".join(scalars({t: v}, s, at + s) for t, s, v in points)


def series(tag: str, *values: float, first: int = 0) -> list[tuple[str, int, float]]:
    """The points of a tag with consecutive steps."""
    return [(tag, step, value) for step, value in enumerate(values, start=first)]


def fitted(board: keras.callbacks.Callback, model: keras.Model, **how: Any) -> dict[str, Any]:
    x = np.random.default_rng(1).normal(size=(32, 4)).astype("float32")
    history = model.fit(x, x.sum(1), batch_size=8, verbose=0, callbacks=[board], **how)
    return dict(history.history)


def regression(start: float) -> keras.Model:
    layer = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(start))
    model = keras.Sequential([keras.Input((4,)), layer])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return model
