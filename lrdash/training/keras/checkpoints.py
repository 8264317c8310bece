"""The callback that saves and resumes a Keras run, including what Keras itself forgets."""

# ruff: noqa: ARG002 (Keras passes these arguments by name)
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from lrdash.checkpoints import Cause, Checkpoint
from lrdash.core.events import Event, RateDecided, RunEnded
from lrdash.core.spec import RunSpec
from lrdash.planning.plan import Plan
from lrdash.strategies.program import RateProgram
from lrdash.training.checkpoints import Arrays, CheckpointPolicy
from lrdash.training.commands import RunCommands
from lrdash.training.failures import Turned
from lrdash.training.keras.callbacks import Logs, Stream
from lrdash.training.keras.rates import is_variable, set_rate
from lrdash.training.reasons import stopped_early

# What Keras' callbacks remember from epoch to epoch and reset at each `fit`.
REMEMBERED = ("best", "wait", "cooldown_counter", "best_epoch", "stopped_epoch")
BEST = "best_weights"  # of EarlyStopping: a list of arrays, or None
# Attributes of the optimizers that hold a tensor for each weight, in the order of the lanes' slots.
SLOTS = {
    "sgd": ("momentums",), "rmsprop": ("_velocities", "_momentums"),
    "adam": ("_momentums", "_velocities"), "adamw": ("_momentums", "_velocities"),
}


class CheckpointCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends each epoch: saves checkpoints, reports decisions, and follows commands.

    It must be the last of the callbacks: the state of the others is saved at the end of the epoch,
    before another piece begins, and restored after `fit` has reset it.

    Args:
        emit: receives the decisions.

    Raises:
        Turned: out of `fit`, where a command has changed the plan.
    """

    def __init__(
        self, policy: CheckpointPolicy, plan: Plan, program: RateProgram, stream: Stream,
        commands: RunCommands, emit: Callable[[Event], None],
    ) -> None:
        super().__init__()
        self._policy, self._plan, self._program, self._stream = policy, plan, program, stream
        self._commands, self._emit = commands, emit
        self._rule: Any = None
        self._stopper: Any = None
        self._decision: RateDecided | None = None

    def hear(self, decision: RateDecided) -> None:
        """Take the decision of the epoch that ends."""
        self._decision = decision

    def restore(self, model: keras.Model, rule: Any, stopper: Any) -> None:
        """Restore a compiled model and the rate program from the checkpoint.

        Args:
            model: compiled, not trained yet.
            rule: the callback that sets the rate at the end of an epoch.
            stopper: early stopping; None without.
        """
        self._rule, self._stopper = rule, stopper
        found = self._policy.found
        if found is None:
            return
        model.optimizer.build(model.trainable_variables)
        for name, variable in _variables(model, self._plan.spec).items():
            variable.assign(found.arrays[name])
        done = found.about.epoch
        self._program.restore(found.state["course"], done)
        if is_variable(model) and done < self._plan.spec.epochs:
            set_rate(model, self._program.rates(done)[0])

    def on_train_begin(self, logs: Logs = None) -> None:
        """Restore what the callbacks have just reset."""
        found = self._policy.found
        if found is None:
            return
        state, stopper = found.state, self._stopper
        for other, saved in ((self._rule, state.get("rule")), (stopper, state["stopper"])):
            for name, value in (saved or {}).items():
                if hasattr(other, name):
                    setattr(other, name, value)
        best = [name for name in found.arrays if name.startswith(f"{BEST}:")]
        if best and stopper is not None:
            stopper.best_weights = [found.arrays[f"{BEST}:{n}"] for n in range(len(best))]
        self._begin_piece(found.about.epoch)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Save the run if it is time; leave `fit` if a command changes the plan."""
        done = epoch + 1
        turn = self._commands.turn(self._plan, done)
        begins = turn is not None or self._program.begins(done)
        if begins:  # early stopping starts again with another piece
            self.model.stop_training = False
        over = bool(self.model.stop_training) or done == self._plan.spec.epochs
        decision, self._decision = self._decision, None
        if decision is not None and turn is None:
            self._emit(decision)
        cause = self._policy.due(decision, over=over, turned=begins)
        if turn:
            cause = cause or "rate"  # needed even where no checkpoints are saved
        if cause is not None:
            found = self._save(cause, done, float((logs or {}).get("val_loss", np.nan)), over)
            if turn:
                self._emit(turn.event)
                raise Turned(turn, found)
        self._begin_piece(done)

    def _save(self, cause: Cause, done: int, val_loss: float, over: bool) -> Checkpoint:
        seconds = self._stream.seconds
        reason = early(self._plan, self.model, done)
        ended = RunEnded(status="finished", reason=reason, seconds=seconds) if over else None
        state = {
            "course": self._program.state(), "rule": _remembered(self._rule),
            "stopper": _remembered(self._stopper),
        }
        return self._policy.save(
            cause, self._arrays(), state, epoch=done, seconds=seconds, val_loss=val_loss,
            decision=self._program.decided, ended=ended,
        )

    def _begin_piece(self, done: int) -> None:
        if self._stopper is not None and self._program.begins(done):
            self._stopper.wait = self._stopper.stopped_epoch = 0

    def _arrays(self) -> Arrays:
        variables = _variables(self.model, self._plan.spec)
        arrays = {name: np.array(value.numpy()) for name, value in variables.items()}
        for number, weight in enumerate(getattr(self._stopper, BEST, None) or ()):
            arrays[f"{BEST}:{number}"] = weight
        return arrays


def early(plan: Plan, model: keras.Model, epochs: int) -> str:
    """Why training ended early, in words; empty if it did not."""
    wanted = plan.spec.early_stopping
    if wanted is None or not model.stop_training:
        return ""
    return stopped_early(wanted, epochs)


def _variables(model: keras.Model, spec: RunSpec) -> dict[str, Any]:
    """Weights, moving statistics, states of the dropout generators, slots and updates done, by the
    names that both engines use.
    """
    optimizer = model.optimizer
    slots = [getattr(optimizer, name, None) or () for name in SLOTS[spec.optimizer]]
    parts = {"weight": model.trainable_variables, "other": model.non_trainable_variables}
    return {
        **{f"{part}:{n}": v for part, many in parts.items() for n, v in enumerate(many)},
        **{f"slot:{n}:{m}": v for m, many in enumerate(slots) for n, v in enumerate(many)},
        "step": optimizer.iterations,
    }


def _remembered(callback: Any) -> dict[str, Any] | None:
    """As JSON types; None without a callback."""
    if callback is None:
        return None
    found = {name: getattr(callback, name) for name in REMEMBERED if hasattr(callback, name)}
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in found.items()
    }
