"""The repository of searches in hindsight: each a definition, a stage, and runs that are queued
like any other.

What is searched is not known here. A stage is over when none of its runs is queued or running;
whoever sees that plans the next one (`advance`). The number of the stage makes sure that it is
left only once, even where two servers see its end at the same moment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    delete,
    exists,
    insert,
    select,
    update,
)

from lrdash.core.errors import StoreError
from lrdash.core.events import ACTIVE, now
from lrdash.core.record import json_object
from lrdash.store.branches import Branches
from lrdash.store.codec import part_row, row_of
from lrdash.store.database import Database
from lrdash.store.repository import RESUMABLE, Lifecycle, chunks
from lrdash.store.rows import HindsightRow, NewStageRun, StageRun
from lrdash.store.runs import Runs
from lrdash.store.schema import epochs, hindsight_runs, hindsights, runs
from lrdash.store.values import new_id, run_values

TAG = "hindsight"  # of the runs that are made for a search


class Hindsights(Lifecycle[HindsightRow]):
    """The searches of a store."""

    table = hindsights
    kind = "hindsight"

    def __init__(self, database: Database, runs: Runs, branches: Branches) -> None:
        super().__init__(database)
        self._runs, self._branches = runs, branches

    def create(
        self, definition: str, *, base: NewStageRun | None = None, run_id: str | None = None,
        part: Mapping[str, Any] | None = None, engine: str = "auto", worker_id: str | None = None,
    ) -> str:
        """Add a search and give its id.

        Args:
            base: the run to look back on, if it has to be trained first.
            run_id: of that run, if there is one.
            part: what it is in the search.
            worker_id: the process that goes through it; by default the server does.

        Raises:
            InvalidField: for a definition that is no JSON object.
        """
        json_object("definition", definition)
        made = new_id()
        with self._database.writing() as connection:
            connection.execute(insert(hindsights).values(
                hindsight_id=made, created_at=now(), definition=definition,
                status="running", reason="", worker_id=worker_id, stage=0, attempts=0, version=1,
            ))
            if base is not None:
                self._add(connection, made, 0, [base], [[0]], engine, worker_id)
            elif run_id is not None:
                _link(connection, made, 0, [(run_id, part or {})])
        return made

    def due(self) -> list[str]:
        """Ids of those of the server whose stage is over, oldest first."""
        active = exists().where(
            hindsight_runs.c.hindsight_id == hindsights.c.hindsight_id,
            hindsight_runs.c.run_id == runs.c.run_id, runs.c.status.in_(ACTIVE),
        )
        query = select(hindsights.c.hindsight_id).where(
            hindsights.c.status == "running", hindsights.c.worker_id.is_(None), ~active
        )
        with self._database.reading() as connection:
            return list(connection.scalars(query.order_by(hindsights.c.number)))

    def runs(self, hindsight_id: str) -> list[StageRun]:
        """The runs of a search in the order in which they were made."""
        with self._database.reading() as connection:
            return _stage_runs(connection, hindsight_id)

    def advance(
        self, hindsight_id: str, stage: int, new: Sequence[NewStageRun],
        groups: Sequence[Sequence[int]], *, engine: str = "auto", worker_id: str | None = None,
    ) -> list[str]:
        """Continue with the next stage and these runs; gives their ids.

        Nothing happens, and none are made, if the search has left the stage or was ended.

        Args:
            stage: that is over.
            new: what the next one trains.
            groups: places in `new`, each once, to be trained together.
            worker_id: the process that trains them; by default they are queued.
        """
        with self._database.writing() as connection:
            if not self._change(*self._at(hindsight_id, stage), stage=stage + 1, attempts=0):
                return []
            return self._add(
                connection, hindsight_id, stage + 1, new, groups, engine, worker_id
            )

    def again(
        self, hindsight_id: str, stage: int, worker_id: str | None = None
    ) -> list[str]:
        """Queue the interrupted runs of a stage once more; gives their ids."""
        with self._database.writing() as connection:
            attempts = hindsights.c.attempts + 1
            if not self._change(*self._at(hindsight_id, stage), attempts=attempts):
                return []
            return self._runs.requeue(
                _own(connection, hindsight_id, hindsight_runs.c.stage == stage), worker_id
            )

    def resume(self, hindsight_id: str, worker_id: str | None = None) -> bool:
        """Let one that was stopped or interrupted continue where it was; False if it is neither.

        Args:
            worker_id: the process that goes through it; by default the server does.
        """
        with self._database.writing() as connection:
            if not self._change(
                self._id == hindsight_id, hindsights.c.status.in_(RESUMABLE), status="running",
                reason="", ended_at=None, worker_id=worker_id, attempts=0,
            ):
                return False
            stage = self.one(hindsight_id).stage
            self._runs.requeue(
                _own(connection, hindsight_id, hindsight_runs.c.stage == stage), worker_id
            )
            return True

    def request_stop_all(self, item_ids: Iterable[str]) -> int:
        """Stop some with the runs that they have under way; gives their number.

        Ended ones and unknown ids are ignored.
        """
        stopped = 0
        with self._database.writing() as connection:
            for hindsight_id in item_ids:
                if self.end(hindsight_id, "stopped", "stopped by the user"):
                    self._runs.request_stop_all(_own(connection, hindsight_id))
                    stopped += 1
        return stopped

    def delete(self, hindsight_id: str) -> int:
        """Delete one with the runs that it made; gives their number. The run that it looks back on
        stays.

        Raises:
            NotFound: if there is none of this id.
            StoreError: if it or one of its runs is not over yet; then nothing is deleted.
        """
        with self._database.writing() as connection:
            self._must_exist(hindsight_id)
            active = runs.c.run_id.in_(_own(connection, hindsight_id)) & runs.c.status.in_(ACTIVE)
            if connection.scalar(select(exists().where(active))):
                raise StoreError(
                    "Nothing was deleted: this hindsight still trains. Stop it first, then delete."
                )
            removed = self._runs.delete(_own(connection, hindsight_id, hindsight_runs.c.stage > 0))
            connection.execute(delete(hindsights).where(self._id == hindsight_id))
            return removed

    def _decoder(self, found: Sequence[RowMapping]) -> Callable[[RowMapping], HindsightRow]:  # noqa: ARG002
        return _row

    def _at(self, hindsight_id: str, stage: int) -> tuple[ColumnElement[bool], ...]:
        """Conditions: the search is in this stage, and not over."""
        return (
            self._id == hindsight_id, hindsights.c.stage == stage,
            hindsights.c.status == "running",
        )

    def _add(
        self, connection: Connection, hindsight_id: str, stage: int, new: Sequence[NewStageRun],
        groups: Sequence[Sequence[int]], engine: str, worker_id: str | None,
    ) -> list[str]:
        """Make the runs of a stage, as groups to be trained together whatever their parents."""
        made: list[str] = []
        for one in new:
            if one.parent_id is not None:
                made += self._branches.create(
                    one.parent_id, one.epoch, [one.run], engine=engine, worker_id=worker_id
                )
                continue
            row = run_values(one.run, engine=engine, worker_id=worker_id)
            connection.execute(insert(runs).values(row))
            made.append(str(row["run_id"]))
        for group in groups:
            name = new_id()
            for some in chunks(made[place] for place in group):
                these = update(runs).where(runs.c.run_id.in_(some))
                connection.execute(these.values(group_id=name, tags=json.dumps([TAG])))
        _link(
            connection, hindsight_id, stage,
            [(run_id, one.part) for run_id, one in zip(made, new, strict=True)],
        )
        return made


def _row(row: RowMapping) -> HindsightRow:
    json_object("definition", row["definition"])
    return row_of(HindsightRow, row)


def _link(
    connection: Connection, hindsight_id: str, stage: int,
    made: Iterable[tuple[str, Mapping[str, Any]]],
) -> None:
    values = [
        {"hindsight_id": hindsight_id, "run_id": run_id, "stage": stage, "part": json.dumps(part)}
        for run_id, part in made
    ]
    if values:
        connection.execute(insert(hindsight_runs), values)


def _stage_runs(connection: Connection, hindsight_id: str) -> list[StageRun]:
    columns = (runs.c.run_id, runs.c.status, runs.c.reason, runs.c.epochs_done)
    last = and_(epochs.c.run_id == runs.c.run_id, epochs.c.epoch == runs.c.epochs_done)
    query = (
        select(hindsight_runs.c.stage, hindsight_runs.c.part, *columns, epochs.c.val_loss)
        .join(runs, runs.c.run_id == hindsight_runs.c.run_id).outerjoin(epochs, last)
        .where(hindsight_runs.c.hindsight_id == hindsight_id)
        .order_by(hindsight_runs.c.stage, runs.c.number)
    )
    return [part_row(row) for row in connection.execute(query).mappings()]


def _own(
    connection: Connection, hindsight_id: str, *conditions: ColumnElement[bool]
) -> list[str]:
    """Ids of the runs of a search that meet the conditions."""
    this = hindsight_runs.c.hindsight_id == hindsight_id
    return list(connection.scalars(select(hindsight_runs.c.run_id).where(this, *conditions)))
