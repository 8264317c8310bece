"""Where the rate changed in a run, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lrdash.core.events import RateDecided
from lrdash.core.wording import rate
from lrdash.strategies.base import Mark


class RateChange(NamedTuple):
    """One change of the rate."""

    epoch: float  # place on the epoch axis: update / steps_per_epoch
    rate_before: float
    rate_after: float
    text: str  # why, in words


def rate_changes(
    rates: ArrayLike,
    steps_per_epoch: int | Sequence[int],
    decisions: Iterable[RateDecided] = (),
    marks: Iterable[Mark] = (),
    *,
    before: int = 0,
) -> tuple[RateChange, ...]:
    """The strategy's marks that training has reached and the decisions that moved the rate.

    Where both name the same update (the user's expression), the decision counts. A decision of a
    rule that still sleeps during the warm-up (it has a monitor, but no wait count) moved nothing.

    Args:
        rates: rate of each update so far, [updates done].
        steps_per_epoch: updates an epoch, or the number of each epoch.
        decisions: what the rule or the expression decided.
        marks: `plan.program().marks()`.
        before: epochs done before the first rate, e.g. of a fit that began later.

    Returns:
        Changes in the order of time.
    """
    used = np.asarray(rates, dtype=np.float64)
    update_of, epoch_of = _axis(steps_per_epoch, before)
    places = {
        update_of(d.epoch): RateChange(d.epoch, d.rate_before, d.rate_after, d.reason)
        for d in decisions
        if d.rate_after != d.rate_before and not (d.monitor is not None and d.wait is None)
    }
    for mark in marks:
        if mark.update < len(used) and mark.update not in places:
            last = used[max(0, mark.update - 1)]
            places[mark.update] = RateChange(
                epoch_of(mark.update), float(last), float(used[mark.update]), mark.text
            )
    return tuple(places[update] for update in sorted(places))


def _axis(
    steps: int | Sequence[int], before: int
) -> tuple[Callable[[int], int], Callable[[int], float]]:
    """The first update after so many epochs, and the place of an update on the axis of epochs."""
    if not isinstance(steps, int) and len(set(steps)) == 1:
        steps = int(steps[0])
    if isinstance(steps, int):
        each = max(1, steps)
        return lambda epoch: (epoch - before) * each, lambda update: before + update / each
    ends = np.concatenate([[0], np.cumsum(steps)]) if len(steps) else np.array([0, 1])
    last = len(ends) - 1
    return (
        lambda epoch: int(ends[min(max(0, epoch - before), last)]),
        lambda update: before + float(np.interp(update, ends, np.arange(len(ends)))),
    )


def rate_jumps(rates: ArrayLike, most: int) -> tuple[Mark, ...]:
    """Where recorded rates change, if they do so at single places only.

    Args:
        rates: rate of each update so far, [updates done].
        most: changes above which the rate glides, and no place is worth a mark.
    """
    used = np.asarray(rates, dtype=np.float64)
    places = np.flatnonzero(np.diff(used)) + 1
    if len(places) > most:
        return ()
    return tuple(
        Mark(update=int(at), text=f"as recorded: {rate(used[at - 1])} to {rate(used[at])}")
        for at in places
    )


def last_change(changes: Sequence[RateChange]) -> str:
    """The latest change in words: `0.05 to 0.025 at epoch 14`; empty if there was none."""
    if not changes:
        return ""
    last = changes[-1]
    return f"{rate(last.rate_before)} to {rate(last.rate_after)} at epoch {last.epoch:.3g}"
