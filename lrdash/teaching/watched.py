"""Callbacks of a training that lrdash only watched: what they were seen to do."""

from __future__ import annotations

from collections.abc import Sequence

from lrdash.core.events import RateDecided
from lrdash.strategies.plateau import Plateau
from lrdash.teaching.moments import Recorded, Walk
from lrdash.teaching.scheduler import called
from lrdash.teaching.steps import scheduler_steps
from lrdash.teaching.walk import walk_plateau

CLOSE = 1e-5  # relative; Keras multiplies in float32


def walk_watched(decisions: Sequence[RateDecided], values: Sequence[float] = ()) -> Walk:
    """The calls of a LearningRateScheduler whose schedule is not known, only what it gave.

    Args:
        decisions: as they were seen, one for each epoch that began.
        values: a metric to be shown beside them, one an epoch done; may be empty.
    """
    moments = tuple(called(made, made.epoch, values) for made in decisions)
    return Walk(kind="scheduler", steps=scheduler_steps("schedule(epoch, lr)"), moments=moments)


def disagreement(rule: Plateau, recorded: Recorded, decisions: Sequence[RateDecided]) -> str:
    """Where the decisions seen differ from those of the rule with the settings of the callback, in
    words; empty if nowhere.
    """
    moments = {moment.epoch: moment for moment in walk_plateau(rule, recorded).moments}
    for made in decisions:
        moment = moments.get(made.epoch)
        if moment and abs(moment.rate_after - made.rate_after) > CLOSE * made.rate_after:
            return (
                f"From epoch {made.epoch} on, something else changed the rate too: it was "
                f"{made.rate_after:.6g}, where this callback alone would give "
                f"{moment.rate_after:.6g}."
            )
    return ""
