"""The one-cycle policy: one wave over the whole training."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import ValidationInfo, field_validator

from lrdash.core.record import field
from lrdash.strategies.base import Horizon, KerasCode, Mark, Rates, Schedule
from lrdash.strategies.snippet import own
from lrdash.strategies.words import figure, percent


class OneCycle(Schedule):
    r"""Up to the peak, down to far below the start, once over the whole training.

    $$\eta_t = b + (a - b)\,\frac{1 + \cos(\pi u)}{2}, \quad u = \frac{t - t_a}{t_b - t_a}$$

    with eta_t the rate of update t, a and b the rates at the ends t_a and t_b of the phase that t
    is in (linear: a + (b - a) u). The phases run between eta_0 / `div_factor` at update 0, the
    peak eta_0 at update `pct_start` * T - 1, with `three_phase` eta_0 / `div_factor` again at
    2 `pct_start` * T - 2, and eta_0 / `div_factor` / `final_div_factor` at the last update T - 1;
    these are real numbers, not rounded. A phase that would end before update 0 or last no time is
    left out: where `pct_start` * T is 1 or below there is no way up.

    Reference: Smith and Topin 2017, Super-Convergence (arXiv 1708.07120);
    torch.optim.lr_scheduler.OneCycleLR.

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=1, updates=5)
    >>> cycle = OneCycle(pct_start=0.6, anneal_strategy="linear", div_factor=4, final_div_factor=1)
    >>> cycle.rates(horizon).tolist()
    [0.25, 0.625, 1.0, 0.625, 0.25]
    """

    id: ClassVar[str] = "one_cycle"
    label: ClassVar[str] = "One cycle"
    formula: ClassVar[str] = (
        r"\eta_t = b + (a - b)\frac{1 + \cos(\pi u)}{2},\quad u = \frac{t - t_a}{t_b - t_a}"
    )
    symbols: ClassVar[str] = (
        "eta_t: rate of update t; a, b: rates at the ends of its phase; t_a, t_b: updates of these "
        "ends; u: share of the phase done"
    )
    source: ClassVar[str] = "Smith and Topin 2017, arXiv 1708.07120"
    when: ClassVar[str] = (
        "Use it when training has to be short and can bear a high rate in the middle."
    )
    prefix: ClassVar[str] = "one_cycle."

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
            f"Raises the rate from 1/{figure(self.div_factor)} of the peak over "
            f"{percent(self.pct_start)} of training{down} and lowers it to 1/"
            f"{figure(self.div_factor * self.final_div_factor)} of the peak by the end."
        )

    def rates(self, horizon: Horizon) -> Rates:
        """The rate of each update, float64 [T]."""
        time = horizon.time()
        rates = np.empty_like(time)
        begin = 0
        for phase in self._phases(horizon):
            stop = min(max(begin, math.floor(phase.end) + 1), horizon.updates)
            left = (phase.end - time[begin:stop]) / phase.length
            if self.anneal_strategy == "cos":
                left = (1.0 - np.cos(np.pi * left)) / 2.0
            rates[begin:stop] = phase.after + (phase.before - phase.after) * left
            begin = stop
        return rates

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:
        """The peak and, in three phases, the foot of the way down."""
        peak = self.pct_start * horizon.updates - 1
        marks = [Mark(update=round(peak), text=f"peak {figure(horizon.base_lr)}")]
        if self.three_phase:
            start = figure(horizon.base_lr / self.div_factor)
            marks.append(Mark(update=round(2 * peak), text=f"back at {start}"))
        return tuple(marks) if peak > 0 else ()

    def keras(self, horizon: Horizon) -> KerasCode:
        """The formula written out; Keras has no such schedule."""
        wave = "\n    left = (1.0 - ops.cos(math.pi * left)) / 2.0"
        body = (
            "step = ops.minimum(step, self.phases[-1][0])\n"
            "rate = 0.0\n"
            "for end, length, before, after in reversed(self.phases):\n"
            "    left = (end - step) / length" + (wave if self.anneal_strategy == "cos" else "") +
            "\n    rate = ops.where(step <= end, after + (before - after) * left, rate)\n"
            "return rate"
        )
        phases = [[p.end, p.length, p.before, p.after] for p in self._phases(horizon)]
        return own("OneCycle", "Phases: last update, length, rate before, rate after.", body,
                   phases=phases)

    def _phases(self, horizon: Horizon) -> list[_Phase]:
        """The phases that hold an update, in their order; at least one."""
        peak, start = self.pct_start * horizon.updates - 1, horizon.base_lr / self.div_factor
        corners = [(0.0, start), (peak, horizon.base_lr)]
        if self.three_phase:
            corners.append((2 * peak, start))
        corners.append((horizon.updates - 1.0, start / self.final_div_factor))
        phases = [
            _Phase(end=end, length=end - begin, before=before, after=after)
            for (begin, before), (end, after) in itertools.pairwise(corners)
            if end >= 0 and end > begin
        ]
        flat = _Phase(end=0.0, length=1.0, before=horizon.base_lr, after=horizon.base_lr)
        return phases or [flat]


@dataclass(frozen=True, kw_only=True)
class _Phase:
    end: float  # update of its end, a real number
    length: float  # updates, above 0
    before: float  # rate at its beginning
    after: float  # rate at its end
