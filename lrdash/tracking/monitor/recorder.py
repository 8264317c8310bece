"""The rate that each update used, recorded at the one place where the optimizer reads it.

Keras' optimizers hand the rate of an update to `_backend_update_step`. A recorder writes it down
there: as part of the compiled step under TensorFlow, as a number under PyTorch. So no code of the
user runs more often, earlier or elsewhere: no schedule is called, no variable read between batches.
It counts updates, not batches and not `optimizer.iterations`, which a script may set.

Where that place cannot be reached (under JAX, whose steps are functions without side effects, and
where training was compiled before), a plain variable is read as each epoch begins, and only if
nothing is in sight that could change it before the epoch ends. Everything else is not known.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary, ref

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

Rates = NDArray[np.float32]
Write = Callable[[Any, Any], None]  # a rate, and the gradients of its update
NONE: Rates = np.empty(0, np.float32)
ROOM = 2**18  # updates of an epoch that can be recorded if its length is not known
PLACE = "_backend_update_step"

_recorders: WeakKeyDictionary[Any, Recorder] = WeakKeyDictionary()  # by optimizer


class Recorder:
    """The rates of one optimizer. Compiled steps keep writing to it in later fits, too.

    Args:
        optimizer: without wrappers.
        room: updates of an epoch that can be recorded.
    """

    def __init__(self, optimizer: Any, room: int) -> None:
        self._optimizer, self.room = ref(optimizer), room
        self._seen = 0  # updates that `taken` has given
        self._write, self._count, self._held = _memory(room)

    def start(self) -> None:
        """Record from now on; what was recorded before is not given."""
        optimizer = self._optimizer()
        self._seen = self._count()
        if optimizer is not None and self._write is not None:
            vars(optimizer)[PLACE] = _recording(type(optimizer), self._optimizer, self._write)

    def release(self) -> None:
        """Leave the optimizer as it was."""
        optimizer = self._optimizer()
        if optimizer is not None:
            vars(optimizer).pop(PLACE, None)

    def taken(self) -> Rates | None:
        """The rates since the last call, one an update; None if there were too many to hold."""
        count, first = self._count(), self._seen
        self._seen = count
        if count - first > self.room:
            return None
        return self._held()[np.arange(first, count) % self.room] if count > first else NONE


def recorder_of(optimizer: Any, steps: int | None) -> Recorder:
    """The recorder of an optimizer: the one that compiled steps may write to already, or a new one.

    Args:
        optimizer: without wrappers.
        steps: batches an epoch, if that is known; a step may make several updates.
    """
    found = _recorders.get(optimizer)
    if found is None:
        room = ROOM if steps is None else max(1024, 4 * steps)
        found = _recorders[optimizer] = Recorder(optimizer, room)
    return found


def innermost(optimizer: Any) -> Any:
    """The optimizer whose rate it is: without a wrapper for loss scales, the first of several."""
    while True:
        inner = getattr(optimizer, "inner_optimizer", None)
        several: Any = getattr(optimizer, "optimizers", None) or ()
        if inner is None and not several:
            return optimizer
        optimizer = several[0] if inner is None else inner


def variable_rate(optimizer: Any) -> float | None:
    """The rate that a plain variable holds now; None for everything else, which is not called."""
    held = getattr(optimizer, "_learning_rate", None)
    return float(ops.convert_to_numpy(held)) if isinstance(held, keras.Variable) else None


def only_epochs_change(model: Any, optimizer: Any, others: Sequence[Any]) -> bool:
    """Whether the rate that a variable holds as an epoch begins is that of all its updates.

    So it is if model and optimizer take their steps as Keras' own do, no callback acts at batches,
    and compiled training, if there is any, reads this very variable.

    Args:
        model: that is trained.
        optimizer: without wrappers.
        others: callbacks that act at batches and may change a rate.
    """
    own_step = any(
        not getattr(type(model), name).__module__.startswith("keras.")
        for name in ("train_step", "make_train_function") if hasattr(type(model), name)
    )
    own_rate = not type(optimizer).__module__.startswith("keras.")
    return not (own_step or own_rate or others) and _reads(model, optimizer._learning_rate)


def _reads(model: Any, rate: Any) -> bool:
    """Whether what TensorFlow has compiled of a model's training, if anything, reads a variable.

    Keras makes a closure of it, around the function that makes one step.
    """
    function = getattr(model, "train_function", None)
    if keras.backend.backend() != "tensorflow" or not inspect.isfunction(function):
        return True
    step = inspect.getclosurevars(function).nonlocals.get("one_step_on_data")
    traced = getattr(step, "__wrapped__", None)
    compiled: list[Any] = getattr(traced, "_list_all_concrete_functions", list)()
    return all(any(one is rate.value for one in part.variables) for part in compiled)


def _recording(kind: type[Any], held: Any, write: Write) -> Callable[..., Any]:
    """What replaces `_backend_update_step`: it records the rate, then does the same."""

    def update(gradients: Any, variables: Any, learning_rate: Any) -> Any:
        try:
            write(learning_rate, gradients)
        except Exception:  # a kind of training that the memory does not suit: it is not known then
            vars(held()).pop(PLACE, None)
        return getattr(kind, PLACE)(held(), gradients, variables, learning_rate)

    return update



def _memory(room: int) -> tuple[Write | None, Callable[[], int], Callable[[], Rates]]:
    """A ring of rates: what writes one, how many were written, and the ring itself."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return _tensorflow_memory(room)
    written: list[float] = []

    def write(rate: Any, _gradients: Any) -> None:
        written.append(float(ops.convert_to_numpy(rate)))

    def ring() -> Rates:
        last = np.arange(max(0, len(written) - room), len(written))
        held = np.empty(room, np.float32)
        held[last % room] = np.asarray(written, np.float32)[last]
        return held

    return (write if backend == "torch" else None), lambda: len(written), ring


def _tensorflow_memory(room: int) -> tuple[Write, Callable[[], int], Callable[[], Rates]]:
    """One variable, since each costs a compiled step some time: a count, then the bits of rates."""
    import tensorflow as tf

    with tf.init_scope():
        held = tf.Variable(tf.zeros([1 + room], tf.int32), trainable=False, name="lrdash_rates")

    def write(rate: Any, gradients: Any) -> None:
        # After the gradients: where the data end, a step begins that makes no update.
        with tf.control_dependencies(tf.nest.flatten(gradients, expand_composites=True)):
            number = tf.cast(tf.reshape(ops.convert_to_tensor(rate), ()), tf.float32)
            count = held[0]
            new = tf.stack([count + 1, tf.bitcast(number, tf.int32)])
            places = tf.stack([0, 1 + count % room])[:, None]
            held.assign(tf.tensor_scatter_nd_update(held, places, new))

    return write, lambda: int(held[0].numpy()), lambda: held.numpy()[1:].view(np.float32)
