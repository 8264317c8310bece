"""Cosine decay with warm restarts."""

from __future__ import annotations

import math
from typing import Any

from lrdash.core.record import field
from lrdash.core.wording import setting
from lrdash.strategies.base import Horizon, KerasCode, Mark, Schedule
from lrdash.strategies.snippet import builtin
from lrdash.strategies.words import MOST_MARKS, epochs, level

# Keras works out the cycle from float32 quotients and logarithms: beyond these limits the error
# may pass 1e-6 of the peak rate, or put a restart one update off.
KERAS_CYCLES = 8  # cycles of equal length
KERAS_UPDATES = 100_000  # updates, where each cycle is twice as long as the last


def restarts(updates: int, first_cycle: int, t_mul: float) -> list[float]:
    """Times of the cycles' beginnings, in updates, as real numbers."""
    starts, length = [0.0], float(first_cycle)
    while math.ceil(round(starts[-1] + length, 6)) < updates:
        starts.append(round(starts[-1] + length, 6))  # 21.000000000000004 is meant to be 21
        length *= t_mul
    return starts


def cosine_restarts(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float, *,
    first_cycle: float, t_mul: float, m_mul: float, alpha: float,
) -> Any:
    """Cosine waves down to alpha, each t_mul as long and m_mul as high as the last."""
    first = max(1, round(first_cycle * steps_per_epoch))
    starts = xp.array(restarts(updates, first, t_mul))
    cycle = xp.searchsorted(starts, t, side="right") - 1
    power = 1.0 * cycle
    length = first * t_mul**power
    wave = m_mul**power * (1.0 + xp.cos(math.pi * (t - starts[cycle]) / length)) / 2.0
    return base_lr * (alpha + (1.0 - alpha) * wave)


class CosineRestarts(Schedule):
    r"""Cosine decay that starts again and again, each cycle longer or lower than the last.

    Cycle lengths are not rounded; a restart takes effect at the first update at or after its time.
    The last cycle is cut off where training ends.

    Reference: Loshchilov and Hutter 2016, SGDR (arXiv 1608.03983);
    keras.optimizers.schedules.CosineDecayRestarts.

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=1, updates=6)
    >>> CosineRestarts(first_cycle=2, t_mul=1).rates(horizon).round(6).tolist()
    [1.0, 0.5, 1.0, 0.5, 1.0, 0.5]
    """

    id = "cosine_restarts"
    label = "Cosine with warm restarts"
    formula = (
        r"\eta_t = \eta_0 \left(\alpha + (1 - \alpha)\, m^i\, \frac{1 + \cos(\pi u)}{2}\right),"
        r"\quad u = \frac{t - s_i}{c \, k^i}"
    )
    symbols = (
        "eta_t: rate of update t; eta_0: peak rate; alpha: share of it at the bottom; "
        "i: restarts so far; s_i: update of restart i; c: first cycle, in updates; "
        "k: length factor; m: peak factor"
    )
    source = "Loshchilov and Hutter 2016, arXiv 1608.03983"
    when = (
        "Use it when the end of training is open, or when you want several good snapshots on the "
        "way."
    )
    colour = "blue"
    dash = "dash"
    rate = staticmethod(cosine_restarts)

    first_cycle: float = field(
        10.0, label="First cycle", unit="epochs", gt=0, le=10_000, step=1,
        help="Length of the first wave. The curve jumps back up at its end.",
    )
    t_mul: float = field(
        2.0, label="Length factor", ge=1, le=10, step=0.5,
        help="How much longer each wave is than the one before. 1: all alike.",
    )
    m_mul: float = field(
        1.0, label="Peak factor", gt=0, le=1, step=0.05,
        help="What the peak is multiplied by at each restart. Below 1 the waves get lower.",
    )
    alpha: float = field(
        0.0, label="End factor (alpha)", ge=0, le=1, step=0.01,
        help="Bottom of every wave, as a share of the peak rate.",
    )

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        longer = f", each {setting(self.t_mul)} times as long as the last" if self.t_mul > 1 else ""
        lower = f", each peak {setting(self.m_mul)} times the last" if self.m_mul < 1 else ""
        return (
            f"Repeats a cosine decay to {level(self.alpha)}, first over "
            f"{epochs(self.first_cycle)}{longer}{lower}."
        )

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:
        """The restarts."""
        starts = self._starts(horizon)[1 : MOST_MARKS + 1]
        return tuple(
            Mark(
                update=math.ceil(start),
                text=f"restart {index} at {setting(self._peak(horizon, index))}",
            )
            for index, start in enumerate(starts, start=1)
        )

    def keras(self, horizon: Horizon) -> KerasCode:
        """Keras' CosineDecayRestarts where float32 allows it, else the formula's source."""
        cycles = len(self._starts(horizon))
        if (self.t_mul == 1 and cycles <= KERAS_CYCLES) or cycles == 1 or (
            self.t_mul == 2 and horizon.updates <= KERAS_UPDATES
        ):
            return builtin(
                "CosineDecayRestarts", initial_learning_rate=horizon.base_lr,
                first_decay_steps=horizon.steps(self.first_cycle), t_mul=self.t_mul,
                m_mul=self.m_mul, alpha=self.alpha,
            )
        return super().keras(horizon)

    def _starts(self, horizon: Horizon) -> list[float]:
        return restarts(horizon.updates, horizon.steps(self.first_cycle), self.t_mul)

    def _peak(self, horizon: Horizon, cycle: int) -> float:
        return horizon.base_lr * (self.alpha + (1.0 - self.alpha) * self.m_mul**cycle)
