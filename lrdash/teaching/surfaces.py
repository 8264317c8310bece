"""Surfaces to watch gradient descent on: value, gradient and Hessian in closed form.

A place is a vector of one number for a curve, of two for a surface. No loss is below 0, the
value of the lowest minimum, so that it can be drawn on a logarithmic axis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrdash.core.registry import Registry

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Minimum:
    """A bottom of a surface."""

    place: tuple[float, ...]
    label: str  # e.g. "wide valley"


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A loss over one or two weights.

    `value` takes places [..., d] to losses [...]; `gradient` and `hessian` take one place [d] to
    [d] and [d, d].
    """

    id: str
    label: str  # sentence case
    formula: str  # LaTeX without dollar signs
    description: str  # what it is and what to look for
    value: Callable[[Floats], Floats]
    gradient: Callable[[Floats], Floats]
    hessian: Callable[[Floats], Floats]
    minima: tuple[Minimum, ...]
    spans: tuple[tuple[float, float], ...]  # of the picture, one (low, high) a weight
    start: tuple[float, ...]
    base_lr: float  # a peak rate that shows its effect
    steps: int = 60
    noise: float = 0.0  # standard deviation, added to each part of the gradient
    log_height: bool = False  # height of the relief is log(1 + loss), else the loss
    even: bool = False  # the curvature is the same everywhere

    @property
    def dimensions(self) -> int:
        """Weights: 1 or 2."""
        return len(self.spans)

    def inside(self, place: ArrayLike) -> bool:
        """Whether a place lies in the picture."""
        parts = zip(np.asarray(place, dtype=np.float64), self.spans, strict=True)
        return all(low <= part <= high for part, (low, high) in parts)

    def curvature(self, place: Floats) -> tuple[float, Floats]:
        """The largest eigenvalue of the Hessian at a place, and its unit vector [d]."""
        values, vectors = np.linalg.eigh(self.hessian(place))
        return float(values[-1]), np.asarray(vectors[:, -1], dtype=np.float64)

    def grid(self, points: int = 61) -> Floats:
        """Losses over the picture: [points] for a curve, [y, x] for a surface."""
        axes = [np.linspace(low, high, points) for low, high in self.spans]
        if self.dimensions == 1:
            return self.value(axes[0][:, None])
        x, y = np.meshgrid(*axes)
        return self.value(np.stack([x, y], axis=-1))


def quadratic(*curvatures: float) -> tuple[Callable[[Floats], Floats], ...]:
    """Value, gradient and Hessian of sum(curvature * x^2) / 2.

    >>> value, gradient, hessian = quadratic(1.0, 20.0)
    >>> place = np.array([2.0, 1.0])
    >>> float(value(place)), gradient(place).tolist(), hessian(place).tolist()
    (12.0, [2.0, 20.0], [[1.0, 0.0], [0.0, 20.0]])
    """
    scale = np.array(curvatures)
    return (
        lambda place: (scale * place**2).sum(axis=-1) / 2.0,
        lambda place: scale * place,
        lambda _place: np.diag(scale),
    )


STEEPNESS = 10.0  # of Rosenbrock's walls; 100 in his paper


def _rosenbrock(place: Floats) -> Floats:
    x, y = place[..., 0], place[..., 1]
    value: Floats = (1.0 - x) ** 2 + STEEPNESS * (y - x**2) ** 2
    return value


def _rosenbrock_gradient(place: Floats) -> Floats:
    x, y = place
    wall = y - x**2
    return np.array([-2.0 * (1.0 - x) - 4.0 * STEEPNESS * x * wall, 2.0 * STEEPNESS * wall])


def _rosenbrock_hessian(place: Floats) -> Floats:
    x, y = place
    mixed = -4.0 * STEEPNESS * x
    return np.array([
        [2.0 - 4.0 * STEEPNESS * (y - 3.0 * x**2), mixed],
        [mixed, 2.0 * STEEPNESS],
    ])


# Two valleys: a shallow bowl minus a narrow and a wide bell.
BOWL = 0.1
CENTRES = np.array([[-1.2, 0.0], [1.4, 0.0]])
WIDTHS = np.array([0.28, 0.85])
DEPTHS = np.array([0.8, 1.2])
_NARROW = (-1.184231903300899, 0.0)  # by Newton steps; a test holds that the gradient is 0
_WIDE = (1.3201637619199151, 0.0)


def _bells(place: Floats) -> tuple[Floats, Floats]:
    """Distances to both centres [..., 2 bells, 2] and the bells' values [..., 2 bells]."""
    away = place[..., None, :] - CENTRES
    return away, DEPTHS * np.exp(-(away**2).sum(axis=-1) / (2.0 * WIDTHS**2))


def _two_raw(place: Floats) -> Floats:
    value: Floats = BOWL * (place**2).sum(axis=-1) / 2.0 - _bells(place)[1].sum(axis=-1)
    return value


