"""The update rules as pure functions, with the formulas, constants and order of Keras 3.15.

Keras' own optimizers keep their slots in variables and refuse `stateless_apply` on TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from lrdash.spec import RunSpec

Tensor = Any  # tf.Tensor
RHO = 0.9  # RMSprop: share of the mean square that is kept
BETA_1, BETA_2 = 0.9, 0.999  # Adam: shares of the mean and of the mean square that are kept
EPSILON = 1e-7  # RMSprop: inside the root; Adam: beside it

# (weight, gradient, slots, rate, step) to (weight, slots); step counts updates from 1, float32
Apply = Callable[[Tensor, Tensor, Sequence[Tensor], Tensor, Tensor], tuple[Tensor, list[Tensor]]]


@dataclass(frozen=True)
class Rule:
    """How one weight tensor is updated."""

    slots: int  # tensors of the weight's shape that are remembered, 0 at the start
    apply: Apply


def rule_of(spec: RunSpec) -> Rule:
    """The rule of the spec's optimizer.

    Reference: keras.optimizers.SGD, RMSprop, Adam and AdamW.
    """
    if spec.optimizer == "sgd":
        return _momentum(spec.momentum, spec.nesterov) if spec.momentum else Rule(0, _descend)
    if spec.optimizer == "rmsprop":
        return _rmsprop(spec.momentum)
    return _adam(spec.weight_decay if spec.optimizer == "adamw" else None)


def _descend(
    weight: Tensor, gradient: Tensor, slots: Sequence[Tensor], rate: Tensor, _step: Tensor
) -> tuple[Tensor, list[Tensor]]:
    return weight - gradient * rate, list(slots)


def _momentum(momentum: float, nesterov: bool) -> Rule:
    def apply(
        weight: Tensor, gradient: Tensor, slots: Sequence[Tensor], rate: Tensor, _step: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        pull = gradient * rate
        velocity = slots[0] * momentum - pull
        return weight + (velocity * momentum - pull if nesterov else velocity), [velocity]

    return Rule(1, apply)


def _rmsprop(momentum: float) -> Rule:
    def apply(
        weight: Tensor, gradient: Tensor, slots: Sequence[Tensor], rate: Tensor, _step: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        square = RHO * slots[0] + (1 - RHO) * tf.square(gradient)
        increment = rate * gradient / tf.sqrt(square + EPSILON)
        if not momentum:
            return weight - increment, [square]
        velocity = momentum * slots[1] + increment
        return weight - velocity, [square, velocity]

    return Rule(2 if momentum else 1, apply)


def _adam(weight_decay: float | None) -> Rule:
    def apply(
        weight: Tensor, gradient: Tensor, slots: Sequence[Tensor], rate: Tensor, step: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        alpha = rate * tf.sqrt(1 - tf.pow(BETA_2, step)) / (1 - tf.pow(BETA_1, step))
        if weight_decay is not None:  # before the update, and of every weight, biases included
            weight -= weight * weight_decay * rate
        mean, square = slots
        mean += (gradient - mean) * (1 - BETA_1)
        square += (tf.square(gradient) - square) * (1 - BETA_2)
        return weight - mean * alpha / (tf.sqrt(square) + EPSILON), [mean, square]

    return Rule(2, apply)
