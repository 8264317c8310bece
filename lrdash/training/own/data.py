"""The data that a caller gives: arrays, a `tf.data.Dataset` or a `keras.utils.PyDataset`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lrdash.datasets.split import Indices, part_sizes, quantile_bins, split_order
from lrdash.errors import InvalidField
from lrdash.training.pipeline import training_batches, validation_batches

FORMS = (
    "must be (x, y), (x, y, x_val, y_val), ((x, y), (x_val, y_val)), a tf.data.Dataset, a "
    "keras.utils.PyDataset, or a pair of these for training and validation"
)
LEAST = 10  # examples that can be parted into training and validation
FEW_SHARE = 10  # targets that each stand for so many examples or more, on average, are classes
HELD_OUT = "A fifth of the examples, the same in all runs, is held out for validation."
NO_VALIDATION = (
    "No validation data were given: val_loss is the loss on the training data after each epoch."
)
AS_THEY_COME = "Batches come as the {kind} gives them: their order is not lrdash's, nor its seed's."

Stream = Any  # tf.data.Dataset or keras.utils.PyDataset


@dataclass(frozen=True, eq=False)
class Arrays:
    """Examples in memory; x and y may each be an array or a structure of arrays."""

    x: Any
    y: Any

    @property
    def examples(self) -> int:
        """How many there are."""
        return len(tf.nest.flatten(self.x)[0])

    def take(self, rows: Indices) -> Arrays:
        """Some of them, in this order."""
        return Arrays(*(tf.nest.map_structure(lambda a: a[rows], part) for part in self.parts))

    @property
    def parts(self) -> tuple[Any, Any]:
        """Inputs and targets."""
        return self.x, self.y


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnData:
    """What a model is trained on and judged by."""

    train: Arrays | Stream
    validation: Arrays | Stream
    sample: tuple[Any, Any]  # inputs and targets of a few examples
    batch_size: int  # examples an update
    steps_per_epoch: int
    notes: tuple[str, ...] = field(default=())

    @property
    def in_memory(self) -> bool:
        """Whether both parts are arrays."""
        return isinstance(self.train, Arrays) and isinstance(self.validation, Arrays)

    @property
    def sizes(self) -> tuple[int, int]:
        """Training and validation examples; 0 where that is not known."""
        train, validation = (
            part.examples if isinstance(part, Arrays) else 0
            for part in (self.train, self.validation)
        )
        return train, validation

    @property
    def kind(self) -> str:
        """What the training part is, in words."""
        if isinstance(self.train, Arrays):
            return "arrays"
        dataset = isinstance(self.train, tf.data.Dataset)
        return "tf.data.Dataset" if dataset else "keras.utils.PyDataset"

    def digest(self) -> str:
        """Tells the examples from others, as far as they are in memory; 16 hexadecimal digits."""
        found = hashlib.sha256(self.kind.encode())
        for part in (self.train, self.validation):
            for array in tf.nest.flatten(part.parts) if isinstance(part, Arrays) else ():
                found.update(f"{array.dtype} {array.shape}".encode())
                found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()[:16]

    def fitting(self, *, epochs: int, seed: int) -> dict[str, Any]:
        """What `model.fit` is given: arrays in lrdash's order, others as they come."""
        train, validation, steps = self.train, self.validation, {}
        if isinstance(train, Arrays):
            train = training_batches(
                *train.parts, batch_size=self.batch_size, epochs=epochs, seed=seed
            )
            steps = {"steps_per_epoch": self.steps_per_epoch}
        elif isinstance(train, tf.data.Dataset) and self.steps_per_epoch != _known(train):
            train, steps = train.repeat(), {"steps_per_epoch": self.steps_per_epoch}
        elif _known(train) is None:
            steps = {"steps_per_epoch": self.steps_per_epoch}
        if isinstance(validation, Arrays):
            validation = validation_batches(*validation.parts, self.batch_size)
        elif _known(validation) is None:
            steps["validation_steps"] = self.steps_per_epoch
        return {"x": train, "validation_data": validation, **steps}


