"""Cut the rate when a metric stops improving, by Keras' rules or by PyTorch's.

Both are kept because they differ: on a flat metric with patience 3 Keras cuts after epochs 4, 7,
10 (the first value counts as the best, then it waits 3), PyTorch after 5, 9, 13 (it waits for more
than 3). What Keras does beyond its documentation is reproduced and named in `_keras`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

import numpy as np

from lrdash.core.errors import InvalidField
from lrdash.core.events import RateDecided, finite
from lrdash.core.record import field
from lrdash.strategies.base import Horizon, KerasCode, Rule
from lrdash.strategies.snippet import call, number
from lrdash.strategies.words import epochs

State = dict[str, Any]
KERAS = ("monitor", "mode", "factor", "patience", "min_delta", "cooldown", "min_lr")
_SHARES = {0.5: "Halves the rate", 0.1: "Cuts the rate to a tenth"}


class Plateau(Rule):
    """Multiply the rate by `factor` when `monitor` has not improved for `patience` epochs.

    `lr <- max(lr * factor, min_lr)`. A value improves if it is below `best - min_delta` (mode min)
    or above `best + min_delta` (mode max), `best` being the last value that improved.

    keras rules (keras.callbacks.ReduceLROnPlateau, 3.15): the first value is always the best so
    far, even NaN, on which nothing improves; each value that does not improve adds 1 to `wait`,
    and at `wait >= patience` the rate is cut, `wait` starts again and `cooldown` epochs begin. A
    patience of 0 acts as 1 and a cooldown of 1 as 0. At min_lr `wait` grows on and no cooldown
    begins. Comparisons are made in float32.

    torch rules (torch.optim.lr_scheduler.ReduceLROnPlateau with threshold_mode "abs" and eps 0):
    cuts at `wait > patience`; `wait` stays 0 during the whole cooldown; at min_lr both start again.

    The state is `rate`, `best`, `wait`, `cooldown`. `best` is None before the first value, a
    number, or "nan", "inf" or "-inf", which JSON has no numbers for.

    Reference: documentation and source of the two named classes.

    Example:
        >>> rule = Plateau(patience=2)
        >>> state = rule.start(0.1)
        >>> for epoch, loss in enumerate([0.7, 0.71, 0.7], start=1):
        ...     state, decision = rule.decide(state, epoch, loss)
        >>> decision.reason
        '0.7 is not below best 0.7 - 0.0001: wait 2 of 2, rate 0.1 to 0.05'
    """

    id = "plateau"
    colour = "vermillion"
    label = "Reduce on plateau"
    formula = (
        r"\eta \leftarrow \max(\gamma \eta, \eta_{min}) \text{ after } p "
        r"\text{ epochs without } m < m_{best} - \delta"
    )
    symbols = (
        "eta: rate; gamma: factor; eta_min: min_lr; p: patience; m: monitored metric; "
        "m_best: its best value; delta: min_delta (for a metric to be raised: m > m_best + delta)"
    )
    source = "Keras and PyTorch documentation, ReduceLROnPlateau"
    when = "Use it when you do not know beforehand when progress will stall."

    monitor: Literal["val_loss", "loss", "val_accuracy", "accuracy"] = field(
        "val_loss", label="Watch",
        help="The metric to improve. The curve stays flat as long as it does.",
    )
    mode: Literal["auto", "min", "max"] = field(
        "auto", label="Better is",
        help="Whether the metric should fall (min) or rise (max); auto infers it from its name. "
        "The wrong one makes the curve fall while training goes well.",
    )
    factor: float = field(
        0.5, label="Factor", gt=0, lt=1, step=0.05,
        help="What the rate is multiplied by at a cut: how deep each step of the curve is.",
    )
    patience: int = field(
        5, label="Patience", unit="epochs", ge=0, le=10_000, step=1,
        help="Epochs without improvement before a cut: the shortest flat piece of the curve. Too "
        "short: noise drives the rate down.",
    )
    min_delta: float = field(
        1e-4, label="Smallest improvement", ge=0, le=10, step=0.0001,
        help="A smaller change of the metric does not count, so the curve falls earlier and more "
        "often.",
    )
    cooldown: int = field(
        0, label="Cooldown", unit="epochs", ge=0, le=10_000, step=1,
        help="Epochs after a cut in which nothing is counted: lengthens the flat pieces between "
        "the cuts.",
    )
    min_lr: float = field(
        1e-12, label="Lowest rate", ge=0, le=1000, step=0.0001,
        help="The floor of the curve: no cut goes below it.",
    )
    rules: Literal["keras", "torch"] = field(
        "keras", label="Rules of",
        help="keras cuts in the epoch in which patience runs out, torch one epoch later, so its "
        "flat pieces are an epoch longer.",
    )

    @property
    def rising(self) -> bool:
        """Whether a higher value of the metric is better."""
        return self.mode == "max" or (self.mode == "auto" and self.monitor.endswith("accuracy"))

    def sentence(self) -> str:
        """What it does with these settings, in one sentence for the page."""
        cut = _SHARES.get(self.factor, f"Multiplies the rate by {self.factor:g}")
        more = "more than " if self.rules == "torch" else ""
        wait = self.patience if self.rules == "torch" else max(1, self.patience)
        pause = self._resting(self.cooldown)
        rest = f", then rests {epochs(pause)}" if pause else ""
        floor = f"; never below {self.min_lr:g}" if self.min_lr > 1e-12 else ""
        return f"{cut} when {self.monitor} has not improved for {more}{epochs(wait)}{rest}{floor}."

    def check(self, horizon: Horizon) -> None:
        """Refuse a floor above the peak rate.

        Raises:
            InvalidField: names min_lr and the peak rate.
        """
        if self.min_lr > horizon.base_lr:
            problem = f"must be at most the peak rate ({horizon.base_lr:g})"
            raise InvalidField("plateau.min_lr", problem, self.min_lr)

    def start(self, base_lr: float) -> State:
        """State before the first epoch: the peak rate, nothing seen, nothing counted."""
        return {"rate": base_lr, "best": None, "wait": 0, "cooldown": 0}

    def entered(self, base_lr: float, seen: Mapping[str, Any]) -> State:
        """State of a rule that takes over with `best`, `wait` and `cooldown`; see `Rule`."""
        state = self.start(base_lr) | dict(seen)
        if seen.keys() - {"best", "wait", "cooldown"}:
            problem = "must have values among best, wait and cooldown"
            raise InvalidField("pieces.state", problem, ", ".join(seen))
        for name in ("wait", "cooldown"):
            if type(state[name]) is not int or state[name] < 0:
                problem = "must be a whole number of at least 0"
                raise InvalidField(f"pieces.state.{name}", problem, state[name])
        best = state["best"]
        if type(best) not in (int, float) and best not in (None, "nan", "inf", "-inf"):
            problem = "must be a number, or one of nan, inf, -inf as text"
            raise InvalidField("pieces.state.best", problem, best)
        return state

    def decide(self, state: State, epoch: int, value: float) -> tuple[State, RateDecided]:
        """The state after an epoch and what was decided; see the class for the rules.

        Args:
            value: the monitored metric of that epoch, rounded to float32 by the keras rules.

        Returns:
            The next state, and the decision; values that are not finite are None in it, as they
            have no number to show (its words name them).
        """
        value = float(value)
        after, reason = (self._torch if self.rules == "torch" else self._keras)(state, value)
        return after, RateDecided(
            epoch=epoch, rate_before=state["rate"], rate_after=after["rate"], reason=reason,
            monitor=self.monitor, monitored=finite(value), best=finite(_best(after)),
            wait=after["wait"], cooldown=self._resting(after["cooldown"]),
        )

    def _keras(self, state: State, value: float) -> tuple[State, str]:
        """Order of steps as in Keras: the cooldown is counted down before the value is judged."""
        best, rate = _best(state), state["rate"]
        cooldown = max(0, state["cooldown"] - 1)
        wait = 0 if state["cooldown"] else state["wait"]
        delta = self.min_delta if self.rising else -self.min_delta
        if best is None or self._beats(_float32(value - delta), _float32(best)):
            return _state(rate, value, 0, cooldown), _improved(best, value)
        missed = self._missed(value, best)
        if cooldown:
            return _state(rate, best, wait, cooldown), f"{missed}; {self._cooling(cooldown)}"
        wait += 1
        waited = f"{missed}: wait {wait} of {max(1, self.patience)}"
        if wait < self.patience:
            return _state(rate, best, wait, 0), waited
        if _float32(rate) <= _float32(self.min_lr):  # Keras reads its rate from a float32 variable
            return _state(rate, best, wait, 0), f"{waited}, already at the lowest rate {rate:g}"
        lower = max(rate * self.factor, self.min_lr)
        return _state(lower, best, 0, self.cooldown), f"{waited}, {_cut(rate, lower)}"

    def _torch(self, state: State, value: float) -> tuple[State, str]:
        """Order of steps as in PyTorch: the value is judged before the cooldown is counted down."""
        best, rate = _best(state), state["rate"]
        known = best if best is not None else -math.inf if self.rising else math.inf
        better = self._beats(value, known + (self.min_delta if self.rising else -self.min_delta))
        cooldown = max(0, state["cooldown"] - 1)
        if better:
            return _state(rate, value, 0, cooldown), _improved(best, value)
        missed = self._missed(value, known)
        if state["cooldown"]:
            return _state(rate, best, 0, cooldown), f"{missed}; {self._cooling(cooldown)}"
        wait = state["wait"] + 1
        waited = f"{missed}: wait {wait}, cut above {self.patience}"
        if wait <= self.patience:
            return _state(rate, best, wait, 0), waited
        lower = min(rate, max(rate * self.factor, self.min_lr))
        floor = f"already at the lowest rate {rate:g}, wait starts again"
        what = _cut(rate, lower) if lower < rate else floor
        return _state(lower, best, 0, self.cooldown), f"{waited}, {what}"

    def _beats(self, value: float, best: float) -> bool:
        return value > best if self.rising else value < best

    def _missed(self, value: float, best: float) -> str:
        """Why the value is no improvement, in digits that show it."""
        shown, known = _digits(value), _digits(best)
        if math.isfinite(value) and math.isfinite(best):
            delta = Decimal(repr(self.min_delta))
            shown, known = _compared(value, best, delta if self.rising else -delta, self.rising)
        margin = f" {'+' if self.rising else '-'} {self.min_delta:.10g}" if self.min_delta else ""
        return f"{shown} is not {'above' if self.rising else 'below'} best {known}{margin}"

    def keras(self, horizon: Horizon) -> KerasCode:
        """Keras' own callback, or PyTorch's rules written out as one."""
        if self.rules == "torch":
            return KerasCode(
                learning_rate=number(horizon.base_lr), callbacks=("ReduceOnPlateau()",),
                definitions=self._written_out(horizon.base_lr),
            )
        callback = call("keras.callbacks.ReduceLROnPlateau", **self.keras_settings())
        return KerasCode(learning_rate=number(horizon.base_lr), callbacks=(callback,))

    def keras_settings(self) -> dict[str, Any]:
        """Arguments of Keras' callback; its mode "auto" can fail before the metrics are built."""
        mode = "max" if self.rising else "min"
        return {name: mode if name == "mode" else getattr(self, name) for name in KERAS}

    def _written_out(self, base_lr: float) -> str:
        better, worst = ("> self.best +", "-inf") if self.rising else ("< self.best -", "inf")
        return f'''\
class ReduceOnPlateau(keras.callbacks.Callback):
    """Cuts the rate after more than {self.patience} epochs without improvement, as PyTorch does."""

    def __init__(self):
        super().__init__()
        self.rate = {number(base_lr)}
        self.best = float("{worst}")
        self.wait = 0
        self.cooldown = 0

    def on_epoch_end(self, epoch, logs=None):
        value = logs["{self.monitor}"]
        if value {better} {number(self.min_delta)}:
            self.best = value
            self.wait = 0
        else:
            self.wait += 1
        if self.cooldown > 0:
            self.cooldown -= 1
            self.wait = 0
        if self.wait > {self.patience}:
            lower = max(self.rate * {number(self.factor)}, {number(self.min_lr)})
            self.rate = min(self.rate, lower)
            self.model.optimizer.learning_rate = self.rate
            self.cooldown = {self.cooldown}
            self.wait = 0'''

    def _resting(self, cooldown: int) -> int:
        """Epochs in which nothing is counted: Keras counts again in the last of its cooldown."""
        return max(0, cooldown - 1) if self.rules == "keras" else cooldown

    def _cooling(self, cooldown: int) -> str:
        return f"cooling down: {epochs(self._resting(cooldown))} left"


