"""Draw your own: a curve through the user's points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import field_validator

from lrdash.core.errors import InvalidField
from lrdash.core.record import field
from lrdash.core.spec import MAX_RATE
from lrdash.strategies.base import Horizon, KerasCode, Mark, Rates, Schedule
from lrdash.strategies.snippet import own
from lrdash.strategies.words import MOST_MARKS, figure, percent

HIGHEST_FACTOR = 10.0
MOST_POINTS = 200


class Points(Schedule):
    r"""Straight lines, or cosine waves, from point to point.

    $$\eta_t = \eta_0 \left(f_i + (f_{i+1} - f_i)\, w(u)\right), \quad
    u = \frac{t / T - x_i}{x_{i+1} - x_i}$$

    with eta_t the rate of update t, eta_0 the peak rate, (x_i, f_i) the points as share of
    training and factor, T the updates in all and w(u) = u (linear) or (1 - cos(pi u)) / 2
    (cosine). The last point belongs to update T, which is never made.

    Reference: optax.piecewise_interpolate_schedule.

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=1, updates=4)
    >>> Points(points=[[0, 0.5], [0.5, 1], [1, 0]]).rates(horizon).tolist()
    [0.5, 0.75, 1.0, 0.5]
    """

    id: ClassVar[str] = "points"
    label: ClassVar[str] = "Draw your own"
    formula: ClassVar[str] = (
        r"\eta_t = \eta_0 \left(f_i + (f_{i+1} - f_i)\, w(u)\right),\quad "
        r"u = \frac{t/T - x_i}{x_{i+1} - x_i}"
    )
    symbols: ClassVar[str] = (
        "eta_t: rate of update t; eta_0: peak rate; x_i, f_i: share of training and factor of "
        "point i; T: updates in all; w(u): u or (1 - cos pi u)/2"
    )
    source: ClassVar[str] = "Optax, piecewise_interpolate_schedule"
    when: ClassVar[str] = "Use it when the curve in mind is none of the others."
    prefix: ClassVar[str] = "points."

    points: tuple[tuple[float, float], ...] = field(
        ((0.0, 1.0), (0.5, 1.0), (1.0, 0.0)), label="Points",
        help="The curve's corners as [share of training, factor of the peak rate], from share 0 "
        "to share 1.",
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
            raise ValueError(f"must have factors between 0 and {figure(HIGHEST_FACTOR)}")
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
            problem = f"must keep the rate at or below {figure(MAX_RATE)}"
            raise InvalidField(f"{self.prefix}points", problem, highest)

    def rates(self, horizon: Horizon) -> Rates:
        """The rate of each update, float64 [T]."""
        shares, factors = np.array(self.points, dtype=np.float64).T
        time = horizon.time() / horizon.updates
        if self.interpolation == "linear":
            linear: Rates = horizon.base_lr * np.interp(time, shares, factors)
            return linear
        i = np.searchsorted(shares, time, side="right") - 1
        done = (time - shares[i]) / (shares[i + 1] - shares[i])
        wave = (1.0 - np.cos(np.pi * done)) / 2.0
        rounded: Rates = horizon.base_lr * (factors[i] * (1.0 - wave) + factors[i + 1] * wave)
        return rounded

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:
        """The inner points."""
        inner = self.points[1:-1][:MOST_MARKS]
        return tuple(
            Mark(
                update=min(math.ceil(share * horizon.updates), horizon.updates - 1),
                text=f"point {index}: {figure(factor * horizon.base_lr)}",
            )
            for index, (share, factor) in enumerate(inner, start=2)
        )

    def keras(self, horizon: Horizon) -> KerasCode:
        """The formula written out; Keras has no such schedule."""
        wave = "    left = (1.0 - ops.cos(math.pi * left)) / 2.0\n"
        body = (
            "rate = self.corners[-1][1]\n"
            "pairs = list(itertools.pairwise(self.corners))\n"
            "for (start, before), (end, after) in reversed(pairs):\n"
            "    whole, length = round(end), end - start\n"
            "    left = (whole - step) / length + (end - whole) / length  # exact in float32\n"
            + (wave if self.interpolation == "cosine" else "")
            + "    rate = ops.where(step < end, after + (before - after) * left, rate)\n"
            "return rate"
        )
        corners = [[x * horizon.updates, f * horizon.base_lr] for x, f in self.points]
        return own("ThroughPoints", "Corners as [update, rate].", body, corners=corners)


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
