"""What other settings of the plateau rule would have done with a recorded metric.

This is certain up to and including the first decision that differs: until then both runs are the
same. Beyond it the metric itself would have been different.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdash.strategies.plateau import Plateau
from lrdash.teaching.moments import Recorded

DELTAS = (0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # smallest improvements of the grid
PATIENCES = tuple(range(1, 11))  # epochs, of the grid


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What a rule decided over a recorded metric."""

    rates: tuple[float, ...]  # in force after each epoch's decision
    cuts: tuple[int, ...]  # epochs done at the cuts
    words: tuple[str, ...]  # of each cut


@dataclass(frozen=True, kw_only=True)
class Grid:
    """First cut and number of cuts for every pair of patience and smallest improvement."""

    patiences: tuple[int, ...]  # epochs, ascending
    deltas: tuple[float, ...]  # ascending
    first: NDArray[np.int64]  # epochs done at the first cut, 0 for none [deltas, patiences]
    count: NDArray[np.int64]  # number of cuts [deltas, patiences]


def replay(rule: Plateau, recorded: Recorded) -> Replay:
    """The decisions of a rule over a recorded metric."""
    state, cuts, words = rule.start(recorded.base_lr), [], []
    asleep = len(recorded.lead)
    rates = [*recorded.lead[1:], recorded.base_lr] if asleep else []
    for epoch, value in enumerate(recorded.values[asleep:], start=asleep + 1):
        if epoch not in recorded.missing:
            state, decision = rule.decide(state, epoch, value)
            if decision.rate_after < decision.rate_before:
                cuts.append(epoch)
                words.append(decision.reason)
        rates.append(state["rate"])
    return Replay(
        rates=tuple(rates[: len(recorded.values)]), cuts=tuple(cuts), words=tuple(words)
    )


def left_off(rule: Plateau, recorded: Recorded, epoch: int) -> dict[str, Any]:
    """The state of a rule that has watched a record up to an epoch: where a branch resumes."""
    state, asleep = rule.start(recorded.base_lr), len(recorded.lead)
    for done, value in enumerate(recorded.values[asleep:epoch], start=asleep + 1):
        if done not in recorded.missing:
            state, _ = rule.decide(state, done, value)
    return state


def first_difference(one: Replay, other: Replay) -> int | None:
    """Epochs done at the first decision after which the rates differ; None if none does."""
    pairs = zip(one.rates, other.rates, strict=True)
    return next((epoch for epoch, (a, b) in enumerate(pairs, start=1) if a != b), None)


def grid(
    rule: Plateau, recorded: Recorded, *, patiences: Sequence[int] = (),
    deltas: Sequence[float] = (),
) -> Grid:
    """Patience x smallest improvement, all else as in the rule.

    Args:
        rule: the settings that stay the same.
        recorded: the metric that it watches.
        patiences: further ones beside the default 1 to 10.
        deltas: further ones beside the defaults.
    """
    across = tuple(sorted({*PATIENCES, *patiences}))
    down = tuple(sorted({*DELTAS, *deltas}))
    first, count = np.zeros((2, len(down), len(across)), dtype=np.int64)
    for row, delta in enumerate(down):
        for column, patience in enumerate(across):
            cuts = replay(rule.replace(patience=patience, min_delta=delta), recorded).cuts
            first[row, column], count[row, column] = cuts[0] if cuts else 0, len(cuts)
    return Grid(patiences=across, deltas=down, first=first, count=count)
