"""Cosine decay to the end of training."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lrdash.core.record import field
from lrdash.strategies.base import Horizon, KerasCode, Rates, Schedule
from lrdash.strategies.snippet import builtin
from lrdash.strategies.words import level


class Cosine(Schedule):
    r"""The rate falls along half a cosine wave: slow, fast, slow.

    $$\eta_t = \eta_0 \left(\alpha + (1 - \alpha)\,\frac{1 + \cos(\pi t / T)}{2}\right)$$

    with eta_t the rate of update t, eta_0 the peak rate, alpha the share of it at the end and T
    the updates in all. The end itself belongs to update T, which is never made.

    Reference: Loshchilov and Hutter 2016, SGDR (arXiv 1608.03983), equation 5.

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=1, updates=4)
    >>> Cosine().rates(horizon).round(6).tolist()
    [1.0, 0.853553, 0.5, 0.146447]
    """

    id: ClassVar[str] = "cosine"
    label: ClassVar[str] = "Cosine decay"
    formula: ClassVar[str] = (
        r"\eta_t = \eta_0 \left(\alpha + (1 - \alpha)\frac{1 + \cos(\pi t/T)}{2}\right)"
    )
    symbols: ClassVar[str] = (
        "eta_t: rate of update t; eta_0: peak rate; alpha: share of it at the end; "
        "T: updates in all"
    )
    source: ClassVar[str] = "Loshchilov and Hutter 2016, arXiv 1608.03983"
    when: ClassVar[str] = (
        "Use it when the length of training is fixed and time near the peak matters as much as "
        "time near zero."
    )
    prefix: ClassVar[str] = "cosine."

    alpha: float = field(
        0.0, label="End factor (alpha)", ge=0, le=1, step=0.01,
        help="Where the curve ends, as a share of the peak rate.",
    )

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        return f"Lets the rate fall along half a cosine wave to {level(self.alpha)} by the end."

    def rates(self, horizon: Horizon) -> Rates:
        """The rate of each update, float64 [T]."""
        wave = (1.0 + np.cos(np.pi * horizon.time() / horizon.updates)) / 2.0
        return horizon.base_lr * (self.alpha + (1.0 - self.alpha) * wave)

    def keras(self, horizon: Horizon) -> KerasCode:
        """Keras' CosineDecay; its decay_steps leave the warm-up out, like ours."""
        return builtin(
            "CosineDecay", initial_learning_rate=horizon.base_lr, decay_steps=horizon.updates,
            alpha=self.alpha,
        )
