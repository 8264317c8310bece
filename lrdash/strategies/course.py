"""The course of the rate through one run: warm-up, then the strategy. The only source of rates:
preview, both engines and the log take them from here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from lrdash.core.errors import BrokenPlugin, InvalidField, LrdashError
from lrdash.core.events import RateDecided
from lrdash.strategies.base import Horizon, Mark, Rates, Rule, Schedule, Strategy


class Course:
    """Rates epoch by epoch.

    Call `rates(epoch)` for the epoch that comes next, train it, then `end_epoch`. Not safe for
    several threads. `state` and `restore` carry it over a restart, exact to the bit.

    Warm-up over W = round(warmup_epochs * S) updates is a line from warmup_start_factor * base_lr
    to base_lr of which update t uses the point (t + 1) / W: the first update never uses 0, the last
    uses base_lr. A rule sleeps through it and wakes with the first epoch that begins after it.

    Args:
        strategy: the schedule or rule.
        base_lr: peak rate.
        epochs: epochs in all, warm-up included.
        steps_per_epoch: updates an epoch, S.
        warmup_epochs: length of the warm-up, fractions allowed; below `horizon`.
        warmup_start_factor: where the line starts, as a share of base_lr.
        horizon: epochs that the strategy counts with, warm-up included; by default all. Beyond
            them its last rate holds; with fewer epochs the rest of the curve is not reached.

    Attributes:
        decided: the strategy's own decision at the end of the last epoch.

    Raises:
        InvalidField: warm-up as long as the training, or settings that the horizon does not bear.
        BrokenPlugin: the strategy fails, or gives rates that are none.
    """

    def __init__(
        self,
        strategy: Strategy,
        *,
        base_lr: float,
        epochs: int,
        steps_per_epoch: int,
        warmup_epochs: float = 0.0,
        warmup_start_factor: float = 0.0,
        horizon: int | None = None,
    ) -> None:
        span = horizon or epochs
        total = span * steps_per_epoch
        warmup = round(warmup_epochs * steps_per_epoch)
        if warmup >= total:
            problem = f"must be shorter than the training ({span} epochs)"
            raise InvalidField("warmup_epochs", problem, warmup_epochs)
        self.strategy = strategy
        self.steps_per_epoch = steps_per_epoch
        self.updates = epochs * steps_per_epoch
        self.warmup = warmup  # updates
        self.first_epoch = math.ceil(warmup / steps_per_epoch)  # first that begins after warm-up
        self.horizon = Horizon(
            base_lr=base_lr,
            steps_per_epoch=steps_per_epoch,
            updates=total - warmup,
            lead=-warmup % steps_per_epoch,
        )
        with _explained(strategy):
            strategy.check(self.horizon)
        line = np.arange(1, warmup + 1, dtype=np.float64) / max(1, warmup)
        ramp = base_lr * (warmup_start_factor + (1.0 - warmup_start_factor) * line)
        self._rule = strategy if isinstance(strategy, Rule) else None
        if isinstance(strategy, Schedule):
            rest = _rates(strategy, self.horizon, warmup)
            with _explained(strategy):
                self._decisions = {
                    d.epoch + self.first_epoch: replace(d, epoch=d.epoch + self.first_epoch)
                    for d in strategy.decisions(self.horizon)
                }
        else:
            rest = np.full(self.horizon.updates, base_lr)
            self._decisions = {}
        whole: Rates = np.concatenate([ramp, rest])
        held = np.full(max(0, self.updates - total), whole[-1])
        self._table: Rates = np.concatenate([whole, held])[: self.updates]
        with _explained(strategy):
            self._state: dict[str, Any] = self._rule.start(base_lr) if self._rule else {}
        self.decided: RateDecided | None = None

    @property
    def monitor(self) -> str | None:
        """Name of the metric that the strategy reads, None for a schedule."""
        return self._rule.monitor if self._rule else None

    @property
    def table(self) -> Rates | None:
        """All rates beforehand, float64 [updates]; None for a rule."""
        return None if self._rule else self._table

    def known(self, epoch: int) -> bool:
        """Whether the rates of an epoch (counted from 0) were settled before training."""
        return self._rule is None or epoch < self.first_epoch

    def rates(self, epoch: int) -> Rates:
        """Rates of the updates of an epoch (counted from 0), float64 [steps_per_epoch].

        Raises:
            BrokenPlugin: the rate of a rule is no number of at least 0.
        """
        first = epoch * self.steps_per_epoch
        if self.known(epoch):
            return self._table[first : first + self.steps_per_epoch]
        with _explained(self.strategy):
            given = np.full(self.steps_per_epoch, self._state["rate"], dtype=np.float64)
        return _checked(given, self.strategy, first)

    def before_start(self) -> RateDecided | None:
        """What was decided before the first epoch, if anything."""
        return self._decisions.get(0)

    def end_epoch(self, epoch: int, metrics: Mapping[str, float]) -> RateDecided | None:
        """Take in an epoch's metrics.

        Args:
            epoch: the epoch that ended, counted from 0.
            metrics: its metrics by name.

        Returns:
            The decision about the rate from the next update on, or None where none is taken.

        Raises:
            InvalidField: if the metrics lack the one that is monitored.
        """
        self.decided = self._decide(epoch, metrics)
        return self.decided

    def _decide(self, epoch: int, metrics: Mapping[str, float]) -> RateDecided | None:
        done = epoch + 1
        if self._rule is None:
            return self._decisions.get(done) if done * self.steps_per_epoch < self.updates else None
        if self._rule.monitor not in metrics:
            known = ", ".join(metrics) or "none"
            problem = f"must be a metric of this run ({known})"
            raise InvalidField(f"{self.strategy.prefix}monitor", problem, self._rule.monitor)
        value = float(metrics[self._rule.monitor])
        if epoch < self.first_epoch:
            return RateDecided(
                epoch=done, rate_before=float(self._table[done * self.steps_per_epoch - 1]),
                rate_after=float(self._table[min(done * self.steps_per_epoch, self.updates - 1)]),
                reason="warm-up: the rule is not watching yet",
                monitor=self._rule.monitor, monitored=value,
            )
        with _explained(self._rule):
            self._state, decision = self._rule.decide(self._state, done, value)
        return decision

    def marks(self) -> tuple[Mark, ...]:
        """Where the rate changes and why, warm-up's end included; a rule's cuts are unknown yet."""
        marks: list[Mark] = []
        if self.warmup:
            marks.append(Mark(update=self.warmup, text="warm-up ends"))
        if isinstance(self.strategy, Schedule):
            with _explained(self.strategy):
                for mark in self.strategy.marks(self.horizon):
                    marks.append(replace(mark, update=mark.update + self.warmup))
        return tuple(mark for mark in marks if mark.update < self.updates)

    def begins(self, done: int) -> bool:  # noqa: ARG002
        """Whether another piece takes over when this many epochs are done: never here."""
        return False

    def told(self, decision: RateDecided | None, done: int) -> RateDecided | None:  # noqa: ARG002
        """What is said at the end of an epoch, where the strategy decided this."""
        return decision

    def multiply(self, factor: float) -> None:
        """Multiply a rule's rate; what it has seen and counted stays."""
        if self._rule:
            self._state = {**self._state, "rate": self._state["rate"] * factor}

    def state(self) -> dict[str, Any]:
        """What `restore` needs, as JSON types."""
        return dict(self._state)

    def restore(self, state: Mapping[str, Any], done: int) -> None:  # noqa: ARG002
        """Go on from a state given by `state`.

        Args:
            state: as it was given.
            done: epochs that were done then.
        """
        self._state = dict(state)


