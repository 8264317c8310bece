"""What other settings would have done, and what they did, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lrdash.teaching.whatif import Replay, first_difference

FLOAT32 = 2.0**-23  # relative spacing of the numbers that training computes with
LISTED = 8  # cuts named one by one


def outlook(was: Replay, would: Replay, *, changed: str) -> str:
    """What changes, and how far that is certain.

    Args:
        was: what the recorded settings decided.
        would: what the others would have decided.
        changed: the settings that differ, in words; empty without one.

    >>> was = Replay(rates=(0.1, 0.1, 0.05), cuts=(3,), words=("",))
    >>> would = Replay(rates=(0.1, 0.05, 0.05), cuts=(2,), words=("",))
    >>> outlook(was, would, changed="patience 1")
    'With patience 1 the rate would have been cut after epoch 2 (recorded: epoch 3). The decisions \
are the same before epoch 2, and the one after epoch 2 is certain.'
    """
    if not changed:
        return f"These are the settings of the record: {listed(was.cuts)}. Change one " \
            "of them, the patience for example."
    differs = first_difference(was, would)
    if differs is None:
        return f"With {changed} nothing would have changed: {listed(was.cuts)}, as recorded. " \
            "That is certain."
    told = f"With {changed} the rate would have been {listed(would.cuts)} " \
        f"(recorded: {listed(was.cuts).removeprefix('cut after ')})."
    return f"{told} The decisions are the same before epoch {differs}, and the one after epoch " \
        f"{differs} is certain."


def verdict(
    was: Sequence[float], truth: Sequence[float], guess: Replay, real: Replay, *,
    metric: str, differs: int, forked: bool = False,
) -> str:
    """How the guess did against the trained run.

    Args:
        was: the recorded metric, one value an epoch.
        truth: the metric of the trained run.
        guess: the decisions over the recorded metric.
        real: the decisions over the trained run's metric.
        metric: its name.
        differs: epochs done at the first decision that differs from the record.
        forked: whether the trained run is a branch of the record, so that they share the epochs
            before.
    """
    shared = min(differs, len(was), len(truth))
    gap = float(np.abs(np.subtract(was[:shared], truth[:shared])).max(initial=0.0))
    size = float(np.abs(was[:shared]).max(initial=0.0))
    told = f"Trained: up to epoch {differs} both {metric} are {_nearness(gap, size)}."
    if forked:
        told = f"Trained as a branch of the record, which it leaves after epoch {differs}."
    if real.cuts == guess.cuts:
        return f"{told} The guess was right: {listed(real.cuts)}."
    return f"{told} The guess said {listed(guess.cuts)}; in truth it was " \
        f"{listed(real.cuts)}."


def _nearness(gap: float, size: float) -> str:
    if gap == 0:
        return "the same to the last bit"
    if gap < FLOAT32 * size:
        return "the same but for rounding"
    return f"within {gap:.2g} of each other"


def listed(cuts: Sequence[int]) -> str:
    """Where the rate was cut: `cut after epoch 3`, `cut after epochs 3, 7 and 9`, `never cut`."""
    if not cuts:
        return "never cut"
    if len(cuts) == 1:
        return f"cut after epoch {cuts[0]}"
    if len(cuts) > LISTED:
        first = ", ".join(str(epoch) for epoch in cuts[:LISTED])
        return f"cut after epochs {first} and {len(cuts) - LISTED} more"
    return f"cut after epochs {', '.join(str(epoch) for epoch in cuts[:-1])} and {cuts[-1]}"
