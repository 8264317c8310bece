"""The baseline: one rate from the first update to the last."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lrdash.strategies.base import Horizon, KerasCode, Rates, Schedule
from lrdash.strategies.snippet import number


class Constant(Schedule):
    r"""The same rate for every update.

    $$\eta_t = \eta_0$$

    with eta_t the rate of update t and eta_0 the peak rate. There is no edge to fall off.

    Reference: Robbins and Monro (1951) show why it cannot be the last word: a rate that never
    falls keeps the weights jittering around the minimum.

    >>> Constant().rates(Horizon(base_lr=0.1, steps_per_epoch=1, updates=3)).tolist()
    [0.1, 0.1, 0.1]
    """

    id: ClassVar[str] = "constant"
    label: ClassVar[str] = "Constant"
    formula: ClassVar[str] = r"\eta_t = \eta_0"
    symbols: ClassVar[str] = "eta_t: rate of update t; eta_0: peak rate"
    source: ClassVar[str] = "Robbins and Monro 1951, A Stochastic Approximation Method"
    when: ClassVar[str] = "Use it as the baseline that every other strategy has to beat."
    prefix: ClassVar[str] = "constant."

    def sentence(self) -> str:
        """What it does, in words."""
        return "Keeps the rate at its peak from the first update to the last."

    def rates(self, horizon: Horizon) -> Rates:
        """The rate of each update, float64 [T]."""
        return np.full(horizon.updates, horizon.base_lr, dtype=np.float64)

    def keras(self, horizon: Horizon) -> KerasCode:
        """A plain number."""
        return KerasCode(learning_rate=number(horizon.base_lr))
