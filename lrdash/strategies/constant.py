"""The baseline: one rate from the first update to the last."""

from __future__ import annotations

from typing import Any

from lrdash.strategies.base import Horizon, KerasCode, Schedule
from lrdash.strategies.snippet import number


def constant(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float
) -> Any:
    """The peak rate for every update."""
    return xp.full_like(t, base_lr)


class Constant(Schedule):
    r"""The same rate for every update.

    Reference: Robbins and Monro (1951) show its limit: with a rate that never falls, the weights
    keep jittering around the minimum.

    >>> Constant().rates(Horizon(base_lr=0.1, steps_per_epoch=1, updates=3)).tolist()
    [0.1, 0.1, 0.1]
    """

    id = "constant"
    label = "Constant"
    formula = r"\eta_t = \eta_0"
    symbols = "eta_t: rate of update t; eta_0: peak rate"
    source = "Robbins and Monro 1951, A Stochastic Approximation Method"
    when = "Use it as the baseline that every other strategy has to beat."
    colour = "grey"
    rate = staticmethod(constant)

    def sentence(self) -> str:
        """What it does, in words."""
        return "Keeps the rate at its peak from the first update to the last."

    def keras(self, horizon: Horizon) -> KerasCode:
        """A plain number."""
        return KerasCode(learning_rate=number(horizon.base_lr))
