"""What a strategy is.

Two kinds: a `Schedule` knows every rate before training starts; a `Rule` decides at the end of each
epoch from a metric. Both are records: frozen, validated, and described well enough for a form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from lrdash.core.errors import BrokenPlugin, InvalidField, LrdashError
from lrdash.core.events import RateDecided
from lrdash.core.record import Record
from lrdash.core.source import source_of
from lrdash.strategies.code import keras_script, warmed
from lrdash.strategies.horizon import Horizon, Mark, Rates, divided
from lrdash.strategies.snippet import KerasCode, RateText, literal, looked_up, written

__all__ = ["Horizon", "KerasCode", "Mark", "Rates", "Rule", "Schedule", "Strategy"]


class Strategy(Record):
    """Base of both kinds; the class variables describe the strategy to its users."""

    id: ClassVar[str]
    label: ClassVar[str]  # sentence case, e.g. "Cosine decay"
    formula: ClassVar[str]  # LaTeX without dollar signs
    symbols: ClassVar[str]  # one line that names every symbol of the formula
    source: ClassVar[str]  # paper or documentation, with its number or name
    when: ClassVar[str]  # one sentence: when to use it
    colour: ClassVar[str] = ""  # of its line, by its name in the palette; empty: lrdash chooses
    dash: ClassVar[str] = "solid"  # solid, dash, dot or dashdot
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
        """The same rates in plain Keras, without warm-up.

        Raises:
            InvalidField: for a strategy that cannot be written in Keras.
        """
        raise InvalidField("strategy", "must be one that can be written as a script", self.id)

    def keras_code(
        self,
        *,
        base_lr: float,
        epochs: int,
        steps_per_epoch: int = 1,
        warmup_epochs: float = 0.0,
        warmup_start_factor: float = 0.0,
        code: KerasCode | None = None,
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
        """A complete Keras script that defines `learning_rate`, `callbacks` and `optimizer`.

        Args:
            base_lr: peak rate.
            epochs: epochs in all, warm-up included.
            steps_per_epoch: updates an epoch.
            warmup_epochs: length of the warm-up, fractions allowed.
            warmup_start_factor: where the warm-up starts, as a share of base_lr.
            code: all rates, warm-up included, where they are not those of the strategy alone.
            optimizer: sgd, rmsprop, adam or adamw.
            momentum: of sgd and rmsprop.
            nesterov: of sgd.
            weight_decay: of adamw.
            batch_size: examples an update, for the commented call of `fit`.
            loss: for the commented call of `compile`.
            metrics: for the commented call of `compile`.
            label_smoothing: of the loss, which then is the cross-entropy of one-hot targets.
            more_callbacks: further callbacks as Python expressions, e.g. an early stopping.

        Raises:
            InvalidField: the warm-up is as long as the training, or a setting does not fit its
                length.
            UnknownName: for another optimizer.
        """
        if code is None:
            warmup, horizon = divided(
                base_lr=base_lr, epochs=epochs, steps_per_epoch=steps_per_epoch,
                warmup_epochs=warmup_epochs, warmup_start_factor=warmup_start_factor,
            )
            with explained(self):
                self.check(horizon)
            code = warmed(self.keras(horizon), warmup, base_lr)
        return keras_script(
            code, label=self.label, epochs=epochs, steps_per_epoch=steps_per_epoch,
            optimizer=optimizer, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay,
            batch_size=batch_size, loss=loss, metrics=metrics, label_smoothing=label_smoothing,
            more_callbacks=more_callbacks,
        )


class Schedule(Strategy):
    """A strategy that knows all its rates beforehand.

    Its formula stands once, as the function `rate`: preview and training call it, scripts and Keras
    code contain its source. A strategy without one defines `rates` itself.
    """

    kind: ClassVar[Literal["schedule", "rule"]] = "schedule"
    # rate(xp, t, updates, steps_per_epoch, base_lr, **settings): the rates of the updates `t`,
    # an array of float64, computed by the array module `xp`. It may call functions of its module.
    rate: ClassVar[Callable[..., Any] | None] = None

    def rates(self, horizon: Horizon) -> Rates:
        """The rate that each update uses, float64 [T], finite and >= 0."""
        return self.at(horizon.time(), horizon)

    def at(self, updates: ArrayLike, horizon: Horizon) -> Rates:
        """The rates of these updates, by the formula."""
        if self.rate is None:
            raise NotImplementedError
        given = np.asarray(updates, dtype=np.float64)
        rates: Rates = self.rate(np, given, **self._settings(horizon))
        return rates

    def text(self, horizon: Horizon) -> RateText:  # noqa: ARG002
        """The rates as Python text, to the last bit.

        Raises:
            InvalidField: for a strategy without a formula whose source can be read.
        """
        try:
            definitions = source_of(self.rate) if self.rate else ""
        except OSError:
            definitions = ""
        if self.rate is None or not definitions:
            raise InvalidField("strategy", "must be one that can be written as a script", self.id)
        settings = (f"{key}={literal(value, repr)}" for key, value in self.as_dict().items())
        given = ("np, t, UPDATES, STEPS, BASE_LR", *settings)
        line = f"rates = {written(self.rate.__name__, given)}"
        return RateText(definitions=definitions, lines=tuple(line.splitlines()))

    def keras(self, horizon: Horizon) -> KerasCode:
        """The formula's source in a schedule; see `Strategy.keras`."""
        if self.rate is None:
            return super().keras(horizon)
        return looked_up(self.rate, **self._settings(horizon))

    def _settings(self, horizon: Horizon) -> dict[str, Any]:
        return {
            "updates": horizon.updates, "steps_per_epoch": horizon.steps_per_epoch,
            "base_lr": horizon.base_lr, **self.as_dict(),
        }

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


@contextmanager
def explained(strategy: Strategy) -> Iterator[None]:
    """Say in words what a strategy of another package raises; lrdash's own errors pass through."""
    try:
        yield
    except LrdashError:
        raise
    except (Exception, SystemExit) as fault:
        kind = type(fault).__name__
        raise BrokenPlugin(f"{called(strategy)} gives no rates: {kind}: {fault}.") from fault


def called(strategy: Strategy) -> str:
    """A strategy and its package, at the beginning of a message."""
    package = type(strategy).__module__.partition(".")[0]
    return f"The strategy {strategy.id!r} of the package {package}"
