"""Multi-step decay: drops at chosen epochs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from pydantic import field_validator

from lrdash.core.errors import InvalidField
from lrdash.core.record import field
from lrdash.core.wording import setting
from lrdash.strategies.base import Horizon, KerasCode, Mark, Schedule
from lrdash.strategies.snippet import builtin, number
from lrdash.strategies.words import drops, epochs


def multistep(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float, *,
    milestones: Sequence[float], factor: float,
) -> Any:
    """The peak rate times factor to the power of the milestones passed."""
    drops = [max(1, round(milestone * steps_per_epoch)) for milestone in milestones]
    passed = xp.searchsorted(xp.array(drops), t, side="right")
    return base_lr * factor ** (1.0 * passed)


class MultiStep(Schedule):
    r"""The rate drops by the same factor at each milestone.

    A milestone that rounds to update 0 counts as update 1; one past the end of training is refused.

    Reference: He et al. 2015, Deep Residual Learning for Image Recognition (arXiv 1512.03385);
    torch.optim.lr_scheduler.MultiStepLR.

    >>> horizon = Horizon(base_lr=1.0, steps_per_epoch=1, updates=5)
    >>> MultiStep(milestones=[1, 3], factor=0.5).rates(horizon).tolist()
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """

    id = "multistep"
    label = "Multi-step decay"
    formula = r"\eta_t = \eta_0 \, f^{\,|\{m \in M \,:\, m \le t\}|}"
    symbols = "eta_t: rate of update t; eta_0: peak rate; f: factor; M: milestones, in updates"
    source = "He et al. 2015, arXiv 1512.03385"
    when = "Use it when you know at which epochs the loss stops falling, as for ResNets on images."
    colour = "orange"
    dash = "dash"
    rate = staticmethod(multistep)

    milestones: tuple[float, ...] = field(
        (15.0, 25.0), label="Milestones", unit="epochs", min_length=1, max_length=100,
        help="Epochs after which the curve drops, in ascending order.",
    )
    factor: float = field(
        0.1, label="Factor", gt=0, le=1, step=0.05,
        help="What the curve is multiplied by at each milestone. Smaller: deeper drops.",
    )

    @field_validator("milestones")
    @classmethod
    def _ascending(cls, milestones: tuple[float, ...]) -> tuple[float, ...]:
        rising = all(a < b for a, b in itertools.pairwise(milestones))
        if not rising or milestones[0] <= 0:
            raise ValueError("must be epochs above 0 in ascending order")
        return milestones

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        *most, last = (setting(m) for m in self.milestones)
        when = f"{', '.join(most)} and {last}" if most else last
        noun = "epochs" if most else "epoch"
        return f"Multiplies the rate by {setting(self.factor)} after {noun} {when}."

    def check(self, horizon: Horizon) -> None:
        """Refuse milestones past the end of training."""
        if round(self.milestones[-1] * horizon.steps_per_epoch) > horizon.updates:
            length = epochs(horizon.epochs)
            problem = f"must lie within the {length} that the strategy covers"
            raise InvalidField(f"{self.prefix}milestones", problem, self.milestones[-1])

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:
        """The drops."""
        updates, rates = self._stairs(horizon)
        return drops([update for update in updates if update < horizon.updates], rates)

    def keras(self, horizon: Horizon) -> KerasCode:
        """Keras' PiecewiseConstantDecay."""
        return piecewise_code(*self._stairs(horizon))

    def _stairs(self, horizon: Horizon) -> tuple[list[int], list[float]]:
        updates = sorted({horizon.steps(milestone) for milestone in self.milestones})
        return updates, self.at([0, *updates], horizon).tolist()


def piecewise_code(updates: Sequence[int], rates: Sequence[float]) -> KerasCode:
    """Keras code of a staircase.

    Keras still uses the old value at a boundary, so each is one update before ours. The arguments
    are those of `words.drops`.
    """
    if not updates:
        return KerasCode(learning_rate=number(rates[0]))
    boundaries = [update - 1 for update in updates]
    return builtin("PiecewiseConstantDecay", boundaries=boundaries, values=list(rates))
