"""The callback that keeps a Keras run and lets it go on: what Keras itself forgets included."""

# ruff: noqa: ARG002 (Keras passes these arguments by name)
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from lrdash.events import Event, RateDecided, RunEnded
from lrdash.plan import Plan
from lrdash.strategies.course import Course
from lrdash.training.callbacks import Logs, Stream
from lrdash.training.keeping import Arrays, Notes
from lrdash.training.reasons import stopped_early

# What Keras' callbacks remember from epoch to epoch and begin anew at each `fit`.
REMEMBERED = ("best", "wait", "cooldown_counter", "best_epoch", "stopped_epoch")
BEST = "best_weights"  # of EarlyStopping: a list of arrays, or None


class Keep(keras.callbacks.Callback):  # type: ignore[misc]
    """Saves checkpoints at the ends of epochs. It must be the last of the callbacks: what the
    others remember is saved as the epoch leaves it, and restored after they began anew.

    Args:
        notes: of the run.
        plan: of the run.
        course: of the run.
        stream: of the run.
    """

    def __init__(self, notes: Notes, plan: Plan, course: Course, stream: Stream) -> None:
        super().__init__()
        self._notes, self._plan, self._course, self._stream = notes, plan, course, stream
        self._others: Sequence[Any] = ()
        self._decision: RateDecided | None = None

    def hearing(self, emit: Callable[[Event], None]) -> Callable[[RateDecided], None]:
        """What takes the decisions: says them, and remembers the last."""

        def say(decision: RateDecided) -> None:
            self._decision = decision
            emit(decision)

        return say

    def restore(self, model: keras.Model, others: Sequence[Any]) -> None:
        """Put a compiled model and the course where the checkpoint left them.

        Args:
            model: compiled, not trained yet.
            others: callbacks that remember something.
        """
        self._others = others
        found = self._notes.found
        if found is None:
            return
        model.optimizer.build(model.trainable_variables)
        for name, variable in _variables(model).items():
            variable.assign(found.arrays[name])
        self._course.restore(found.state["course"])

    def on_train_begin(self, logs: Logs = None) -> None:
        """Give the callbacks back what they have just forgotten."""
        found = self._notes.found
        if found is None:
            return
        for place, (other, said) in enumerate(
            zip(self._others, found.state["callbacks"], strict=True)
        ):
            for name, value in said.items():
                setattr(other, name, value)
            prefix = f"{BEST}:{place}:"
            best = [name for name in found.arrays if name.startswith(prefix)]
            if best:
                setattr(other, BEST, [found.arrays[f"{prefix}{n}"] for n in range(len(best))])

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Keep the run if it is time."""
        over = bool(self.model.stop_training) or epoch + 1 == self._plan.spec.epochs
        decision, self._decision = self._decision, None
        cause = self._notes.due(decision, over=over)
        if cause is None:
            return
        seconds = self._stream.seconds
        reason = early(self._plan, self.model, epoch + 1)
        ended = RunEnded(status="finished", reason=reason, seconds=seconds) if over else None
        state = {
            "course": self._course.state(),
            "callbacks": [_remembered(other) for other in self._others],
        }
        self._notes.save(
            cause, self._arrays(), state, epoch=epoch + 1, seconds=seconds,
            val_loss=float((logs or {}).get("val_loss", np.nan)), decision=decision, ended=ended,
        )

    def _arrays(self) -> Arrays:
        arrays = {name: np.array(value.numpy()) for name, value in _variables(self.model).items()}
        for place, other in enumerate(self._others):
            for number, weight in enumerate(getattr(other, BEST, None) or ()):
                arrays[f"{BEST}:{place}:{number}"] = weight
        return arrays


def early(plan: Plan, model: keras.Model, epochs: int) -> str:
    """Why training was over before its time, in words; empty if it was not.

    Args:
        plan: of the run.
        model: that was trained.
        epochs: done.
    """
    wanted = plan.spec.early_stopping
    if wanted is None or not model.stop_training:
        return ""
    return stopped_early(wanted, epochs)


def _variables(model: keras.Model) -> dict[str, Any]:
    """Weights, moving statistics, states of the dropout generators and all of the optimizer."""
    parts = {
        "weight": model.trainable_variables, "other": model.non_trainable_variables,
        "optimizer": model.optimizer.variables,
    }
    return {f"{part}:{n}": v for part, many in parts.items() for n, v in enumerate(many)}


def _remembered(callback: Any) -> dict[str, Any]:
    """As JSON types."""
    said = {name: getattr(callback, name) for name in REMEMBERED if hasattr(callback, name)}
    return {name: _plain(value) for name, value in said.items()}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
