"""When a run is saved, and which of its checkpoints it resumes from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdash.checkpoints import (
    INTERVAL,
    About,
    BackgroundWriter,
    Cause,
    Checkpoint,
    CheckpointFolder,
)
from lrdash.core.events import RateDecided, RunEnded
from lrdash.planning.plan import Plan
from lrdash.strategies.program import RateProgram

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a branch comes from."""

    epoch: int  # epochs done when it left its parent
    run_ids: Sequence[str]  # parent, grandparent, ...
    engine: str = ""  # that trained the epochs before; empty if unknown


class CheckpointWriter:
    """The checkpoints of the runs that are trained together.

    A resumed run has the same bits as one without a pause. So a run without a checkpoint, or with
    a damaged one, resumes from an earlier one or starts again, and sends the same events again.

    Args:
        folder: of the checkpoints; without one nothing is saved.
        done: epochs of each run that are recorded already. Later checkpoints are not used: the
            epochs that led to them would be missing.
        interval: seconds between two checkpoints of a run.
        origins: of the runs that are branches. One without a checkpoint of its own begins with one
            of its parents from before the branch, by any engine.
    """

    def __init__(
        self, folder: CheckpointFolder | None = None, done: Mapping[str, int] | None = None,
        interval: float = INTERVAL, origins: Mapping[str, Origin] | None = None,
    ) -> None:
        self._folder, self._done, self.interval = folder, dict(done or {}), interval
        self._origins = dict(origins or {})
        self._background = BackgroundWriter(folder) if folder else None

    def start(self, run_id: str, plan: Plan, engine: str) -> CheckpointPolicy:
        """The policy of a run that begins or resumes."""
        done = self._done.get(run_id, 0)
        found = self._find(run_id, plan, engine, done) if done else None
        return CheckpointPolicy(self, run_id, plan, engine, found, done)

    def _find(self, run_id: str, plan: Plan, engine: str, done: int) -> Checkpoint | None:
        if self._folder is None:
            return None
        digest = plan.spec.prefix_digest
        found = self._folder.latest(run_id, digest=digest, engine=engine, at_most=done)
        origin = self._origins.get(run_id)
        for other in (run_id, *origin.run_ids) if origin else ():
            if found is None and origin:
                found = self._folder.latest(
                    other, digest=digest, engine=None, at_most=min(done, origin.epoch)
                )
        return found

    def lacks(self, run_id: str, plan: Plan, engine: str) -> Origin | None:
        """Where a branch comes from, if this engine could not repeat the bits of its parent.

        That is so if the checkpoint at the branch is gone and another engine trained the epochs
        before it.
        """
        origin, done = self._origins.get(run_id), self._done.get(run_id, 0)
        if not self._folder or not origin or origin.engine in ("", "auto", engine):
            return None
        found = self._find(run_id, plan, engine, done)
        return None if found and found.about.epoch >= origin.epoch else origin

    def until(self, run_id: str, origin: Origin) -> CheckpointWriter:
        """A writer for training a branch again up to where it left its parent."""
        return CheckpointWriter(self._folder, {run_id: origin.epoch}, math.inf, {run_id: origin})

    def share(self, run_id: str, heir: str, epoch: int) -> None:
        """Give a branch the checkpoint of another with the same beginning."""
        if self._folder:
            self._folder.hand_over(run_id, heir, epoch)

    def save(self, run_id: str, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, in the background."""
        if self._background:
            self._background(run_id, checkpoint)

    @property
    def active(self) -> bool:
        """Whether checkpoints are saved at all."""
        return self._background is not None

    def close(self) -> None:
        """Write what is left, then end."""
        if self._background:
            self._background.close()


class CheckpointPolicy:
    """Where one run begins, and when it is time for a checkpoint.

    Attributes:
        found: the checkpoint to resume from, None at the start.
        epoch: epochs done in it.
        recorded: epochs of the run that are recorded already, perhaps more.
        seconds: of training, up to it.
    """

    def __init__(
        self, writer: CheckpointWriter, run_id: str, plan: Plan, engine: str,
        found: Checkpoint | None, recorded: int = 0,
    ) -> None:
        self._writer, self._run_id, self._plan, self._engine = writer, run_id, plan, engine
        self._saved = perf_counter()
        self.found, self.recorded = found, recorded
        self.epoch = found.about.epoch if found else 0
        self.seconds = found.about.seconds if found else 0.0

    def follow(self, plan: Plan) -> None:
        """Save checkpoints of this plan from now on: the user has changed the rate."""
        self._plan = plan

    def turned(self, plan: Plan, found: Checkpoint) -> CheckpointPolicy:
        """The policy of the same run, resumed from here by another plan."""
        return CheckpointPolicy(
            self._writer, self._run_id, plan, self._engine, found, found.about.epoch
        )

    @property
    def decision(self) -> RateDecided | None:
        """What the strategy decided at the end of the last epoch; it may not be recorded yet."""
        saved = self.found.state["decision"] if self.found else None
        return RateDecided(**saved) if saved else None

    def first(self, program: RateProgram) -> RateDecided | None:
        """The decision that the run reports when it begins or resumes, if there is one."""
        return program.reported(self.decision, self.epoch) if self.found else program.before_start()

    @property
    def ended(self) -> RunEnded | None:
        """How the run ended, if that was at the end of the last epoch.

        A lengthened run, and a branch of a run that had ended, do not end there.
        """
        saved = self.found.state["ended"] if self.found else None
        if not saved:
            return None
        status, reason = saved
        longer = not reason and self.epoch < self._plan.spec.epochs
        if longer or self._plan.spec.begins(self.epoch):
            return None
        return RunEnded(status=status, reason=reason, seconds=self.seconds)

    def due(
        self, decision: RateDecided | None, *, over: bool, turned: bool = False
    ) -> Cause | None:
        """Why to save the run at the end of an epoch; None if there is no reason.

        Args:
            over: whether the run has ended.
            turned: whether another piece begins there.
        """
        if not self._writer.active:
            return None
        if over:
            return "end"
        if turned or (
            decision and np.float32(decision.rate_after) != np.float32(decision.rate_before)
        ):
            return "rate"
        late = perf_counter() - self._saved >= self._writer.interval
        return "time" if late else None

    def save(
        self, cause: Cause, arrays: Arrays, state: Mapping[str, Any], *, epoch: int,
        seconds: float, val_loss: float, decision: RateDecided | None, ended: RunEnded | None,
    ) -> Checkpoint:
        """Save the run as it is at the end of an epoch; gives the checkpoint.

        Args:
            arrays: nobody may change them any more.
            state: JSON types; what the engine needs as well.
            ended: how the run ended, if it has.
        """
        self._saved = perf_counter()
        ending = {
            "decision": asdict(decision) if decision else None,
            "ended": [ended.status, ended.reason] if ended else None,
        }
        about = About(
            digest=self._plan.spec.prefix_digest(epoch), engine=self._engine, epoch=epoch,
            seconds=seconds, cause=cause, val_loss=val_loss,
        )
        checkpoint = Checkpoint(about=about, arrays=arrays, state={**state, **ending})
        self._writer.save(self._run_id, checkpoint)
        return checkpoint
