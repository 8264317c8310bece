"""What `lrdash.Monitor` costs: the same fits with and without it, in turn, in one process.

The examples come from a `tf.data.Dataset` that is not tuned while it runs: with arrays, Keras makes
a pipeline that TensorFlow tunes, and the same epoch takes 0.7 s or 1.3 s, which hides the cost
of the monitor (measured with TensorFlow 2.21). Garbage is collected before each fit for the same
reason.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import numpy as np

from lrdash.bench.machine import own_home

UPDATES = 1000  # an epoch
EPOCHS = 5  # of each fit
BATCH = 32
INPUTS, CLASSES = 64, 10
LAYERS = (128, 64)


Seconds = tuple[float, float]  # on the clock, and of all processors


def watched(*, rate: str, pairs: int) -> list[tuple[Seconds, Seconds]]:
    """Seconds of a fit with and without the monitor, pair by pair; who is first alternates.

    The model is compiled and warm. The last writes of a watched fit are included.

    Args:
        rate: `variable` (ReduceLROnPlateau), `schedule`, or `batches` (a callback of the user's own
            sets a variable before each update).
        pairs: how many.
    """
    import keras
    import tensorflow as tf

    from lrdash.tracking.monitor import Monitor

    random = np.random.default_rng(0)
    x = random.normal(size=(UPDATES * BATCH, INPUTS)).astype(np.float32)
    y = random.integers(0, CLASSES, len(x))
    untuned = tf.data.Options()
    untuned.autotune.enabled = False
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH).with_options(untuned)
    model = keras.Sequential([
        keras.Input((INPUTS,)), *(keras.layers.Dense(n, activation="relu") for n in LAYERS),
        keras.layers.Dense(CLASSES, activation="softmax"),
    ])
    learning_rate: Any = 0.01
    if rate == "schedule":
        learning_rate = keras.optimizers.schedules.CosineDecay(0.01, 10 * UPDATES)
    model.compile(keras.optimizers.SGD(learning_rate), "sparse_categorical_crossentropy")

    class Own(keras.callbacks.Callback):  # type: ignore[misc]
        """Sets the rate before each update."""

        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
            self.model.optimizer.learning_rate = 0.01 / (1 + batch)

    kinds: dict[str, Callable[[], list[Any]]] = {
        "variable": lambda: [keras.callbacks.ReduceLROnPlateau(monitor="loss")],
        "schedule": list, "batches": lambda: [Own()],
    }
    others = kinds[rate]

    def fit(*more: Any, epochs: int = EPOCHS) -> Seconds:
        gc.collect()
        began, worked = perf_counter(), process_time()
        model.fit(data, epochs=epochs, verbose=0, callbacks=[*others(), *more])
        return perf_counter() - began, process_time() - worked

    with own_home():
        fit(Monitor("warm"), epochs=1)
        found = []
        for place in range(pairs):
            if place % 2:
                without, ours = fit(), fit(Monitor("bench"))
            else:
                ours, without = fit(Monitor("bench")), fit()
            found.append((ours, without))
        return found
