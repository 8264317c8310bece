"""The one-cycle policy: one wave over the whole training."""

from __future__ import annotations

import itertools
import math
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator

from lrdash.core.record import field
from lrdash.core.wording import setting
from lrdash.strategies.base import Horizon, Mark, Schedule
from lrdash.strategies.words import percent


def one_cycle(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float, *,
    pct_start: float, anneal_strategy: str, div_factor: float, final_div_factor: float,
    three_phase: bool,
) -> Any:
    """Up to the peak rate, down to far below the start, once over the whole training."""
    start, peak = base_lr / div_factor, pct_start * updates - 1
    corners = [(0.0, start), (peak, base_lr)]
    if three_phase:
        corners.append((2 * peak, start))
    corners.append((updates - 1.0, start / final_div_factor))
    rates = xp.full_like(t, base_lr)
    for (begin, before), (end, after) in reversed(list(itertools.pairwise(corners))):
        if end < 0 or end <= begin:  # holds no update
            continue
        left = xp.clip((end - t) / (end - begin), 0.0, 1.0)
        if anneal_strategy == "cos":
            left = (1.0 - xp.cos(math.pi * left)) / 2.0
        rates = xp.where(t <= end, after + (before - after) * left, rates)
    return rates


class OneCycle(Schedule):
    r"""Up to the peak, down to far below the start, once over the whole training.

    Its corners are base_lr / `div_factor` at update 0, base_lr at update `pct_start` * T - 1, with
    `three_phase` base_lr / `div_factor` again at 2 `pct_start` * T - 2, and base_lr / `div_factor`
    / `final_div_factor` at the last update T - 1. These are real numbers, not rounded. A phase that
    would end before update 0 or takes no time is left out: where `pct_start` * T is at most 1, the
    rate only falls.

    Reference: Smith and Topin 2017, Super-Convergence (arXiv 1708.07120);
    torch.optim.lr_scheduler.OneCycleLR.

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=1, updates=5)
    >>> cycle = OneCycle(pct_start=0.6, anneal_strategy="linear", div_factor=4, final_div_factor=1)
    >>> cycle.rates(horizon).tolist()
    [0.25, 0.625, 1.0, 0.625, 0.25]
    """

    id = "one_cycle"
    label = "One cycle"
    formula = r"\eta_t = b + (a - b)\frac{1 + \cos(\pi u)}{2},\quad u = \frac{t - t_a}{t_b - t_a}"
    symbols = (
        "eta_t: rate of update t; a, b: rates at the ends of its phase; t_a, t_b: updates of these "
        "ends; u: share of the phase done"
    )
    source = "Smith and Topin 2017, arXiv 1708.07120"
    when = "Use it when training has to be short and tolerates a high rate in the middle."
    colour = "sky"
    rate = staticmethod(one_cycle)

    pct_start: float = field(
        0.3, label="Peak after", unit="share of training", ge=0, le=1, step=0.05,
        help="Where the curve reaches its peak, as a share of training. At most 0.5 with three "
        "phases.",
    )
    anneal_strategy: Literal["cos", "linear"] = field(
        "cos", label="Shape", help="Half cosine waves or straight lines between the corners."
    )
    div_factor: float = field(
        25.0, label="Start divisor", ge=1, le=1e6, step=1,
        help="The curve starts at the peak rate divided by this.",
    )
    final_div_factor: float = field(
        1e4, label="End divisor", ge=1, le=1e9, step=100,
        help="The curve ends at its start divided by this.",
    )
    three_phase: bool = field(
        False, label="Three phases",
        help="The curve falls back to its start first, as fast as it rose, and from there to "
        "its end.",
    )

    @field_validator("three_phase")
    @classmethod
    def _fits(cls, three_phase: bool, info: ValidationInfo) -> bool:
        if three_phase and info.data.get("pct_start", 0.0) > 0.5:
            raise ValueError("needs pct_start of at most 0.5, so that up and down fit in")
        return three_phase

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        down = ", back down as fast," if self.three_phase else ""
        return (
            f"Raises the rate from 1/{setting(self.div_factor)} of the peak over "
            f"{percent(self.pct_start)} of training{down} and lowers it to 1/"
            f"{setting(self.div_factor * self.final_div_factor)} of the peak by the end."
        )

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:
        """The peak and, in three phases, the foot of the way down."""
        peak = self.pct_start * horizon.updates - 1
        marks = [Mark(update=round(peak), text=f"peak {setting(horizon.base_lr)}")]
        if self.three_phase:
            start = setting(horizon.base_lr / self.div_factor)
            marks.append(Mark(update=round(2 * peak), text=f"back at {start}"))
        return tuple(marks) if peak > 0 else ()
