"""The callbacks through which a course steers a Keras run: warm-up, rules, the user's expression.

What is decided comes from Keras' own callbacks where Keras has one (`ReduceLROnPlateau`,
`LearningRateScheduler`); the course computes the same on its own, and the two are held against
each other. The rate itself is always the course's: Keras multiplies in float32 from one cut to
the next, which can end one unit in the last place beside the rate that preview and log show.
"""

# ruff: noqa: ARG002 (Keras passes these arguments by name)
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from lrdash.core.events import RateDecided
from lrdash.strategies.base import Rates
from lrdash.strategies.plateau import Plateau
from lrdash.strategies.program import RateProgram
from lrdash.training.failures import Contradiction
from lrdash.training.keras.callbacks import Logs
from lrdash.training.keras.rates import rate_in_use, scheduler_of, set_rate

Say = Callable[[RateDecided], None]


class WarmUp(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets the rate of each update up to the first epoch that begins after warm-up."""

    def __init__(self, course: RateProgram) -> None:
        super().__init__()
        self._course, self._epoch = course, 0

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Remember where we are."""
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Set the rate of this update."""
        if self._epoch < self._course.first_epoch:
            set_rate(self.model, self._course.rates(self._epoch)[batch])


class EveryUpdate(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets the rate of each update: for a program with a rule after another segment in it."""

    def __init__(self, course: RateProgram) -> None:
        super().__init__()
        self._course = course
        self._rates: Rates = course.rates(0)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Look the rates of the epoch up."""
        self._rates = self._course.rates(epoch)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Set the rate of this update."""
        set_rate(self.model, self._rates[batch])


class Decide(keras.callbacks.Callback):  # type: ignore[misc]
    """Lets the course decide at each epoch's end, says what it decided, and sets a rule's rate."""

    def __init__(self, course: RateProgram, say: Say) -> None:
        super().__init__()
        self._course, self._say = course, say

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Decide about the rate from the next update on."""
        decision = self._course.end_epoch(epoch, logs or {})
        _adopt(self.model, self._course, decision, self._say)


class SteeredPlateau(keras.callbacks.ReduceLROnPlateau):  # type: ignore[misc]
    """Keras' callback, asleep during warm-up, whose decisions must be those of the course.

    Raises:
        Contradiction: out of `fit`, where Keras cuts, waits or rests otherwise than the rule.
    """

    def __init__(self, course: RateProgram, rule: Plateau, say: Say) -> None:
        super().__init__(
            monitor=rule.monitor,
            mode="max" if rule.rising else "min",
            factor=rule.factor,
            patience=rule.patience,
            min_delta=rule.min_delta,
            cooldown=rule.cooldown,
            min_lr=rule.min_lr,
        )
        self._course, self._say = course, say

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Let Keras decide, then the course; compare; set the course's rate."""
        before = rate_in_use(self.model)
        if epoch >= self._course.first_epoch:
            super().on_epoch_end(epoch, logs)
        keras_cut = bool(rate_in_use(self.model) < before)
        decision = self._course.end_epoch(epoch, logs or {})
        if decision is not None and epoch >= self._course.first_epoch:
            self._compare(decision, keras_cut)
        _adopt(self.model, self._course, decision, self._say)

    def _compare(self, decision: RateDecided, keras_cut: bool) -> None:
        state = self._course.state()
        cut = decision.rate_after < decision.rate_before
        by_rule = (cut, state["wait"], state["cooldown"])
        by_keras = (keras_cut, self.wait, self.cooldown_counter)
        if by_keras != by_rule:
            raise Contradiction(
                f"The rule and Keras disagree at epoch {decision.epoch}: (cut, wait, cooldown) is "
                f"{by_rule} by the rule and {by_keras} by Keras."
            )


def steering(course: RateProgram, say: Say) -> tuple[list[Any], list[Any]]:
    """The callbacks that steer the rate of a course.

    Returns:
        Those that act before an update, and those that act at an epoch's end: `Stream` belongs
        between them.
    """
    strategy = course.strategy
    if not course.plain:
        before = [EveryUpdate(course)] if course.table is None else []
        return before, [Decide(course, say)]
    if isinstance(strategy, Plateau) and strategy.rules == "keras":
        return [WarmUp(course)], [SteeredPlateau(course, strategy, say)]
    if course.table is None:
        return [WarmUp(course)], [Decide(course, say)]
    if strategy.id == "custom":
        return [scheduler_of(course), WarmUp(course)], [Decide(course, say)]
    return [], [Decide(course, say)]


def _adopt(
    model: keras.Model, course: RateProgram, decision: RateDecided | None, say: Say
) -> None:
    if decision is None:
        return
    following = decision.epoch  # counted from 0
    if course.table is None and following * course.steps_per_epoch < course.updates:
        set_rate(model, course.rates(following)[0])
    say(decision)
