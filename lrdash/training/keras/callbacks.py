"""The callback that streams a run: the rates that the optimizer used, and metrics."""

# ruff: noqa: ARG002 (Keras passes these arguments by name)
from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter
from typing import Any

import keras
import numpy as np

from lrdash.core.events import EpochEnded, Event, Progress
from lrdash.training.failures import Diverged, Stopped
from lrdash.training.keras.rates import rate_in_use
from lrdash.training.reasons import diverged

POLL = 0.1  # seconds between two looks whether to stop
PROGRESS = 0.25  # seconds between two progress events

Logs = dict[str, Any] | None


class Stream(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports each epoch and progress inside a long one; leaves `fit` to stop or on divergence.

    It must come before the callbacks that change the rate at the end of an epoch, and after those
    that change it before an update, so that it reads the rate that the update uses.

    Args:
        should_stop: asked at most every `POLL` seconds, between batches.
        epoch: epochs done, of a resumed run.
        seconds: of training, up to there.

    Raises:
        Stopped: out of `fit`, when `should_stop` is true.
        Diverged: out of `fit`, for a loss that is NaN or infinite. Keras' loss of a batch is the
            mean over the epoch so far, which one such batch is enough to spoil.
    """

    def __init__(
        self, emit: Callable[[Event], None], should_stop: Callable[[], bool], *,
        epoch: int = 0, seconds: float = 0.0,
    ) -> None:
        super().__init__()
        self._emit, self._should_stop = emit, should_stop
        self._polled = self._moved = perf_counter()
        self._began = self._polled - seconds
        self._rates: list[np.float32] = []  # of the epoch under way
        self.epochs_done = epoch
        self.update = 0  # updates done

    def on_train_begin(self, logs: Logs = None) -> None:
        """Count from the epochs done."""
        self.update = self.epochs_done * int(self.params["steps"])

    @property
    def seconds(self) -> float:
        """Time since training began."""
        return perf_counter() - self._began

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Read the rate that this update uses."""
        self._rates.append(rate_in_use(self.model))

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Count the update, check its loss, and look whether to stop."""
        self.update += 1
        if logs and "loss" in logs:  # a custom train_step may not report it
            self._check("the loss", float(logs["loss"]))
        self._look_for_stop()
        if perf_counter() - self._moved >= PROGRESS:
            self._moved = perf_counter()
            self._emit(Progress(update=self.update))

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Look whether to stop during validation, too."""
        self._look_for_stop()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Report the epoch, then check its validation loss."""
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        self.epochs_done, self._moved = epoch + 1, perf_counter()
        self._emit(
            EpochEnded(
                epoch=epoch + 1,
                metrics=metrics,
                rates=np.array(self._rates, np.float32),
                seconds=self.seconds,
            )
        )
        self._check("val_loss", metrics.get("val_loss", 0.0))
        self._rates = []

    def _check(self, name: str, loss: float) -> None:
        if math.isfinite(loss):
            return
        epoch = max(1, math.ceil(self.update / int(self.params["steps"])))
        rate = float(self._rates[-1])
        raise Diverged(diverged(name, loss, epoch=epoch, update=self.update, rate=rate))

    def _look_for_stop(self) -> None:
        if perf_counter() - self._polled < POLL:
            return
        self._polled = perf_counter()
        if self._should_stop():
            raise Stopped
