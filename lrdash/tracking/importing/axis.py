"""From steps to epochs: which steps belong to which epoch, and the values of each.

Steps may be epochs, or count updates. Then a tag `epoch` says which epoch they belong to: Lightning
writes the number of the current one, from 0, Hugging Face how many are done, as a fraction. Without
such a tag, the records of the loss are numbered.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrdash.tracking.importing.found import MOST_EPOCHS
from lrdash.tracking.importing.summaries import Scalar

Values = Mapping[int, Scalar]  # by step

PRIMARY = ("val_loss", "loss")
MOST_BLOCKS = 1000  # records into which a loss of every update is averaged
MOST_APART = 20  # epochs from one validation to the next; further apart, steps count updates


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The epochs of a run, or records that are numbered in their place."""

    epochs: Sequence[int]  # numbers from 1
    ends: Sequence[int]  # the last step of each, ascending
    start: float = -math.inf  # steps before it belong to no epoch
    updates: bool = False  # whether steps count updates, not epochs
    numbered: bool = False  # whether they are records, not epochs
    current: bool = False  # whether a tag says of every record to which epoch it belongs

    def places(self, steps: Iterable[int]) -> NDArray[np.int64]:
        """Which epoch steps belong to, from 0; -1 and the number of epochs are outside."""
        given = np.array([*steps], np.int64)
        found = np.searchsorted(np.array(self.ends), given).astype(np.int64)
        found[given < self.start] = -1
        return found

    def column(self, values: Values, *, last: bool = False) -> list[float]:
        """One value an epoch: the mean or the last one; NaN where there is none."""
        steps = sorted(values)
        parts: list[list[float]] = [[] for _ in self.ends]
        for step, place in zip(steps, self.places(steps), strict=True):
            if 0 <= place < len(parts):
                parts[place].append(values[step].value)
        return [(part[-1] if last else sum(part) / len(part)) if part else math.nan
                for part in parts]

    def outside(self, values: Values) -> int:
        """How many values belong to no epoch."""
        places = self.places(values)
        return int(((places < 0) | (places >= len(self.ends))).sum())

    def several(self, values: Values) -> bool:
        """Whether an epoch holds more than one value."""
        inside = [place for place in self.places(values) if 0 <= place < len(self.ends)]
        return len(set(inside)) < len(inside)


def of_epochs(steps: Iterable[int], *, from_zero: bool) -> Axis:
    """Steps that are epochs; unless `from_zero`, they count from 1 if the first is 1."""
    ends = sorted(set(steps))
    first = 1 if ends[0] == 1 and not from_zero else 0
    return Axis(epochs=[step + 1 - first for step in ends], ends=ends)


def of_clock(clock: Values, steps: Iterable[int], after: Iterable[int] = ()) -> Axis | None:
    """Epochs as a tag `epoch` counts them; None if its values do not ascend.

    Args:
        clock: the values of that tag.
        steps: of everything that was recorded while the model trained.
        after: of a test, which belongs to the last epoch if it came later.
    """
    known, every = sorted(clock), np.array(sorted(set(steps)), np.int64)
    counted = np.array([clock[step].value for step in known])
    if not known or not np.isfinite(counted).all() or (np.diff(counted) < 0).any() \
            or counted[0] < 0 or counted[-1] > MOST_EPOCHS:
        return None
    current = _counts_current(known, counted)
    first = 0 if counted[0] == 1 else 1  # of the first epoch, or of a later one counted from 0
    numbers = (counted + first if current else np.ceil(counted.round(6))).astype(int)
    mine = numbers[np.minimum(np.searchsorted(known, every), len(known) - 1)]
    ends = {int(number): int(step) for number, step in zip(mine, every, strict=True) if number > 0}
    if not ends:
        return None
    last = max(ends)
    ends[last] = max([ends[last], *after])
    before = max((step for step, number in zip(known, numbers, strict=True) if number < 1),
                 default=-math.inf)
    return Axis(epochs=list(ends), ends=list(ends.values()), start=before + 1, updates=True,
                current=current)


def _counts_current(steps: Sequence[int], counted: NDArray[np.float64]) -> bool:
    """Whether it is the number of the current epoch, and not how many are done.

    How many are done grows with every step, and is 0 only before the first update.
    """
    if (counted % 1 > 0).any():
        return False
    before = steps[0] == 0 and len(steps) > 1 and steps[1] > 1
    return bool((np.diff(counted) == 0).any() or (counted[0] == 0 and not before))


def of_records(by_step: Mapping[str, Values], remarks: list[str]) -> Axis:
    """Epochs if the steps of the loss can be such, otherwise records, with a remark."""
    chosen = _numbered(by_step)
    steps = sorted(by_step[chosen])
    if _consecutive(steps) and len(steps) <= MOST_EPOCHS:
        epochs = [step + 1 - steps[0] for step in steps]
        validated = by_step.get("val_loss", ())
        if chosen == "loss" and 0 < len(validated) < len(steps):
            remarks.append("The steps were read as epochs, with a validation loss at "
                           f"{len(validated)} of {len(steps)}.")
        return Axis(epochs=epochs, ends=steps, start=steps[0])
    steps = steps if len(steps) <= MOST_BLOCKS else _blocks(steps)
    remarks.append(
        f"The steps are not epochs: {len(steps):,} records of {chosen}, up to step "
        f"{steps[-1]:,}, are numbered as epochs. Values between two of them are averaged."
    )
    epochs = list(range(1, len(steps) + 1))
    return Axis(epochs=epochs, ends=steps, updates=True, numbered=True)


def decisive(by_step: Mapping[str, Values]) -> str:
    """The tag that is measured once an epoch, if any is."""
    return next((name for name in PRIMARY if name in by_step),
                max(by_step, key=lambda name: len(by_step[name])))


def _numbered(by_step: Mapping[str, Values]) -> str:
    """The tag whose steps decide; the training loss if validation followed only some of them."""
    found = decisive(by_step)
    some = found == "val_loss" and "loss" in by_step and _after_some(
        by_step[found], sorted(by_step["loss"]))
    return "loss" if some else found


def _after_some(validated: Iterable[int], trained: Sequence[int]) -> bool:
    """Whether validation followed each k-th record of training, with a k that epochs have."""
    place = {step: number for number, step in enumerate(trained)}
    found = sorted(place.get(step, -1) for step in validated if step >= trained[0])
    if not found or found[0] < 0:
        return False
    apart = max((b - a for a, b in itertools.pairwise(found)), default=len(trained))
    return len(found) == 1 or (apart <= MOST_APART and len(trained) - 1 - found[-1] <= apart)


def _consecutive(steps: Sequence[int]) -> bool:
    return steps[0] in (0, 1) and steps[-1] - steps[0] == len(steps) - 1


def _blocks(steps: Sequence[int]) -> list[int]:
    places = np.linspace(0, len(steps) - 1, MOST_BLOCKS + 1).round().astype(int)[1:]
    return [steps[place] for place in places]
