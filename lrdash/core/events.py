"""What a run reports, as a closed union of small frozen records, and where it reports it.

A sink is any callable `(run_id, event) -> None`; `fan_out` makes one of several.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrdash.core.spec import Piece
from lrdash.core.wording import plural

Status = Literal["queued", "running", "finished", "stopped", "failed", "diverged", "interrupted"]
ACTIVE: tuple[Status, ...] = ("queued", "running")
NOT_FINITE = "the loss was no longer a finite number"  # the reason of one that diverged so
SHUT_DOWN = "the server was shut down"  # the reason of a run that this interrupted


# Columns of the tables of epochs that are no metrics; see `lrdash.analysis.frames`.
COLUMNS = frozenset({
    "run", "run_id", "label", "strategy", "base_lr", "seed", "epoch", "update", "learning_rate",
    "seconds", "rates",
})


def metric_name(logged: str, taken: Collection[str] = COLUMNS) -> str:
    """What a metric from outside is called, so that it hides no column of a table.

    >>> metric_name("epoch"), metric_name("f1")
    ('epoch (logged)', 'f1')
    """
    return f"{logged} (logged)" if logged in taken else logged


def finite(value: float | None) -> float | None:
    """A value as events, JSON and charts hold it: None where it is missing or not finite."""
    return float(value) if value is not None and math.isfinite(value) else None


def now() -> datetime:
    """The time in UTC, as every record stores it."""
    return datetime.now(UTC)


def stopped_after(epochs: int) -> str:
    """The reason of a run that its user stopped."""
    return f"stopped by the user after {plural(epochs, 'epoch')}"


@dataclass(frozen=True, kw_only=True)
class RunStarted:
    """Training begins: what only the engine knows by now."""

    engine: str  # "keras" or "lanes"
    parameters: int  # trainable weights of the model
    steps_per_epoch: int  # updates an epoch
    updates: int  # updates in all
    versions: Mapping[str, str]  # library name to version
    note: str = ""  # why another engine than the usual one trains it, fit to be shown
    at: datetime = field(default_factory=now)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A long epoch moves: updates done since the start of training."""

    update: int


@dataclass(frozen=True, kw_only=True)
class EpochEnded:
    """One epoch is done.

    `metrics` has `loss` and `val_loss`, and `accuracy` and `val_accuracy` (shares, 0 to 1) for
    classification; `rates` is what the optimizer used, one rate an update.
    """

    epoch: int  # epochs done, from 1
    metrics: Mapping[str, float]
    rates: NDArray[np.float32]  # [steps_per_epoch]
    seconds: float  # since training began


@dataclass(frozen=True, kw_only=True)
class RateDecided:
    """A feedback rule or the user's expression decided about the rate, once an epoch.

    `epoch` is the number of epochs done (0: before the first); `rate_after` holds from the next
    update on. What does not apply is None.
    """

    epoch: int
    rate_before: float
    rate_after: float
    reason: str  # the decision in words
    monitor: str | None = None
    monitored: float | None = None  # value of the metric after this epoch
    best: float | None = None  # best value so far, this epoch included
    wait: int | None = None  # epochs without improvement, after the decision
    cooldown: int | None = None  # epochs left in which the rule rests


@dataclass(frozen=True, kw_only=True)
class Steered:
    """A user changed the rate by hand: from the next epoch on, the run has one more piece."""

    piece: Piece  # its epoch is the number of epochs done
    command: int  # number of the command that this answers


@dataclass(frozen=True, kw_only=True)
class RunEnded:
    """Training is over, one way or another."""

    status: Status
    reason: str = ""  # why, in words, where it is not plain completion
    seconds: float = 0.0  # of training
    at: datetime = field(default_factory=now)


@dataclass(frozen=True, kw_only=True)
class Command:
    """A user's request to change the rate of a running run; not an event of the run yet."""

    number: int  # grows with every command
    piece: Piece  # to take over at the next end of an epoch, whatever its own epoch


Event = RunStarted | Progress | EpochEnded | RateDecided | Steered | RunEnded
Sink = Callable[[str, Event], None]
Mailbox = Callable[[str], Sequence[Command]]  # by run id; oldest first


def no_mail(_run_id: str) -> Sequence[Command]:
    """The mailbox of runs that are not steered."""
    return ()


def fan_out(*sinks: Sink) -> Sink:
    """One sink that hands each event to all, in order."""

    def send(run_id: str, event: Event) -> None:
        for sink in sinks:
            sink(run_id, event)

    return send