def own_data(given: Any, batch_size: int, steps_per_epoch: int | None = None) -> OwnData:
    """The data as engines take them.

    Args:
        given: in one of the forms of `FORMS`.
        batch_size: of arrays; others come in batches already.
        steps_per_epoch: updates an epoch, for batches without an end.

    Raises:
        InvalidField: for anything else, and for arrays that do not belong together.
    """
    train, validation, notes = _parts(given)
    if isinstance(train, Arrays):
        if steps_per_epoch is not None:
            problem = "must be left out for arrays: the batch size decides it"
            raise InvalidField("steps_per_epoch", problem, steps_per_epoch)
        if batch_size > train.examples:
            problem = f"must be at most {train.examples}, the training examples"
            raise InvalidField("batch_size", problem, batch_size)
        sample = train.take(np.arange(min(train.examples, 2 * batch_size, 64))).parts
        steps = -(-train.examples // batch_size)
    else:
        sample, steps = _first(train), _steps(train, steps_per_epoch)
        batch_size = len(tf.nest.flatten(sample[0])[0])
    made = OwnData(
        train=train, validation=validation, sample=sample, batch_size=batch_size,
        steps_per_epoch=steps, notes=notes,
    )
    if not isinstance(train, Arrays):
        return OwnData(**{**vars(made), "notes": (*notes, AS_THEY_COME.format(kind=made.kind))})
    return made


def _parts(given: Any) -> tuple[Any, Any, tuple[str, ...]]:
    """Training, validation, and what is to be said about them."""
    if _is_stream(given):
        return given, given, (NO_VALIDATION,)
    if not isinstance(given, tuple | list) or len(given) not in (2, 4):
        raise InvalidField("data", FORMS, type(given).__name__)
    if len(given) == 4:
        return _arrays(given[:2], "data"), _arrays(given[2:], "validation data"), ()
    first, second = given
    pair = all(_is_stream(part) or isinstance(part, tuple) for part in given)
    if pair:
        train, validation = (
            part if _is_stream(part) else _arrays(part, name)
            for part, name in ((first, "data"), (second, "validation data"))
        )
        return train, validation, ()
    whole = _arrays(given, "data")
    rows = _held_out(whole)
    return whole.take(rows[0]), whole.take(rows[1]), (HELD_OUT,)


def _is_stream(given: Any) -> bool:
    return isinstance(given, tf.data.Dataset | keras.utils.PyDataset)


def _arrays(given: Any, name: str) -> Arrays:
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise InvalidField(name, "must be a pair (x, y)", type(given).__name__)
    made = Arrays(*(_structure(part, name) for part in given))
    lengths = {len(array) for array in tf.nest.flatten(made.parts)}
    if len(lengths) != 1 or not lengths.pop():
        shapes = [array.shape for array in tf.nest.flatten(made.parts)]
        raise InvalidField(name, "must have as many targets as inputs, and at least one", shapes)
    return made


def _structure(given: Any, name: str) -> Any:
    if isinstance(given, Mapping):
        return {key: _array(value, name) for key, value in given.items()}
    if isinstance(given, tuple):
        return tuple(_array(value, name) for value in given)
    return _array(given, name)


def _array(given: Any, name: str) -> NDArray[Any]:
    """As NumPy has it; floats in float32, as Keras computes."""
    array = np.asarray(given)
    if array.dtype.kind not in "biuf" or not array.ndim:
        problem = "must hold arrays of numbers, the examples first"
        raise InvalidField(name, problem, f"{array.dtype} {array.shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InvalidField(name, "must hold finite numbers", "NaN or infinite ones")
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _held_out(whole: Arrays) -> tuple[Indices, Indices]:
    """Rows of the training and of the validation part: stratified by a plain target."""
    examples = whole.examples
    if examples < LEAST:
        problem = f"must have at least {LEAST} examples, or validation data of their own"
        raise InvalidField("data", problem, examples)
    y: NDArray[Any] = whole.y if isinstance(whole.y, np.ndarray) else np.zeros(examples)
    if y.ndim == 2 and y.shape[-1] > 1:
        y = y.argmax(axis=1)
    y = y.reshape(examples, -1)[:, 0]
    if len(np.unique(y)) * FEW_SHARE > examples:
        y = quantile_bins(y)
    train, validation = split_order(np.unique(y, return_inverse=True)[1])
    sizes = part_sizes(examples)
    return train[: sizes[0]], validation[: sizes[1]]


def _first(stream: Stream) -> tuple[Any, Any]:
    """The first batch, as arrays."""
    if isinstance(stream, keras.utils.PyDataset):
        if not stream.num_batches:
            raise InvalidField("data", "must have batches", 0)
        batch = stream[0]
    else:
        batch = next(iter(stream.take(1)), None)
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        raise InvalidField("data", "must give batches (x, y)", type(batch).__name__)
    as_array = tf.nest.map_structure(np.asarray, tuple(batch[:2]))
    if not np.ndim(tf.nest.flatten(as_array[0])[0]):
        raise InvalidField("data", "must come in batches: call .batch(32)", "single examples")
    return as_array[0], as_array[1]


def _known(stream: Stream) -> int | None:
    """How many batches it says to have; None without an end, -1 if it does not know."""
    if isinstance(stream, keras.utils.PyDataset):
        return None if stream.num_batches is None else int(stream.num_batches)
    number = int(stream.cardinality().numpy())
    return None if number == tf.data.INFINITE_CARDINALITY else max(number, -1)


def _steps(stream: Stream, wanted: int | None) -> int:
    """Updates an epoch; a dataset that does not know how many batches it has is counted."""
    if wanted is not None and (type(wanted) is not int or wanted < 1):
        raise InvalidField("steps_per_epoch", "must be a whole number of at least 1", wanted)
    known = _known(stream)
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
