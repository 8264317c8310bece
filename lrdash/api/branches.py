"""Branches of runs, more epochs, and a hand at the wheel, from Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lrdash import branching
from lrdash.api.compare import train_groups
from lrdash.api.in_process import as_worker, check
from lrdash.api.run import Run, load
from lrdash.checkpoints import Vault
from lrdash.elsewhere import refuse
from lrdash.errors import InvalidField, StoreError
from lrdash.events import Sink
from lrdash.grouping import cut
from lrdash.plan import Plan
from lrdash.spec import RunSpec
from lrdash.store import NewRun, RunRow, Store, home

Wanted = float | Mapping[str, Any]


def fork(
    run: Run | str, epoch: int, branches: Iterable[Wanted] = (0.5, 0.2, 0.1, 1.0), *,
    engine: str = "auto", progress: Sink | None = None,
) -> list[Run]:
    """Train branches of a run, from exactly the weights that it had after an epoch.

    Args:
        run: the run, or its id; it may still train.
        epoch: epochs done when the branches leave it.
        branches: factors on the rate, or mappings with strategy, params, base_lr, state, factor,
            epochs.
        engine: `auto` or an engine by name.
        progress: is told every event, `(run_id, event)`.

    Returns:
        The branches in the order given, whatever their ends.

    Raises:
        RunNotFound, InvalidField, UnknownName, EngineUnavailable: then none is made.
        StoreError: if the database cannot be used.
    """
    return _grow(run, [(epoch, one) for one in branches], engine, progress)


def cooldowns(
    run: Run | str, at: Iterable[int], epochs: int = 5, strategy: str = "linear",
    params: Mapping[str, Any] | None = None, *, engine: str = "auto", progress: Sink | None = None,
) -> list[Run]:
    """Train one cooldown from each of several epochs of a run, all as one program.

    Args:
        run: the trunk, or its id.
        at: epochs done when a cooldown begins, at the rate of there.
        epochs: length of each.
        strategy: that takes the rate down.
        params: its settings.
        engine, progress: as in `fork`.

    Returns, Raises:
        As `fork`.
    """
    wanted = [
        (epoch, {"strategy": strategy, "params": dict(params or {}), "epochs": epoch + epochs})
        for epoch in at
    ]
    return _grow(run, wanted, engine, progress)


def plan_branches(
    parent: RunRow, wanted: Sequence[tuple[int, Wanted]], store: Store, engine: str = "auto"
) -> list[Plan]:
    """The plans of branches of a run.

    Args:
        parent: the run.
        wanted: for each the epochs done when it leaves, and what it does; see `fork`.
        store: has the rates of the parent.
        engine: that will train them.

    Raises:
        InvalidField, UnknownName, EngineUnavailable: for what is wrong.
    """
    refuse([parent.spec])
    rates = {row.epoch: row.learning_rate for row in store.epochs(parent.run_id)}
    plans = []
    for epoch, one in wanted:
        if epoch not in rates:
            problem = f"must be between 1 and {max(rates, default=0)}, the epochs that are done"
            raise InvalidField("epoch", problem, epoch)
        plans.append(check(branching.branch(parent.spec, epoch, one, rates[epoch]), engine))
    return plans


def make_branches(
    parent: RunRow, wanted: Sequence[tuple[int, Wanted]], store: Store, *, engine: str = "auto",
    worker_id: str | None = None,
) -> dict[str, Plan]:
    """Add branches to the store, with the checkpoints that they begin with; gives their plans.

    Without a `worker_id` they are queued, for the server to train. Errors as in `plan_branches`.
    """
    plans = plan_branches(parent, wanted, store, engine)
    new = [
        NewRun(
            spec=plan.spec, label="", steps_per_epoch=plan.steps_per_epoch, updates=plan.updates,
            parameters=plan.parameters,
        )
        for plan in plans
    ]
    epochs = [epoch for epoch, _ in wanted]
    ids = store.create_branches(
        parent.run_id, epochs, new, groups=cut(plans), engine=engine, worker_id=worker_id
    )
    vault = Vault(home())
    for run_id, epoch in zip(ids, epochs, strict=True):
        vault.hand_over(parent.run_id, run_id, epoch)
    return dict(zip(ids, plans, strict=True))


def more(
    run: Run | str, epochs: int = 10, how: str = "hold", *, progress: Sink | None = None
) -> Run:
    """Train a finished run further, from its last checkpoint; it keeps its id.

    Without a checkpoint it is trained anew, which gives the same bits.

    Args:
        run: the run, or its id.
        epochs: how many more.
        how: what a schedule with a horizon does: `hold` its last rate, or `stretch` over the whole.
        progress: is told every event.

    Raises:
        RunNotFound, InvalidField: then nothing is changed.
        StoreError: if it is not over, or the database cannot be used.
    """
    store = Store()
    try:
        row = store.run(_id(run))
        plan = plan_more(row, epochs, how)
        with as_worker(store) as worker_id:
            store.lengthen(row.run_id, plan.spec, updates=plan.updates, worker_id=worker_id)
            engine, done = store.run(row.run_id).engine, {row.run_id: row.epochs_done}
            train_groups(store, {row.run_id: plan}, [[0]], engine, progress, done)
        return load(row.run_id, store)
    finally:
        store.close()


def plan_more(row: RunRow, epochs: int, how: str) -> Plan:
    """The plan of a finished run that trains on; see `more`.

    Raises:
        InvalidField: for what is not allowed.
        StoreError: if the run has not finished.
    """
    if row.status != "finished":
        raise StoreError(f"Run {row.run_id} is {row.status}: let it finish first.")
    refuse([row.spec])
    return check(branching.longer(row.spec, row.epochs_done, epochs, how))


def steer(
    run: Run | str, *, rate: float | None = None, factor: float | None = None, back: bool = False
) -> int:
    """Change the rate of a run that trains, from its next epoch on; gives the command's number.

    Args:
        run: the run, or its id.
        rate: to hold.
        factor: on the rate; the strategy goes on.
        back: to the run's own strategy.

    Raises:
        RunNotFound, InvalidField: for what is wrong.
        StoreError: if the run is over.
    """
    store = Store()
    try:
        row = store.run(_id(run))
        refuse([row.spec])
        piece = branching.by_hand(
            row.spec, rate=rate, factor=factor, back=back, left_at=_left_at(row, store)
        )
        soon = row.epochs_done + 1
        if soon < row.spec.epochs:  # told now rather than passed over later
            check(row.spec.steered(piece.replace(epoch=soon)))
        return store.steer(row.run_id, piece)
    finally:
        store.close()


def _grow(
    run: Run | str, wanted: Sequence[tuple[int, Wanted]], engine: str, progress: Sink | None
) -> list[Run]:
    store = Store()
    try:
        parent = store.run(_id(run))
        if not wanted:
            raise InvalidField("branches", "must be a list of at least one", [])
        with as_worker(store) as worker_id:
            plans = make_branches(parent, wanted, store, engine=engine, worker_id=worker_id)
            done = {run_id: epoch for run_id, (epoch, _) in zip(plans, wanted, strict=True)}
            train_groups(store, plans, cut(list(plans.values())), engine, progress, done)
        return [load(run_id, store) for run_id in plans]
    finally:
        store.close()


def _id(run: Run | str) -> str:
    return run if isinstance(run, str) else run.run_id


def _left_at(row: RunRow, store: Store) -> float | None:
    """The rate in force when the run first left its own strategy."""
    return _rate_before(row.spec, store, row.run_id) if row.spec.pieces else None


def _rate_before(spec: RunSpec, store: Store, run_id: str) -> float | None:
    left = next((piece.epoch for piece in spec.pieces), 0)
    found = [row.learning_rate for row in store.epochs(run_id, after=left - 1)[:1]]
    return found[0] if found else None
