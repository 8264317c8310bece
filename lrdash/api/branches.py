"""Branches of runs, more epochs, and setting the rate by hand, from Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from lrdash.api.checks import check
from lrdash.api.results.run import Run, load_run
from lrdash.core.errors import InvalidField
from lrdash.core.events import Sink
from lrdash.jobs.branches import Wanted, make_branches, plan_more
from lrdash.jobs.branches import steer as steer_run
from lrdash.jobs.session import in_process
from lrdash.store import open_store


def fork(
    run: Run | str, epoch: int, branches: Iterable[Wanted] = (0.5, 0.2, 0.1, 1.0), *,
    engine: str = "auto", progress: Sink | None = None,
) -> list[Run]:
    """Train branches of a run, from exactly its weights after an epoch.

    Args:
        run: the run, or its id; it may still be training.
        epoch: epochs done when the branches leave it.
        branches: factors on the rate, or mappings with strategy, params, base_lr, state, factor,
            epochs.
        engine: `auto` or an engine by name.
        progress: receives every event, `(run_id, event)`.

    Returns:
        The branches in the order given, however they ended.

    Raises:
        NotFound, InvalidField, UnknownName, EngineUnavailable: then no branch is made.
        StoreError: if the database cannot be used.
    """
    return _branch(run, [(epoch, one) for one in branches], engine, progress)


def cooldowns(
    run: Run | str, at: Iterable[int], epochs: int = 5, strategy: str = "linear",
    params: Mapping[str, Any] | None = None, *, engine: str = "auto", progress: Sink | None = None,
) -> list[Run]:
    """Train one cooldown from each of several epochs of a run.

    Args:
        run: the run, or its id.
        at: epochs done when a cooldown begins, at the rate that the run has there.
        epochs: length of each cooldown.
        strategy: that lowers the rate.
        params: its settings.
        engine, progress: as in `fork`.

    Returns, Raises:
        As `fork`.
    """
    wanted = [
        (epoch, {"strategy": strategy, "params": dict(params or {}), "epochs": epoch + epochs})
        for epoch in at
    ]
    return _branch(run, wanted, engine, progress)


def more(
    run: Run | str, epochs: int = 10, how: str = "hold", *, progress: Sink | None = None
) -> Run:
    """Train a finished run further, from its last checkpoint; it keeps its id.

    Without a checkpoint it is trained again from the start, which gives the same bits.

    Args:
        run: the run, or its id.
        epochs: how many more.
        how: whether a schedule should `hold` its last rate or `stretch` over all epochs.
        progress: receives every event.

    Raises:
        NotFound, InvalidField: then nothing is changed.
        StoreError: if it has not finished, or the database cannot be used.
    """
    with open_store() as store:
        row = store.runs.one(_id(run))
        plan = plan_more(row, epochs, how, check)
        with in_process(store) as session:
            store.branches.lengthen(
                row.run_id, plan.spec, updates=plan.updates, worker_id=session.worker_id
            )
            session.train_rows([store.runs.one(row.run_id)], progress)
        return load_run(row.run_id, store)


def steer(
    run: Run | str, *, rate: float | None = None, factor: float | None = None, back: bool = False
) -> int:
    """Change the rate of a run that trains, from its next epoch; gives the number of the command.

    Args:
        run: the run, or its id.
        rate: to hold.
        factor: on the rate; the strategy continues.
        back: return to the run's own strategy.

    Raises:
        NotFound, InvalidField: for what is wrong.
        StoreError: if the run has ended.
    """
    with open_store() as store:
        return steer_run(_id(run), store, rate=rate, factor=factor, back=back)


def _branch(
    run: Run | str, wanted: Sequence[tuple[int, Wanted]], engine: str, progress: Sink | None
) -> list[Run]:
    with open_store() as store:
        parent = store.runs.one(_id(run))
        if not wanted:
            raise InvalidField("branches", "must be a list of at least one", [])
        with in_process(store) as session:
            plans = make_branches(
                parent, wanted, store, engine=engine, worker_id=session.worker_id,
                check=partial(check, engine=engine),
            )
            session.train_rows(store.runs.listing(run_ids=plans), progress)
        return [load_run(run_id, store) for run_id in plans]


def _id(run: Run | str) -> str:
    return run if isinstance(run, str) else run.run_id