def _rates(strategy: Schedule, horizon: Horizon, before: int) -> Rates:
    """What a schedule gives, if it is one rate for each update; `before` updates precede."""
    with _explained(strategy):
        given = np.asarray(strategy.rates(horizon), dtype=np.float64)
    if given.shape != (horizon.updates,):
        raise BrokenPlugin(
            f"{_named(strategy)} gives an array of shape {given.shape} for {horizon.updates:,} "
            "updates; it must give one rate for each."
        )
    return _checked(given, strategy, before)


def _checked(given: Rates, strategy: Strategy, before: int) -> Rates:
    """Rates that follow so many updates, if all can be used."""
    fit = np.isfinite(given) & (given >= 0)
    if not fit.all():
        place = int(np.argmin(fit))
        raise BrokenPlugin(
            f"{_named(strategy)} gives the rate {given[place]:g} at update {before + place + 1:,}; "
            "a rate must be a number of at least 0."
        )
    return given


@contextmanager
def _explained(strategy: Strategy) -> Iterator[None]:
    """Tell whatever a strategy of another package raises; what lrdash explains goes through."""
    try:
        yield
    except LrdashError:
        raise
    except (Exception, SystemExit) as fault:
        kind = type(fault).__name__
        raise BrokenPlugin(f"{_named(strategy)} gives no rates: {kind}: {fault}.") from fault


def _named(strategy: Strategy) -> str:
    package = type(strategy).__module__.partition(".")[0]
    return f"The strategy {strategy.id!r} of the package {package}"
