"""What `ReduceLROnPlateau` and `LearningRateScheduler` decided, read off the callbacks themselves.

They are only looked at, before and after they act; nothing about them is changed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import keras
import numpy as np

from lrdash.core.errors import InvalidField
from lrdash.core.events import RateDecided, finite
from lrdash.strategies.recorded import Recorded, WatchedPlateau

# Keras' own callbacks that act at batches and leave the rate alone.
HARMLESS = (
    keras.callbacks.History, keras.callbacks.ProgbarLogger, keras.callbacks.ModelCheckpoint,
    keras.callbacks.TensorBoard, keras.callbacks.CSVLogger, keras.callbacks.EarlyStopping,
    keras.callbacks.TerminateOnNaN, keras.callbacks.BackupAndRestore,
    keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler,
    keras.callbacks.RemoteMonitor, keras.callbacks.SwapEMAWeights,
)
AT_BATCHES = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")


class State(NamedTuple):
    """What ReduceLROnPlateau remembers."""

    best: float | None
    wait: int
    cooldown: int


class Deciders:
    """Those callbacks of one `fit`, besides the monitor, that may decide about the rate."""

    def __init__(self, others: Sequence[Any]) -> None:
        self.plateau = _first(others, keras.callbacks.ReduceLROnPlateau, "on_epoch_end")
        self.scheduler = _first(others, keras.callbacks.LearningRateScheduler, "on_epoch_begin")
        self._stoppers = [
            one for one in others if isinstance(one, keras.callbacks.EarlyStopping)
        ]
        self.at_batches = [one for one in others if _acts_at_batches(one)]
        self._before = State(None, 0, 0)

    def params(self) -> dict[str, Any]:
        """The settings of the callback that decides, as those of the strategy `recorded`."""
        if self.plateau is not None:
            return _settings(self.plateau)
        return {"callback": "LearningRateScheduler"} if self.scheduler is not None else {}

    def epoch_begins(self, done: int, before: float, after: float) -> RateDecided | None:
        """What the scheduler gave for the epoch that begins; called when all have acted.

        Args:
            done: epochs done.
            before: rate at the end of the last one.
            after: rate now.
        """
        if self.plateau is not None:
            self._before = _state(self.plateau)
        if self.scheduler is None:
            return None
        changed = "unchanged" if before == after else f"rate {before:g} to {after:g}"
        reason = f"schedule({done}, {before:.6g}) gives {after:.6g}: {changed}"
        return RateDecided(epoch=done, rate_before=before, rate_after=after, reason=reason)

    def epoch_ends(
        self, done: int, before: float, after: float, logs: Mapping[str, Any]
    ) -> RateDecided | None:
        """What ReduceLROnPlateau decided; called when all have acted.

        Args:
            done: epochs done.
            before: rate of the last update.
            after: rate now.
            logs: of the epoch.
        """
        plateau = self.plateau
        if plateau is None or plateau.monitor not in logs:
            return None
        value, state = float(logs[plateau.monitor]), _state(plateau)
        decided = _by_rule(_settings(plateau), self._before, done, before, value)
        words = _words(value, state, before, after)
        if decided and decided.wait == state.wait and _same(decided.rate_after, after):
            words = decided.reason
        return RateDecided(
            epoch=done, rate_before=before, rate_after=after, reason=words,
            monitor=plateau.monitor, monitored=finite(value), best=finite(state.best),
            wait=state.wait, cooldown=decided.cooldown if decided else state.cooldown,
        )

    def stopped(self) -> str:
        """Why training ended before its last epoch, in words."""
        stopper = next((one for one in self._stoppers if one.stopped_epoch), None)
        if stopper is not None:
            return f"early stopping: {stopper.monitor} had not improved for {stopper.patience} " \
                f"epoch{'' if stopper.patience == 1 else 's'}"
        return "the script ended it early"


def merged(first: RateDecided | None, second: RateDecided) -> RateDecided:
    """Two decisions between the same epochs as one, where both callbacks act."""
    if first is None:
        return second
    reason = f"{first.reason}; {second.reason}"
    return replace(first, rate_after=second.rate_after, reason=reason)


def _by_rule(
    settings: Mapping[str, Any], state: State, done: int, rate: float, value: float
) -> RateDecided | None:
    """What lrdash's own rule says, for its words; None where the settings are beyond it."""
    best: float | str | None = state.best
    if state.best is not None and not math.isfinite(state.best):
        best = str(state.best)
    try:
        rule: WatchedPlateau = Recorded(**settings).rule()
    except InvalidField:
        return None
    before = {"rate": rate, "best": best, "wait": state.wait, "cooldown": state.cooldown}
    return rule.decide(before, done, value)[1]


def _settings(plateau: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "callback": "ReduceLROnPlateau", "monitor": str(plateau.monitor),
        "mode": "max" if _rising(plateau) else "min", "factor": float(plateau.factor),
        "patience": int(plateau.patience), "min_delta": abs(float(plateau.min_delta)),
        "cooldown": int(plateau.cooldown), "min_lr": float(plateau.min_lr),
    }
    try:
        Recorded(**settings)
    except InvalidField:  # settings that cannot be replayed; the decisions are kept
        return {}
    return settings


def _rising(plateau: Any) -> bool:
    """Whether higher is better; Keras settles that when the first epoch ends."""
    if plateau.monitor_op is not None:
        return bool(plateau.monitor_op is keras.ops.greater)
    return bool(plateau.mode == "max" or "acc" in plateau.monitor)


def _state(plateau: Any) -> State:
    best = None if plateau.best is None else float(plateau.best)
    return State(best, int(plateau.wait), int(plateau.cooldown_counter))


def _words(value: float, state: State, before: float, after: float) -> str:
    best = "none" if state.best is None else f"{state.best:.6g}"
    moved = "rate unchanged" if before == after else f"rate {before:g} to {after:g}"
    return f"{value:.6g}, best {best}: wait {state.wait}, {moved}"


def _same(one: float, other: float) -> bool:
    return bool(np.isclose(np.float32(one), np.float32(other), rtol=1e-6, atol=0))


def _first(others: Sequence[Any], kind: type[Any], deciding: str) -> Any:
    """The first callback of a kind that decides as Keras' own does; others decide by rules of
    their own, of which nothing can be said.
    """
    return next((
        one for one in others
        if isinstance(one, kind) and getattr(type(one), deciding) is getattr(kind, deciding)
    ), None)


def _acts_at_batches(one: Any) -> bool:
    if type(one) in HARMLESS:
        return False
    base = keras.callbacks.Callback
    return any(getattr(type(one), name, None) is not getattr(base, name) for name in AT_BATCHES) \
        or isinstance(one, keras.callbacks.LambdaCallback)
