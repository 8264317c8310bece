"""The user's own rule of epoch and rate, as given to Keras' LearningRateScheduler."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pydantic

from lrdash.core.errors import InvalidField
from lrdash.core.events import RateDecided
from lrdash.core.record import field
from lrdash.core.spec import MAX_RATE
from lrdash.strategies.base import Horizon, Mark, Rates, Schedule
from lrdash.strategies.expression import CONSTANTS, FUNCTIONS, MAX_LENGTH, Expression, parse
from lrdash.strategies.snippet import KerasCode, RateText, number

NAMES = ("epoch", "lr", "step", "base_lr", "epochs")
MAX_MARKS = 50  # a curve that changes more often glides; marks would hide it
_BUILTINS = ("min", "max", "abs")


class Custom(Schedule):
    """The rate of each epoch is the value of an expression, evaluated as the epoch begins.

    `lr[k] = f(epoch=k, lr=lr[k - 1])` with `lr[-1] = base_lr`. The expression may use

    - `epoch`: the epoch that begins, from 0 (warm-up not counted);
    - `lr`: the rate in force before;
    - `step`: updates done before this epoch (warm-up not counted);
    - `base_lr`: the peak rate;
    - `epochs`: the number of epochs that begin after warm-up;

    and pi, e, min, max, abs, exp, log, sqrt, sin, cos, floor, ceil, pow. Where warm-up ends inside
    an epoch, the rest of that epoch uses base_lr. Each epoch's value must lie between 0 and 1000.

    Reference: keras.callbacks.LearningRateScheduler, which calls `schedule(epoch, lr)` at the
    beginning of every epoch. Keras hands over `lr` rounded to float32, lrdash unrounded.

    Example:
        >>> halve = Custom(expression="lr / 2 if epoch > 0 else lr")
        >>> halve.rates(Horizon(base_lr=0.1, steps_per_epoch=1, updates=3)).tolist()
        [0.1, 0.05, 0.025]
        >>> Custom(expression="lr / os")
        Traceback (most recent call last):
        ...
        lrdash.core.errors.InvalidField: custom.expression is not allowed at column 6: names are \
