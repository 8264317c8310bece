"""Warm-up, stable, decay: a trapezium."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator

from lrdash.core.record import field
from lrdash.strategies.base import Horizon, Mark, Schedule
from lrdash.strategies.words import percent


def lengths(updates: int, warmup_fraction: float, decay_fraction: float) -> tuple[int, int]:
    """Warm-up and decay in updates; together at most all."""
    warmup, decay = round(warmup_fraction * updates), round(decay_fraction * updates)
    return warmup, min(decay, updates - warmup)


def wsd(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float, *,
    warmup_fraction: float, decay_fraction: float, decay_shape: str, warmup_from_zero: bool,
) -> Any:
    """Up, flat, and down to zero at the end."""
    warmup, decay = lengths(updates, warmup_fraction, decay_fraction)
    first = 0 if warmup_from_zero else 1
    up = xp.where(t < warmup, xp.minimum(1.0, (t + first) / max(1, warmup)), 1.0)
    done = xp.maximum(0.0, (t - (updates - decay)) / max(1, decay))
    if decay_shape == "linear":
        down = 1.0 - done
    elif decay_shape == "cosine":
        down = (1.0 + xp.cos(math.pi * done)) / 2.0
    else:
        down = 1.0 - xp.sqrt(done)
    return base_lr * up * down


class WarmupStableDecay(Schedule):
    r"""Up, flat, and down to zero at the end.

    W and D are `warmup_fraction` and `decay_fraction` of T, rounded to updates. With
    `warmup_from_zero` the way up is t / W and the first update uses the rate 0. The end at zero
    belongs to update T, after the end of training. Where rounding would make W and D overlap, D is
    shortened.

    Reference: Hu et al. 2024, MiniCPM (arXiv 2404.06395); Hägele et al. 2024, Scaling Laws and
    Compute-Optimal Training Beyond Fixed Training Durations (arXiv 2405.18392), for 1 - sqrt.

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=1, updates=6)
    >>> wsd = WarmupStableDecay(warmup_fraction=0.3, decay_fraction=0.3, decay_shape="linear")
    >>> wsd.rates(horizon).tolist()
    [0.5, 1.0, 1.0, 1.0, 1.0, 0.5]
    """

    id = "wsd"
    label = "Warm-up, stable, decay"
    formula = (
        r"\eta_t = \eta_0 \cdot \min\left(1, \frac{t + 1}{W}\right) \cdot "
        r"g\left(\max\left(0, \frac{t - (T - D)}{D}\right)\right)"
    )
    symbols = (
        "eta_t: rate of update t; eta_0: peak rate; T: updates in all; W: warm-up, D: decay, in "
        "updates; g(x): 1 - x, (1 + cos pi x)/2 or 1 - sqrt(x)"
    )
    source = "Hu et al. 2024, arXiv 2404.06395; Hägele et al. 2024, arXiv 2405.18392"
    when = (
        "Use it when training may be extended later: only the last part, the decay, "
        "depends on the length."
    )
    colour = "purple"
    rate = staticmethod(wsd)

    warmup_fraction: float = field(
        0.05, label="Warm-up share", unit="share of training", ge=0, le=1, step=0.01,
        help="Length of the way up at the beginning of the curve.",
    )
    decay_fraction: float = field(
        0.2, label="Decay share", unit="share of training", ge=0, le=1, step=0.05,
        help="Length of the way down at the end of the curve. With the warm-up at most 1.",
    )
    decay_shape: Literal["1-sqrt", "linear", "cosine"] = field(
        "1-sqrt", label="Decay shape",
        help="How the curve goes down: 1-sqrt steeply at first, linear evenly, cosine slowly at "
        "both ends.",
    )
    warmup_from_zero: bool = field(
        False, label="Warm-up from zero",
        help="Starts the curve at exactly 0, which wastes the first update; otherwise it starts "
        "one step up.",
    )

    @field_validator("decay_fraction")
    @classmethod
    def _fits(cls, decay: float, info: ValidationInfo) -> float:
        warmup = info.data.get("warmup_fraction", 0.0)
        if warmup + decay > 1 + 1e-9:
            raise ValueError(f"must be at most 1 together with a warmup_fraction of {warmup:g}")
        return decay

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        return (
            f"Raises the rate over the first {percent(self.warmup_fraction)} of training, keeps "
            f"it, and lowers it to zero over the last {percent(self.decay_fraction)} "
            f"({self.decay_shape})."
        )

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:
        """The ends of the flat part."""
        warmup, decay = lengths(horizon.updates, self.warmup_fraction, self.decay_fraction)
        begin = horizon.updates - decay
        marks = [Mark(update=warmup, text="stable from here")] if 0 < warmup < begin else []
        if 0 < begin < horizon.updates:
            marks.append(Mark(update=begin, text="decay begins"))
        return tuple(marks)
