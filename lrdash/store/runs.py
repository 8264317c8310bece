"""The repository of runs: made, changed, recorded, ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import case, func, insert, select

from lrdash.core.errors import InvalidField
from lrdash.core.events import Event
from lrdash.core.spec import RunSpec
from lrdash.planning.plan import Plan
from lrdash.store.record import record
from lrdash.store.repository import RESUMABLE, chunks
from lrdash.store.rows import NewRun
from lrdash.store.run_queries import RunQueries
from lrdash.store.schema import runs
from lrdash.store.values import checked_name, checked_tags, run_values


class Runs(RunQueries):
    """The runs of a store, with their epochs and decisions."""

    def add(
        self, plan: Plan, *, engine: str = "auto", name: str = "", worker_id: str | None = None
    ) -> str:
        """Add the run of a plan and give its id; arguments and errors as in `create`."""
        return self.create(
            plan.spec, steps_per_epoch=plan.steps_per_epoch, updates=plan.updates,
            parameters=plan.parameters, engine=engine, name=name, worker_id=worker_id,
        )

    def create(
        self,
        spec: RunSpec,
        *,
        steps_per_epoch: int,
        updates: int,
        parameters: int,
        engine: str = "auto",
        name: str = "",
        tags: Iterable[str] = (),
        worker_id: str | None = None,
    ) -> str:
        """Add a run and give its id.

        Args:
            spec, steps_per_epoch, updates, parameters: as in `NewRun`.
            engine: as asked: `auto`, `lanes` or `keras`.
            name: shown to users, at most 200 characters.
            tags: words to find it by, at most 50 characters each.
            worker_id: the worker that trains it, so that no other can claim it; by default the
                run is queued.

        Raises:
            InvalidField: for a name or tag that is not allowed.
        """
        new = NewRun(
            spec=spec, label="", steps_per_epoch=steps_per_epoch, updates=updates,
            parameters=parameters,
        )
        row = run_values(new, engine=engine, worker_id=worker_id)
        row |= {"name": checked_name(name), "tags": json.dumps(checked_tags(tags))}
        with self._database.writing() as connection:
            connection.execute(insert(runs).values(row))
        return str(row["run_id"])

    def rename(self, run_id: str, name: str) -> None:
        """Give a run another name, at most 200 characters.

        Raises:
            NotFound: if there is no such run.
            InvalidField: for a name that is not allowed.
        """
        self._set(run_id, name=checked_name(name))

    def tag(self, run_id: str, tags: Iterable[str]) -> None:
        """Replace a run's tags.

        Raises:
            NotFound: if there is no such run.
            InvalidField: for a tag that is not allowed.
        """
        self._set(run_id, tags=json.dumps(checked_tags(tags)))

    def amend(self, run_id: str, spec: RunSpec) -> None:
        """Replace the spec of a run that is only watched, as more becomes known about it; its
        length, updates an epoch and weights follow from it. A run that does not exist is ignored.

        Raises:
            InvalidField: for a spec without facts, which decides what is trained.
        """
        facts = spec.facts
        if facts is None:
            raise InvalidField("spec.facts", "must be given", facts)
        self._change(
            runs.c.run_id == run_id, spec=spec.to_json(), spec_digest=spec.digest,
            steps_per_epoch=facts.steps_per_epoch, updates=facts.steps_per_epoch * spec.epochs,
            parameters=facts.parameters,
        )

    def requeue(self, run_ids: Iterable[str], worker_id: str | None = None) -> list[str]:
        """Let interrupted and stopped runs continue; gives their ids.

        Others, unknown ids, and runs whose model lrdash does not have are ignored. Each keeps its
        epochs, its place in the queue and its group.

        Args:
            worker_id: the worker that trains them; by default they are queued.
        """
        again: list[str] = []
        with self._database.writing() as connection:
            for some in chunks(run_ids):
                over = runs.c.run_id.in_(some) & runs.c.status.in_(RESUMABLE) & _trainable_here()
                query = select(runs.c.run_id).where(over).order_by(runs.c.number)
                found = list(connection.scalars(query))
                self._change(runs.c.run_id.in_(found), **continuing(worker_id))
                again += found
        return again

    def record(self, batch: Sequence[tuple[str, Event]], worker_id: str | None = None) -> None:
        """Store what runs reported, in its order, all of it or nothing.

        The same batch may be given again after a fault. Events of a deleted run are dropped; a
        final status is never overwritten.

        Args:
            worker_id: who reports; events of runs that meanwhile belong to another worker, or are
                queued again, are dropped. By default all are taken.
        """
        if batch:
            with self._database.writing() as connection:
                record(connection, batch, worker_id)


def continuing(worker_id: str | None) -> dict[str, Any]:
    """The columns of a run that was over and is trained further, by the worker named or a later
    one.

    The engine that was asked for is not stored: a run that Keras trained for no given reason had
    asked for Keras.
    """
    asked = (runs.c.engine == "keras") & (func.coalesce(runs.c.engine_note, "") == "")
    return {
        "status": "queued" if worker_id is None else "running", "worker_id": worker_id,
        "reason": "", "ended_at": None, "stop_requested_at": None,
        "engine": case((asked, "keras"), else_="auto"), "engine_note": None,
    }


def _trainable_here() -> Any:
    """Whether lrdash has the model and the data of a run, as an SQL expression: specs are
    canonical JSON, in which `origin` is written only where it does not.
    """
    return runs.c.spec.not_like('%,"origin":"%')
