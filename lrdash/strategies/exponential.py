"""Exponential decay, smooth or in steps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lrdash.core.record import field
from lrdash.core.wording import setting
from lrdash.strategies.base import Horizon, KerasCode
from lrdash.strategies.decay import Decay
from lrdash.strategies.snippet import builtin
from lrdash.strategies.words import every

COARSE = 2e-7  # share of the peak rate that float32 may cost before Keras' own class is avoided


def exponential(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float, *,
    decay_rate: float, decay_every: float, staircase: bool,
) -> Any:
    """The peak rate times decay_rate to the power of the decays so far."""
    decays = t / max(1, round(decay_every * steps_per_epoch))
    if staircase:
        decays = xp.floor(decays)
    return base_lr * decay_rate**decays


class Exponential(Decay):
    r"""The rate falls by the same factor in every stretch of time.

    After very many decays the rate underflows to 0, never below.

    Reference: keras.optimizers.schedules.ExponentialDecay.

    >>> halving = Exponential(decay_rate=0.5, decay_every=2)
    >>> horizon = Horizon(base_lr=0.4, steps_per_epoch=1, updates=5)
    >>> halving.rates(horizon)[::2].tolist()
    [0.4, 0.2, 0.1]
    """

    id = "exponential"
    label = "Exponential decay"
    formula = r"\eta_t = \eta_0 \, r^{t/d}"
    source = "Keras, optimizers.schedules.ExponentialDecay"
    when = "Use it for a smooth decay that does not depend on the length of training."
    colour = "olive"
    rate = staticmethod(exponential)

    decay_rate: float = field(
        0.9, label="Decay rate", gt=0, le=1, step=0.05,
        help="What the curve is multiplied by over each stretch. Nearer to 1: a flatter curve.",
    )

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        way = "in one drop" if self.staircase else "smoothly"
        return (
            f"Multiplies the rate by {setting(self.decay_rate)} over "
            f"{every(self.decay_every)}, {way}."
        )

    def keras(self, horizon: Horizon) -> KerasCode:
        """Keras' ExponentialDecay, or the formula's source where float32 is too coarse for it."""
        gap, rate = horizon.steps(self.decay_every), self.decay_rate
        return keras_decay(horizon, gap, rate, staircase=self.staircase) or super().keras(horizon)


def keras_decay(horizon: Horizon, gap: int, rate: float, *, staircase: bool) -> KerasCode | None:
    """Keras' ExponentialDecay of `base_lr * rate ** (t / gap)`; None where it is too coarse.

    Keras raises the float32 of `rate` to the power, so its rounding error grows with the number
    of decays: too far in long runs with a rate near 1.
    """
    rounding = abs(float(np.float32(rate)) / rate - 1.0)
    decays = horizon.updates / gap
    worst = min(decays, -1.0 / math.log(rate)) if rate < 1 else decays
    if rounding * worst * rate**worst > COARSE:
        return None
    return builtin(
        "ExponentialDecay", initial_learning_rate=horizon.base_lr, decay_steps=gap,
        decay_rate=rate, staircase=staircase,
    )
