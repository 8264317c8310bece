"""One run as a lane: what is decided between its epochs, and when it ends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdash.checkpoints import Cause
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
from lrdash.training.commands import RunCommands, Turn
from lrdash.training.lanes.stopping import EarlyStop
from lrdash.training.lanes.tally import Tally
from lrdash.training.reasons import diverged, stopped_early

PROGRESS = 0.25  # seconds between two progress events


class Lane:
    """The part of a run outside the compiled program. For the thread that trains the group.

    Args:
        sink: receives all its events, `RunEnded` included.
    """

    def __init__(
        self, run_id: str, plan: Plan, sink: Sink, policy: CheckpointPolicy,
        mailbox: Mailbox = no_mail,
    ) -> None:
        self.run_id, self.plan, self.policy = run_id, plan, policy
        self.ended: RunEnded | None = None
        self.epochs_done = policy.epoch
        self.due: Cause | None = None  # why it is to be saved, at the end of an epoch
        self.rates: NDArray[np.float32] = np.zeros(0, np.float32)  # of the epoch under way
        self._emit = partial(sink, run_id)
        self._rate_program = plan.program()
        wanted = plan.spec.early_stopping
        self._stopper = EarlyStop(wanted) if wanted else None
        self._commands = RunCommands(run_id, mailbox, policy.recorded)
        self._val_loss = math.nan
        self._saved: dict[str, Any] = {}  # state at the end of the last epoch
        self.width: int | None = None  # of the blocks in which it has trained so far
        if policy.found:
            self._restore(policy.found.state)
            self.width = policy.found.state.get("width")
        self._began = self._moved = perf_counter()

    def start(self, started: RunStarted) -> None:
        """Report that training begins, and what was decided before it."""
        self._moved = perf_counter()
        self._began = self._moved - self.policy.seconds
        self._emit(started)
        if (decision := self.policy.first(self._rate_program)) is not None:
            self._emit(decision)
        if self.policy.ended is not None:
            self._emit(self.policy.ended)
            self.ended = self.policy.ended
        else:
            self._look_up()

    def check(self, tally: Tally, updates: int) -> None:
        """End it if it has diverged; else report progress now and then.

        Args:
            updates: of this epoch, done.
        """
        if tally.failed_at >= 0:
            at = int(tally.failed_at)
            self._diverge("the loss", tally.failed_loss, self.epochs_done + 1, at)
        elif updates < len(self.rates) and perf_counter() - self._moved >= PROGRESS:
            self._moved = perf_counter()
            self._emit(Progress(update=self.epochs_done * len(self.rates) + updates))

    def end_epoch(self, tally: Tally) -> None:
        """Report the epoch; then check validation loss, rate program and early stopping."""
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
        decision = self._rate_program.end_epoch(self.epochs_done - 1, metrics)
        ends = self._stopper is not None and self._stopper.ends(self.epochs_done, metrics)
        self._saved = self._state()
        turn = self._commands.turn(plan, self.epochs_done)
        if turn is not None:
            decision = self._turn(turn)
        if decision is not None:
            self._emit(decision)
        wanted = plan.spec.early_stopping
        if self._rate_program.begins(self.epochs_done):
            self._begin_piece()
        elif ends and wanted:
            self._end("finished", stopped_early(wanted, self.epochs_done))
        elif self.epochs_done == plan.spec.epochs:
            self._end("finished")
        if self.ended is None:
            self._look_up()
        over, turned = self.ended is not None, self._rate_program.begins(self.epochs_done)
        self.due = self.policy.due(decision, over=over, turned=turned)

    def save(self, arrays: Arrays) -> None:
        """Save the run as it is at the end of an epoch, with these values of the program."""
        if self.due is None:
            return
        self.policy.save(
            self.due, arrays, self._saved,
            epoch=self.epochs_done, seconds=self._seconds, val_loss=self._val_loss,
            decision=self._rate_program.decided, ended=self.ended,
        )
        self.due = None

    def stop(self) -> None:
        """End it at the request of its user."""
        self._end("stopped", stopped_after(self.epochs_done))

    @property
    def _seconds(self) -> float:
        return perf_counter() - self._began

    def _state(self) -> dict[str, Any]:
        """Before another piece begins: all that a branch from here needs."""
        stopper = self._stopper.state() if self._stopper else None
        return {"course": self._rate_program.state(), "stopper": stopper, "width": self.width}

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._rate_program.restore(state["course"], self.epochs_done)
        if self._stopper:
            self._stopper.restore(state["stopper"])
        if self._rate_program.begins(self.epochs_done):
            self._begin_piece()

    def _turn(self, turn: Turn) -> RateDecided | None:
        """Continue by another plan; gives the decision that holds now."""
        own = self._rate_program.decided
        self.plan, self._rate_program = turn.plan, turn.plan.program()
        self._rate_program.restore(self._saved["course"], self.epochs_done)
        self._rate_program.decided = own
        self.policy.follow(turn.plan)
        self._emit(turn.event)
        return self._rate_program.reported(own, self.epochs_done)

    def _begin_piece(self) -> None:
        if self._stopper:
            self._stopper.restart()

    def _look_up(self) -> None:
        self.rates = self._rate_program.rates(self.epochs_done).astype(np.float32)

    def _diverge(self, name: str, value: float, epoch: int, at: int) -> None:
        update = (epoch - 1) * len(self.rates) + at + 1
        rate = float(self.rates[at])
        self._end("diverged", diverged(name, value, epoch=epoch, update=update, rate=rate))

    def _end(self, status: Status, reason: str = "") -> None:
        self.ended = RunEnded(status=status, reason=reason, seconds=self._seconds)
        self._emit(self.ended)
