"""A strategy over a stretch of training: its rates, decisions and marks.

It never changes: the state of a rule is handed in and out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lrdash.core.errors import BrokenPlugin, InvalidField
from lrdash.core.events import RateDecided
from lrdash.strategies.base import Rule, Schedule, Strategy, called, explained
from lrdash.strategies.horizon import Mark, Rates, divided

State = dict[str, Any]  # of a rule, JSON types; empty for a schedule


class Stretch:
    """Warm-up, then the strategy; epochs and updates are counted from 0 where it begins.

    A rule is not active during the warm-up: it begins with the first epoch after it.

    Args (others as in `RateProgram`):
        horizon: epochs over which the strategy is spread, warm-up included; by default all.
            Beyond them its last rate holds; with fewer epochs the rest is not reached.

    Attributes:
        table: the rate of every update, float64 [updates]; of a rule, while it never cuts.
        start: the state before the first epoch.

    Raises:
        InvalidField: the warm-up is as long as the training, or a setting does not fit the horizon.
        BrokenPlugin: the strategy fails, or gives values that are not rates.
    """

    def __init__(
        self, strategy: Strategy, *, base_lr: float, epochs: int, steps_per_epoch: int,
        warmup_epochs: float = 0.0, warmup_start_factor: float = 0.0, horizon: int | None = None,
    ) -> None:
        self.strategy, self.steps_per_epoch = strategy, steps_per_epoch
        self.rule = strategy if isinstance(strategy, Rule) else None
        self.updates = epochs * steps_per_epoch
        self.warmup, self.horizon = divided(
            base_lr=base_lr, epochs=horizon or epochs, steps_per_epoch=steps_per_epoch,
            warmup_epochs=warmup_epochs, warmup_start_factor=warmup_start_factor,
        )
        self.first_epoch = self.warmup.first_epoch  # that begins after the warm-up
        with explained(strategy):
            strategy.check(self.horizon)
            self.start: State = self.rule.start(base_lr) if self.rule else {}
        rest, decided = self._schedule()
        self._decisions = {
            one.epoch + self.first_epoch: replace(one, epoch=one.epoch + self.first_epoch)
            for one in decided
        }
        whole = np.concatenate([self.warmup.rates(base_lr), rest])
        held = np.full(max(0, self.updates - len(whole)), whole[-1])
        self.table: Rates = np.concatenate([whole, held])[: self.updates]

    def known(self, epoch: int) -> bool:
        """Whether the rates of an epoch are settled before training."""
        return self.rule is None or epoch < self.first_epoch

    def rates(self, epoch: int, state: State) -> Rates:
        """Rates of the updates of an epoch, float64 [steps_per_epoch].

        Raises:
            BrokenPlugin: the rate of a rule is no number of at least 0.
        """
        first = epoch * self.steps_per_epoch
        if self.known(epoch):
            return self.table[first : first + self.steps_per_epoch]
        with explained(self.strategy):
            given = np.full(self.steps_per_epoch, state["rate"], dtype=np.float64)
        return _checked(given, self.strategy, first)

    def before_start(self) -> RateDecided | None:
        """The decision before the first epoch, if there is one."""
        return self._decisions.get(0)

    def decide(
        self, state: State, epoch: int, metrics: Mapping[str, float]
    ) -> tuple[State, RateDecided | None]:
        """The state after an epoch, and the decision about the rate from the next update on.

        Raises:
            InvalidField: if the metrics lack the one that is monitored.
        """
        done = epoch + 1
        if self.rule is None:
            more = done * self.steps_per_epoch < self.updates
            return state, self._decisions.get(done) if more else None
        if self.rule.monitor not in metrics:
            known = ", ".join(metrics) or "none"
            problem = f"must be a metric of this run ({known})"
            raise InvalidField(f"{self.strategy.prefix}monitor", problem, self.rule.monitor)
        value = float(metrics[self.rule.monitor])
        if epoch < self.first_epoch:
            following = min(done * self.steps_per_epoch, self.updates - 1)
            return state, RateDecided(
                epoch=done, rate_before=float(self.table[done * self.steps_per_epoch - 1]),
                rate_after=float(self.table[following]),
                reason="warm-up: the rule is not watching yet",
                monitor=self.rule.monitor, monitored=value,
            )
        with explained(self.rule):
            return self.rule.decide(state, done, value)

    def marks(self) -> tuple[Mark, ...]:
        """Where the rate changes and why, the end of the warm-up included."""
        begin = self.warmup.updates
        marks = [Mark(update=begin, text="warm-up ends")] if begin else []
        if isinstance(self.strategy, Schedule):
            with explained(self.strategy):
                own = self.strategy.marks(self.horizon)
                marks += [replace(mark, update=mark.update + begin) for mark in own]
        return tuple(mark for mark in marks if mark.update < self.updates)

    def _schedule(self) -> tuple[Rates, tuple[RateDecided, ...]]:
        """Rates and decisions after the warm-up, as far as they are known beforehand."""
        strategy, updates = self.strategy, self.horizon.updates
        if not isinstance(strategy, Schedule):
            return np.full(updates, self.horizon.base_lr), ()
        with explained(strategy):
            given = np.asarray(strategy.rates(self.horizon), dtype=np.float64)
        if given.shape != (updates,):
            raise BrokenPlugin(
                f"{called(strategy)} gives an array of shape {given.shape} for {updates:,} "
                "updates; it must give one rate for each."
            )
        with explained(strategy):
            return (
                _checked(given, strategy, self.warmup.updates), strategy.decisions(self.horizon)
            )


def _checked(given: Rates, strategy: Strategy, before: int) -> Rates:
    """Rates that follow so many updates, if all can be used."""
    fit = np.isfinite(given) & (given >= 0)
    if not fit.all():
        place = int(np.argmin(fit))
        raise BrokenPlugin(
            f"{called(strategy)} gives the rate {given[place]:g} at update {before + place + 1:,}; "
            "a rate must be a number of at least 0."
        )
    return given
