"""Whether the rate of the compiled optimizer decides what the steps of a caller's own model do.

Two models that start alike train the same batch, each at another rate. What moved, and ended equal
to the bit, does not depend on the rate that strategies set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lrdash.core.errors import InvalidField
from lrdash.core.wording import listed, plural
from lrdash.training.determinism import deterministic
from lrdash.training.own.explaining import explained
from lrdash.training.own.optimizer import innermost

RATES = (1e-4, 1e-2)
MOST_BATCHES = 10  # until the first update; some models take several, and loss scaling skips some
TRAINABLE = "must make a model that can be trained on the data"
PACE = (
    "Its training steps do not make one update a batch: the rates are set for each batch, not for "
    "each update."
)
OTHERS = (
    "The strategies set the rate of the compiled optimizer only: {some} of {all} trainable weights "
    "({names}) are updated at {whose}."
)
NAMED = 3  # weights that a note names


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What a first training found out."""

    notes: tuple[str, ...] = ()
    by_batch: bool = False  # whether the updates are not one a batch


@dataclass(frozen=True, kw_only=True)
class _Trial:
    model: keras.Model
    batches: int
    updates: int  # that the compiled optimizer counted
    before: list[NDArray[Any]]  # the trainable weights
    after: list[NDArray[Any]]


@deterministic()
def effect_of(make: Callable[[float], keras.Model], batch: Any, seed: int) -> Effect:
    """Train a batch at two rates, and compare.

    Args:
        make: a fresh, compiled model at a rate.
        batch: inputs, targets and perhaps weights.

    Raises:
        InvalidField: if no weight depends on the rate, or nothing counts the updates.
    """
    with explained("build_model", TRAINABLE):
        slow, fast = (_tried(make, rate, batch, seed) for rate in RATES)
    names = [weight.path for weight in slow.model.trainable_variables]
    moved = [not np.array_equal(*pair) for pair in zip(slow.before, slow.after, strict=True)]
    ruled = [not np.array_equal(*pair) for pair in zip(slow.after, fast.after, strict=True)]
    free = [name for name, a, b in zip(names, moved, ruled, strict=True) if a and not b]
    _check(slow, moved=any(moved), ruled=any(ruled))
    notes = [_about(free, len(names), _by(slow.model))] if free else []
    scaled = innermost(slow.model.optimizer) is not slow.model.optimizer
    by_batch = slow.updates != slow.batches and not scaled
    return Effect(notes=(*notes, *([PACE] if by_batch else [])), by_batch=by_batch)


def _tried(
    make: Callable[[float], keras.Model], rate: float, batch: Any, seed: int
) -> _Trial:
    """A fresh model, trained until its optimizer makes an update."""
    keras.utils.set_random_seed(seed)
    model = make(rate)
    before = [np.array(weight) for weight in model.trainable_variables]
    data, batches, updates = tf.data.Dataset.from_tensors(batch), 0, 0
    while not updates and batches < MOST_BATCHES:
        model.fit(data, epochs=1, shuffle=False, verbose=0)
        batches, updates = batches + 1, int(np.asarray(model.optimizer.iterations))
    after = [np.array(weight) for weight in model.trainable_variables]
    return _Trial(model=model, batches=batches, updates=updates, before=before, after=after)


def _check(trial: _Trial, *, moved: bool, ruled: bool) -> None:
    """Refuse a model that trains without the rate."""
    by = _by(trial.model) or type(trial.model).__name__
    if not trial.updates and ruled:
        problem = "must have an optimizer that counts its updates in iterations"
        raise InvalidField("build_model", problem, type(trial.model.optimizer).__name__)
    if not trial.updates:
        problem = (
            "must make a model whose steps use self.optimizer, the one that it is compiled with: "
            f"it made no update in {plural(trial.batches, 'batch', 'batches')}, so the strategies "
            "would have no effect"
        )
        raise InvalidField("build_model", problem, by)
    if moved and not ruled:
        problem = (
            "must make a model that the rate of its compiled optimizer has an effect on: a batch "
            "trained at two rates leaves the same weights"
        )
        raise InvalidField("build_model", problem, by)


def _about(free: list[str], weights: int, by: str) -> str:
    """A note on the weights that the rate does not rule."""
    named = [*free[:NAMED], *([f"{len(free) - NAMED} more"] if len(free) > NAMED else [])]
    whose = f"the rate of another optimizer ({by})" if by else "a rate of their own"
    return OTHERS.format(some=len(free), all=weights, names=listed(named), whose=whose)


def _by(model: keras.Model) -> str:
    """The other optimizers among the attributes of a model, in words."""
    return ", ".join(
        f"{name}: {type(value).__name__}" for name, value in sorted(vars(model).items())
        if isinstance(value, keras.optimizers.Optimizer) and value is not model.optimizer
        and not name.startswith("_")
    )
