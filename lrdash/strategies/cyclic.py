"""Cyclical learning rates: up and down in triangles."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np

from lrdash.core.record import field
from lrdash.strategies.base import Horizon, KerasCode, Mark, Rates, Schedule
from lrdash.strategies.snippet import own
from lrdash.strategies.words import MOST_MARKS, epochs, figure, level


class Cyclic(Schedule):
    r"""The rate goes up and down between a low and the peak.

    $$\eta_t = \eta_m + (\eta_0 - \eta_m)\, \Lambda(t)\, g(t), \quad
    \Lambda(t) = 1 - \left| \frac{t \bmod 2h}{h} - 1 \right|$$

    with eta_t the rate of update t, eta_0 the peak rate, eta_m = `min_factor` * eta_0 the low, h
    `half_cycle` in updates and g the scale: 1 for `triangular`, 2^-i in cycle i (from 0) for
    `triangular2`, gamma^t for `exp_range`. Training starts at the low; the last cycle is cut off
    where training ends.

    Reference: Smith 2015, Cyclical Learning Rates for Training Neural Networks
    (arXiv 1506.01186); torch.optim.lr_scheduler.CyclicLR.

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=1, updates=6)
    >>> Cyclic(half_cycle=2, min_factor=0).rates(horizon).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """

    id: ClassVar[str] = "cyclic"
    label: ClassVar[str] = "Cyclical (triangles)"
    formula: ClassVar[str] = (
        r"\eta_t = \eta_m + (\eta_0 - \eta_m)\, \Lambda(t)\, g(t),\quad "
        r"\Lambda(t) = 1 - \left|\frac{t \bmod 2h}{h} - 1\right|"
    )
    symbols: ClassVar[str] = (
        "eta_t: rate of update t; eta_0: peak rate; eta_m: lowest rate; Lambda: triangle of "
        "height 1; h: half a cycle, in updates; g: 1, or halved each cycle, or gamma^t"
    )
    source: ClassVar[str] = "Smith 2015, arXiv 1506.01186"
    when: ClassVar[str] = (
        "Use it when the best rate is not known and the run should sweep a range "
        "of rates again and again."
    )
    prefix: ClassVar[str] = "cyclic."

    half_cycle: float = field(
        4.0, label="Half cycle", unit="epochs", gt=0, le=10_000, step=1,
        help="Time from the low to the peak, and from there back. Longer: wider triangles.",
    )
    min_factor: float = field(
        0.1, label="Lowest rate", ge=0, le=1, step=0.05,
        help="Bottom of the triangles, as a share of the peak rate.",
    )
    mode: Literal["triangular", "triangular2", "exp_range"] = field(
        "triangular", label="Mode",
        help="triangular: all peaks alike. triangular2: each peak half as far above the low as "
        "the last. exp_range: peaks shrink by gamma at every update.",
    )
    gamma: float = field(
        1.0, label="Gamma", gt=0, le=1, step=0.001,
        help="In exp_range the height of the triangles above the low is multiplied by this at "
        "every update; without effect in the other modes.",
    )

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        peaks = {
            "triangular": "always to the same peak",
            "triangular2": "each time half as high above the low",
            "exp_range": f"the height shrinking by {figure(self.gamma)} at every update",
        }[self.mode]
        return (
            f"Raises the rate from {level(self.min_factor)} and lowers it again, "
            f"{epochs(self.half_cycle)} each way, {peaks}."
        )

    def rates(self, horizon: Horizon) -> Rates:
        """The rate of each update, float64 [T]."""
        half, time = horizon.steps(self.half_cycle), horizon.time()
        low = self.min_factor * horizon.base_lr
        triangle = 1.0 - np.abs(np.mod(time, 2 * half) / half - 1.0)
        return low + (horizon.base_lr - low) * triangle * self._scale(time, half)

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:
        """The peaks and the turns at the bottom."""
        half = horizon.steps(self.half_cycle)
        updates = range(half, horizon.updates, half)[:MOST_MARKS]
        return tuple(
            Mark(update=update, text="low" if index % 2 else f"peak {index // 2 + 1}")
            for index, update in enumerate(updates)
        )

    def keras(self, horizon: Horizon) -> KerasCode:
        """The formula written out; Keras has no such schedule."""
        height, extra = "self.peak - self.low", {}
        if self.mode == "triangular2":
            height = "(self.peak - self.low) * 0.5 ** ops.floor(step / (2 * self.half_cycle))"
        elif self.mode == "exp_range":
            height = "(self.peak - self.low) * ops.exp(self.log_gamma * step)"
            extra = {"log_gamma": math.log(self.gamma)}
        body = (
            "position = ops.mod(step, 2 * self.half_cycle) / self.half_cycle\n"
            f"height = {height}\n"
            "return self.low + height * (1.0 - ops.abs(position - 1.0))"
        )
        return own(
            "Cyclic", "Up from low to peak and down again, half_cycle updates each way.", body,
            peak=horizon.base_lr, low=self.min_factor * horizon.base_lr,
            half_cycle=horizon.steps(self.half_cycle), **extra,
        )

    def _scale(self, time: Rates, half: int) -> Rates | float:
        if self.mode == "triangular2":
            return 0.5 ** np.floor(time / (2 * half))
        return self.gamma**time if self.mode == "exp_range" else 1.0
