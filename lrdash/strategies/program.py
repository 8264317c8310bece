"""The rate program of a run: segments, one after another. The only source of rates: preview, both
engines and the log take them from here.

A plain run is a program with one segment. Where its rate is changed by hand, or where a branch
leaves its parent, another segment takes over. So a steered run replays from its spec, and a branch
continues whatever its parent had done until then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lrdash.core.errors import InvalidField
from lrdash.core.events import RateDecided
from lrdash.core.spec import MAX_RATE, Piece
from lrdash.core.wording import plural, setting
from lrdash.strategies.base import Strategy
from lrdash.strategies.horizon import Mark, Rates
from lrdash.strategies.stretch import State, Stretch


@dataclass(frozen=True, kw_only=True)
class Segment:
    """From some epoch on: a strategy of its own, or that of the segment before times a factor."""

    start: int  # epochs done when it takes over
    stretch: Stretch
    state: State  # of a rule, before its first epoch
    offset: int = 0  # epoch of the run at which `stretch` counts 0
    factor: float = 1.0  # on entering
    scale: float = 1.0  # all factors since `stretch` began
    text: str = ""  # what it does, as the end of a sentence


class RateProgram:
    """Rates epoch by epoch.

    Call `rates(epoch)` for the epoch that comes next, train it, then `end_epoch`. Not safe for
    several threads. `state` and `restore` carry it over a restart, exact to the bit.

    Args:
        epochs: epochs in all, warm-up included.
        steps_per_epoch: updates an epoch.
        warmup_epochs: length of the warm-up, fractions allowed; below `horizon`.
        warmup_start_factor: where the warm-up starts, as a share of base_lr.
        horizon: epochs over which the strategy is spread, warm-up included; by default all.
        pieces: what takes over later, in ascending order of epochs, each with its strategy (None:
            the strategy before continues).

    Attributes:
        decided: the strategy's own decision at the end of the last epoch.
        table: all rates beforehand, float64 [updates]; None where a rule is in it.

    Raises:
        InvalidField: the warm-up is as long as the training, a setting does not fit the horizon, or
            a factor lifts a rate above the highest that is allowed.
        BrokenPlugin: a strategy fails, or gives values that are not rates.
    """

    def __init__(
        self, strategy: Strategy, *, base_lr: float, epochs: int, steps_per_epoch: int,
        warmup_epochs: float = 0.0, warmup_start_factor: float = 0.0, horizon: int | None = None,
        pieces: Sequence[tuple[Piece, Strategy | None]] = (),
    ) -> None:
        self.epochs, self.steps_per_epoch = epochs, steps_per_epoch
        over_the_run = partial(
            Stretch, epochs=epochs, steps_per_epoch=steps_per_epoch, warmup_epochs=warmup_epochs,
            warmup_start_factor=warmup_start_factor,
        )
        first = over_the_run(strategy, base_lr=base_lr, horizon=horizon)
        self.segments = [Segment(start=0, stretch=first, state=first.start)]
        for piece, follower in pieces:
            peak = piece.base_lr or base_lr
            self.segments.append(
                self._next(piece, follower, peak, over_the_run) if follower
                else self._scaled(piece)
            )
        self.strategy, self.updates = strategy, first.updates
        self.warmup, self.first_epoch = first.warmup.updates, first.first_epoch
        self.horizon = first.horizon
        self._entered = 0
        self._state = self._last = first.start  # now, and at the end of the last epoch
        self.decided: RateDecided | None = None
        self.table = self._whole()

    @property
    def plain(self) -> bool:
        """Whether the run's own strategy sets the rate from the first to the last epoch."""
        return len(self.segments) == 1

    @property
    def monitor(self) -> str | None:
        """Name of the metric that the run's own strategy reads, None for a schedule."""
        rule = self.segments[0].stretch.rule
        return rule.monitor if rule else None

    def rates(self, epoch: int) -> Rates:
        """Rates of the updates of an epoch (counted from 0), float64 [steps_per_epoch].

        Raises:
            BrokenPlugin: the rate of a rule is no number of at least 0.
        """
        place = self._at(epoch)
        segment = self.segments[place]
        own, now = epoch - segment.offset, self.segments[self._entered]
        state = self._state if now.stretch is segment.stretch else segment.state
        rates = segment.stretch.rates(own, state)
        if segment.stretch.known(own):
            return rates if segment.scale == 1 else rates * segment.scale
        ahead = self.segments[self._entered + 1 : place + 1]
        factors = [one.factor for one in ahead if one.stretch is segment.stretch]
        return rates * float(np.prod(factors))

    def before_start(self) -> RateDecided | None:
        """The decision before the first epoch, if there is one."""
        return self.segments[0].stretch.before_start()

    def end_epoch(self, epoch: int, metrics: Mapping[str, float]) -> RateDecided | None:
        """Take in an epoch's metrics.

        Args:
            epoch: the epoch that ended, counted from 0.

        Returns:
            The decision about the rate from the next update on, or None where there is none. Where
            a segment takes over, the decision says that, too.

        Raises:
            InvalidField: if the metrics lack the one that is monitored.
        """
        segment = self.segments[self._entered]
        own = epoch - segment.offset
        self._state, decision = segment.stretch.decide(self._state, own, metrics)
        # The factor is in a rule's own rate already.
        scale = segment.scale if segment.stretch.known(own) else 1.0
        self.decided = decision and replace(
            decision, epoch=decision.epoch + segment.offset,
            rate_before=decision.rate_before * scale, rate_after=decision.rate_after * scale,
        )
        self._last = self._state
        self._enter(epoch + 1)
        return self.reported(self.decided, epoch + 1)

    def begins(self, done: int) -> bool:
        """Whether another segment takes over when this many epochs are done."""
        return any(segment.start == done for segment in self.segments[1:])

    def reported(self, decision: RateDecided | None, done: int) -> RateDecided | None:
        """What is reported at the end of an epoch, where the strategy before decided this."""
        if not self.begins(done):
            return decision
        place = self._at(done)
        text, after = self.segments[place].text, float(self.rates(done)[0])
        if decision is not None and decision.monitor is not None:  # of a rule: both are reported
            return replace(decision, rate_after=after, reason=f"{decision.reason}; {text}")
        before = self.segments[place - 1]
        last = before.stretch.rates(done - 1 - before.offset, self._last)[-1] * before.scale
        return RateDecided(epoch=done, rate_before=float(last), rate_after=after, reason=text)

    def marks(self) -> tuple[Mark, ...]:
        """Where the rate changes and why, warm-up's end included; a rule's cuts are unknown yet."""
        marks: list[Mark] = []
        ends = [*(one.start for one in self.segments[1:]), self.epochs]
        for place, (segment, end) in enumerate(zip(self.segments, ends, strict=True)):
            first = segment.start * self.steps_per_epoch
            if place:
                marks.append(Mark(update=first, text=segment.text))
            for mark in segment.stretch.marks():
                update = mark.update + segment.offset * self.steps_per_epoch
                if first + (place > 0) <= update < end * self.steps_per_epoch:
                    text = mark.text if segment.scale == 1 else self._scaled_text(mark, update)
                    marks.append(Mark(update=update, text=text))
        return tuple(marks)

    def state(self) -> State:
        """What `restore` needs, as JSON types.

        It is that of the last epoch's end, before a next segment took over: a branch can read what
        its parent left behind.
        """
        return dict(self._last)

    def restore(self, state: Mapping[str, Any], done: int) -> None:
        """Continue from a state given by `state`, also by that of a program with the same
        beginning.

        Args:
            done: epochs that were done then.
        """
        self._entered = self._at(done - 1) if done else 0
        self._state = self._last = dict(state)
        self._enter(done)

    def _at(self, epoch: int) -> int:
        """Place of the segment in which an epoch (counted from 0) lies."""
        starts = [segment.start for segment in self.segments]
        return int(np.searchsorted(starts, epoch, side="right")) - 1

    def _enter(self, done: int) -> None:
        if not self.begins(done):
            return
        before, self._entered = self.segments[self._entered], self._at(done)
        segment = self.segments[self._entered]
        if segment.stretch is not before.stretch:
            self._state = segment.state
        elif segment.stretch.rule:  # what it has seen and counted stays
            self._state = {**self._state, "rate": self._state["rate"] * segment.factor}

    def _scaled(self, piece: Piece) -> Segment:
        """The strategy before continues, its rates times a factor.

        Raises:
            InvalidField: if that lifts a rate above the highest that is allowed.
        """
        before = self.segments[-1]
        scale = before.scale * piece.factor
        highest = before.stretch.table.max()
        if highest * scale > MAX_RATE:
            problem = f"must keep the rate at or below {setting(MAX_RATE)}"
            raise InvalidField("pieces.factor", problem, piece.factor)
        text = f"from here on times {setting(piece.factor)}"
        if piece.factor == 1:
            text = "from here on a branch, at the same rate"
        return replace(before, start=piece.epoch, factor=piece.factor, scale=scale, text=text)

    def _next(
        self, piece: Piece, strategy: Strategy, base_lr: float, over_the_run: Callable[..., Stretch]
    ) -> Segment:
        """Another strategy takes over."""
        horizon, offset = piece.settled(self.epochs).horizon, piece.epoch
        if piece.from_start:
            offset, stretch = 0, over_the_run(strategy, base_lr=base_lr, horizon=horizon)
        else:
            stretch = Stretch(
                strategy, base_lr=base_lr, epochs=self.epochs - offset,
                steps_per_epoch=self.steps_per_epoch, horizon=horizon,
            )
        state = stretch.start
        if stretch.rule and piece.state:
            state = stretch.rule.entered(base_lr, piece.state)
        text = _taking_over(strategy, base_lr, plural(horizon or self.epochs, "epoch"), piece)
        return Segment(
            start=piece.epoch, stretch=stretch, state=state, offset=offset, text=text
        )

    def _whole(self) -> Rates | None:
        if any(segment.stretch.rule for segment in self.segments):
            return None
        if self.plain:
            return self.segments[0].stretch.table
        return np.concatenate([self.rates(epoch) for epoch in range(self.epochs)])

    def _scaled_text(self, mark: Mark, update: int) -> str:
        """A mark's words, whose rates are those before the factor, with the rates of here."""
        if self.table is None or not any(letter.isdigit() for letter in mark.text):
            return mark.text
        before, after = self.table[update - 1], self.table[update]
        return f"{setting(before)} to {setting(after)}"


def _taking_over(strategy: Strategy, base_lr: float, length: str, piece: Piece) -> str:
    """Which strategy takes over, in words that follow a decision or stand alone."""
    if strategy.id == "constant":
        return f"held at {setting(base_lr)} from here on"
    label = strategy.label.lower()
    if strategy.kind == "rule":
        return f"from here on {label}, from {setting(base_lr)}"
    if piece.from_start:
        return f"from here on {label} over {length} from the start"
    return f"from here on {label} from {setting(base_lr)} over {length}"
