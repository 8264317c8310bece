"""The records of a walk through a callback: one moment for each of its calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lrdash.core.wording import NOTHING
from lrdash.teaching.steps import Step

Outcome = Literal["asleep", "improved", "resting", "waited", "cut", "floor", "kept", "set"]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A metric as it was recorded, and where a rule that watches it starts."""

    values: tuple[float, ...]  # of the monitored metric, one an epoch; NaN and infinite allowed
    base_lr: float  # the peak rate, in force when the rule wakes
    lead: tuple[float, ...] = ()  # rate at the end of each epoch that the rule sleeps through
    missing: frozenset[int] = frozenset()  # epochs done without the metric: the rule reads none


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One state variable at a moment, as text."""

    name: str  # as in the code of the steps
    meaning: str
    now: str
    was: str = ""  # before this moment; empty where it stayed the same


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One call of the callback: what it read, which steps it took, what it decided."""

    epoch: int  # epochs done
    outcome: Outcome
    step: int  # the step that decided, as a place in the walk's steps; -1 for none
    notes: Mapping[int, str]  # the steps taken, in numbers
    variables: tuple[Variable, ...]
    words: str  # the decision
    rate: float  # in force before
    rate_after: float  # from the next update on
    value: float | None = None  # of the metric; None if it is not finite or not watched
    best: float | None = None  # after the decision
    bar: float | None = None  # what the value had to beat: best -+ smallest improvement
    wait: int | None = None  # as counted, before a cut sets it to 0


@dataclass(frozen=True, kw_only=True)
class Walk:
    """All calls of a callback over a training, in their order."""

    kind: Literal["keras", "torch", "scheduler"]
    steps: tuple[Step, ...]
    moments: tuple[Moment, ...]
    patience: int | None = None  # epochs; None for a scheduler

    @property
    def cuts(self) -> tuple[int, ...]:
        """Epochs done at which the rate was changed."""
        return tuple(m.epoch for m in self.moments if m.outcome in ("cut", "set"))


def variable(name: str, meaning: str, before: str, after: str) -> Variable:
    """A variable that shows what it was only where that differs."""
    return Variable(name=name, meaning=meaning, now=after, was=before if before != after else "")


def digits(value: float | None, count: int = 6) -> str:
    """A value as text; a dash for none."""
    return NOTHING if value is None else f"{value:.{count}g}"


def held(rate: float) -> str:
    """A rate as Keras' float32 variable holds it, with enough digits to be unique."""
    return f"{float(np.float32(rate)):.9g}"
