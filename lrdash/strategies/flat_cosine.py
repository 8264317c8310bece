"""Flat, then cosine decay."""

from __future__ import annotations

import math
from typing import Any

from lrdash.core.record import field
from lrdash.strategies.base import Horizon, Mark, Schedule
from lrdash.strategies.words import level, percent


def flat_cosine(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float, *,
    pct_start: float, end_factor: float,
) -> Any:
    """The peak rate up to pct_start, then half a cosine wave down."""
    if pct_start == 1:
        return xp.full_like(t, base_lr)
    start = pct_start * updates
    done = xp.maximum(0.0, (t - start) / (updates - start))
    end = end_factor * base_lr
    return end + (base_lr - end) * (1.0 + xp.cos(math.pi * done)) / 2.0


class FlatCosine(Schedule):
    r"""The peak rate for most of training, then half a cosine wave down.

    The end belongs to update T, after the end of training. With a `pct_start` of 1 the rate never
    falls.

    Reference: fastai, Learner.fit_flat_cos (docs.fast.ai/callback.schedule.html).

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=1, updates=4)
    >>> FlatCosine(pct_start=0.5, end_factor=0).rates(horizon).round(6).tolist()
    [1.0, 1.0, 1.0, 0.5]
    """

    id = "flat_cosine"
    label = "Flat, then cosine"
    formula = (
        r"\eta_t = \eta_e + (\eta_0 - \eta_e)\frac{1 + \cos(\pi u)}{2},\quad "
        r"u = \max\left(0, \frac{t - sT}{T - sT}\right)"
    )
    symbols = (
        "eta_t: rate of update t; eta_0: peak rate; eta_e: end rate, end factor times eta_0; "
        "s: share of training that is flat; T: updates in all"
    )
    source = "fastai, Learner.fit_flat_cos"
    when = "Use it with adaptive optimizers, which benefit from a long time at the peak."
    colour = "blue"
    dash = "dot"
    rate = staticmethod(flat_cosine)

    pct_start: float = field(
        0.75, label="Flat until", unit="share of training", ge=0, le=1, step=0.05,
        help="Where the flat part of the curve ends and the fall begins.",
    )
    end_factor: float = field(
        1e-5, label="End factor", ge=0, le=1, step=0.01,
        help="Where the curve ends, as a share of the peak rate.",
    )

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        return (
            f"Keeps the peak rate for {percent(self.pct_start)} of training, then lets it fall "
            f"along half a cosine wave to {level(self.end_factor)}."
        )

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:
        """Where the fall begins."""
        begin = math.ceil(self.pct_start * horizon.updates)
        return (Mark(update=begin, text="decay begins"),) if 0 < begin < horizon.updates else ()
