"""The update rules as pure functions, with the formulas, constants and order of Keras 3.15.

Keras' own optimizers keep their slots in variables and refuse `stateless_apply` on TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from lrdash.core.spec import RunSpec

Tensor = Any  # tf.Tensor
RHO = 0.9  # RMSprop: share of the mean square that is kept
BETA_1, BETA_2 = 0.9, 0.999  # Adam: shares of the mean and of the mean square that are kept
EPSILON = 1e-7  # RMSprop: inside the root; Adam: beside it
LEAST_ROOT = 1e-4  # below the root of EPSILON

# (gradient, slots, rate) to the slots after an update
Remember = Callable[[Tensor, Sequence[Tensor], Tensor], list[Tensor]]
# (gradient, slots after the update, rate, number of the update from 1, float32) to what is added
Move = Callable[[Tensor, Sequence[Tensor], Tensor, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How one weight tensor is updated: first it decays, then the slots change, then it moves."""

    slots: int  # tensors of the weight's shape that are remembered, 0 at the start
    remember: Remember
    move: Move
    decay: float = 0.0  # share of every weight, biases included, that is removed, times the rate

    def apply(
        self, weight: Tensor, gradient: Tensor, slots: Sequence[Tensor], rate: Tensor, step: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """The weight and its slots after an update."""
        if self.decay:
            weight -= weight * self.decay * rate
        after = self.remember(gradient, slots, rate)
        return weight + self.move(gradient, after, rate, step), after


def rule_of(spec: RunSpec) -> Rule:
    """The rule of the spec's optimizer.

    Reference: keras.optimizers.SGD, RMSprop, Adam and AdamW.
    """
    if spec.optimizer == "sgd":
        return _momentum(spec.momentum, spec.nesterov) if spec.momentum else _descent()
    if spec.optimizer == "rmsprop":
        return _rmsprop(spec.momentum)
    return _adam(spec.weight_decay if spec.optimizer == "adamw" else 0.0)


def _descent() -> Rule:
    return Rule(
        slots=0,
        remember=lambda _gradient, _slots, _rate: [],
        move=lambda gradient, _slots, rate, _step: -gradient * rate,
    )


def _momentum(momentum: float, nesterov: bool) -> Rule:
    def remember(gradient: Tensor, slots: Sequence[Tensor], rate: Tensor) -> list[Tensor]:
        return [slots[0] * momentum - gradient * rate]

    def move(gradient: Tensor, slots: Sequence[Tensor], rate: Tensor, _step: Tensor) -> Tensor:
        return slots[0] * momentum - gradient * rate if nesterov else slots[0]

    return Rule(slots=1, remember=remember, move=move)


def _rmsprop(momentum: float) -> Rule:
    def increment(gradient: Tensor, square: Tensor, rate: Tensor) -> Tensor:
        # The maximum changes no number; a bare a / sqrt(b) becomes a * rsqrt(b) in XLA, whose bits
        # depend on how many lanes there are.
        return rate * gradient / tf.maximum(tf.sqrt(square + EPSILON), LEAST_ROOT)

    def remember(gradient: Tensor, slots: Sequence[Tensor], rate: Tensor) -> list[Tensor]:
        square = RHO * slots[0] + (1 - RHO) * tf.square(gradient)
        if not momentum:
            return [square]
        return [square, momentum * slots[1] + increment(gradient, square, rate)]

    def move(gradient: Tensor, slots: Sequence[Tensor], rate: Tensor, _step: Tensor) -> Tensor:
        return -slots[1] if momentum else -increment(gradient, slots[0], rate)

    return Rule(slots=2 if momentum else 1, remember=remember, move=move)


def _adam(decay: float) -> Rule:
    def remember(gradient: Tensor, slots: Sequence[Tensor], _rate: Tensor) -> list[Tensor]:
        mean, square = slots
        return [
            mean + (gradient - mean) * (1 - BETA_1),
            square + (tf.square(gradient) - square) * (1 - BETA_2),
        ]

    def move(_gradient: Tensor, slots: Sequence[Tensor], rate: Tensor, step: Tensor) -> Tensor:
        alpha = rate * tf.sqrt(1 - tf.pow(BETA_2, step)) / (1 - tf.pow(BETA_1, step))
        return -(slots[0] * alpha) / (tf.sqrt(slots[1]) + EPSILON)

    return Rule(slots=2, remember=remember, move=move, decay=decay)
