"""The loss and metrics of a model that its caller did not compile, and targets for a loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lrdash.core.errors import InvalidField
from lrdash.training.own.arrays import Arrays
from lrdash.training.own.data import OwnData
from lrdash.training.own.explaining import explained
from lrdash.training.own.lanes import flat, loss_of

NOTE = (
    "The model is not compiled: trained with {loss}, since {reason}. Compile it, or give loss, to "
    "choose."
)


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What to compile with, and a note about it."""

    loss: Any
    metrics: tuple[str, ...] = ()
    note: str


def usual_loss(model: Any, data: OwnData) -> Usual:
    """Loss and metrics for a model that was not compiled, from its output and the targets.

    Raises:
        InvalidField: for several outputs or targets.
    """
    output, target = model(data.sample[0], training=False), _targets(data)
    if len(tf.nest.flatten(output)) != 1 or not isinstance(target, np.ndarray):
        problem = "must be given, or compiled into the model: it has several outputs or targets"
        raise InvalidField("loss", problem, None)
    units, column = output.shape[-1], target.ndim == 1 or target.shape[1:] == (1,)
    last = getattr(flat(model)[-1] if model.layers else None, "activation", None)
    sigmoid = last is keras.activations.sigmoid
    logits = not sigmoid and last is not keras.activations.softmax \
        and not _shares(np.asarray(output))
    if column and units > 1 and _whole(target):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
        return _usual(loss, "the targets are classes, and there are several outputs", "accuracy")
    fitting = target.shape[1:] == (units,) or (column and units == 1)
    binary = fitting and bool(np.isin(target, (0, 1)).all())
    if binary and sigmoid:
        loss, reason = keras.losses.BinaryCrossentropy(), "the targets are 0 or 1 behind a sigmoid"
        return _usual(loss, reason, "accuracy" if units == 1 else "binary_accuracy")
    if binary and units > 1 and np.all(target.sum(axis=1) == 1):
        loss = keras.losses.CategoricalCrossentropy(from_logits=logits)
        return _usual(loss, "each row of the targets has a single 1", "accuracy")
    return _usual(keras.losses.MeanSquaredError(), "the targets are read as numbers")


def check_labels(model: Any, data: OwnData, loss: Any) -> None:
    """Refuse labels that the model has no output for.

    Args:
        loss: as it was compiled with.

    Raises:
        InvalidField: for labels of a sparse categorical loss that are none of its classes.
    """
    known = loss_of(loss)
    if not isinstance(known, keras.losses.SparseCategoricalCrossentropy):
        return
    parts = [data.train, data.validation]
    targets = [part.y for part in parts if isinstance(part, Arrays)] + [data.sample[1]]
    with explained("build_model", "must build a model that takes the data"):
        outputs = tf.nest.flatten(model(data.sample[0], training=False))
    if len(outputs) != 1 or not all(isinstance(one, np.ndarray) for one in targets):
        return
    units = int(outputs[0].shape[-1])
    labels = np.unique(np.concatenate([np.ravel(one) for one in targets]))
    labels = labels[labels != known.ignore_class] if known.ignore_class is not None else labels
    if len(labels) and not 0 <= labels[0] <= labels[-1] < units:
        problem = (
            f"must have targets y that are classes from 0 to {units - 1}, since the model has "
            f"{units} outputs: count classes from 0, or give it more outputs"
        )
        span = f"labels from {labels[0]:g} to {labels[-1]:g}"
        raise InvalidField("data", problem, span)


def _usual(loss: Any, reason: str, *metrics: str) -> Usual:
    words = loss.name.replace("_", " ").replace("crossentropy", "cross-entropy")
    return Usual(loss=loss, metrics=metrics, note=NOTE.format(loss=words, reason=reason))


def _targets(data: OwnData) -> Any:
    """All that are in memory, else those of a first batch."""
    return data.train.y if isinstance(data.train, Arrays) else data.sample[1]


def _whole(target: NDArray[Any]) -> bool:
    """Whether they can be classes, be it written as floats."""
    return target.dtype.kind in "biu" or bool(np.all((target >= 0) & (target % 1 == 0)))


def _shares(output: NDArray[Any]) -> bool:
    """Whether each row is a distribution over several classes, whatever layer made it."""
    return output.shape[-1] > 1 and bool(np.all(output >= 0)) and \
        bool(np.allclose(output.sum(axis=-1), 1, atol=1e-4))