def _state(rate: float, best: float | None, wait: int, cooldown: int) -> State:
    kept = best if best is None or math.isfinite(best) else str(float(best))
    return {"rate": rate, "best": kept, "wait": wait, "cooldown": cooldown}


def _best(state: State) -> float | None:
    return None if state["best"] is None else float(state["best"])


def _float32(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def _improved(best: float | None, value: float) -> str:
    if math.isnan(value):
        return "the first value is nan, on which nothing can improve: wait 0"
    count = 4
    while best is not None and count < 17 and _digits(value, count) == _digits(best, count):
        count += 1
    was = f", {_digits(best, count)} before" if best is not None else ""
    return f"{_digits(value, count)} is a new best{was}: wait 0"


def _compared(value: float, best: float, delta: Decimal, rising: bool) -> tuple[str, str]:
    """Value and best with the fewest digits in which it can be seen that the value is no better.

    4 digits where none do: a difference that only float32 loses.
    """
    exact = Decimal(repr(value)) - Decimal(repr(best)) - delta
    sign = min(_sign(exact), 0) if rising else max(_sign(exact), 0)
    for count in range(4, 18):
        shown, known = _digits(value, count), _digits(best, count)
        gain = Decimal(shown) - Decimal(known) - delta
        if _sign(gain) == sign and (shown == known) == (value == best):
            return shown, known
    return _digits(value), _digits(best)


def _sign(value: Decimal) -> int:
    return (value > 0) - (value < 0)


def _digits(value: float, count: int = 4) -> str:
    return f"{value:.{count}g}"


def _cut(rate: float, lower: float) -> str:
    return f"rate {rate:.6g} to {lower:.6g}"
