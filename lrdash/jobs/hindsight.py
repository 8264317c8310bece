"""A stored search in hindsight, stage by stage, for the laboratory and for Python.

`advance` does nothing while a run of the current stage is queued or running. When all have ended it
plans the next stage and puts its runs into the store, where they are trained like any others. All
state is in the store, so any process may call it at any time, also after a crash.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Sequence

from lrdash.checkpoints import CheckpointFolder
from lrdash.core.errors import InvalidField, LrdashError, StoreError
from lrdash.core.events import ACTIVE
from lrdash.planning import plan as planning
from lrdash.planning.external import missing
from lrdash.planning.grouping import cut
from lrdash.planning.hindsight import (
    ITSELF,
    Search,
    Tried,
    Wanted,
    best,
    check_of,
    lengths,
    round_of,
)
from lrdash.planning.plan import Plan
from lrdash.store import NewRun, NewStageRun, RunRow, StageRun, Store, home

ATTEMPTS = 3  # times that the runs of a stage are queued again after their worker died
LOST = ("failed", "diverged")
NONE_LEFT = "every branch failed or diverged"

log = logging.getLogger(__name__)


def create(
    store: Store, search: Search, run_id: str | None = None, worker_id: str | None = None
) -> str:
    """Store a search and give its id; its run is added if there is none.

    Args:
        search: its base is the complete spec of the run.
        run_id: of the run, finished.
        worker_id: the process that trains all of it; by default the server does.

    Raises:
        InvalidField, UnknownName: for a rival or a point that cannot be trained; nothing is made.
    """
    check(search)
    wanted = Wanted(search.base, "base", ITSELF, (), None, 0)
    return store.hindsights.create(
        search.to_json(), base=None if run_id else _new(wanted, planning.make(search.base)),
        run_id=run_id, part=_part(wanted), engine=search.engine, worker_id=worker_id,
    )


def check(search: Search) -> list[list[Plan]]:
    """Plans of the lengths of the runs that a search may train after its own run, by stage.

    Raises:
        InvalidField, UnknownName: for a rival or a point that cannot be trained.
    """
    for spec in search.contestants().values():
        planning.make(spec)
    highest = max(search.factors)
    planning.make(search.spec(tuple((at, highest) for at in search.points)))
    first = planning.make(search.base)
    return [
        [
            dataclasses.replace(first, spec=first.spec.model_copy(update={"epochs": epochs}))
            for epochs in stage
        ]
        for stage in lengths(search)
    ]


def base_of(row: RunRow) -> None:
    """Refuse to search on a run that has not finished.

    Raises:
        InvalidField: if it has not.
    """
    if row.status != "finished":
        raise InvalidField("run", "must have finished before its search", row.status)


def advance(store: Store, hindsight_id: str, worker_id: str | None = None) -> list[str]:
    """Start the next stage of a search if the current one is over; a fault ends the search.

    Gives ids of the runs to train now; none if the search is over or its stage is not. Without a
    `worker_id` they are queued.

    Raises:
        StoreError: if the database cannot be used; try again later.
    """
    try:
        return _advance(store, hindsight_id, worker_id)
    except StoreError:
        raise
    except LrdashError as fault:
        store.hindsights.end(hindsight_id, "failed", str(fault))
    except Exception as fault:
        log.exception("hindsight %s failed", hindsight_id)
        store.hindsights.end(hindsight_id, "failed", f"{type(fault).__name__}: {fault}")
    return []


def tried(runs: Sequence[StageRun]) -> list[Tried]:
    """The runs of a search, with their results so far."""
    return [
        Tried(
            run_id=run.run_id, stage=run.stage, role=run.part["role"], label=run.part["label"],
            seed=run.part["seed"], epochs=run.epochs_done, val_loss=_loss(run),
            moves=tuple((int(at), float(factor)) for at, factor in run.part["moves"]),
        )
        for run in runs
    ]


def _advance(store: Store, hindsight_id: str, worker_id: str | None) -> list[str]:
    row, runs = store.hindsights.one(hindsight_id), store.hindsights.runs(hindsight_id)
    own = [run for run in runs if run.stage == row.stage]
    if row.status != "running" or any(run.status in ACTIVE for run in own):
        return []
    cut_short = [run for run in own if run.status in ("interrupted", "stopped")]
    if cut_short:
        return _cut_short(store, hindsight_id, row.stage, row.attempts, cut_short, worker_id)
    search = Search.from_json(row.definition)
    if worker_id is None and missing(search.base):
        return []  # another server has what it needs
    wanted = _next(search, tried(runs), own, row.stage)
    if isinstance(wanted, str):
        store.hindsights.end(hindsight_id, "failed" if wanted else "finished", wanted)
        return []
    plans = [planning.make(one.spec) for one in wanted]
    new = [_new(one, plan) for one, plan in zip(wanted, plans, strict=True)]
    made = store.hindsights.advance(
        hindsight_id, row.stage, new, cut(plans), engine=search.engine, worker_id=worker_id
    )
    folder = CheckpointFolder(home())
    for child, one in zip(made, wanted, strict=False):
        if one.parent is not None:
            folder.hand_over(one.parent, child, one.epoch)
    return made or advance(store, hindsight_id, worker_id)  # a round may have nothing to fork


def _next(
    search: Search, known: Sequence[Tried], own: Sequence[StageRun], stage: int
) -> list[Wanted] | str:
    """What the next stage trains, or the reason why there is none, empty at the end."""
    lost = [run for run in own if run.status in LOST]
    if stage == 0 and (lost or not own):
        return f"the run itself {lost[0].status}: {lost[0].reason}" if lost else "its run is gone"
    if stage < search.rounds:
        return round_of(search, known, stage + 1)
    if stage == search.check:
        return ""
    found = best(search, known)
    if found is None:
        return f"{NONE_LEFT}: {lost[0].reason}" if lost else NONE_LEFT
    return check_of(search, found)


def _cut_short(
    store: Store, hindsight_id: str, stage: int, attempts: int, runs: Sequence[StageRun],
    worker_id: str | None,
) -> list[str]:
    """What follows when a worker died or a run of the search was stopped."""
    stopped = [run for run in runs if run.status == "stopped"]
    if stopped:
        reason = f"run {stopped[0].run_id} was stopped"
        store.hindsights.end(hindsight_id, "stopped", reason)
        return []
    if attempts >= ATTEMPTS:
        store.hindsights.end(hindsight_id, "interrupted", runs[0].reason)
        return []
    return store.hindsights.again(hindsight_id, stage, worker_id)


def _new(wanted: Wanted, plan: Plan) -> NewStageRun:
    return NewStageRun(
        run=NewRun.of(plan), parent_id=wanted.parent, epoch=wanted.epoch, part=_part(wanted)
    )


def _part(wanted: Wanted) -> dict[str, object]:
    return {
        "role": wanted.role, "label": wanted.label, "seed": wanted.spec.seed,
        "moves": [list(move) for move in wanted.moves],
    }


def _loss(run: StageRun) -> float:
    """After the last epoch; infinite if the run failed or diverged, NaN if it has not ended."""
    if run.status in LOST:
        return math.inf
    if run.status != "finished":
        return math.nan
    return run.val_loss if math.isfinite(run.val_loss) else math.inf
