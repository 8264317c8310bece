"""Examples and targets as tensors, made once for all programs that use them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lrdash.planning.grouping import VALIDATION_BATCH
from lrdash.planning.plan import Plan
from lrdash.training.losses import targets_of

Tensor = Any  # tf.Tensor
KEPT = 3  # data sets; at full size one takes up to 0.6 GB


@dataclass(frozen=True, eq=False)
class Placed:
    """What a program reads. The validation examples are padded to whole blocks."""

    x: Tensor  # [train, ...]
    y: Tensor  # [train, ...]
    x_val: Tensor  # [blocks * block, ...]
    y_val: Tensor  # [blocks * block, ...]
    examples: int  # of training
    validated: int  # validation examples, without the padding
    block: int  # validation examples at a time


_placed: OrderedDict[tuple[Any, ...], Placed] = OrderedDict()


def placed(plan: Plan) -> Placed:
    """The tensors of a plan's dataset, kept for the next program; main thread only."""
    spec = plan.spec
    smooth, most = spec.label_smoothing > 0, max(spec.batch_size, VALIDATION_BATCH)
    token = spec.facts.token if spec.facts else ""
    key = (spec.dataset, spec.examples, plan.loss, smooth, most, token)
    if key not in _placed:
        _placed[key] = _place(plan, most)
    _placed.move_to_end(key)
    while len(_placed) > KEPT:
        _placed.popitem(last=False)
    return _placed[key]


def forget(token: str) -> None:
    """Forget the data of a script."""
    for key in [key for key in _placed if key[-1] == token]:
        del _placed[key]


def still_placed(data: Placed) -> bool:
    """Whether the tensors are among those kept."""
    return any(data is kept for kept in _placed.values())


def _place(plan: Plan, most: int) -> Placed:
    spec, shape = plan.spec, plan.dataset.shape
    split = plan.dataset.load(spec.examples)
    train, validation = split.y_train, split.y_val
    if not spec.facts:  # else they are in the form that the loss needs
        train, validation = (
            targets_of(labels, spec, plan.loss, shape) for labels in (train, validation)
        )
    validated = len(split.x_val)
    blocks = -(-validated // most)
    block = -(-validated // blocks)
    return Placed(
        x=tf.constant(split.x_train), y=tf.constant(train),
        x_val=tf.constant(_padded(split.x_val, blocks * block)),
        y_val=tf.constant(_padded(validation, blocks * block)),
        examples=len(split.x_train), validated=validated, block=block,
    )


def _padded(rows: NDArray[Any], length: int) -> NDArray[Any]:
    return np.concatenate([rows, np.repeat(rows[:1], length - len(rows), axis=0)])
