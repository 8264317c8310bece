"""The rows that the store gives out: frozen, with units, no SQL in sight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Strict

from lrdash.core.events import ACTIVE, RateDecided, Status
from lrdash.core.spec import RunSpec
from lrdash.planning.experiment import Planned
from lrdash.planning.plan import Plan, shown

Time = Annotated[datetime, Strict()]  # in UTC; no text or number becomes one when a row is read
DecisionRow = RateDecided  # decisions are stored as they were reported


class _WithStatus:
    """What is queued, running or over."""

    status: Status

    @property
    def active(self) -> bool:
        """Queued or running."""
        return self.status in ACTIVE


@dataclass(frozen=True, kw_only=True)
class RunRow(_WithStatus):
    """The current state of a run."""

    run_id: str  # 12 characters, lower-case letters and digits
    name: str  # given by the user, may be empty
    tags: tuple[str, ...]
    spec: RunSpec
    status: Status
    reason: str  # why it ended as it did, fit to be shown; may be empty
    engine: str  # as asked ("auto") until it starts, then the engine that trains it
    created_at: Time  # UTC
    started_at: Time | None
    ended_at: Time | None
    seconds: float  # of training so far
    steps_per_epoch: int  # updates an epoch
    updates: int  # updates in all
    update: int  # updates done
    parameters: int  # trainable weights
    epochs_done: int
    worker_id: str | None  # the process that trains or trained it
    versions: Mapping[str, str]  # library name to version
    version: int  # grows with every change of the run, its epochs and decisions
    stop_requested: bool  # a stop was asked for and has not happened yet
    experiment_id: str | None = None  # the comparison that it belongs to
    group_id: str | None = None  # runs of one group are trained together
    label: str = ""  # of its arm in the comparison
    engine_note: str = ""  # why this engine, where it is not the usual one
    parent_id: str | None = None  # the run that it is a branch of; None also if that is deleted
    fork_epoch: int | None = None  # epochs that it shares with its parent; None: no branch

    @property
    def plan(self) -> Plan:
        """What it trains, to be shown, even where that cannot be trained here any more."""
        return shown(
            self.spec, steps_per_epoch=self.steps_per_epoch, parameters=self.parameters
        )


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """A run of an experiment, to be made."""

    spec: RunSpec  # complete
    label: str  # of its arm
    steps_per_epoch: int  # updates an epoch
    updates: int  # updates in all
    parameters: int  # trainable weights

    @classmethod
    def of(cls, plan: Plan, label: str = "") -> NewRun:
        """The run of a plan."""
        return cls(
            spec=plan.spec, label=label, steps_per_epoch=plan.steps_per_epoch,
            updates=plan.updates, parameters=plan.parameters,
        )

    @classmethod
    def of_each(cls, planned: Iterable[Planned]) -> list[NewRun]:
        """The runs of an experiment, in their order."""
        return [cls.of(run.plan, run.label) for run in planned]


@dataclass(frozen=True, kw_only=True)
class ExperimentRow:
    """The current state of an experiment."""

    experiment_id: str  # 12 characters, lower-case letters and digits
    name: str  # given by the user, may be empty
    created_at: Time  # UTC
    definition: str  # JSON, as it was given
    target: float | None  # validation loss to reach
    counts: Mapping[Status, int]  # runs of each status, 0 included
    updates: int  # of all runs, as planned
    update: int  # of all runs, done so far

    @property
    def runs(self) -> int:
        """Number of runs."""
        return sum(self.counts.values())

    @property
    def active(self) -> bool:
        """Whether a run is queued or running."""
        return any(self.counts[status] for status in ACTIVE)

    @property
    def state(self) -> tuple[Any, ...]:
        """Another one whenever its runs have come further: a key for what is computed of them."""
        return (self.experiment_id, self.update, *sorted(self.counts.items()))


@dataclass(frozen=True, kw_only=True)
class EpochRow:
    """One finished epoch."""

    run_id: str
    epoch: int  # epochs done, from 1
    metrics: Mapping[str, float]  # by name; NaN where the value was not finite
    learning_rate: float  # rate used by the last update of the epoch
    rates: NDArray[np.float32]  # rate used by each update [steps_per_epoch]
    seconds: float  # since training began


@dataclass(frozen=True, kw_only=True)
class DataUse:
    """What uses a user's data."""

    run_ids: tuple[str, ...]  # newest first
    active: int  # of these: queued or training
    others: int  # comparisons and range tests

    def __bool__(self) -> bool:
        return bool(self.run_ids or self.others)


@dataclass(frozen=True, kw_only=True)
class RangeTestRow(_WithStatus):
    """The current state of a range test."""

    range_test_id: str  # 12 characters, lower-case letters and digits
    created_at: Time  # UTC
    started_at: Time | None
    ended_at: Time | None
    definition: str  # JSON, as it was given
    status: Status
    reason: str  # why it ended as it did, fit to be shown; may be empty
    worker_id: str | None  # the process that makes or made it
    update: int  # updates done
    rates: NDArray[np.float32]  # of each update [updates]
    losses: NDArray[np.float32]  # of each batch before its update [seeds, updates]; NaN: not yet
    stop_requested: bool  # a stop was asked for and has not happened yet
    experiment_id: str | None  # the sweep over peak rates that it is compared with
    version: int  # grows with every change

    @property
    def updates(self) -> int:
        """Updates in all."""
        return len(self.rates)

    @property
    def seconds(self) -> float:
        """Seconds from its start to its end, 0 before that."""
        if self.started_at is None or self.ended_at is None:
            return 0.0
        return max(0.0, (self.ended_at - self.started_at).total_seconds())


@dataclass(frozen=True, kw_only=True)
class NewStageRun:
    """A run that the next stage of a search in hindsight needs."""

    run: NewRun
    parent_id: str | None  # of a branch
    epoch: int  # epochs that it shares with the parent
    part: Mapping[str, Any]  # JSON types: what it is in the search


@dataclass(frozen=True, kw_only=True)
class StageRun:
    """One run of a search in hindsight."""

    run_id: str
    stage: int
    part: Mapping[str, Any]  # as it was given
    status: Status
    reason: str
    epochs_done: int
    val_loss: float  # after the last epoch; NaN where there is none


@dataclass(frozen=True, kw_only=True)
class HindsightRow(_WithStatus):
    """The current state of a search in hindsight."""

    hindsight_id: str  # 12 characters, lower-case letters and digits
    created_at: Time  # UTC
    ended_at: Time | None
    definition: str  # JSON, as it was given
    status: Status  # never queued: its runs are
    reason: str  # why it ended as it did, fit to be shown; may be empty
    worker_id: str | None  # the process that goes through it; None: the server does
    stage: int
    attempts: int  # how often runs of this stage were queued again
    version: int  # grows with every change
