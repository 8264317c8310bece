"""Inverse square root decay."""

from __future__ import annotations

from typing import Any

from lrdash.core.record import field
from lrdash.strategies.base import Schedule


def inverse_sqrt(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float, *, timescale_steps: int
) -> Any:
    """The peak rate divided by the square root of 1 + t / timescale_steps."""
    scale = float(timescale_steps)
    return base_lr / xp.sqrt((t + scale) / scale)


class InverseSqrt(Schedule):
    r"""The rate falls like one over the square root of the time.

    It halves after three times `timescale_steps` and never reaches 0. The paper puts a warm-up of
    `timescale_steps` updates in front.

    Reference: Vaswani et al. 2017, Attention Is All You Need (arXiv 1706.03762), section 5.3.

    >>> horizon = Horizon(base_lr=0.2, steps_per_epoch=1, updates=4)
    >>> InverseSqrt(timescale_steps=1).rates(horizon).round(6).tolist()
    [0.2, 0.141421, 0.11547, 0.1]
    """

    id = "inverse_sqrt"
    label = "Inverse square root"
    formula = r"\eta_t = \eta_0 \sqrt{\frac{s}{t + s}}"
    symbols = "eta_t: rate of update t; eta_0: peak rate; s: time scale, in updates"
    source = "Vaswani et al. 2017, arXiv 1706.03762"
    when = "Use it with a warm-up for transformers, or when the length of training is not known."
    colour = "olive"
    dash = "dot"
    rate = staticmethod(inverse_sqrt)

    timescale_steps: int = field(
        100, label="Time scale", unit="updates", ge=1, le=1_000_000_000, step=10,
        help="How long the curve stays near its peak: after three times as many updates it has "
        "fallen to half.",
    )

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        return (
            "Lets the rate fall with the square root of time, to half the peak after "
            f"{3 * self.timescale_steps:,} updates."
        )
