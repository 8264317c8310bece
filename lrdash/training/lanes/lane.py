"""One run on its way: what its course decides between epochs, and when it is over."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdash.checkpoints.folder import Cause
from lrdash.core.events import (
    EpochEnded,
    Mailbox,
    Progress,
    RateDecided,
    RunEnded,
    RunStarted,
    Sink,
    Status,
    no_mail,
    stopped_after,
)
from lrdash.planning.plan import Plan
from lrdash.training.checkpoints import Arrays, CheckpointPolicy
from lrdash.training.lanes.stopping import EarlyStop
from lrdash.training.lanes.tally import Tally
from lrdash.training.reasons import diverged, stopped_early
from lrdash.training.steering import RunCommands, Turn

PROGRESS = 0.25  # seconds between two progress events


class Lane:
    """The side of a run that is not in the program. Belongs to the thread that trains the group.

    Args:
        run_id: stands beside each event.
        plan: of the run.
        sink: receives all its events, `RunEnded` included.
        notes: where it begins, and what is kept of it.
        mailbox: where commands of its user arrive.
    """

    def __init__(
        self, run_id: str, plan: Plan, sink: Sink, notes: CheckpointPolicy,
        mailbox: Mailbox = no_mail,
    ) -> None:
        self.run_id, self.plan, self.notes = run_id, plan, notes
        self.ended: RunEnded | None = None
        self.epochs_done = notes.epoch
        self.due: Cause | None = None  # why it is to be kept as it is, at the end of an epoch
        self.rates: NDArray[np.float32] = np.zeros(0, np.float32)  # of the epoch under way
        self._emit = partial(sink, run_id)
        self._course = plan.program()
        wanted = plan.spec.early_stopping
        self._stopper = EarlyStop(wanted) if wanted else None
        self._wheel = RunCommands(run_id, mailbox, notes.recorded)
        self._val_loss = math.nan
        self._kept: dict[str, Any] = {}  # state at the end of the last epoch
        self.width: int | None = None  # of the blocks in which it has trained so far
        if notes.found:
            self._restore(notes.found.state)
            self.width = notes.found.state.get("width")
        self._began = self._moved = perf_counter()

    def start(self, started: RunStarted) -> None:
        """Say that training begins, and what was decided before it."""
        self._moved = perf_counter()
        self._began = self._moved - self.notes.seconds
        self._emit(started)
        first = self._course.before_start()
        if self.notes.found:
            first = self._course.reported(self.notes.decision, self.epochs_done)
        if first is not None:
            self._emit(first)
        if self.notes.ended is not None:
            self._emit(self.notes.ended)
            self.ended = self.notes.ended
        else:
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
            plan.train_examples, plan.validation_examples, classes="accuracy" in plan.metrics
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
        self._val_loss = metrics["val_loss"]
        decision = self._course.end_epoch(self.epochs_done - 1, metrics)
        ends = self._stopper is not None and self._stopper.ends(self.epochs_done, metrics)
        self._kept = self._state()
        turn = self._wheel.turn(plan, self.epochs_done)
        if turn is not None:
            decision = self._turn(turn)
        if decision is not None:
            self._emit(decision)
        wanted = plan.spec.early_stopping
        if self._course.begins(self.epochs_done):
            self._begin_piece()
        elif ends and wanted:
            self._end("finished", stopped_early(wanted, self.epochs_done))
        elif self.epochs_done == plan.spec.epochs:
            self._end("finished")
        if self.ended is None:
            self._look_up()
        over, turned = self.ended is not None, self._course.begins(self.epochs_done)
        self.due = self.notes.due(decision, over=over, turned=turned)

    def keep(self, arrays: Arrays) -> None:
        """Keep the run as it stands at the end of an epoch, with these values of the program."""
        if self.due is None:
            return
        self.notes.save(
            self.due, arrays, self._kept,
            epoch=self.epochs_done, seconds=self._seconds, val_loss=self._val_loss,
            decision=self._course.decided, ended=self.ended,
        )
        self.due = None

    def stop(self) -> None:
        """End it because its user wants that."""
        self._end("stopped", stopped_after(self.epochs_done))

    @property
    def _seconds(self) -> float:
        return perf_counter() - self._began

    def _state(self) -> dict[str, Any]:
        """Before another piece takes over: a branch that leaves here needs no more."""
        stopper = self._stopper.state() if self._stopper else None
        return {"course": self._course.state(), "stopper": stopper, "width": self.width}

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._course.restore(state["course"], self.epochs_done)
        if self._stopper:
            self._stopper.restore(state["stopper"])
        if self._course.begins(self.epochs_done):
            self._begin_piece()

    def _turn(self, turn: Turn) -> RateDecided | None:
        """Go on by another plan; gives what is decided now."""
        own = self._course.decided
        self.plan, self._course = turn.plan, turn.plan.program()
        self._course.restore(self._kept["course"], self.epochs_done)
        self._course.decided = own
        self.notes.follow(turn.plan)
        self._emit(turn.event)
        return self._course.reported(own, self.epochs_done)

    def _begin_piece(self) -> None:
        if self._stopper:
            self._stopper.wait_anew()

    def _look_up(self) -> None:
        self.rates = self._course.rates(self.epochs_done).astype(np.float32)

    def _diverge(self, name: str, value: float, epoch: int, at: int) -> None:
        update = (epoch - 1) * len(self.rates) + at + 1
        rate = float(self.rates[at])
        self._end("diverged", diverged(name, value, epoch=epoch, update=update, rate=rate))

    def _end(self, status: Status, reason: str = "") -> None:
        self.ended = RunEnded(status=status, reason=reason, seconds=self._seconds)
        self._emit(self.ended)
