"""Gradient descent on a surface, under any strategy of the catalogue.

A step stands for an epoch of one update, so that durations in epochs are counted in steps, and
step t uses the rate of update t. A rule reads the loss at the place that a step led to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lrdash.core.errors import InvalidField
from lrdash.core.spec import RunSpec
from lrdash.strategies import RateProgram, make
from lrdash.teaching.surfaces import Floats, Surface

MOST_STEPS = 500
FLAT = 1e-9  # slopes below are taken for the bottom of a valley
LOSSES = ("val_loss", "loss")  # what a surface knows of the metrics that a rule can watch


@dataclass(frozen=True, kw_only=True)
class Path:
    """One descent, n steps long; it is shorter than asked where it left the picture.

    A step that changes the sign of the slope along the steepest curvature has jumped over the floor
    of the valley.
    """

    strategy: str  # id
    places: Floats  # [n + 1, d]
    losses: Floats  # [n + 1], without noise
    rates: Floats  # [n]
    curvatures: Floats  # [n + 1], the largest eigenvalue of the Hessian
    crossings: tuple[int, ...]  # steps, from 1, that jumped over the floor
    asked: int  # steps
    ended: Literal["done", "left", "diverged"]  # left the picture; diverged: with a higher loss

    @property
    def steps(self) -> int:
        """Steps made."""
        return len(self.rates)

    @property
    def limits(self) -> Floats:
        """The highest stable rate at each place, 2 / curvature [n + 1]; NaN where it bends down."""
        return limit(self.curvatures)


def limit(curvatures: Floats) -> Floats:
    """2 / curvature: above this rate a step along the steepest slope lands higher than it began.

    On a quadratic of curvature c a step multiplies the distance by 1 - rate * c, whose size is
    below 1 only for rates below 2 / c. NaN where the curvature is not above 0.

    Reference: Nesterov, Introductory Lectures on Convex Optimization (2004), section 1.2.3.

    >>> limit(np.array([20.0, -1.0])).tolist()
    [0.1, nan]
    """
    above = curvatures > 0
    return np.where(above, 2.0 / np.where(above, curvatures, 1.0), np.nan)


def descend(
    surface: Surface,
    strategy: str,
    params: Mapping[str, Any] | None = None,
    *,
    base_lr: float,
    steps: int,
    start: Sequence[float] | None = None,
    warmup_steps: int = 0,
    seed: int = 0,
) -> Path:
    """Walk down a surface; ends early at the first place outside the picture.

    Args:
        surface: where to walk.
        strategy: id, e.g. `cosine`.
        params: the strategy's settings; what is not given has its default.
        base_lr: peak rate.
        steps: steps at most, 1 to 500.
        start: the first place, inside the picture; None takes the surface's own.
        warmup_steps: steps of warm-up, below `steps`.
        seed: of the noise; equal seeds give equal noise, whatever the strategy.

    Raises:
        UnknownName: if there is no such strategy.
        InvalidField: for a value that is not allowed.
    """
    program = _program(strategy, params, base_lr, steps, warmup_steps)
    place = _start(surface, start)
    noise = surface.noise * np.random.default_rng(seed).standard_normal((MOST_STEPS, place.size))
    places, rates = [place], []
    ended: Literal["done", "left", "diverged"] = "done"
    for step in range(steps):
        rate = float(program.rates(step)[0])
        place = place - rate * (surface.gradient(place) + noise[step])
        places.append(place)
        rates.append(rate)
        loss = float(surface.value(place))
        if program.monitor is not None:
            program.end_epoch(step, {program.monitor: loss})
        if not surface.inside(place):
            higher = not loss <= float(surface.value(places[0]))
            ended = "diverged" if higher else "left"
            break
    return _path(surface, strategy, places, rates, steps, ended)


def _path(
    surface: Surface,
    strategy: str,
    places: list[Floats],
    rates: list[float],
    asked: int,
    ended: Literal["done", "left", "diverged"],
) -> Path:
    bends = [surface.curvature(place) for place in places]
    slopes = [surface.gradient(place) for place in places]
    crossings = tuple(
        step
        for step in range(1, len(places))
        if _opposed(*(float(slopes[k] @ bends[step][1]) for k in (step - 1, step)))
    )
    where = np.array(places)
    return Path(
        strategy=strategy, places=where, losses=surface.value(where), rates=np.array(rates),
        curvatures=np.array([bend for bend, _ in bends]), crossings=crossings, asked=asked,
        ended=ended,
    )


def _opposed(before: float, after: float) -> bool:
    """Whether two slopes have opposite signs; those at the bottom itself are rounding alone."""
    return bool(before * after < 0 and abs(before) > FLAT)


def _program(
    strategy: str, params: Mapping[str, Any] | None, base_lr: float, steps: int, warmup_steps: int
) -> RateProgram:
    made = make(strategy, params)
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= MOST_STEPS:
        raise InvalidField("steps", f"must be a whole number between 1 and {MOST_STEPS}", steps)
    spec = RunSpec(base_lr=base_lr, epochs=steps, warmup_epochs=warmup_steps)
    program = RateProgram(
        made, base_lr=spec.base_lr, epochs=steps, steps_per_epoch=1,
        warmup_epochs=spec.warmup_epochs,
    )
    if program.monitor is not None and program.monitor not in LOSSES:
        problem = f"must be one of {', '.join(LOSSES)} on a surface, which has no accuracy"
        raise InvalidField(f"{made.prefix}monitor", problem, program.monitor)
    return program


def _start(surface: Surface, start: Sequence[float] | None) -> Floats:
    given = surface.start if start is None else start
    try:
        place = np.array([float(part) for part in given])
    except (TypeError, ValueError, OverflowError):
        place = np.array([np.nan])
    if place.shape != (surface.dimensions,) or not surface.inside(place):
        spans = " and ".join(f"{low:g} to {high:g}" for low, high in surface.spans)
        problem = f"must be a place in the picture ({spans})"
        raise InvalidField("start", problem, given if start is None else list(start))
    return place
