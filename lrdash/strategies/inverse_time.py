"""Inverse time decay, smooth or in steps."""

from __future__ import annotations

from typing import Any

from lrdash.core.record import field
from lrdash.core.wording import setting
from lrdash.strategies.base import Horizon, KerasCode
from lrdash.strategies.decay import Decay
from lrdash.strategies.snippet import builtin
from lrdash.strategies.words import every


def inverse_time(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float, *,
    decay_rate: float, decay_every: float, staircase: bool,
) -> Any:
    """The peak rate divided by 1 + decay_rate times the decays so far."""
    decays = t / max(1, round(decay_every * steps_per_epoch))
    if staircase:
        decays = xp.floor(decays)
    return base_lr / (1.0 + decay_rate * decays)


class InverseTime(Decay):
    r"""The rate falls like one over the time, fast at first and ever more slowly.

    The rate never reaches 0.

    Reference: keras.optimizers.schedules.InverseTimeDecay.

    >>> horizon = Horizon(base_lr=0.6, steps_per_epoch=1, updates=3)
    >>> InverseTime(decay_rate=1).rates(horizon).round(6).tolist()
    [0.6, 0.3, 0.2]
    """

    id = "inverse_time"
    label = "Inverse time decay"
    formula = r"\eta_t = \frac{\eta_0}{1 + r \, t/d}"
    source = "Keras, optimizers.schedules.InverseTimeDecay"
    when = "Use it when the length of training is unknown and the rate should never reach zero."
    colour = "olive"
    dash = "dash"
    rate = staticmethod(inverse_time)

    decay_rate: float = field(
        0.5, label="Decay rate", ge=0, le=1000, step=0.1,
        help="How steeply the curve falls at first. 1 halves it over the first stretch.",
    )

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        way = " in steps" if self.staircase else ""
        return (
            f"Divides the peak rate{way} by a number that starts at 1 and grows by "
            f"{setting(self.decay_rate)} {every(self.decay_every)}."
        )

    def keras(self, horizon: Horizon) -> KerasCode:
        """Keras' InverseTimeDecay."""
        return builtin(
            "InverseTimeDecay", initial_learning_rate=horizon.base_lr,
            decay_steps=horizon.steps(self.decay_every), decay_rate=self.decay_rate,
            staircase=self.staircase,
        )
