"""Flat, then cosine decay."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from lrdash.core.record import field
from lrdash.strategies.base import Horizon, KerasCode, Mark, Rates, Schedule
from lrdash.strategies.snippet import own
from lrdash.strategies.words import level, percent


class FlatCosine(Schedule):
    r"""The peak rate for most of training, then half a cosine wave down.

    $$\eta_t = \eta_e + (\eta_0 - \eta_e)\,\frac{1 + \cos(\pi u)}{2}, \quad
    u = \max\left(0, \frac{t - sT}{T - sT}\right)$$

    with eta_t the rate of update t, eta_0 the peak rate, eta_e = `end_factor` * eta_0 the end
    rate, s `pct_start` and T the updates in all. The end rate belongs to update T, which is never
    made. With s = 1 the rate never falls.

    Reference: fastai, Learner.fit_flat_cos (docs.fast.ai/callback.schedule.html).

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=1, updates=4)
    >>> FlatCosine(pct_start=0.5, end_factor=0).rates(horizon).round(6).tolist()
    [1.0, 1.0, 1.0, 0.5]
    """

    id: ClassVar[str] = "flat_cosine"
    label: ClassVar[str] = "Flat, then cosine"
    formula: ClassVar[str] = (
        r"\eta_t = \eta_e + (\eta_0 - \eta_e)\frac{1 + \cos(\pi u)}{2},\quad "
        r"u = \max\left(0, \frac{t - sT}{T - sT}\right)"
    )
    symbols: ClassVar[str] = (
        "eta_t: rate of update t; eta_0: peak rate; eta_e: end rate, end factor times eta_0; "
        "s: share of training that is flat; T: updates in all"
    )
    source: ClassVar[str] = "fastai, Learner.fit_flat_cos"
    when: ClassVar[str] = (
        "Use it with adaptive optimizers, which profit from a long time at the peak."
    )
    prefix: ClassVar[str] = "flat_cosine."

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

    def rates(self, horizon: Horizon) -> Rates:
        """The rate of each update, float64 [T]."""
        if self.pct_start == 1:
            return np.full(horizon.updates, horizon.base_lr, dtype=np.float64)
        start = self.pct_start * horizon.updates
        done = np.maximum(0.0, (horizon.time() - start) / (horizon.updates - start))
        end = self.end_factor * horizon.base_lr
        return end + (horizon.base_lr - end) * (1.0 + np.cos(np.pi * done)) / 2.0

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:
        """Where the fall begins."""
        begin = math.ceil(self.pct_start * horizon.updates)
        return (Mark(update=begin, text="decay begins"),) if 0 < begin < horizon.updates else ()

    def keras(self, horizon: Horizon) -> KerasCode:
        """The formula written out; Keras has no such schedule."""
        body = """
            left = (self.updates - step) / self.decay_updates
            left = ops.clip(left, 0.0, 1.0)
            return self.end + (self.peak - self.end) * (1.0 - ops.cos(math.pi * left)) / 2.0
        """
        length = (1 - self.pct_start) * horizon.updates
        return own(
            "FlatCosine", "The peak rate, then half a cosine wave over decay_updates.", body,
            peak=horizon.base_lr, end=self.end_factor * horizon.base_lr,
            updates=horizon.updates, decay_updates=length or 1e-9,
        )
