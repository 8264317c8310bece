"""Makes the checkpoint that a branch begins with, where it no longer exists.

Two engines agree to about 1e-6 of the loss an epoch, not to the bit, and at a high rate the
difference grows. So the epochs from the newest checkpoint to the branch are trained again by the
engine that trained them first, without events, once for all branches that share them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from lrdash.core.errors import LrdashError
from lrdash.planning.plan import Plan, make
from lrdash.training.checkpoints import CheckpointWriter

log = logging.getLogger(__name__)

# Trains a plan under the id of a run by the engine named, with this writer.
Fit = Callable[[Plan, str, str, CheckpointWriter], None]


def bridge(
    plans: Sequence[Plan], run_ids: Sequence[str], engine: str, writer: CheckpointWriter, fit: Fit
) -> None:
    """Make the checkpoints with which branches begin, where they are missing.

    Args:
        run_ids: one a plan.
        engine: that will train them.
    """
    made: dict[str, str] = {}  # digest of the shared beginning: the branch that has it
    for plan, run_id in zip(plans, run_ids, strict=True):
        origin = writer.lacks(run_id, plan, engine)
        if origin is None:
            continue
        digest = plan.spec.prefix_digest(origin.epoch)
        if digest in made:
            writer.share(made[digest], run_id, origin.epoch)
            continue
        try:
            short = beginning(plan, origin.epoch)
        except LrdashError as fault:
            log.warning("branch %s begins with other bits: %s", run_id, fault)
            continue
        own = writer.until(run_id, origin)
        try:
            fit(short, run_id, origin.engine, own)
        finally:
            own.close()
        made[digest] = run_id


def beginning(plan: Plan, epoch: int) -> Plan:
    """The plan of only the first epochs of a run, with the same bits.

    Raises:
        InvalidField: if these cannot be a run of their own.
    """
    settled = plan.spec.settled()
    pieces = [piece for piece in settled.pieces if piece.epoch < epoch]
    return make(settled.replace(epochs=epoch, pieces=pieces))
