"""The repository of experiments: runs that belong together, made and read in bulk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from lrdash.core.errors import InvalidField, StoreError
from lrdash.core.events import ACTIVE, now
from lrdash.core.record import canonical, json_object
from lrdash.store.codec import row_of
from lrdash.store.repository import Repository, chunks, counted, rows_of
from lrdash.store.rows import ExperimentRow, NewRun
from lrdash.store.schema import CURVES, epochs, experiments, runs
from lrdash.store.values import checked_name, group_ids, new_id, run_values

Columns = dict[str, NDArray[Any]]


class Experiments(Repository[ExperimentRow]):
    """The experiments of a store, each with its runs."""

    table = experiments
    kind = "experiment"

    def create(
        self,
        definition: str,
        new_runs: Sequence[NewRun],
        *,
        groups: Sequence[Sequence[int]],
        name: str = "",
        engine: str = "auto",
        worker_id: str | None = None,
    ) -> str:
        """Add an experiment with all its runs and give its id.

        Args:
            definition: JSON object; its `target`, if any, is a number.
            groups: places in `new_runs`, each once: runs to be trained together.
            name: shown to users, at most 200 characters.
            engine: as asked: `auto`, `lanes` or `keras`.
            worker_id: the worker that trains them; by default they are queued.

        Raises:
            InvalidField: for a name, definition or groups that are not allowed.
        """
        experiment_id = new_id()
        row = {
            "experiment_id": experiment_id, "name": checked_name(name), "created_at": now(),
            **_definition(definition),
        }
        with self._database.writing() as connection:
            connection.execute(insert(experiments).values(row))
            _insert(connection, experiment_id, new_runs, groups, engine, worker_id)
        return experiment_id

    def add_runs(
        self,
        experiment_id: str,
        definition: str,
        new_runs: Sequence[NewRun],
        *,
        groups: Sequence[Sequence[int]],
        engine: str = "auto",
        worker_id: str | None = None,
    ) -> list[str]:
        """Extend an experiment: more runs, and the definition that now holds; gives their ids.

        Raises:
            NotFound: if there is no such experiment.
            InvalidField: as in `create`.
        """
        with self._database.writing() as connection:
            self._set(experiment_id, **_definition(definition))
            return _insert(connection, experiment_id, new_runs, groups, engine, worker_id)

    def rename(self, experiment_id: str, name: str) -> None:
        """Give an experiment another name, at most 200 characters.

        Raises:
            NotFound: if there is no such experiment.
            InvalidField: for a name that is not allowed.
        """
        self._set(experiment_id, name=checked_name(name))

    def set_target(self, experiment_id: str, target: float | None) -> None:
        """Change the validation loss to reach, in the definition too; None: there is none.

        Raises:
            NotFound: if there is no such experiment.
            InvalidField: for a target that is not a number of at least 0.
        """
        with self._database.writing():
            row = self.one(experiment_id)
            if target is not None and not 0 <= target < float("inf"):
                raise InvalidField("target", "must be a validation loss of at least 0", target)
            values = {**json.loads(row.definition), "target": target}
            self._set(experiment_id, **_definition(canonical(values)))

    def delete(self, experiment_id: str) -> int:
        """Delete an experiment with its runs; gives the number of runs deleted.

        Raises:
            NotFound: if there is no such experiment.
            StoreError: if one of its runs is queued or running; then nothing is deleted.
        """
        with self._database.writing() as connection:
            self._must_exist(experiment_id)
            own = runs.c.experiment_id == experiment_id
            over = delete(runs).where(own, runs.c.status.not_in(ACTIVE))
            removed = connection.execute(over).rowcount
            active = connection.scalar(select(func.count()).select_from(runs).where(own)) or 0
            if active:  # raising undoes the deletions
                raise StoreError(
                    f"Nothing was deleted: {active} of the {removed + active} runs of this "
                    f"experiment {'is' if active == 1 else 'are'} still queued or running. Stop "
                    "first, then delete."
                )
            connection.execute(delete(experiments).where(self._id == experiment_id))
        return removed

    def curves(
        self,
        *,
        experiment_id: str | None = None,
        run_ids: Iterable[str] | None = None,
        after: int = 0,
        metrics: Sequence[str] = CURVES,
    ) -> Columns:
        """Epochs of many runs as columns, sorted by run, then epoch; fast enough for 50,000 rows.

        Args:
            experiment_id: all runs of this experiment, in the order in which they were made.
            run_ids: these runs, in this order; unknown ids have no rows.
            after: only epochs beyond this one.

        Returns:
            Arrays of one length: run (int64, the run's place in the order above), run_id (str),
            epoch (int64, epochs done, from 1), each metric (float64, NaN where the value was not
            finite or the run does not have it), learning_rate (float64, of the epoch's last
            update), seconds (float64, since training began).
        """
        with self._database.reading() as connection:
            own: list[str] = []
            if experiment_id:
                query = select(runs.c.run_id).where(runs.c.experiment_id == experiment_id)
                own = list(connection.scalars(query.order_by(runs.c.number)))
            ids = list(dict.fromkeys([*own, *(run_ids or ())]))
            return _curves(connection, ids, after, metrics)

    def _decoder(self, found: Sequence[RowMapping]) -> Callable[[RowMapping], ExperimentRow]:
        of = runs.c.experiment_id
        query = select(
            of, runs.c.status, func.count().label("runs"),
            func.sum(runs.c.updates).label("updates"),
            func.sum(runs.c.updates_done).label("update"),
        ).group_by(of, runs.c.status)
        tallies: dict[str, list[RowMapping]] = {row["experiment_id"]: [] for row in found}
        with self._database.reading() as connection:
            for tally in rows_of(connection, query, list(tallies), of):
                tallies[tally["experiment_id"]].append(tally)
        return lambda row: _row(row, tallies[row["experiment_id"]])


def _curves(
    connection: Connection, ids: Sequence[str], after: int, metrics: Sequence[str]
) -> Columns:
    numbers = ("learning_rate", "seconds", *(name for name in metrics if name in CURVES))
    others = [name for name in metrics if name not in CURVES]
    names = ("epoch", *numbers, *(["metrics"] if others else []))
    wanted = select(epochs.c.run_id, *(epochs.c[name] for name in names))
    found: list[Any] = []
    for some in chunks(ids):
        query = wanted.where(epochs.c.run_id.in_(some), epochs.c.epoch > after)
        found += connection.execute(query).cursor.fetchall()  # driver rows: half of the time
    owners, *columns = zip(*found, strict=True) if found else ((), *(() for _ in names))
    values = dict(zip(names, columns, strict=True))
    places = {run_id: place for place, run_id in enumerate(ids)}
    run = np.array([places[run_id] for run_id in owners], dtype=np.int64)
    epoch = np.array(values["epoch"], dtype=np.int64)
    order = np.lexsort((epoch, run))
    read = {name: _floats(values[name]) for name in numbers}
    if others:
        stored = _objects(values["metrics"])
        read |= {name: _floats([one.get(name) for one in stored]) for name in others}
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
    values = [
        run_values(run, engine=engine, worker_id=worker_id)
        | {"experiment_id": experiment_id, "group_id": group_id}
        for run, group_id in zip(new, group_ids(groups, len(new)), strict=True)
    ]
    if values:
        connection.execute(insert(runs), values)
    return [row["run_id"] for row in values]


def _definition(text: str) -> dict[str, Any]:
    return {"definition": text, "target": json_object("definition", text).get("target")}


def _row(row: RowMapping, tallies: Sequence[RowMapping]) -> ExperimentRow:
    json_object("definition", row["definition"])
    counts = counted((tally["status"], tally["runs"]) for tally in tallies)
    updates, done = (int(sum(t[name] for t in tallies)) for name in ("updates", "update"))
    return row_of(ExperimentRow, row, counts=counts, updates=updates, update=done)


def _objects(texts: Sequence[str]) -> list[dict[str, Any]]:
    """JSON objects, read at once; one by one if there is a broken one, which is empty then."""
    try:
        found = json.loads(f"[{','.join(texts)}]")
    except ValueError:
        found = [_object(text) for text in texts]
    return [one if isinstance(one, dict) else {} for one in found]


def _object(text: str) -> Any:
    with suppress(ValueError):
        return json.loads(text)


def _floats(values: Sequence[Any]) -> NDArray[np.float64]:
    """The numbers; NaN where there is none."""
    try:
        return np.array(values, dtype=np.float64)
    except (ValueError, TypeError):
        return np.array([v if isinstance(v, int | float) else None for v in values], dtype=float)
