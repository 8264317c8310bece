"""Polynomial decay to the end of training."""

from __future__ import annotations

from typing import Any

from lrdash.core.record import field
from lrdash.core.wording import setting
from lrdash.strategies.base import Horizon, KerasCode, Schedule
from lrdash.strategies.snippet import builtin
from lrdash.strategies.words import level


def polynomial(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float, *,
    end_factor: float, power: float,
) -> Any:
    """A power of the time left, from the peak rate down to end_factor times it."""
    end = end_factor * base_lr
    left = (updates - t) / updates
    return (base_lr - end) * left**power + end


class Polynomial(Schedule):
    r"""The rate falls along a power of the time that is left.

    The end belongs to update T, after the end of training: the last update still uses a little
    more.

    Reference: keras.optimizers.schedules.PolynomialDecay; power decay, arXiv 2602.06797.

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=1, updates=4)
    >>> Polynomial(power=2).rates(horizon).tolist()
    [1.0, 0.5625, 0.25, 0.0625]
    """

    id = "polynomial"
    label = "Polynomial decay"
    formula = r"\eta_t = (\eta_0 - \eta_e)(1 - t/T)^p + \eta_e"
    symbols = (
        "eta_t: rate of update t; eta_0: peak rate; eta_e: end rate, end factor times eta_0; "
        "T: updates in all; p: power"
    )
    source = "Keras, optimizers.schedules.PolynomialDecay; arXiv 2602.06797"
    when = "Use it when the length of training is fixed and low rates should last longer."
    colour = "green"
    dash = "dash"
    rate = staticmethod(polynomial)

    end_factor: float = field(
        0.0, label="End factor", ge=0, le=1, step=0.01,
        help="Where the curve ends, as a share of the peak rate.",
    )
    power: float = field(
        2.0, label="Power", gt=0, le=10, step=0.5,
        help="Shape of the curve. 1: a straight line. Above: steep first, then long and low. "
        "Below: high for long, then steep.",
    )

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        return (
            f"Lets the rate fall to {level(self.end_factor)} by the end, along the time left to "
            f"the power {setting(self.power)}."
        )

    def keras(self, horizon: Horizon) -> KerasCode:
        """Keras' PolynomialDecay; below power 1 the formula's source.

        Keras computes 1 - t / T in float32; below power 1 that error grows without bound
        towards the end.
        """
        if self.power < 1:
            return super().keras(horizon)
        return polynomial_code(horizon, self.end_factor, self.power)


def polynomial_code(horizon: Horizon, end_factor: float, power: float) -> KerasCode:
    """Keras' PolynomialDecay over the horizon."""
    return builtin(
        "PolynomialDecay", initial_learning_rate=horizon.base_lr, decay_steps=horizon.updates,
        end_learning_rate=end_factor * horizon.base_lr, power=power,
    )
