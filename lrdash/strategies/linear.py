"""Linear decay to the end of training."""

from __future__ import annotations

from typing import Any

from lrdash.core.record import field
from lrdash.strategies.base import Horizon, KerasCode, Schedule
from lrdash.strategies.polynomial import polynomial_code
from lrdash.strategies.words import level


def linear(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float, *, end_factor: float
) -> Any:
    """A straight line from the peak rate down to end_factor times it."""
    end = end_factor * base_lr
    return (base_lr - end) * ((updates - t) / updates) + end


class Linear(Schedule):
    r"""The rate falls on a straight line.

    The end belongs to update T, after the end of training: with an end factor of 0 the last update
    still uses base_lr / T.

    Reference: Defazio et al. 2023, When, Why and How Much? Adaptive Learning Rate Scheduling by
    Refinement (arXiv 2310.07831); Bergsma et al. 2025, Straight to Zero (arXiv 2502.15938).

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=2, updates=4)
    >>> Linear().rates(horizon).tolist()
    [1.0, 0.75, 0.5, 0.25]
    """

    id = "linear"
    label = "Linear decay"
    formula = r"\eta_t = (\eta_0 - \eta_e)(1 - t/T) + \eta_e"
    symbols = (
        "eta_t: rate of update t; eta_0: peak rate; eta_e: end rate, end factor times eta_0; "
        "T: updates in all"
    )
    source = "arXiv 2310.07831; arXiv 2502.15938"
    when = (
        "Use it as the first choice when the length of training is fixed: the "
        "best-supported default."
    )
    colour = "green"
    rate = staticmethod(linear)

    end_factor: float = field(
        0.0, label="End factor", ge=0, le=1, step=0.01,
        help="Where the line ends, as a share of the peak rate.",
    )

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        return f"Lets the rate fall on a straight line to {level(self.end_factor)} by the end."

    def keras(self, horizon: Horizon) -> KerasCode:
        """Keras' PolynomialDecay with power 1."""
        return polynomial_code(horizon, self.end_factor, 1.0)
