"""The data that a caller gives: arrays, a `tf.data.Dataset` or a `keras.utils.PyDataset`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lrdash.core.errors import InvalidField
from lrdash.training.keras.pipeline import training_batches, validation_batches
from lrdash.training.own.arrays import Arrays, arrays, held_out
from lrdash.training.own.explaining import explained
from lrdash.training.own.streams import (
    Stream,
    as_fed,
    check_like,
    first_batch,
    is_stream,
    kind_of,
    known_batches,
    over,
    same_values,
    steps_of,
)

FORMS = (
    "must be (x, y), (x, y, sample_weight), (x, y, x_val, y_val), ((x, y), (x_val, y_val)), a "
    "tf.data.Dataset, a keras.utils.PyDataset, a pair of these for training and validation, or a "
    "function that returns one of all these"
)
HELD_OUT = "A fifth of the examples, the same in all runs, is held out for validation."
NO_VALIDATION = (
    "No validation data were given: val_loss is the loss on the training data after each epoch."
)
AS_THEY_COME = "Batches come as the {kind} gives them: their order is not lrdash's, nor its seed's."
MADE_EACH = "Batches come as the {kind} gives them; it is made again for each run, after its seed."
UNPAIRED = (
    "Runs of one seed do not see the same batches: the data shuffle themselves each time they are "
    "read. Give a function that returns the data: it is called for each run, after its seed is set."
)
UNPAIRED_EACH = (
    "Runs of one seed do not see the same batches: the data shuffle themselves with random numbers "
    "beyond the seed. Let the function make a new object at each call, without a generator or "
    "state from outside."
)

Read = Callable[[int], Any]  # seed to data, as `FORMS` has them


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnData:
    """What a model is trained and validated on."""

    train: Arrays | Stream
    validation: Arrays | Stream
    sample: tuple[Any, ...]  # one batch: inputs, targets and perhaps weights
    batch_size: int  # examples an update
    steps_per_epoch: int
    notes: tuple[str, ...] = field(default=())
    again: Read | None = None  # makes the batches of a run

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
        return "arrays" if isinstance(self.train, Arrays) else kind_of(self.train)

    def digest(self) -> str:
        """Identifies the examples, as far as they are in memory; 16 hexadecimal digits."""
        found = hashlib.sha256(self.kind.encode())
        for part in (self.train, self.validation):
            held = part.parts if isinstance(part, Arrays) else ()
            for tensor in tf.nest.flatten(held, expand_composites=True):
                array = np.asarray(tensor)
                found.update(f"{array.dtype} {array.shape}".encode())
                found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        return found.hexdigest()[:16]

    def fitting(self, *, epochs: int, seed: int) -> dict[str, Any]:
        """Arguments of `model.fit`: arrays in lrdash's order, batches as they come."""
        train, validation, steps = self.train, self.validation, {}
        if self.again is not None:
            train, validation, _ = _parts(self.again(seed))
        if isinstance(train, Arrays):
            train = training_batches(
                *train.parts, batch_size=self.batch_size, epochs=epochs, seed=seed
            )
            steps = {"steps_per_epoch": self.steps_per_epoch}
        elif isinstance(train, tf.data.Dataset) and self.steps_per_epoch != known_batches(train):
            train, steps = train.repeat(), {"steps_per_epoch": self.steps_per_epoch}
        elif known_batches(train) is None:
            steps = {"steps_per_epoch": self.steps_per_epoch}
        if isinstance(validation, Arrays):
            validation = validation_batches(*validation.parts, batch_size=self.batch_size, least=1)
        elif known_batches(validation) is None:
            steps["validation_steps"] = self.steps_per_epoch
        return {"x": train, "validation_data": validation, **steps}


def own_data(
    given: Any, batch_size: int, steps_per_epoch: int | None = None, seed: int = 0
) -> OwnData:
    """The data in the form that engines take.

    Args:
        given: in one of the forms of `FORMS`.
        batch_size: of arrays; others come in batches already.
        steps_per_epoch: updates an epoch, for batches without an end.
        seed: to check with whether batches repeat.

    Raises:
        InvalidField: for anything else, and for arrays that do not belong together.
    """
    again = _reader(given) if callable(given) and not is_stream(given) else None
    train, validation, notes = _parts(given if again is None else again(seed))
    if isinstance(train, Arrays):
        if steps_per_epoch is not None:
            problem = "must be left out for arrays: the batch size decides it"
            raise InvalidField("steps_per_epoch", problem, steps_per_epoch)
        if batch_size > train.examples:
            problem = f"must be at most {train.examples}, the training examples"
            raise InvalidField("batch_size", problem, batch_size)
        sample = tf.nest.map_structure(as_fed, train.take(np.arange(batch_size)).parts)
        steps = -(-train.examples // batch_size)
    else:
        sample, more = _sample(train, again, seed)
        steps, notes = steps_of(train, steps_per_epoch), (*notes, *more)
        batch_size = int(tf.nest.flatten(sample[0])[0].shape[0])
    if is_stream(validation) and validation is not train:
        check_like(validation, sample)
    in_memory = isinstance(train, Arrays) and isinstance(validation, Arrays)
    return OwnData(
        train=train, validation=validation, sample=sample, batch_size=batch_size,
        steps_per_epoch=steps, notes=notes, again=None if in_memory else again,
    )


def _reader(make: Callable[[], Any]) -> Read:
    """Calls a function of the caller after setting a seed."""
    def read(seed: int) -> Any:
        keras.utils.set_random_seed(seed)
        with explained("data", "must return the data when called"):
            return make()

    return read


def _sample(
    train: Stream, again: Read | None, seed: int
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The first batch of a run, and notes on those of the next run of its seed."""
    keras.utils.set_random_seed(seed)
    sample = first_batch(train)
    over(train)
    following = train if again is None else _parts(again(seed))[0]
    keras.utils.set_random_seed(seed)
    paired = same_values(sample, first_batch(following))
    if again is None:
        note, unpaired = AS_THEY_COME, UNPAIRED
    else:
        note, unpaired = MADE_EACH, UNPAIRED_EACH
    return sample, (note.format(kind=kind_of(train)), *(() if paired else (unpaired,)))


def _parts(given: Any) -> tuple[Any, Any, tuple[str, ...]]:
    """Training, validation, and notes on them."""
    if is_stream(given):
        return given, given, (NO_VALIDATION,)
    if not isinstance(given, tuple | list) or len(given) not in (2, 3, 4):
        raise InvalidField("data", FORMS, type(given).__name__)
    if len(given) == 4:
        return arrays(given[:2], "data"), arrays(given[2:], "validation data"), ()
    if len(given) == 2 and all(is_stream(part) or isinstance(part, tuple) for part in given):
        train, validation = (
            part if is_stream(part) else arrays(part, name)
            for part, name in zip(given, ("data", "validation data"), strict=True)
        )
        return train, validation, ()
    return *held_out(arrays(given, "data")), (HELD_OUT,)
