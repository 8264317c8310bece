"""Experiments: runs that belong together, made and read in bulk. Each function works inside the
transaction that it is given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from lrdash.core.errors import ExperimentNotFound, InvalidField, StoreError
from lrdash.core.events import ACTIVE, now
from lrdash.core.record import json_object
from lrdash.store.codec import experiment_row
from lrdash.store.lookup import STATUSES, chunks
from lrdash.store.rows import ExperimentRow, NewRun
from lrdash.store.runs import checked_name, new_id, new_values
from lrdash.store.schema import CURVES, epochs, experiments, runs

Columns = dict[str, NDArray[Any]]


def create(
    connection: Connection,
    definition: str,
    new: Sequence[NewRun],
    groups: Sequence[Sequence[int]],
    *,
    name: str,
    engine: str,
    worker_id: str | None,
) -> str:
    """Add an experiment with its runs and give its new id."""
    experiment_id = new_id()
    connection.execute(insert(experiments).values(
        experiment_id=experiment_id, name=checked_name(name), created_at=now(),
        **_definition(definition),
    ))
    _insert(connection, experiment_id, new, groups, engine, worker_id)
    return experiment_id


def add(
    connection: Connection,
    experiment_id: str,
    definition: str,
    new: Sequence[NewRun],
    groups: Sequence[Sequence[int]],
    *,
    engine: str,
    worker_id: str | None,
) -> list[str]:
    """Add runs to an experiment, whose definition this becomes; gives their ids."""
    this = experiments.c.experiment_id == experiment_id
    changed = update(experiments).where(this).values(**_definition(definition))
    if not connection.execute(changed).rowcount:
        raise ExperimentNotFound(experiment_id)
    return _insert(connection, experiment_id, new, groups, engine, worker_id)


def listing(
    connection: Connection, *, experiment_id: str | None = None, limit: int | None = None
) -> list[ExperimentRow]:
    """Experiments, newest first, or the one of this id."""
    query = select(experiments).order_by(experiments.c.number.desc()).limit(limit)
    if experiment_id is not None:
        query = query.where(experiments.c.experiment_id == experiment_id)
    found = list(connection.execute(query).mappings())
    tallies = _tallies(connection, [row["experiment_id"] for row in found])
    return [_row(row, tallies.get(row["experiment_id"], [])) for row in found]


def one(connection: Connection, experiment_id: str) -> ExperimentRow:
    """The experiment of this id."""
    found = listing(connection, experiment_id=experiment_id)
    if not found:
        raise ExperimentNotFound(experiment_id)
    return found[0]


def rename(connection: Connection, experiment_id: str, name: str) -> None:
    """Give an experiment another name."""
    this = experiments.c.experiment_id == experiment_id
    changed = update(experiments).where(this).values(name=checked_name(name))
    if not connection.execute(changed).rowcount:
        raise ExperimentNotFound(experiment_id)


def set_target(connection: Connection, experiment_id: str, target: float | None) -> None:
    """Give an experiment another target, in its definition too."""
    row = one(connection, experiment_id)
    if target is not None and not 0 <= target < float("inf"):
        raise InvalidField("target", "must be a validation loss of at least 0", target)
    values = {**json.loads(row.definition), "target": target}
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    this = experiments.c.experiment_id == experiment_id
    connection.execute(update(experiments).where(this).values(**_definition(text)))


def remove(connection: Connection, experiment_id: str) -> int:
    """Delete an experiment with its runs, none if one of them is active; gives their number."""
    row = one(connection, experiment_id)
    own = runs.c.experiment_id == experiment_id
    removed = connection.execute(delete(runs).where(own, runs.c.status.not_in(ACTIVE))).rowcount
    active = connection.scalar(select(func.count()).select_from(runs).where(own)) or 0
    if active:  # raising takes the deletions back
        raise StoreError(
            f"Nothing was deleted: {active} of the {row.runs} runs of this experiment "
            f"{'is' if active == 1 else 'are'} still queued or running. Stop first, then delete."
        )
    own_row = experiments.c.experiment_id == experiment_id
    connection.execute(delete(experiments).where(own_row))
    return removed


def run_ids_of(connection: Connection, experiment_id: str) -> list[str]:
    """Ids of its runs in the order in which they were made."""
    own = select(runs.c.run_id).where(runs.c.experiment_id == experiment_id)
    return list(connection.scalars(own.order_by(runs.c.number)))


def curves(
    connection: Connection, run_ids: Iterable[str], after: int, metrics: Sequence[str]
) -> Columns:
    """Epochs of many runs as columns, sorted by run, then epoch; see `Store.curves`."""
    ids = list(dict.fromkeys(run_ids))
    numbers = ("learning_rate", "seconds", *(name for name in metrics if name in CURVES))
    others = [name for name in metrics if name not in CURVES]
    names = ("epoch", *numbers, *(["metrics"] if others else []))
    wanted = select(epochs.c.run_id, *(epochs.c[name] for name in names))
    found: list[Any] = []
    for some in chunks(ids):
        query = wanted.where(epochs.c.run_id.in_(some), epochs.c.epoch > after)
        found += connection.execute(query).cursor.fetchall()  # as they are: half of the time
    owners, *columns = zip(*found, strict=True) if found else ((), *(() for _ in names))
    values = dict(zip(names, columns, strict=True))
    places = {run_id: place for place, run_id in enumerate(ids)}
    run = np.array([places[run_id] for run_id in owners], dtype=np.int64)
    epoch = np.array(values["epoch"], dtype=np.int64)
    order = np.lexsort((epoch, run))
    read = {name: _floats(values[name]) for name in numbers}
    if others:
        said = json.loads(f"[{','.join(values['metrics'])}]")
        read |= {name: _floats([one.get(name) for one in said]) for name in others}
    return {
        "run": run[order],
        "run_id": np.array(ids or [""], dtype=np.str_)[run[order]],
        "epoch": epoch[order],
        **{name: read[name][order] for name in (*metrics, "learning_rate", "seconds")},
    }


def _insert(
    connection: Connection,
    experiment_id: str,
    new: Sequence[NewRun],
    groups: Sequence[Sequence[int]],
    engine: str,
    worker_id: str | None,
) -> list[str]:
    if sorted(place for group in groups for place in group) != list(range(len(new))):
        problem = f"must name each of the {len(new)} runs once, by its place"
        raise InvalidField("groups", problem, groups)
    group_of = {place: name for group in groups for name in [new_id()] for place in group}
    values = [
        {
            **new_values(run, engine=engine, worker_id=worker_id),
            "experiment_id": experiment_id, "group_id": group_of[place],
        }
        for place, run in enumerate(new)
    ]
    if values:
        connection.execute(insert(runs), values)
    return [row["run_id"] for row in values]


def _definition(text: str) -> dict[str, Any]:
    return {"definition": text, "target": json_object("definition", text).get("target")}


def _tallies(
    connection: Connection, experiment_ids: Iterable[str]
) -> dict[str, list[RowMapping]]:
    """Numbers of runs and updates by experiment and status."""
    of = runs.c.experiment_id
    query = select(
        of, runs.c.status, func.count().label("runs"), func.sum(runs.c.updates).label("updates"),
        func.sum(runs.c.updates_done).label("update"),
    )
    tallies: dict[str, list[RowMapping]] = {}
    for some in chunks(experiment_ids):
        grouped = query.where(of.in_(some)).group_by(of, runs.c.status)
        for row in connection.execute(grouped).mappings():
            tallies.setdefault(row["experiment_id"], []).append(row)
    return tallies


def _row(row: RowMapping, tallies: Sequence[RowMapping]) -> ExperimentRow:
    counts = {**dict.fromkeys(STATUSES, 0), **{t["status"]: t["runs"] for t in tallies}}
    planned, done = (int(sum(t[name] for t in tallies)) for name in ("updates", "update"))
    return experiment_row(row, counts, planned, done)


def _floats(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)  # None becomes NaN
