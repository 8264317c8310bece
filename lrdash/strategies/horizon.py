"""The stretch of training that a strategy covers, and the warm-up in front of it.

Time is counted in updates `t` from 0 after warm-up. Durations in epochs become updates by rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrdash.core.errors import InvalidField

Rates = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Horizon:
    """The stretch of training that a strategy covers, warm-up excluded."""

    base_lr: float  # the peak rate lr0
    steps_per_epoch: int  # updates an epoch, S
    updates: int  # updates in all, T
    lead: int = 0  # updates before the first whole epoch, where warm-up ends inside an epoch

    @property
    def epochs(self) -> float:
        """Length in epochs, T / S."""
        return self.updates / self.steps_per_epoch

    @property
    def whole_epochs(self) -> int:
        """Epochs that begin inside the horizon: how often a decision an epoch is taken."""
        return -(-(self.updates - self.lead) // self.steps_per_epoch)

    def steps(self, epochs: float) -> int:
        """A duration in epochs as updates, at least 1."""
        return max(1, round(epochs * self.steps_per_epoch))

    def time(self) -> Rates:
        """Update numbers 0..T-1, float64."""
        return np.arange(self.updates, dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class WarmUp:
    """A straight line up to the peak rate, in front of a strategy.

    Of the line from start_factor * base_lr to base_lr, update t uses the point (t + 1) / W: the
    first update never uses 0, the last uses base_lr.
    """

    updates: int  # W
    start_factor: float  # where the line starts, as a share of the peak rate
    first_epoch: int  # the first epoch that begins after it, counted from 0

    def rates(self, base_lr: float) -> Rates:
        """The rate of each of its updates, float64 [W]."""
        line = np.arange(1, self.updates + 1, dtype=np.float64) / max(1, self.updates)
        return base_lr * (self.start_factor + (1.0 - self.start_factor) * line)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A place worth a mark on the rate curve: where it changes and why."""

    update: int  # the first update that uses the changed rate
    text: str  # e.g. "drop 1: 0.1 to 0.05"


def divided(
    *, base_lr: float, epochs: int, steps_per_epoch: int, warmup_epochs: float = 0.0,
    warmup_start_factor: float = 0.0,
) -> tuple[WarmUp, Horizon]:
    """A training divided into its warm-up and what is left for the strategy.

    Raises:
        InvalidField: if the warm-up is as long as the training.
    """
    warmup, total = round(warmup_epochs * steps_per_epoch), epochs * steps_per_epoch
    if warmup >= total:
        problem = f"must be shorter than the training ({epochs} epochs)"
        raise InvalidField("warmup_epochs", problem, warmup_epochs)
    first = WarmUp(
        updates=warmup, start_factor=warmup_start_factor,
        first_epoch=math.ceil(warmup / steps_per_epoch),
    )
    return first, Horizon(
        base_lr=base_lr, steps_per_epoch=steps_per_epoch, updates=total - warmup,
        lead=-warmup % steps_per_epoch,
    )
