"""What the noisy quadratic model is expected to lose under a schedule: exact, not simulated.

The gradient along direction i is lambda_i x_i + e_i with lambda_i = 1 / i and e_i of mean 0 and
variance s_i = noise * lambda_i / B, drawn in every update; x_i begins at 1. For plain SGD at
the rate eta of an update

    E[x_i^2] after = (1 - eta lambda_i)^2 E[x_i^2] + eta^2 s_i,        L = 1/2 sum_i lambda_i x_i^2

(Zhang et al. 2019, arXiv 1907.04164, section 3). With momentum m the velocity v is one more
number a direction, and since an update is linear in x, v and e, the means and the 2 x 2 covariance
of (x, v) follow in the same way: with z = (x, v), z after = A z + g e has mean A E[z] and
covariance A C A^T + s g g^T, where, as in keras.optimizers.SGD,

    v after = m v - eta (lambda x + e)
    x after = x + v after                               (momentum)
    x after = x + m v after - eta (lambda x + e)        (Nesterov)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Expected:
    """Expected losses of each epoch, float64 [epochs]; infinite or NaN where they overflow."""

    loss: Floats  # mean over the examples of the loss before their update, as training reports it
    val_loss: Floats  # at the end of the epoch
    val_std: Floats  # standard deviation of the latter from seed to seed


class _Moments(NamedTuple):
    """Of position x and velocity v in each direction, [dimensions]."""

    x: Floats  # mean
    v: Floats  # mean
    xx: Floats  # variance
    xv: Floats  # covariance
    vv: Floats  # variance


def expected_losses(
    rates: ArrayLike,
    batches: Sequence[int],
    *,
    dimensions: int,
    noise: float,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> Expected:
    """The exact expectation of the losses of a run; see the formulas above.

    Args:
        rates: of each update [epochs * updates an epoch].
        batches: examples of each update of an epoch [updates an epoch].
        dimensions: D, the directions.
        noise: variance of the gradient of one example, as a multiple of the curvature.
        momentum: m.
        nesterov: whether the step looks ahead.

    >>> one = expected_losses([0.5], [1], dimensions=1, noise=1.0)  # (1 - 0.5)^2 * 1 + 0.5^2 * 1
    >>> float(one.loss[0]), float(one.val_loss[0])
    (0.5, 0.25)
    """
    curvature = 1.0 / np.arange(1, dimensions + 1, dtype=np.float64)
    sizes = np.asarray(batches, np.float64)
    zero = np.zeros(dimensions)
    now = _Moments(np.ones(dimensions), zero, zero, zero, zero)
    found = []
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in np.asarray(rates, np.float64).reshape(-1, len(sizes)):
            total = 0.0
            for rate, size in zip(epoch.tolist(), sizes.tolist(), strict=True):
                total += size * _loss(now, curvature)
                variance = noise * curvature / size
                now = _after(now, rate, curvature, variance, momentum, nesterov)
            found.append((total / sizes.sum(), _loss(now, curvature), _spread(now, curvature)))
    losses = np.array(found).reshape(-1, 3)
    return Expected(loss=losses[:, 0], val_loss=losses[:, 1], val_std=losses[:, 2])


def _after(
    now: _Moments, rate: float, curvature: Floats, variance: Floats, momentum: float, nesterov: bool
) -> _Moments:
    """The moments after an update: A = [[a, b], [c, d]] and g = -(f, rate)."""
    c, d = -rate * curvature, momentum
    ahead = 1.0 + momentum if nesterov else 1.0  # steps along the gradient of this update
    a, b, f = 1.0 + ahead * c, momentum * momentum if nesterov else momentum, ahead * rate
    x, v, xx, xv, vv = now
    return _Moments(
        x=a * x + b * v,
        v=c * x + d * v,
        xx=a * a * xx + 2 * a * b * xv + b * b * vv + f * f * variance,
        xv=a * c * xx + (a * d + b * c) * xv + b * d * vv + f * rate * variance,
        vv=c * c * xx + 2 * c * d * xv + d * d * vv + rate * rate * variance,
    )


def _loss(now: _Moments, curvature: Floats) -> float:
    return float(0.5 * (curvature @ (now.x * now.x + now.xx)))


def _spread(now: _Moments, curvature: Floats) -> float:
    """Of a normal x with mean u and variance w, x^2 has variance 2 w^2 + 4 u^2 w."""
    squares = 2 * now.xx**2 + 4 * now.x**2 * now.xx
    return float(0.5 * np.sqrt((curvature * curvature) @ squares))
