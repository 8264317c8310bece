"""The course of a rate that goes several ways: one piece after another, each from some epoch on.

A hand at the wheel and a branch are the same thing here: until an epoch the rate goes one way, from
there on another. So a run that was steered replays from its spec, and a branch goes on from
whatever its parent had done until then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lrdash.core.errors import InvalidField
from lrdash.core.events import RateDecided
from lrdash.core.spec import MAX_RATE
from lrdash.strategies.base import Mark, Rates, Strategy
from lrdash.strategies.course import Course
from lrdash.strategies.words import epochs as epochs_in_words
from lrdash.strategies.words import figure


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One piece of a relay.

    Either it has a course of its own, or that of the leg before goes on, times `factor`.
    """

    start: int  # epochs done when it takes over
    text: str  # what it does, as the end of a sentence
    course: Course | None = None
    offset: int = 0  # epoch of the run at which its course counts 0
    factor: float = 1.0


@dataclass(frozen=True, kw_only=True)
class _Segment:
    start: int
    course: Course
    offset: int
    factor: float  # on entering
    scale: float  # all factors since its course began
    text: str


class Relay:
    """Courses one after another, with the interface of one `Course`.

    The state is that of the course of the last epoch, before a next piece took over: a branch can
    read what its parent left behind.

    Args:
        first: the course of the run's own strategy.
        legs: in ascending order of their starts.

    Raises:
        InvalidField: if a factor lifts a rate above the highest that is allowed.
    """

    def __init__(self, first: Course, legs: Sequence[Leg]) -> None:
        self.strategy: Strategy = first.strategy
        self.steps_per_epoch, self.updates = first.steps_per_epoch, first.updates
        self.warmup, self.first_epoch, self.horizon = first.warmup, first.first_epoch, first.horizon
        self._segments = _segments(first, legs)
        self._entered = 0
        self._state = first.state()
        self.decided: RateDecided | None = None
        self._table = self._whole()
        self._check()

    @property
    def monitor(self) -> str | None:
        """Name of the metric that the run's own strategy reads, None for a schedule."""
        return self._segments[0].course.monitor

    @property
    def table(self) -> Rates | None:
        """All rates beforehand, float64 [updates]; None where a rule is in it."""
        return self._table

    def rates(self, epoch: int) -> Rates:
        """Rates of the updates of an epoch (counted from 0), float64 [steps_per_epoch]."""
        place = self._at(epoch)
        segment = self._segments[place]
        own = epoch - segment.offset
        if segment.course.known(own):
            return segment.course.rates(own) * segment.scale
        factors = [
            one.factor
            for one in self._segments[self._entered + 1 : place + 1]
            if one.course is segment.course
        ]
        return segment.course.rates(own) * float(np.prod(factors))

    def before_start(self) -> RateDecided | None:
        """What was decided before the first epoch, if anything."""
        return self._segments[0].course.before_start()

    def end_epoch(self, epoch: int, metrics: Mapping[str, float]) -> RateDecided | None:
        """Take in an epoch's metrics; as `Course.end_epoch`.

        Where a piece takes over, the decision is told together with that.
        """
        segment = self._segments[self._entered]
        own = segment.course.end_epoch(epoch - segment.offset, metrics)
        self.decided = _as_told(own, segment, epoch - segment.offset)
        self._state = segment.course.state()
        self._enter(epoch + 1)
        return self.told(self.decided, epoch + 1)

    def begins(self, done: int) -> bool:
        """Whether a piece takes over when this many epochs are done."""
        return any(segment.start == done for segment in self._segments[1:])

    def told(self, decision: RateDecided | None, done: int) -> RateDecided | None:
        """What is said at the end of an epoch, where the strategy before decided this."""
        if not self.begins(done):
            return decision
        place = self._at(done)
        text, after = self._segments[place].text, float(self.rates(done)[0])
        if decision is not None and decision.monitor is not None:  # of a rule: it is told, too
            return replace(decision, rate_after=after, reason=f"{decision.reason}; {text}")
        before = self._segments[place - 1]
        last = before.course.rates(done - 1 - before.offset)[-1] * before.scale
        return RateDecided(epoch=done, rate_before=float(last), rate_after=after, reason=text)

    def marks(self) -> tuple[Mark, ...]:
        """Where the rate changes and why; a rule's cuts are unknown yet."""
        marks: list[Mark] = []
        ends = [*(one.start for one in self._segments[1:]), self.updates // self.steps_per_epoch]
        for place, (segment, end) in enumerate(zip(self._segments, ends, strict=True)):
            first = segment.start * self.steps_per_epoch
            if place:
                marks.append(Mark(update=first, text=segment.text))
            for mark in segment.course.marks():
                update = mark.update + segment.offset * self.steps_per_epoch
                if first + (place > 0) <= update < end * self.steps_per_epoch:
                    text = mark.text if segment.scale == 1 else self._scaled_text(mark, update)
                    marks.append(Mark(update=update, text=text))
        return tuple(marks)

    def state(self) -> dict[str, Any]:
        """What `restore` needs, as JSON types; of the shape of a plain course's."""
        return dict(self._state)

    def restore(self, state: Mapping[str, Any], done: int) -> None:
        """Go on from a state given by `state`, also by that of a course with the same beginning.

        Args:
            state: as it was given.
            done: epochs that were done then.
        """
        self._entered = self._at(done - 1) if done else 0
        segment = self._segments[self._entered]
        segment.course.restore(state, done - segment.offset)
        self._state = dict(state)
        self._enter(done)

    def _at(self, epoch: int) -> int:
        """Place of the segment in which an epoch (counted from 0) lies."""
        starts = [segment.start for segment in self._segments]
        return int(np.searchsorted(starts, epoch, side="right")) - 1

    def _enter(self, done: int) -> None:
        if not self.begins(done):
            return
        self._entered = self._at(done)
        segment = self._segments[self._entered]
        segment.course.multiply(segment.factor)

    def _whole(self) -> Rates | None:
        if any(segment.course.table is None for segment in self._segments):
            return None
        epochs = range(self.updates // self.steps_per_epoch)
        return np.concatenate([self.rates(epoch) for epoch in epochs])

    def _check(self) -> None:
        for segment in self._segments:
            table = segment.course.table
            top = segment.course.horizon.base_lr if table is None else float(table.max())
            if top * segment.scale > MAX_RATE:
                problem = f"must keep the rate at or below {figure(MAX_RATE)}"
                raise InvalidField("pieces.factor", problem, segment.factor)

    def _scaled_text(self, mark: Mark, update: int) -> str:
        """A mark's words, whose rates are those before the factor, with the rates of here."""
        if self._table is None or not any(letter.isdigit() for letter in mark.text):
            return mark.text
        before, after = self._table[update - 1], self._table[update]
        return f"{figure(before)} to {figure(after)}"


def relay_of(first: Course, legs: Sequence[Leg]) -> Course | Relay:
    """The course itself where nothing follows it."""
    return Relay(first, legs) if legs else first


def leg_text(
    strategy: Strategy | None, *, base_lr: float, factor: float, epochs: int, from_start: bool
) -> str:
    """What a piece does, in words that follow a decision or stand alone.

    Args:
        strategy: of its own, if any.
        base_lr: its peak rate.
        factor: without a strategy.
        epochs: that the strategy counts with.
        from_start: whether it counts them from the start of the run.
    """
    if strategy is None:
        if factor == 1:
            return "from here on a branch, at the same rate"
        return f"from here on times {figure(factor)}"
    if strategy.id == "constant":
        return f"held at {figure(base_lr)} from here on"
    label = strategy.label.lower()
    if strategy.kind == "rule":
        return f"from here on {label}, from {figure(base_lr)}"
    if from_start:
        return f"from here on {label} over {epochs_in_words(epochs)} from the start"
    return f"from here on {label} from {figure(base_lr)} over {epochs_in_words(epochs)}"


def _segments(first: Course, legs: Sequence[Leg]) -> list[_Segment]:
    made = [_Segment(start=0, course=first, offset=0, factor=1.0, scale=1.0, text="")]
    for leg in legs:
        before = made[-1]
        goes_on = leg.course is None
        made.append(_Segment(
            start=leg.start, text=leg.text, factor=leg.factor,
            course=leg.course or before.course,
            offset=before.offset if goes_on else leg.offset,
            scale=before.scale * leg.factor if goes_on else leg.factor,
        ))
    return made


def _as_told(
    decision: RateDecided | None, segment: _Segment, epoch: int
) -> RateDecided | None:
    """A course's decision in the epochs and rates of the run.

    Args:
        decision: of the course, in its own epochs.
        segment: in which it fell.
        epoch: of the course, counted from 0, that ended.
    """
    if decision is None:
        return None
    scale = segment.scale if segment.course.known(epoch) else 1.0  # a rule's rate is scaled itself
    return replace(
        decision, epoch=decision.epoch + segment.offset,
        rate_before=decision.rate_before * scale, rate_after=decision.rate_after * scale,
    )
