"""Step decay: a drop after every so many epochs."""

from __future__ import annotations

from typing import Any

from lrdash.core.record import field
from lrdash.core.wording import setting
from lrdash.strategies.base import Horizon, KerasCode, Mark, Schedule
from lrdash.strategies.exponential import keras_decay
from lrdash.strategies.multistep import piecewise_code
from lrdash.strategies.words import drops, every

LONGEST_LIST = 24  # drops that are still written out one by one in Keras code


def step(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float, *,
    drop_every: float, factor: float,
) -> Any:
    """The peak rate times factor to the power of the drops so far."""
    gap = max(1, round(drop_every * steps_per_epoch))  # updates
    return base_lr * factor ** xp.floor(t / gap)


class Step(Schedule):
    r"""The rate drops by the same factor after every so many updates.

    Where training is shorter than `drop_every` there is no drop.

    Reference: torch.optim.lr_scheduler.StepLR.

    >>> horizon = Horizon(base_lr=0.4, steps_per_epoch=1, updates=5)
    >>> Step(drop_every=2, factor=0.5).rates(horizon).tolist()
    [0.4, 0.4, 0.2, 0.2, 0.1]
    """

    id = "step"
    label = "Step decay"
    formula = r"\eta_t = \eta_0 \, f^{\lfloor t/d \rfloor}"
    symbols = "eta_t: rate of update t; eta_0: peak rate; f: factor; d: updates between two drops"
    source = "PyTorch, optim.lr_scheduler.StepLR"
    when = "Use it for regular drops whose effect is visible in the loss."
    colour = "orange"
    rate = staticmethod(step)

    drop_every: float = field(
        10.0, label="Drop every", unit="epochs", gt=0, le=10_000, step=1,
        help="Length of each stair of the curve. Shorter: more drops, a lower end.",
    )
    factor: float = field(
        0.5, label="Factor", gt=0, le=1, step=0.05,
        help="What the curve is multiplied by at each drop. Smaller: deeper drops.",
    )

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        return f"Multiplies the rate by {setting(self.factor)} after {every(self.drop_every)}."

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:
        """The drops."""
        return drops(*self._stairs(horizon))

    def keras(self, horizon: Horizon) -> KerasCode:
        """PiecewiseConstantDecay for a few drops, a staircase of ExponentialDecay for many."""
        updates, rates = self._stairs(horizon)
        if len(updates) > LONGEST_LIST:
            gap = horizon.steps(self.drop_every)
            many = keras_decay(horizon, gap, self.factor, staircase=True)
            return many or super().keras(horizon)
        return piecewise_code(updates, rates)

    def _stairs(self, horizon: Horizon) -> tuple[list[int], list[float]]:
        gap = horizon.steps(self.drop_every)
        updates = list(range(gap, horizon.updates, gap))
        return updates, self.at([0, *updates], horizon).tolist()