epoch, lr, step, base_lr, epochs, got 'os'.
    """

    id = "custom"
    colour = "grey"
    dash = "dash"
    label = "Your own expression"
    formula = (
        r"\eta_k = f(k, \eta_{k-1}), \quad \eta_{-1} = \eta_0, \quad k = \lfloor t / S \rfloor"
    )
    symbols = (
        "eta_k: rate of epoch k; f: your expression of epoch and lr; eta_0: peak rate; "
        "t: update; S: updates an epoch"
    )
    source = "Keras documentation, LearningRateScheduler"
    when = "Use it when no other strategy sets the rate as you want."

    expression: str = field(
        "lr * 0.1 if epoch == 10 else lr", label="Rate of the next epoch", max_length=MAX_LENGTH,
        help="The rate of each epoch, computed as the epoch begins, so the curve is a staircase "
        "with one step an epoch. Names: epoch (from 0), lr (the rate before), step, "
        f"base_lr, epochs, {', '.join(CONSTANTS)}. Functions: {', '.join(FUNCTIONS)}.",
    )

    @pydantic.field_validator("expression", mode="before")
    @classmethod
    def _as_text(cls, given: object) -> object:
        """A plain number is an expression, too: the command line reads `0.1` as a number."""
        plain = isinstance(given, int | float) and not isinstance(given, bool)
        return repr(given) if plain else given

    @pydantic.field_validator("expression")
    @classmethod
    def _readable(cls, text: str) -> str:
        _read(text)
        return text

    def sentence(self) -> str:
        """What it does with these settings, in one sentence for the page."""
        return f"Sets the rate of each epoch to {' '.join(self.expression.split())}."

    def check(self, horizon: Horizon) -> None:
        """Refuse an expression that gives no usable rate at some epoch of the horizon.

        Raises:
            InvalidField: names the epoch and the value.
        """
        _values(self.expression, horizon)

    def rates(self, horizon: Horizon) -> Rates:
        """The rate that each update uses, float64 [T]: one value an epoch."""
        values = np.array(_values(self.expression, horizon), dtype=np.float64)
        lead = np.full(horizon.lead, horizon.base_lr)
        rates = np.concatenate([lead, np.repeat(values, horizon.steps_per_epoch)])
        return rates[: horizon.updates]

    def decisions(self, horizon: Horizon) -> tuple[RateDecided, ...]:
        """One for each whole epoch: the call and what it gave."""
        values = _values(self.expression, horizon)
        before = (horizon.base_lr, *values)
        return tuple(
            RateDecided(
                epoch=epoch, rate_before=old, rate_after=new,
                reason=f"schedule({epoch}, {old:.6g}) = {new:.6g}{', unchanged' * (old == new)}",
            )
            for epoch, (old, new) in enumerate(zip(before, values, strict=False))
        )

    def marks(self, horizon: Horizon) -> tuple[Mark, ...]:
        """Where the rate changes; none if it changes more than 50 times."""
        marks = tuple(
            Mark(
                update=horizon.lead + made.epoch * horizon.steps_per_epoch,
                text=f"{made.rate_before:.4g} to {made.rate_after:.4g}",
            )
            for made in self.decisions(horizon)
            if made.rate_before != made.rate_after
        )
        return marks if len(marks) <= MAX_MARKS else ()

    def keras(self, horizon: Horizon) -> KerasCode:
        """A `schedule(epoch, lr)` with the expression, in Keras' LearningRateScheduler."""
        return KerasCode(
            learning_rate=number(horizon.base_lr),
            callbacks=("keras.callbacks.LearningRateScheduler(schedule)",),
            definitions=self._schedule(horizon),
            imports=("import keras", *self._imports()),
        )

    def text(self, horizon: Horizon) -> RateText:
        """The same `schedule`, called as each epoch begins; see `Schedule.text`."""
        return RateText(
            definitions="\n".join([*self._imports(), "", "", self._schedule(horizon)]).lstrip("\n"),
            lines=(
                f"base = np.full({horizon.lead}, BASE_LR)  # the epoch in which warm-up ends",
                "values, lr = [], BASE_LR",
                f"for epoch in map(float, range({horizon.whole_epochs})):",
                "    lr = schedule(epoch, lr)",
                "    values.append(lr)",
                "rates = np.concatenate([base, np.repeat(values, STEPS)])[:UPDATES]",
            ),
        )

    def _schedule(self, horizon: Horizon) -> str:
        read = _read(self.expression)
        given = {
            "step": f"{horizon.lead}.0 + {horizon.steps_per_epoch}.0 * epoch",
            "base_lr": repr(horizon.base_lr), "epochs": f"{horizon.whole_epochs}.0",
        }
        lines = [f"    {name} = {text}" for name, text in given.items() if name in read.used]
        return "\n".join(
            ["def schedule(epoch, lr):", *lines, f"    return float({read.python})"]
        )

    def _imports(self) -> tuple[str, ...]:
        used = _read(self.expression).used
        maths = sorted(used.intersection((*CONSTANTS, *FUNCTIONS)).difference(_BUILTINS))
        return (f"from math import {', '.join(maths)}",) if maths else ()


def _read(text: str) -> Expression:
    return parse(text, field="custom.expression", names=NAMES)


@lru_cache(maxsize=64)
def _values(text: str, horizon: Horizon) -> tuple[float, ...]:
    """The rate of each whole epoch, each checked before the next is computed from it."""
    expression = _read(text)
    values: list[float] = []
    rate = horizon.base_lr
    for epoch in range(horizon.whole_epochs):
        try:
            rate = expression.evaluate(
                epoch=epoch, lr=rate, step=horizon.lead + epoch * horizon.steps_per_epoch,
                base_lr=horizon.base_lr, epochs=horizon.whole_epochs,
            )
        except InvalidField as fault:
            named = "epoch" in expression.used
            problem = fault.problem if named else f"{fault.problem} (epoch {epoch})"
            raise InvalidField(fault.field, problem, text) from None
        if not 0 <= rate <= MAX_RATE:
            problem = f"gives {rate:g} at epoch {epoch}: a rate must be between 0 and {MAX_RATE:g}"
            raise InvalidField("custom.expression", problem, text)
        values.append(rate)
    return tuple(values)
