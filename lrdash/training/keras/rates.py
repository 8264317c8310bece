"""Setting the rates of a Keras optimizer, and reading them back."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lrdash.strategies.program import RateProgram


class RateTable(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A schedule that looks up the rate of each update in a table.

    Args:
        rates: rate of each update [updates]; taken as float32. Past the end the last one holds.
    """

    def __init__(self, rates: NDArray[np.floating[Any]]) -> None:
        self._rates = tf.constant(np.asarray(rates, np.float32))
        self._last = len(rates) - 1

    def __call__(self, step: Any) -> Any:
        """The rate of the update with this number, counted from 0."""
        return tf.gather(self._rates, tf.minimum(tf.cast(step, tf.int64), self._last))

    def get_config(self) -> dict[str, Any]:
        """The table as JSON types."""
        return {"rates": self._rates.numpy().tolist()}


def first_rate(program: RateProgram) -> float:
    """The rate of the first update, exact in float32."""
    return float(np.float32(program.rates(0)[0]))


def is_variable(model: keras.Model) -> bool:
    """Whether the optimizer's rate is set from outside, not looked up in a schedule."""
    # `learning_rate` gives a number for both. Loss scaling wraps the optimizer.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    return not isinstance(
        optimizer._learning_rate, keras.optimizers.schedules.LearningRateSchedule
    )


def set_rate(model: keras.Model, rate: float) -> None:
    """Make the optimizer use the rate, rounded to float32, from the next update on."""
    model.optimizer.learning_rate = float(np.float32(rate))


def rate_in_use(model: keras.Model) -> np.float32:
    """The rate that the optimizer uses for its next update."""
    return np.float32(tf.convert_to_tensor(model.optimizer.learning_rate).numpy())


def scheduler_of(program: RateProgram) -> keras.callbacks.LearningRateScheduler:
    """Keras' own callback, asking the program for the rate at the start of each epoch."""

    def schedule(epoch: int, _lr: float) -> float:
        return float(np.float32(program.rates(epoch)[0]))

    return keras.callbacks.LearningRateScheduler(schedule)
