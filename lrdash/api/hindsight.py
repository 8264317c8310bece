"""A search in hindsight from Python, recorded like one of the app."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lrdash.api.checks import base_spec, check
from lrdash.api.results.hindsight import Hindsight, load_hindsight
from lrdash.api.results.run import Run
from lrdash.core.errors import InvalidField
from lrdash.core.events import Sink
from lrdash.core.spec import RunSpec
from lrdash.jobs import hindsight as job
from lrdash.jobs.session import Session, in_process
from lrdash.planning.experiment import Arm
from lrdash.planning.hindsight import (
    BEAM,
    FACTORS,
    FRESH,
    POINTS,
    RIVALS,
    Ahead,
    Rival,
    Search,
    spread,
)
from lrdash.store import open_store

NOT_OWN = (
    "cannot be given: a search branches runs from checkpoints, which runs of a script's own model "
    "do not have. Put model and data into a package (docs/python.md) and name them here"
)

Given = str | Arm | Mapping[str, Any]


def hindsight(
    run: Run | str | RunSpec | None = None,
    *,
    points: int | Iterable[int] = POINTS,
    factors: Iterable[float] = FACTORS,
    beam: int = BEAM,
    ahead: Ahead = "end",
    strategies: Iterable[Given] = RIVALS,
    seeds: int | Iterable[int] = FRESH,
    engine: str = "auto",
    progress: Sink | None = None,
    **fields: Any,
) -> Hindsight:
    """Find the schedule that would have been near best for a run, and how far others are from it.

    At each decision point every remaining branch is forked over the factors, and the best are kept.
    Then the schedule found and the strategies are trained again with fresh seeds, which shows how
    much of its lead comes from the seed of the search. Ctrl-C, or Stop in the app, stops it;
    `lrdash.api.continue_hindsight` resumes it.

    Args:
        run: a finished run or its id, or a spec that is trained first (by default the default
            spec).
        points: how many decision points, spread evenly, or the epochs done at each.
        factors: on the rate, tried at each point as well as no change.
        beam: branches kept.
        ahead: branches are judged at the `end` of the run, or at the `next` point, which costs less
            and cuts the rate too early.
        strategies: compared with it at the peak rate of the run: ids, or mappings with strategy,
            params, label and base_lr.
        seeds: how many fresh seeds (those after the run's own), or which.
        engine: `auto` or an engine by name.
        progress: receives every event of every run, `(run_id, event)`.
        fields: fields of `RunSpec` that replace those of the spec; not for an existing run. A model
            from a package is named by `model`; one that a script makes cannot be searched, since
            its runs have no checkpoints.

    Returns:
        The result, however the search ended: see `status` and `reason`.

    Raises:
        NotFound, InvalidField, UnknownName, EngineUnavailable: then nothing is made.
        StoreError: if the database cannot be used.
    """
    search, run_id = define_hindsight(
        run, points=points, factors=factors, beam=beam, ahead=ahead, strategies=strategies,
        seeds=seeds, engine=engine, **fields,
    )
    return run_hindsight(search, run_id, progress=progress)


def define_hindsight(
    run: Run | str | RunSpec | None = None,
    *,
    points: int | Iterable[int] = POINTS,
    strategies: Iterable[Given] = RIVALS,
    seeds: int | Iterable[int] = FRESH,
    engine: str = "auto",
    factors: Iterable[float] = FACTORS,
    beam: int = BEAM,
    ahead: Ahead = "end",
    **fields: Any,
) -> tuple[Search, str | None]:
    """The search that `hindsight` runs, and the id of its run if there is one; errors as there."""
    if callable(run) or fields.keys() & {"build_model", "data"}:
        given = run if callable(run) else fields.get("build_model", "data")
        raise InvalidField("build_model", NOT_OWN, getattr(given, "__name__", given))
    base, run_id = _base(run, fields)
    base = check(base, engine).spec
    taken = [piece.epoch for piece in base.pieces]
    several = [strategies] if isinstance(strategies, str | Arm | Mapping) else strategies
    at = spread(base.epochs, _number("points", points), taken) if isinstance(points, int) else \
        tuple(points)
    return Search(
        base=base, points=at, factors=tuple(factors), beam=beam, ahead=ahead, engine=engine,
        rivals=tuple(_rival(one) for one in several), seeds=_fresh(base.seed, seeds),
    ), run_id


def run_hindsight(
    search: Search, run_id: str | None = None, *, progress: Sink | None = None
) -> Hindsight:
    """Run a search to its end, as `hindsight` does."""
    with open_store() as store:
        with in_process(store) as session:
            made = job.create(store, search, run_id, session.worker_id)
            _train_stages(session, made, progress)
        return load_hindsight(made, store)


def continue_hindsight(hindsight_id: str, *, progress: Sink | None = None) -> Hindsight:
    """Resume a search that was stopped or interrupted, from the checkpoints of its runs.

    Raises:
        NotFound: if there is none of this id.
        StoreError: if the database cannot be used.
    """
    with open_store() as store:
        store.hindsights.one(hindsight_id)
        with in_process(store) as session:
            if store.hindsights.resume(hindsight_id, session.worker_id):
                _train_stages(session, hindsight_id, progress)
        return load_hindsight(hindsight_id, store)


def _train_stages(session: Session, hindsight_id: str, progress: Sink | None) -> None:
    """Train stage after stage, beginning with what is left of the current one."""
    store = session.store
    runs = store.hindsights.runs(hindsight_id)
    waiting = [run.run_id for run in runs if run.status == "running"]
    while waiting := waiting or job.advance(store, hindsight_id, session.worker_id):
        session.train_rows(store.runs.listing(run_ids=waiting), progress)
        waiting = []


def _base(run: Run | str | RunSpec | None, fields: Mapping[str, Any]) -> tuple[RunSpec, str | None]:
    if run is None or isinstance(run, RunSpec):
        return base_spec(run, fields), None
    if fields:
        problem = "cannot be given for a run that exists: its settings are fixed"
        raise InvalidField(next(iter(fields)), problem, next(iter(fields.values())))
    run_id = run if isinstance(run, str) else run.run_id
    with open_store() as store:
        row = store.runs.one(run_id)
        job.base_of(row)
        return row.spec, run_id


def _number(name: str, given: int) -> int:
    if isinstance(given, bool) or given < 1:
        raise InvalidField(name, "must be a number of at least 1, or a list", given)
    return given


def _fresh(own: int, given: int | Iterable[int]) -> tuple[int, ...]:
    if not isinstance(given, int):
        return tuple(given)
    return tuple(own + 1 + place for place in range(_number("seeds", given)))


def _rival(given: Given) -> Rival:
    if isinstance(given, str):
        return Rival(strategy=given)
    return Rival(**(given.as_dict() if isinstance(given, Arm) else given))
