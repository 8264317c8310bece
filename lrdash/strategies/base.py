"""What a strategy is.

Two kinds: a `Schedule` knows every rate before training starts; a `Rule` decides at the end of each
epoch from a metric. Both are records: frozen, validated, and described well enough for a form.

Time is counted in updates `t` from 0 after warm-up. Durations in epochs become updates by rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from lrdash.core.errors import InvalidField
from lrdash.core.events import RateDecided
from lrdash.core.record import Record

Rates = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Horizon:
    """The stretch of training that a strategy covers, warm-up excluded."""

    base_lr: float  # the peak rate lr0
    steps_per_epoch: int  # updates an epoch, S
    updates: int  # updates in all, T
    lead: int = 0  # updates before the first whole epoch, where warm-up ends inside an epoch

    @property
    def epochs(self) -> float:
        """Length in epochs, T / S."""
        return self.updates / self.steps_per_epoch

    @property
    def whole_epochs(self) -> int:
        """Epochs that begin inside the horizon: how often a decision an epoch is taken."""
        return -(-(self.updates - self.lead) // self.steps_per_epoch)

    def steps(self, epochs: float) -> int:
        """A duration in epochs as updates, at least 1."""
        return max(1, round(epochs * self.steps_per_epoch))

    def time(self) -> Rates:
        """Update numbers 0..T-1, float64."""
        return np.arange(self.updates, dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A place worth a mark on the rate curve: where it changes and why."""

    update: int  # the first update that uses the changed rate
    text: str  # e.g. "drop 1: 0.1 to 0.05"


@dataclass(frozen=True, kw_only=True)
class KerasCode:
    """A strategy's part of a Keras script.

    `definitions` (classes and functions, may be empty) come before `learning_rate`, the expression
    given to the optimizer, and `callbacks`, the expressions of the list given to `fit`.
    """

    learning_rate: str
    callbacks: tuple[str, ...] = ()
    definitions: str = ""
    imports: tuple[str, ...] = ("import keras",)


class Strategy(Record):
    """Base of both kinds; the class variables describe the strategy to its users."""

    id: ClassVar[str]
    label: ClassVar[str]  # sentence case, e.g. "Cosine decay"
    formula: ClassVar[str]  # LaTeX without dollar signs
    symbols: ClassVar[str]  # one line that names every symbol of the formula
    source: ClassVar[str]  # paper or documentation, with its number or name
    when: ClassVar[str]  # one sentence: when to use it
    kind: ClassVar[Literal["schedule", "rule"]]

    def sentence(self) -> str:
        """What it does with these settings, in one sentence for the page."""
        raise NotImplementedError

    def check(self, horizon: Horizon) -> None:
        """Refuse settings that make no sense over this horizon (a milestone past the end).

        Raises:
            InvalidField: names the setting, what was given and what is allowed.
        """

    def keras(self, horizon: Horizon) -> KerasCode:  # noqa: ARG002
        """The same rates in plain Keras, without warm-up; see `lrdash.strategies.code`.

        Raises:
            InvalidField: for a strategy that is not written in Keras.
        """
        problem = "must be one that is written in Keras, too, for a script"
        raise InvalidField("strategy", problem, self.id)

    def keras_code(
        self,
        *,
        base_lr: float,
        epochs: int,
        steps_per_epoch: int = 1,
        warmup_epochs: float = 0.0,
        warmup_start_factor: float = 0.0,
        optimizer: str = "sgd",
        momentum: float = 0.9,
        nesterov: bool = False,
        weight_decay: float = 0.004,
        batch_size: int = 32,
        loss: str = "sparse_categorical_crossentropy",
        metrics: Sequence[str] = ("accuracy",),
        label_smoothing: float = 0.0,
        more_callbacks: Sequence[str] = (),
    ) -> str:
        """A complete Keras script with these rates; `lrdash.strategies.code` has the details."""
        from lrdash.strategies.code import keras_code

        return keras_code(
            self, base_lr=base_lr, epochs=epochs, steps_per_epoch=steps_per_epoch,
            warmup_epochs=warmup_epochs, warmup_start_factor=warmup_start_factor,
            optimizer=optimizer, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay,
            batch_size=batch_size, loss=loss, metrics=metrics, label_smoothing=label_smoothing,
            more_callbacks=more_callbacks,
        )


class Schedule(Strategy):
    """A strategy that knows all its rates beforehand."""

    kind: ClassVar[Literal["schedule", "rule"]] = "schedule"

    def rates(self, horizon: Horizon) -> Rates:
        """The rate that each update uses, float64 [T], finite and >= 0."""
        raise NotImplementedError

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:  # noqa: ARG002
        """Where the rate changes notably; empty for a curve that just glides."""
        return ()

    def decisions(self, horizon: Horizon) -> tuple[RateDecided, ...]:  # noqa: ARG002
        """What a callback decided at the start of each whole epoch; empty for other strategies.

        `epoch` counts the strategy's own whole epochs done, from 0.
        """
        return ()


class Rule(Strategy):
    """A strategy that reads a metric after each epoch. Its state is explicit, of JSON types."""

    kind: ClassVar[Literal["schedule", "rule"]] = "rule"

    monitor: str  # name of the metric that it reads

    def start(self, base_lr: float) -> dict[str, Any]:
        """State before the first epoch; `state["rate"]` is the rate in force, as in every state."""
        raise NotImplementedError

    def entered(self, base_lr: float, seen: Mapping[str, Any]) -> dict[str, Any]:
        """State of a rule that takes over: `start`, but with what it has seen and counted before.

        Args:
            base_lr: the rate in force.
            seen: values of the state, all but the rate.

        Raises:
            InvalidField: for a value that no state can have.
        """
        raise NotImplementedError

    def decide(
        self, state: dict[str, Any], epoch: int, value: float
    ) -> tuple[dict[str, Any], RateDecided]:
        """The state after an epoch and what was decided.

        Args:
            state: as returned before; it is not changed.
            epoch: epochs done, from 1.
            value: the monitored metric of that epoch; NaN never counts as an improvement.
        """
        raise NotImplementedError
