"""Polynomial decay to the end of training."""

from __future__ import annotations

from typing import ClassVar

from lrdash.core.record import field
from lrdash.strategies.base import Horizon, KerasCode, Rates, Schedule
from lrdash.strategies.snippet import builtin, own
from lrdash.strategies.words import figure, level


class Polynomial(Schedule):
    r"""The rate falls along a power of the time that is left.

    $$\eta_t = (\eta_0 - \eta_e)\,(1 - t / T)^p + \eta_e$$

    with eta_t the rate of update t, eta_0 the peak rate, eta_e = `end_factor` * eta_0 the end
    rate, T the updates in all and p `power`. The end rate itself belongs to update T, which is
    never made: the last update still uses a little more.

    Reference: keras.optimizers.schedules.PolynomialDecay; power decay, arXiv 2602.06797.

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=1, updates=4)
    >>> Polynomial(power=2).rates(horizon).tolist()
    [1.0, 0.5625, 0.25, 0.0625]
    """

    id: ClassVar[str] = "polynomial"
    label: ClassVar[str] = "Polynomial decay"
    formula: ClassVar[str] = r"\eta_t = (\eta_0 - \eta_e)(1 - t/T)^p + \eta_e"
    symbols: ClassVar[str] = (
        "eta_t: rate of update t; eta_0: peak rate; eta_e: end rate, end factor times eta_0; "
        "T: updates in all; p: power"
    )
    source: ClassVar[str] = "Keras, optimizers.schedules.PolynomialDecay; arXiv 2602.06797"
    when: ClassVar[str] = (
        "Use it when the length of training is fixed and more time is wanted at low rates."
    )
    prefix: ClassVar[str] = "polynomial."

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
            f"the power {figure(self.power)}."
        )

    def rates(self, horizon: Horizon) -> Rates:
        """The rate of each update, float64 [T]."""
        return polynomial_rates(horizon, self.end_factor, self.power)

    def keras(self, horizon: Horizon) -> KerasCode:
        """Keras' PolynomialDecay; below power 1 the formula itself.

        Keras computes 1 - t / T in float32; below power 1 that error grows without bound
        towards the end, so there (T - t) / T is written instead.
        """
        if self.power >= 1:
            return polynomial_code(horizon, self.end_factor, self.power)
        body = """
            left = (self.updates - ops.minimum(step, self.updates)) / self.updates
            return (self.peak - self.end) * ops.power(left, self.power) + self.end
        """
        return own(
            "PolynomialOfTimeLeft", "(peak - end) * (1 - step / updates) ** power + end.", body,
            peak=horizon.base_lr, end=self.end_factor * horizon.base_lr,
            updates=horizon.updates, power=self.power,
        )


def polynomial_rates(horizon: Horizon, end_factor: float, power: float) -> Rates:
    """Rates of a polynomial decay, float64 [T]."""
    end = end_factor * horizon.base_lr
    left = (horizon.updates - horizon.time()) / horizon.updates
    return (horizon.base_lr - end) * left**power + end


def polynomial_code(horizon: Horizon, end_factor: float, power: float) -> KerasCode:
    """Keras' PolynomialDecay over the horizon."""
    return builtin(
        "PolynomialDecay", initial_learning_rate=horizon.base_lr, decay_steps=horizon.updates,
        end_learning_rate=end_factor * horizon.base_lr, power=power,
    )
