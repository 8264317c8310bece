"""The rate that each update used, read off an optimizer at next to no cost.

A schedule is a function of the optimizer's iterations, so its rates are computed when the epoch is
over, all at once. A variable can be changed by callbacks alone (or by a train step of the user's
own): between the epochs, or before and after a batch. It is read as each epoch begins and, only
where a callback is about that acts at batches, looked after before every batch as well: by real
reads at first, then, if these agree with what was seen to be assigned, by these notes, with a real
read now and then to compare them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from lrdash.tracking.monitor.assigned import Assigned

Rates = NDArray[np.float32]
PROBES = 3  # rates of an epoch for which a schedule is asked one by one as well
CLOSE = 1e-6  # relative
TRIAL = 64  # batches with real reads, after which notes are trusted or not
EVERY = 16  # batches between two real reads from then on


class Reader:
    """The rates of one optimizer, epoch by epoch.

    Args:
        optimizer: of the model; a wrapper's inner one is watched, the first of several.
        every_batch: whether something may change a variable at batches.
    """

    def __init__(self, optimizer: Any, *, every_batch: bool) -> None:
        self.optimizer, self.every_batch = innermost(optimizer), every_batch
        self._first = 0  # iterations at the start of the epoch
        self._places: list[int] = []  # batch in its epoch of each read
        self._read: list[Any] = []  # numbers, or tensors that hold them
        self._one = _reading(self.optimizer)
        self._notes: Assigned | None = None  # of what is assigned
        self._trusted: bool | None = None  # whether these are complete; None: not known yet
        self._compared: list[tuple[Any, Any]] = []  # notes and real reads of the same moment
        self._schedule: Any = None
        self._evaluate: Callable[[NDArray[np.int64]], Rates] | None = None  # of that schedule

    @property
    def scheduled(self) -> bool:
        """Whether the rate comes from a schedule."""
        return isinstance(
            self.optimizer._learning_rate, keras.optimizers.schedules.LearningRateSchedule
        )

    @property
    def now(self) -> float:
        """The rate of the next update."""
        return float(ops.convert_to_numpy(self.optimizer.learning_rate))

    def begin(self) -> None:
        """An epoch begins, and all who set a rate between the epochs have done so."""
        self._first = self._iterations()
        self._one = _reading(self.optimizer)
        self._places, self._read = [0], [self.now]
        if self.every_batch and self._notes is None and self._trusted is not False:
            rate = self.optimizer._learning_rate
            self._notes = Assigned(rate) if isinstance(rate, keras.Variable) else None

    def before_batch(self, batch: int) -> None:
        """The updates from this batch on are about to be made; only for `every_batch`."""
        noted = self._notes.value if self._notes else None
        if not self._trusted or noted is None or not batch % EVERY:
            value = self._one()
            if noted is not None:
                self._compared.append((noted, value))
                if self._trusted is None and len(self._compared) >= TRIAL:
                    self._compare()
        else:
            value = noted
        if batch:
            self._places.append(batch)
            self._read.append(value)
        else:
            self._read[0] = value

    def release(self) -> None:
        """Leave the optimizer as it was."""
        if self._notes is not None:
            self._notes.release()
            self._notes = None

    def _compare(self) -> None:
        """Trust notes that agree with the reads, and stop taking them if they do not."""
        pairs = [(np.float32(float(a)), np.float32(float(b))) for a, b in self._compared]
        self._compared, self._trusted = [], all(a == b for a, b in pairs)
        if not self._trusted:
            self.release()

    def end(self, batches: int | None = None) -> Rates:
        """The rates of the epoch that is over, one an update.

        Args:
            batches: how many there were, if Keras' own count cannot be relied upon.

        Returns:
            Float32 [updates]; empty if the optimizer made none.
        """
        count = self._iterations() - self._first
        if count <= 0 or batches == 0:  # it made no update
            return np.empty(0, np.float32)
        if batches is not None:
            count = min(count, batches)
            self._places = [place for place in self._places if place < batches]
            self._read = self._read[: len(self._places)]
        if self.scheduled:
            return self._of_schedule(np.arange(self._first, self._first + count))
        read = np.array([float(one) for one in self._read], np.float32)
        if self._trusted and self._compared:
            self._compare()
        if not self._places:  # called by hand, without the begin of an epoch
            return np.full(count, self.now, np.float32)
        if count < self._places[-1] + 1:  # a loop of the user's own that counts otherwise
            return read
        return np.repeat(read, np.diff([*self._places, count]))

    def _iterations(self) -> int:
        return int(ops.convert_to_numpy(self.optimizer._iterations))

    def _of_schedule(self, steps: NDArray[np.int64]) -> Rates:
        if not steps.size:
            return np.empty(0, np.float32)
        schedule = self.optimizer._learning_rate
        if self._evaluate is None or self._schedule is not schedule:
            self._evaluate, self._schedule = evaluator(schedule, steps), schedule
        return self._evaluate(steps)


def innermost(optimizer: Any) -> Any:
    """The optimizer whose rate it is: without a wrapper for loss scales, the first of several."""
    while True:
        inner = getattr(optimizer, "inner_optimizer", None)
        several: Any = getattr(optimizer, "optimizers", None) or ()
        if inner is None and not several:
            return optimizer
        optimizer = several[0] if inner is None else inner


def evaluator(schedule: Any, steps: NDArray[np.int64]) -> Callable[[NDArray[np.int64]], Rates]:
    """A function that gives a schedule's rates for many steps.

    One call with all of them at once if the schedule supports it (checked with single calls);
    else single calls, inside one graph where the backend is TensorFlow.
    """

    def at_once(asked: NDArray[np.int64]) -> Rates:
        found = np.asarray(ops.convert_to_numpy(schedule(_tensor(asked))), np.float32)
        return np.broadcast_to(found, asked.shape) if found.ndim == 0 else found

    def one_by_one(asked: NDArray[np.int64]) -> Rates:
        return np.array(
            [float(ops.convert_to_numpy(schedule(_tensor(step)))) for step in asked], np.float32
        )

    probes = steps[np.linspace(0, len(steps) - 1, PROBES).astype(int)]
    for found in (at_once, *_in_graph(schedule)):
        try:
            both = found(steps), found(probes), one_by_one(probes)
        except Exception:  # noqa: S112 (a schedule written for single steps may raise anything)
            continue
        if both[0].shape == steps.shape and np.allclose(both[1], both[2], rtol=CLOSE, atol=0):
            return found
    return one_by_one


def _in_graph(schedule: Any) -> list[Callable[[NDArray[np.int64]], Rates]]:
    if keras.backend.backend() != "tensorflow":
        return []
    import tensorflow as tf

    def each(steps: Any) -> Any:
        return tf.map_fn(
            lambda step: tf.cast(schedule(step), tf.float32), steps,
            fn_output_signature=tf.float32,
        )

    mapped = tf.function(each, reduce_retracing=True)
    return [lambda asked: np.asarray(mapped(_tensor(asked)), np.float32)]


def _tensor(steps: Any) -> Any:
    return ops.convert_to_tensor(np.asarray(steps, np.int32), dtype="int32")


def _reading(optimizer: Any) -> Callable[[], Any]:
    """What reads a variable, as cheaply as the backend allows: a tensor, looked at later."""
    rate = optimizer._learning_rate
    if keras.backend.backend() != "tensorflow" or not isinstance(rate, keras.Variable):
        return lambda: float(ops.convert_to_numpy(optimizer.learning_rate))
    import tensorflow as tf

    held = rate.value
    try:
        handle, dtype, read = held.handle, held.dtype, tf.raw_ops.ReadVariableOp
    except AttributeError:  # a variable spread over several devices
        return lambda: float(ops.convert_to_numpy(optimizer.learning_rate))
    return lambda: read(resource=handle, dtype=dtype)
