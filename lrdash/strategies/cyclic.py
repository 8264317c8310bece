"""Cyclical learning rates: up and down in triangles."""

from __future__ import annotations

from typing import Any, Literal

from lrdash.core.record import field
from lrdash.core.wording import setting
from lrdash.strategies.base import Horizon, Mark, Schedule
from lrdash.strategies.words import MOST_MARKS, epochs, level


def cyclic(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float, *,
    half_cycle: float, min_factor: float, mode: str, gamma: float,
) -> Any:
    """Triangles between min_factor times the peak rate and the peak rate."""
    half = max(1, round(half_cycle * steps_per_epoch))  # updates
    low = min_factor * base_lr
    triangle = 1.0 - xp.abs(xp.mod(t, 2 * half) / half - 1.0)
    scale = 1.0
    if mode == "triangular2":
        scale = 0.5 ** xp.floor(t / (2 * half))
    elif mode == "exp_range":
        scale = gamma**t
    return low + (base_lr - low) * triangle * scale


class Cyclic(Schedule):
    r"""The rate goes up and down between a low and the peak.

    The scale g is 1 for `triangular`, 2^-i in cycle i (from 0) for `triangular2`, gamma^t for
    `exp_range`. Training starts at the low; the last cycle is cut off where training ends.

    Reference: Smith 2015, Cyclical Learning Rates for Training Neural Networks
    (arXiv 1506.01186); torch.optim.lr_scheduler.CyclicLR.

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=1, updates=6)
    >>> Cyclic(half_cycle=2, min_factor=0).rates(horizon).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """

    id = "cyclic"
    label = "Cyclical (triangles)"
    formula = (
        r"\eta_t = \eta_m + (\eta_0 - \eta_m)\, \Lambda(t)\, g(t),\quad "
        r"\Lambda(t) = 1 - \left|\frac{t \bmod 2h}{h} - 1\right|"
    )
    symbols = (
        "eta_t: rate of update t; eta_0: peak rate; eta_m: lowest rate; Lambda: triangle of "
        "height 1; h: half a cycle, in updates; g: 1, or halved each cycle, or gamma^t"
    )
    source = "Smith 2015, arXiv 1506.01186"
    when = "Use it when the best rate is unknown and the run should cycle through a range of rates."
    colour = "sky"
    dash = "dash"
    rate = staticmethod(cyclic)

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
        "every update; no effect in the other modes.",
    )

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        peaks = {
            "triangular": "always to the same peak",
            "triangular2": "each time half as high above the low",
            "exp_range": f"the height shrinking by {setting(self.gamma)} at every update",
        }[self.mode]
        return (
            f"Raises the rate from {level(self.min_factor)} and lowers it again, "
            f"{epochs(self.half_cycle)} each way, {peaks}."
        )

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:
        """The peaks and the turns at the bottom."""
        half = horizon.steps(self.half_cycle)
        updates = range(half, horizon.updates, half)[:MOST_MARKS]
        return tuple(
            Mark(update=update, text="low" if index % 2 else f"peak {index // 2 + 1}")
            for index, update in enumerate(updates)
        )
