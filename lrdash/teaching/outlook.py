"""What other settings would have done, and what they did, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lrdash.core.wording import listed
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
        return f"These are the recorded settings: {cuts_in_words(was.cuts)}. Change one of them, " \
            "for example the patience."
    differs = first_difference(was, would)
    if differs is None:
        return f"With {changed} nothing would have changed: {cuts_in_words(was.cuts)}, as " \
            "recorded. That is certain."
    return f"With {changed} the rate would have been {cuts_in_words(would.cuts)} (recorded: " \
        f"{cuts_in_words(was.cuts).removeprefix('cut after ')}). The decisions are the same " \
        f"before epoch {differs}, and the one after epoch {differs} is certain."


def verdict(
    was: Sequence[float], trained: Sequence[float], guess: Replay, real: Replay, *,
    metric: str, differs: int, forked: bool = False,
) -> str:
    """How the guess compares with the trained run.

    Args:
        was: the recorded metric, one value an epoch.
        trained: the metric of the trained run.
        guess: the decisions over the recorded metric.
        real: the decisions over the trained run's metric.
        metric: its name.
        differs: epochs done at the first decision that differs from the record.
        forked: whether the trained run is a branch of the record, so that they share the epochs
            before.
    """
    shared = min(differs, len(was), len(trained))
    gap = float(np.abs(np.subtract(was[:shared], trained[:shared])).max(initial=0.0))
    size = float(np.abs(was[:shared]).max(initial=0.0))
    how = f"Trained: up to epoch {differs} the curves of {metric} are {_nearness(gap, size)}."
    if forked:
        how = f"Trained as a branch of the record, which it leaves after epoch {differs}."
    if real.cuts == guess.cuts:
        return f"{how} The guess was right: {cuts_in_words(real.cuts)}."
    return f"{how} The guess was wrong: {cuts_in_words(guess.cuts)} by the guess, " \
        f"{cuts_in_words(real.cuts)} in training."


def _nearness(gap: float, size: float) -> str:
    if gap == 0:
        return "the same to the last bit"
    if gap < FLOAT32 * size:
        return "the same but for rounding"
    return f"within {gap:.2g} of each other"


def cuts_in_words(cuts: Sequence[int]) -> str:
    """Where the rate was cut: `cut after epoch 3`, `cut after epochs 3, 7 and 9`, `never cut`."""
    if not cuts:
        return "never cut"
    more = len(cuts) - LISTED
    named = [*map(str, cuts[:LISTED]), *([f"{more} more"] if more > 0 else ())]
    return f"cut after epoch{'s' if len(cuts) > 1 else ''} {listed(named)}"
