"""What a range test is: one short training whose rate grows with every update, for each seed.

The loss of a batch before its update shows the effect of the updates at smaller rates. It stays
flat while the rate is too low to matter, falls where learning happens, and diverges where the rate
is too high.

Reference: Smith, "Cyclical learning rates for training neural networks", arXiv 1506.01186,
section 3.3 (there the rate grows on a straight line). It grows geometrically here, so that each
decade gets the same number of updates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pydantic
from numpy.typing import NDArray

from lrdash.core.errors import InvalidField
from lrdash.core.record import Definition, field, several
from lrdash.core.spec import MAX_RATE, RunSpec
from lrdash.planning import plan as planning
from lrdash.planning.experiment import Arm, Experiment, Seed, peaks_around
from lrdash.planning.plan import Plan

MOST_SEEDS = 32
LEAST_SPAN = 10.0  # highest rate over lowest
# Fields of a run that a range test sets, and what to give instead.
INSTEAD = {
    "strategy": "nothing: the rate grows geometrically", "params": "nothing: there is no strategy",
    "base_lr": "lowest and highest", "epochs": "updates", "seed": "seeds",
    "warmup_epochs": "nothing: the rate begins at lowest",
    "warmup_start_factor": "nothing: the rate begins at lowest",
    "early_stopping": "nothing: a test ends at its last update",
}


class RangeTestSpec(Definition):
    """Everything that decides a range test: same spec, same losses.

    Raises:
        InvalidField: for a value that is not allowed.
    """

    prefix = "range_test."
    kept_as = "range_test"

    base: RunSpec = field(
        ..., label="Base",
        help="What is trained; its strategy, rates, epochs and seed are not used.",
    )
    lowest: float = field(
        1e-5, label="Lowest rate", gt=0, le=MAX_RATE,
        help="Rate of the first update. Choose it so low that the loss does not change yet.",
    )
    highest: float = field(
        10.0, label="Highest rate", gt=0, le=MAX_RATE,
        help="Rate of the last update. Choose it so high that the loss diverges.",
    )
    updates: int = field(
        200, label="Updates", unit="updates", ge=30, le=5_000, step=50,
        help="Steps of the rate from the lowest to the highest. More steps give a finer curve and "
        "take longer.",
    )
    seeds: tuple[Seed, ...] = field(
        (0, 1, 2, 3, 4), label="Seeds",
        help="One test for each, with its own initial weights and batches. All run side by side.",
    )

    @pydantic.field_validator("seeds", mode="wrap")
    @classmethod
    def _several(cls, value: Any, check: pydantic.ValidatorFunctionWrapHandler) -> Any:
        return several(value, check, MOST_SEEDS, "different whole numbers from 0")

    @pydantic.model_validator(mode="after")
    def _wide(self) -> Self:
        if self.highest < LEAST_SPAN * self.lowest:
            problem = f"must be at least {LEAST_SPAN:g} times the lowest rate ({self.lowest:g})"
            raise InvalidField("range_test.highest", problem, self.highest)
        return self

    @property
    def rates(self) -> NDArray[np.float32]:
        """The rate of each update, growing by one factor, float32 as it is used. [updates]"""
        return np.geomspace(self.lowest, self.highest, self.updates).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class PlannedTest:
    """A range test, complete and checked."""

    spec: RangeTestSpec  # its base complete, every default written out
    plan: Plan  # of the base, over as many epochs as the updates need


def make(spec: RangeTestSpec) -> PlannedTest:
    """Complete a spec and check it across the rooms; neither Keras nor the examples are needed.

    Raises:
        UnknownName: a dataset or model that does not exist.
        InvalidField: a setting that is wrong, or does not go with the others.
    """
    base = spec.base.replace(
        strategy="constant", params={}, base_lr=spec.highest, warmup_epochs=0.0,
        warmup_start_factor=0.0, early_stopping=None, seed=spec.seeds[0], epochs=1,
    )
    steps = planning.make(base).steps_per_epoch
    plan = planning.make(base.replace(epochs=-(-spec.updates // steps)))
    return PlannedTest(spec=spec.replace(base=plan.spec), plan=plan)


def sweep(
    spec: RangeTestSpec,
    centre: float,
    *,
    strategy: str = "constant",
    params: Mapping[str, Any] | None = None,
    epochs: int = 10,
    seeds: int = 3,
    rates: int = 7,
) -> Experiment:
    """A real sweep to compare a suggestion with: whole runs at the rates around it.

    Args:
        centre: the suggestion.
        strategy: id of the one that all of them follow.
        epochs: of each training.
        seeds: how many: the first ones of the test, then the numbers after them.
        rates: how many peak rates, two a decade, the centre in their middle.

    Raises:
        InvalidField: for a value that is not allowed.
    """
    own = list(spec.seeds[:seeds])
    own += range(max(own) + 1, max(own) + 1 + seeds - len(own))
    return Experiment(
        base=spec.base.replace(epochs=epochs),
        arms=(Arm(strategy=strategy, params=dict(params or {})),),
        base_lrs=tuple(rate for rate in peaks_around(centre, rates) if rate <= MAX_RATE),
        seeds=tuple(own),
    )
