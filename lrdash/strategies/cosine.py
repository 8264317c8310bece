"""Cosine decay to the end of training."""

from __future__ import annotations

import math
from typing import Any

from lrdash.core.record import field
from lrdash.strategies.base import Horizon, KerasCode, Schedule
from lrdash.strategies.snippet import builtin
from lrdash.strategies.words import level


def cosine(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float, *, alpha: float
) -> Any:
    """Half a cosine wave from the peak rate down to alpha times it."""
    wave = (1.0 + xp.cos(math.pi * t / updates)) / 2.0
    return base_lr * (alpha + (1.0 - alpha) * wave)


class Cosine(Schedule):
    r"""The rate falls along half a cosine wave: slow, fast, slow.

    The end belongs to update T, after the end of training.

    Reference: Loshchilov and Hutter 2016, SGDR (arXiv 1608.03983), equation 5.

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=1, updates=4)
    >>> Cosine().rates(horizon).round(6).tolist()
    [1.0, 0.853553, 0.5, 0.146447]
    """

    id = "cosine"
    label = "Cosine decay"
    formula = r"\eta_t = \eta_0 \left(\alpha + (1 - \alpha)\frac{1 + \cos(\pi t/T)}{2}\right)"
    symbols = (
        "eta_t: rate of update t; eta_0: peak rate; alpha: share of it at the end; "
        "T: updates in all"
    )
    source = "Loshchilov and Hutter 2016, arXiv 1608.03983"
    when = "Use it when the length of training is fixed and high rates matter as much as low ones."
    colour = "blue"
    rate = staticmethod(cosine)

    alpha: float = field(
        0.0, label="End factor (alpha)", ge=0, le=1, step=0.01,
        help="Where the curve ends, as a share of the peak rate.",
    )

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        return f"Lets the rate fall along half a cosine wave to {level(self.alpha)} by the end."

    def keras(self, horizon: Horizon) -> KerasCode:
        """Keras' CosineDecay; its decay_steps leave the warm-up out, like ours."""
        return builtin(
            "CosineDecay", initial_learning_rate=horizon.base_lr, decay_steps=horizon.updates,
            alpha=self.alpha,
        )