def _two(place: Floats) -> Floats:
    lowest: Floats = _two_raw(np.array(_WIDE))
    return np.maximum(_two_raw(place) - lowest, 0.0)


def _two_gradient(place: Floats) -> Floats:
    away, bells = _bells(place)
    pull: Floats = BOWL * place + ((bells / WIDTHS**2)[:, None] * away).sum(axis=0)
    return pull


def _two_hessian(place: Floats) -> Floats:
    away, bells = _bells(place)
    weights = bells / WIDTHS**2
    outer = away[:, :, None] * away[:, None, :] / (WIDTHS**2)[:, None, None]
    bent: Floats = (BOWL + weights.sum()) * np.eye(2) - (weights[:, None, None] * outer).sum(axis=0)
    return bent


def _surface(
    parts: tuple[Callable[[Floats], Floats], ...], /, **more: object
) -> Surface:
    value, gradient, hessian = parts
    return Surface(value=value, gradient=gradient, hessian=hessian, **more)  # type: ignore[arg-type]


SURFACES: Registry[Surface] = Registry("surface")
for _one in (
    _surface(
        quadratic(1.0, 20.0), id="ravine", label="Ravine",
        formula=r"f(x, y) = \tfrac{1}{2} x^2 + \tfrac{20}{2} y^2",
        description="Steep across, flat along: what the loss of a network looks like near a "
        "minimum, where curvatures differ by orders of magnitude. The steep walls limit the rate; "
        "the flat floor needs a high one.",
        minima=(Minimum(place=(0.0, 0.0), label="minimum"),),
        spans=((-3.0, 1.0), (-1.2, 1.2)), start=(-2.6, 0.8), base_lr=0.099, even=True,
    ),
    _surface(
        quadratic(1.0), id="bowl", label="Bowl in one dimension",
        formula=r"f(x) = \tfrac{1}{2} x^2",
        description="The simplest loss: one weight, the same curvature everywhere. Below "
        "1 / curvature each step stops short of the bottom, between 1 and 2 it lands on the other "
        "side, above 2 it lands higher than it started.",
        minima=(Minimum(place=(0.0,), label="minimum"),),
        spans=((-3.0, 3.0),), start=(-2.4,), base_lr=1.95, steps=40, even=True,
    ),
    _surface(
        quadratic(0.5, 4.0), id="noisy", label="Noisy bowl",
        formula=r"\begin{aligned} f(x, y) &= \tfrac{0.5}{2} x^2 + \tfrac{4}{2} y^2 \\ "
        r"g &= \nabla f + 0.8\,\varepsilon,\; \varepsilon \sim N(0, I) \end{aligned}",
        description="A bowl whose gradient is noisy, as it is with mini-batches. All strategies "
        "get the same noise. At a constant rate the path never settles: the noise scatters it in "
        "proportion to the rate. A falling rate averages the noise out.",
        minima=(Minimum(place=(0.0, 0.0), label="minimum"),),
        spans=((-3.0, 3.0), (-2.0, 2.0)), start=(-2.5, 1.5), base_lr=0.35, steps=100, noise=0.8,
        even=True,
    ),
    _surface(
        (_rosenbrock, _rosenbrock_gradient, _rosenbrock_hessian), id="rosenbrock",
        label="Rosenbrock's valley", log_height=True,
        formula=r"f(x, y) = (1 - x)^2 + 10\,(y - x^2)^2",
        description="A curved valley with a nearly flat floor (Rosenbrock 1960, with 10 instead "
        "of his 100). The curvature changes along the way: a rate that is right in the bend can be "
        "too high in other places.",
        minima=(Minimum(place=(1.0, 1.0), label="minimum"),),
        spans=((-2.0, 2.0), (-1.0, 3.0)), start=(-1.2, 1.0), base_lr=0.02, steps=200,
    ),
    _surface(
        (_two, _two_gradient, _two_hessian), id="two_valleys", label="Two valleys",
        formula=r"\begin{aligned} f(x, y) = {}& 0.05\,(x^2 + y^2) + 1.11 \\ "
        r"&- 0.8\,e^{-r_1^2 / (2 \cdot 0.28^2)} \\ "
        r"&- 1.2\,e^{-r_2^2 / (2 \cdot 0.85^2)} \end{aligned}",
        description="A narrow valley on the left, a wide and deeper one on the right; r is the "
        "distance to the centre of each. At a rate above the limit of the narrow valley the path "
        "cannot stay there and may land in the wide one; at a low rate it stays in the valley that "
        "it reaches first.",
        minima=(
            Minimum(place=_NARROW, label="narrow valley"),
            Minimum(place=_WIDE, label="wide valley"),
        ),
        spans=((-2.6, 3.0), (-2.0, 2.0)), start=(-1.7, 0.6), base_lr=0.575,
    ),
):
    SURFACES.add(_one.id, _one)
