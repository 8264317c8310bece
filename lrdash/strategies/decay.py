"""What exponential and inverse time decay share: a decay over each stretch of time."""

from __future__ import annotations

from lrdash.core.record import field
from lrdash.strategies.base import Horizon, Mark, Schedule
from lrdash.strategies.words import drops


class Decay(Schedule):
    """A schedule whose formula counts the stretches of time that are done."""

    symbols = (
        "eta_t: rate of update t; eta_0: peak rate; r: decay rate; d: updates for one decay "
        "(t/d is rounded down in a staircase)"
    )

    decay_rate: float
    decay_every: float = field(
        1.0, label="Decay every", unit="epochs", gt=0, le=10_000, step=1,
        help="Length of one stretch. Longer stretches the curve out in time.",
    )
    staircase: bool = field(
        False, label="Staircase",
        help="Turns the smooth curve into steps: flat within a stretch, a drop at its end.",
    )

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:
        """The drops of a staircase."""
        if not self.staircase:
            return ()
        gap = horizon.steps(self.decay_every)
        updates = range(gap, horizon.updates, gap)
        return drops(updates, self.at([0, *updates], horizon).tolist())
