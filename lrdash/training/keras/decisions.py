"""The callbacks that set the rate of a Keras run: warm-up, rules, the user's expression.

Where Keras has a callback of its own (`ReduceLROnPlateau`, `LearningRateScheduler`) it decides; the
rate program computes the same independently, and the two are compared. The rate itself is always
the program's: Keras multiplies in float32 from cut to cut, which can differ by one unit in the last
place from the rate that preview and log show.
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


class SetRates(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets the rate of each update.

    Args:
        epochs: from the start, in which it does so: those that begin in warm-up; None for all.
    """

    def __init__(self, program: RateProgram, epochs: int | None = None) -> None:
        super().__init__()
        self._program, self._epochs = program, epochs
        self._rates: Rates | None = None  # of the epoch, if it sets them

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Look up the rates of the epoch."""
        sets = self._epochs is None or epoch < self._epochs
        self._rates = self._program.rates(epoch) if sets else None

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Set the rate of this update."""
        if self._rates is not None:
            set_rate(self.model, self._rates[batch])


class Decide(keras.callbacks.Callback):  # type: ignore[misc]
    """Lets the program decide at the end of each epoch, reports it, and sets the rate of a rule."""

    def __init__(self, program: RateProgram, say: Say) -> None:
        super().__init__()
        self._program, self._say = program, say

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Decide about the rate from the next update on."""
        decision = self._program.end_epoch(epoch, logs or {})
        _adopt(self.model, self._program, decision, self._say)


class SteeredPlateau(keras.callbacks.ReduceLROnPlateau):  # type: ignore[misc]
    """Keras' callback, inactive during warm-up, whose decisions must equal those of the program.

    Raises:
        Contradiction: out of `fit`, where Keras cuts, waits or cools down differently.
    """

    def __init__(self, program: RateProgram, rule: Plateau, say: Say) -> None:
        super().__init__(**rule.keras_settings())
        self._program, self._say = program, say

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Let Keras decide, then the program; compare; set the program's rate."""
        before = rate_in_use(self.model)
        if epoch >= self._program.first_epoch:
            super().on_epoch_end(epoch, logs)
        keras_cut = bool(rate_in_use(self.model) < before)
        decision = self._program.end_epoch(epoch, logs or {})
        if decision is not None and epoch >= self._program.first_epoch:
            self._compare(decision, keras_cut)
        _adopt(self.model, self._program, decision, self._say)

    def _compare(self, decision: RateDecided, keras_cut: bool) -> None:
        state = self._program.state()
        cut = decision.rate_after < decision.rate_before
        by_rule = (cut, state["wait"], state["cooldown"])
        by_keras = (keras_cut, self.wait, self.cooldown_counter)
        if by_keras != by_rule:
            raise Contradiction(
                f"The rule and Keras disagree at epoch {decision.epoch}: (cut, wait, cooldown) is "
                f"{by_rule} by the rule and {by_keras} by Keras."
            )


def steering(
    program: RateProgram, say: Say, *, by_batch: bool = False
) -> tuple[list[Any], list[Any]]:
    """The callbacks that set the rates of a program.

    Args:
        by_batch: whether rates that are known beforehand are set before each batch, since the
            optimizer does not make one update a batch.

    Returns:
        Those that act before an update, and those that act at the end of an epoch: `Stream` belongs
        between them.
    """
    strategy = program.strategy
    if by_batch and program.table is not None:
        return [SetRates(program)], [Decide(program, say)]
    if not program.plain:
        before = [SetRates(program)] if program.table is None else []
        return before, [Decide(program, say)]
    warmup = SetRates(program, program.first_epoch)
    if isinstance(strategy, Plateau) and strategy.rules == "keras":
        return [warmup], [SteeredPlateau(program, strategy, say)]
    if program.table is None:
        return [warmup], [Decide(program, say)]
    if strategy.id == "custom":
        return [scheduler_of(program), warmup], [Decide(program, say)]
    return [], [Decide(program, say)]


def _adopt(
    model: keras.Model, program: RateProgram, decision: RateDecided | None, say: Say
) -> None:
    if decision is None:
        return
    following = decision.epoch  # counted from 0
    if program.table is None and following * program.steps_per_epoch < program.updates:
        set_rate(model, program.rates(following)[0])
    say(decision)
