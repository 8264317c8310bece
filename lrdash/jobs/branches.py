"""Branches, longer runs and changes of the rate by hand: the same for Python, shell and pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lrdash.checkpoints import CheckpointFolder
from lrdash.core.errors import InvalidField, StoreError
from lrdash.core.spec import Piece, RunSpec
from lrdash.planning import branches
from lrdash.planning.external import refuse
from lrdash.planning.grouping import cut
from lrdash.planning.plan import Plan, make
from lrdash.store import NewRun, RunRow, Store, home

Wanted = float | Mapping[str, Any]
Check = Callable[[RunSpec], Plan]  # completes a spec, or says why it cannot be trained


def plan_branches(
    parent: RunRow, wanted: Sequence[tuple[int, Wanted]], store: Store, check: Check = make
) -> list[Plan]:
    """The plans of branches of a run.

    Args:
        wanted: for each the epochs done when it leaves, and what it does; see
            `lrdash.planning.branches.branch`.
        store: has the rates of the parent.

    Raises:
        InvalidField, UnknownName, EngineUnavailable: for what is wrong.
        NotHere: if only a script has model and data.
    """
    refuse([parent.spec])
    rates = {row.epoch: row.learning_rate for row in store.runs.epochs(parent.run_id)}
    plans = []
    for epoch, one in wanted:
        if epoch not in rates:
            problem = f"must be between 1 and {max(rates, default=0)}, the epochs done"
            raise InvalidField("epoch", problem, epoch)
        plans.append(check(branches.branch(parent.spec, epoch, one, rates[epoch])))
    return plans


def make_branches(
    parent: RunRow, wanted: Sequence[tuple[int, Wanted]], store: Store, *, engine: str = "auto",
    worker_id: str | None = None, check: Check = make,
) -> dict[str, Plan]:
    """Add branches to the store, with the checkpoints that they begin with; gives their plans.

    Without a `worker_id` they are queued for the server. Errors as in `plan_branches`.
    """
    plans = plan_branches(parent, wanted, store, check)
    new = [NewRun.of(plan) for plan in plans]
    epochs = [epoch for epoch, _ in wanted]
    ids = store.branches.create(
        parent.run_id, epochs, new, groups=cut(plans), engine=engine, worker_id=worker_id
    )
    folder = CheckpointFolder(home())
    for run_id, epoch in zip(ids, epochs, strict=True):
        folder.hand_over(parent.run_id, run_id, epoch)
    return dict(zip(ids, plans, strict=True))


def plan_more(row: RunRow, epochs: int, how: str, check: Check = make) -> Plan:
    """The plan of a finished run with more epochs; see `lrdash.planning.branches.longer`.

    Raises:
        InvalidField: for what is not allowed.
        StoreError: if the run has not finished.
    """
    if row.status != "finished":
        raise StoreError(f"Run {row.run_id} is {row.status}: more epochs are for finished runs.")
    refuse([row.spec])
    return check(branches.longer(row.spec, row.epochs_done, epochs, how))


def wish(
    row: RunRow, store: Store, *, rate: float | None = None, factor: float | None = None,
    back: bool = False,
) -> Piece:
    """A change of the rate by hand as a piece, checked; see `lrdash.planning.branches.by_hand`.

    Raises:
        InvalidField: for what is wrong.
    """
    refuse([row.spec])
    left_at = _left_at(row, store) if back else None
    piece = branches.by_hand(row.spec, rate=rate, factor=factor, back=back, left_at=left_at)
    soon = row.epochs_done + 1
    if soon < row.spec.epochs:  # refused now rather than skipped later
        make(row.spec.steered(piece.replace(epoch=soon)))
    return piece


def steer(
    run_id: str, store: Store, *, rate: float | None = None, factor: float | None = None,
    back: bool = False,
) -> int:
    """Queue a change of the rate by hand, for the next epoch; gives the number of the command.

    Raises:
        NotFound, InvalidField: for what is wrong.
        StoreError: if the run is over.
    """
    piece = wish(store.runs.one(run_id), store, rate=rate, factor=factor, back=back)
    return store.branches.steer(run_id, piece)


def _left_at(row: RunRow, store: Store) -> float | None:
    """The rate when the run first left its own strategy."""
    left = next((piece.epoch for piece in row.spec.pieces), None)
    if left is None:
        return None
    found = [one.learning_rate for one in store.runs.epochs(row.run_id, after=left - 1)[:1]]
    return found[0] if found else None
