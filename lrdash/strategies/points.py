"""Draw your own: a curve through the user's points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import field_validator

from lrdash.core.errors import InvalidField
from lrdash.core.record import field
from lrdash.core.spec import MAX_RATE
from lrdash.core.wording import setting
from lrdash.strategies.base import Horizon, Mark, Schedule
from lrdash.strategies.words import MOST_MARKS, percent

HIGHEST_FACTOR = 10.0
MOST_POINTS = 200


def through_points(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float, *,
    points: Sequence[Sequence[float]], interpolation: str,
) -> Any:
    """Lines or waves through the points [share of training, factor of the peak rate]."""
    shares, factors = xp.array(points).T
    share = t / updates
    if interpolation == "linear":
        return base_lr * xp.interp(share, shares, factors)
    i = xp.searchsorted(shares, share, side="right") - 1
    done = (share - shares[i]) / (shares[i + 1] - shares[i])
    wave = (1.0 - xp.cos(math.pi * done)) / 2.0
    return base_lr * (factors[i] * (1.0 - wave) + factors[i + 1] * wave)


class Points(Schedule):
    r"""Straight lines, or cosine waves, from point to point.

    The last point belongs to update T, after the end of training.

    Reference: optax.piecewise_interpolate_schedule.

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=1, updates=4)
    >>> Points(points=[[0, 0.5], [0.5, 1], [1, 0]]).rates(horizon).tolist()
    [0.5, 0.75, 1.0, 0.5]
    """

    id = "points"
    label = "Draw your own"
    formula = (
        r"\eta_t = \eta_0 \left(f_i + (f_{i+1} - f_i)\, w(u)\right),\quad "
        r"u = \frac{t/T - x_i}{x_{i+1} - x_i}"
    )
    symbols = (
        "eta_t: rate of update t; eta_0: peak rate; x_i, f_i: share of training and factor of "
        "point i; T: updates in all; w(u): u or (1 - cos pi u)/2"
    )
    source = "Optax, piecewise_interpolate_schedule"
    when = "Use it when you have a curve in mind that no other strategy draws."
    colour = "purple"
    dash = "dash"
    rate = staticmethod(through_points)

    points: tuple[tuple[float, float], ...] = field(
        ((0.0, 1.0), (0.5, 1.0), (1.0, 0.0)), label="Points",
        help="The corners of the curve as [share of training, factor of the peak rate], from share "
        "0 to share 1.",
    )
    interpolation: Literal["linear", "cosine"] = field(
        "linear", label="Between the points",
        help="linear: straight lines with corners. cosine: rounded, flat at every point.",
    )

    @field_validator("points", mode="before")
    @classmethod
    def _ordered(cls, given: object) -> tuple[tuple[float, float], ...]:
        points = _pairs(given)
        shares = [share for share, _ in points]
        if not 2 <= len(points) <= MOST_POINTS:
            raise ValueError(f"must have between 2 and {MOST_POINTS} points")
        if shares[0] != 0 or shares[-1] != 1:
            raise ValueError("must start at share 0 and end at share 1")
        if not all(a < b for a, b in itertools.pairwise(shares)):
            raise ValueError("must have shares in ascending order, no two alike")
        if not all(0 <= factor <= HIGHEST_FACTOR for _, factor in points):
            raise ValueError(f"must have factors between 0 and {setting(HIGHEST_FACTOR)}")
        return points

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        shape = "straight lines" if self.interpolation == "linear" else "cosine waves"
        shown = [f"{percent(factor)} at {percent(share)}" for share, factor in self.points]
        if len(shown) > 6:
            shown[3:-1] = [f"{len(shown) - 4} more points"]
        return f"Follows {shape} through these shares of the peak rate: {', '.join(shown)}."

    def check(self, horizon: Horizon) -> None:
        """Refuse points above the highest rate that is allowed anywhere."""
        highest = max(factor for _, factor in self.points) * horizon.base_lr
        if highest > MAX_RATE:
            problem = f"must keep the rate at or below {setting(MAX_RATE)}"
            raise InvalidField(f"{self.prefix}points", problem, highest)

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:
        """The inner points."""
        inner = self.points[1:-1][:MOST_MARKS]
        return tuple(
            Mark(
                update=min(math.ceil(share * horizon.updates), horizon.updates - 1),
                text=f"point {index}: {setting(factor * horizon.base_lr)}",
            )
            for index, (share, factor) in enumerate(inner, start=2)
        )


def _pairs(given: object) -> tuple[tuple[float, float], ...]:
    """The points as pairs of finite numbers; ValueError where they are not."""
    if isinstance(given, Sequence) and not isinstance(given, str):
        try:
            pairs = tuple((float(share), float(factor)) for share, factor in given)
        except (TypeError, ValueError, OverflowError):
            pairs = ()
        if pairs and np.isfinite(pairs).all():
            return pairs
    raise ValueError("must be a list of [share of training, factor] pairs of numbers")
