"""LearningRateScheduler, epoch by epoch: read the rate, ask the schedule, set the new rate."""

from __future__ import annotations

from collections.abc import Sequence

from lrdash.core.errors import InvalidField
from lrdash.core.events import RateDecided, finite
from lrdash.strategies.custom import Custom
from lrdash.strategies.program import RateProgram
from lrdash.teaching.moments import Moment, Variable, Walk, digits, held, variable
from lrdash.teaching.steps import scheduler_steps


def walk_scheduler(program: RateProgram, values: Sequence[float] = ()) -> Walk:
    """The calls of the user's expression at the beginning of each epoch.

    Args:
        program: of a run with the strategy `custom`.
        values: a metric to be shown beside them, one an epoch done; may be empty.

    Returns:
        One moment for each epoch that begins after the warm-up; its `epoch` is the number of
        epochs done by then.

    Raises:
        InvalidField: if the program has another strategy.
    """
    strategy = program.strategy
    if not isinstance(strategy, Custom):
        raise InvalidField("strategy", "must be custom to walk through its calls", strategy.id)
    moments = [
        called(made, made.epoch + program.first_epoch, values)
        for made in strategy.decisions(program.horizon)
    ]
    steps = scheduler_steps(" ".join(strategy.expression.split()))
    return Walk(kind="scheduler", steps=steps, moments=tuple(moments))


def called(made: RateDecided, done: int, values: Sequence[float]) -> Moment:
    """One call of a schedule.

    Args:
        made: what it decided, its epoch counted as the schedule counts.
        done: epochs done by then.
        values: a metric to be shown, one an epoch done.
    """
    before, after = made.rate_before, made.rate_after
    same = before == after
    return Moment(
        epoch=done, outcome="kept" if same else "set", step=1 if same else 2,
        notes={
            0: f"lr is {before:.6g}",
            1: f"schedule({made.epoch}, {before:.6g}) gives {after:.6g}",
            2: "unchanged" if same else f"{before:.6g} to {after:.6g}",
        },
        variables=(
            Variable(name="epoch", meaning="that begins, counted from 0, warm-up left out",
                     now=str(made.epoch)),
            Variable(name="lr", meaning="handed to the schedule", now=digits(before)),
            variable("new", "for the epoch that begins", digits(before), digits(after)),
            variable("in float32", "the same rate as Keras' variable holds it",
                     held(before), held(after)),
        ),
        words=made.reason, rate=before, rate_after=after,
        value=finite(values[done - 1]) if 0 < done <= len(values) else None,
    )
