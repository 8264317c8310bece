"""One run on its way: what its course decides between epochs, and when it is over."""

from __future__ import annotations

import math
from functools import partial
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from lrdash.events import (
    EpochEnded,
    Progress,
    RunEnded,
    RunStarted,
    Sink,
    Status,
    stopped_after,
)
from lrdash.plan import Plan
from lrdash.training.lanes.stopping import EarlyStop
from lrdash.training.lanes.tally import Tally
from lrdash.training.reasons import diverged, stopped_early

PROGRESS = 0.25  # seconds between two progress events


class Lane:
    """The side of a run that is not in the program. Belongs to the thread that trains the group.

    Args:
        run_id: stands beside each event.
        plan: of the run.
        sink: receives all its events, `RunEnded` included.
    """

    def __init__(self, run_id: str, plan: Plan, sink: Sink) -> None:
        self.run_id, self.plan = run_id, plan
        self.ended: RunEnded | None = None
        self.epochs_done = 0
        self.rates: NDArray[np.float32] = np.zeros(0, np.float32)  # of the epoch under way
        self._emit = partial(sink, run_id)
        self._course = plan.course()
        wanted = plan.spec.early_stopping
        self._stopper = EarlyStop(wanted) if wanted else None
        self._began = self._moved = perf_counter()

    def start(self, started: RunStarted) -> None:
        """Say that training begins, and what was decided before it."""
        self._began = self._moved = perf_counter()
        self._emit(started)
        first = self._course.before_start()
        if first is not None:
            self._emit(first)
        self._look_up()

    def heed(self, tally: Tally, updates: int) -> None:
        """Take in the counts of the epoch so far.

        Args:
            tally: the counts.
            updates: of this epoch, done.
        """
        if tally.failed_at >= 0:
            at = int(tally.failed_at)
            self._diverge("the loss", tally.failed_loss, self.epochs_done + 1, at)
        elif updates < len(self.rates) and perf_counter() - self._moved >= PROGRESS:
            self._moved = perf_counter()
            self._emit(Progress(update=self.epochs_done * len(self.rates) + updates))

    def end_epoch(self, tally: Tally) -> None:
        """Say the epoch; then look at its validation loss, at the course and at early stopping."""
        plan = self.plan
        metrics = tally.metrics(
            plan.train_examples, plan.validation_examples, classes=plan.dataset.num_classes > 0
        )
        self.epochs_done += 1
        self._moved = perf_counter()
        self._emit(EpochEnded(
            epoch=self.epochs_done, metrics=metrics, rates=self.rates, seconds=self._seconds
        ))
        if not math.isfinite(metrics["val_loss"]):
            last = len(self.rates) - 1
            self._diverge("val_loss", metrics["val_loss"], self.epochs_done, last)
            return
        decision = self._course.end_epoch(self.epochs_done - 1, metrics)
        if decision is not None:
            self._emit(decision)
        if self._stopper and self._stopper.ends(self.epochs_done, metrics):
            wanted = plan.spec.early_stopping
            self._end("finished", stopped_early(wanted, self.epochs_done) if wanted else "")
        elif self.epochs_done == plan.spec.epochs:
            self._end("finished")
        else:
            self._look_up()

    def stop(self) -> None:
        """End it because its user wants that."""
        self._end("stopped", stopped_after(self.epochs_done))

    @property
    def _seconds(self) -> float:
        return perf_counter() - self._began

    def _look_up(self) -> None:
        self.rates = self._course.rates(self.epochs_done).astype(np.float32)

    def _diverge(self, name: str, value: float, epoch: int, at: int) -> None:
        update = (epoch - 1) * len(self.rates) + at + 1
        rate = float(self.rates[at])
        self._end("diverged", diverged(name, value, epoch=epoch, update=update, rate=rate))

    def _end(self, status: Status, reason: str = "") -> None:
        self.ended = RunEnded(status=status, reason=reason, seconds=self._seconds)
        self._emit(self.ended)
