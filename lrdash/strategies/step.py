"""Step decay: a drop after every so many epochs."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lrdash.core.record import field
from lrdash.strategies.base import Horizon, KerasCode, Mark, Rates, Schedule
from lrdash.strategies.exponential import exponential_code
from lrdash.strategies.multistep import piecewise_code
from lrdash.strategies.words import drops, every, figure

LONGEST_LIST = 24  # drops that are still written out one by one in Keras code


class Step(Schedule):
    r"""The rate drops by the same factor after every so many updates.

    $$\eta_t = \eta_0\, f^{\lfloor t / d \rfloor}$$

    with eta_t the rate of update t, eta_0 the peak rate, f `factor` and d `drop_every` in
    updates. Where training is shorter than d there is no drop.

    Reference: torch.optim.lr_scheduler.StepLR.

    >>> horizon = Horizon(base_lr=0.4, steps_per_epoch=1, updates=5)
    >>> Step(drop_every=2, factor=0.5).rates(horizon).tolist()
    [0.4, 0.4, 0.2, 0.2, 0.1]
    """

    id: ClassVar[str] = "step"
    label: ClassVar[str] = "Step decay"
    formula: ClassVar[str] = r"\eta_t = \eta_0 \, f^{\lfloor t/d \rfloor}"
    symbols: ClassVar[str] = (
        "eta_t: rate of update t; eta_0: peak rate; f: factor; d: updates between two drops"
    )
    source: ClassVar[str] = "PyTorch, optim.lr_scheduler.StepLR"
    when: ClassVar[str] = (
        "Use it when drops are wanted that can be seen in the loss, at a regular pace."
    )
    prefix: ClassVar[str] = "step."

    drop_every: float = field(
        10.0, label="Drop every", unit="epochs", gt=0, le=10_000, step=1,
        help="Length of each stair of the curve. Shorter: more drops, a lower end.",
    )
    factor: float = field(
        0.5, label="Factor", gt=0, le=1, step=0.05,
        help="What the curve is multiplied by at each drop. Smaller: deeper drops.",
    )

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        return f"Multiplies the rate by {figure(self.factor)} after {every(self.drop_every)}."

    def rates(self, horizon: Horizon) -> Rates:
        """The rate of each update, float64 [T]."""
        count = np.floor(horizon.time() / horizon.steps(self.drop_every))
        return horizon.base_lr * self.factor**count

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:
        """The drops."""
        updates, rates = self._stairs(horizon)
        return drops(updates, rates)

    def keras(self, horizon: Horizon) -> KerasCode:
        """PiecewiseConstantDecay for a few drops, a staircase of ExponentialDecay for many."""
        updates, rates = self._stairs(horizon)
        if len(updates) > LONGEST_LIST:
            gap = horizon.steps(self.drop_every)
            return exponential_code(horizon, gap, self.factor, staircase=True)
        return piecewise_code(updates, rates)

    def _stairs(self, horizon: Horizon) -> tuple[list[int], list[float]]:
        gap = horizon.steps(self.drop_every)
        updates = list(range(gap, horizon.updates, gap))
        return updates, [horizon.base_lr * self.factor**k for k in range(len(updates) + 1)]
