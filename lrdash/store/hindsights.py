"""Searches in hindsight: each a definition, a stage, and runs that are queued like any other.

What is searched is not known here. A stage is over when none of its runs is queued or running;
whoever sees that plans the next one (`advance`). That a stage is left only once, even where two
servers see it at the same moment, is settled by the number of the stage they have seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, delete, exists, func, insert, select, update

from lrdash.core.errors import HindsightNotFound, InvalidField, StoreError
from lrdash.core.events import ACTIVE, Status, now
from lrdash.core.record import json_object
from lrdash.store import branches
from lrdash.store.codec import clean
from lrdash.store.database import Database
from lrdash.store.lookup import chunks
from lrdash.store.rows import HindsightRow, NewStageRun, StageRun
from lrdash.store.runs import FINAL, RESUMABLE, new_id, new_values, request_stop_all, requeue
from lrdash.store.schema import epochs, hindsight_runs, hindsights, runs

TAG = "hindsight"  # of the runs that are made for a search


class Hindsights:
    """The searches of a store; threads, processes and faults as there.

    Args:
        database: of the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, definition: str, *, base: NewStageRun | None = None, run_id: str | None = None,
        part: Mapping[str, Any] | None = None, engine: str = "auto", worker_id: str | None = None,
    ) -> str:
        """Add a search and give its id.

        Args:
            definition: JSON object.
            base: the run to look back on, if it has to be trained first.
            run_id: of that run, if there is one.
            part: what it is in the search.
            engine: as asked.
            worker_id: the process that goes through it by itself; by default the server does.

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
                _add(connection, made, 0, [base], [[0]], engine, worker_id)
            elif run_id is not None:
                _link(connection, made, 0, [(run_id, part or {})])
        return made

    def one(self, hindsight_id: str) -> HindsightRow:
        """A search as it stands.

        Raises:
            HindsightNotFound: if there is none of this id.
        """
        found = self._rows(hindsights.c.hindsight_id == hindsight_id)
        if not found:
            raise HindsightNotFound(hindsight_id)
        return found[0]

    def listing(self, limit: int | None = None) -> list[HindsightRow]:
        """Searches, newest first."""
        return self._rows(limit=limit)

    def due(self) -> list[str]:
        """Ids of those of the server whose stage is over, oldest first."""
        going_on = exists().where(
            hindsight_runs.c.hindsight_id == hindsights.c.hindsight_id,
            hindsight_runs.c.run_id == runs.c.run_id, runs.c.status.in_(ACTIVE),
        )
        query = select(hindsights.c.hindsight_id).where(
            hindsights.c.status == "running", hindsights.c.worker_id.is_(None), ~going_on
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
        """Go on to the next stage with these runs; gives their ids.

        Nothing happens, and none are made, if the search has left the stage or was ended.

        Args:
            hindsight_id: of the search.
            stage: that is over.
            new: what the next one trains.
            groups: places in `new`, each once, to be trained together.
            engine: as asked.
            worker_id: the process that trains them itself; by default they are queued.
        """
        with self._database.writing() as connection:
            standing = and_(hindsights.c.stage == stage, hindsights.c.status == "running")
            if not _change(connection, hindsight_id, standing, stage=stage + 1, attempts=0):
                return []
            return _add(connection, hindsight_id, stage + 1, new, groups, engine, worker_id)

    def again(
        self, hindsight_id: str, stage: int, worker_id: str | None = None
    ) -> list[str]:
        """Queue the interrupted runs of a stage once more; gives their ids."""
        with self._database.writing() as connection:
            standing = and_(hindsights.c.stage == stage, hindsights.c.status == "running")
            values = {"attempts": hindsights.c.attempts + 1}
            if not _change(connection, hindsight_id, standing, **values):
                return []
            return requeue(connection, _of_stage(connection, hindsight_id, stage), worker_id)

    def resume(self, hindsight_id: str, worker_id: str | None = None) -> bool:
        """Let one that was stopped or interrupted go on where it was; False if it is neither.

        Args:
            hindsight_id: of the search.
            worker_id: the process that goes through it by itself; by default the server does.
        """
        with self._database.writing() as connection:
            over = hindsights.c.status.in_(RESUMABLE)
            if not _change(
                connection, hindsight_id, over, status="running", reason="", ended_at=None,
                worker_id=worker_id, attempts=0,
            ):
                return False
            stage = connection.scalar(
                select(hindsights.c.stage).where(hindsights.c.hindsight_id == hindsight_id)
            )
            requeue(connection, _of_stage(connection, hindsight_id, int(stage or 0)), worker_id)
            return True

    def end(self, hindsight_id: str, status: Status, reason: str = "") -> bool:
        """Give a running one its final status; False if it has one already or does not exist.

        Raises:
            InvalidField: for a status that is not final.
        """
        if status not in FINAL:
            raise InvalidField("status", f"must be one of {', '.join(FINAL)}", status)
        with self._database.writing() as connection:
            return _change(
                connection, hindsight_id, hindsights.c.status.in_(ACTIVE), status=status,
                reason=clean(reason), ended_at=now(),
            )

    def request_stop(self, hindsight_id: str) -> None:
        """Stop one with the runs that it has under way; an ended one is left as it is.

        Raises:
            HindsightNotFound: if there is none of this id.
        """
        with self._database.writing() as connection:
            if _change(
                connection, hindsight_id, hindsights.c.status.in_(ACTIVE), status="stopped",
                reason="stopped by the user", ended_at=now(),
            ):
                own = _stage_runs(connection, hindsight_id)
                request_stop_all(connection, [one.run_id for one in own])
            else:
                _must_exist(connection, hindsight_id)

    def delete(self, hindsight_id: str) -> int:
        """Delete one with the runs that it made; gives their number. The run that it looks back on
        stays.

        Raises:
            HindsightNotFound: if there is none of this id.
            StoreError: if it or one of its runs is not over yet; then nothing is deleted.
        """
        with self._database.writing() as connection:
            _must_exist(connection, hindsight_id)
            own = _stage_runs(connection, hindsight_id)
            if any(one.status in ACTIVE for one in own):
                raise StoreError(
                    "Nothing was deleted: this hindsight still trains. Stop it first, then delete."
                )
            removed = 0
            for some in chunks(one.run_id for one in own if one.stage):
                these = delete(runs).where(runs.c.run_id.in_(some))
                removed += connection.execute(these).rowcount
            this = hindsights.c.hindsight_id == hindsight_id
            connection.execute(delete(hindsights).where(this))
            return removed

    def _rows(self, *conditions: Any, limit: int | None = None) -> list[HindsightRow]:
        query = select(hindsights).where(*conditions).order_by(hindsights.c.number.desc())
        with self._database.reading() as connection:
            return [_row(row) for row in connection.execute(query.limit(limit)).mappings()]


def _add(
    connection: Connection, hindsight_id: str, stage: int, new: Sequence[NewStageRun],
    groups: Sequence[Sequence[int]], engine: str, worker_id: str | None,
) -> list[str]:
    """Make the runs of a stage, as groups to be trained together whatever their parents."""
    made: list[str] = []
    for one in new:
        if one.parent_id is not None:
            made += branches.create(
                connection, one.parent_id, [one.epoch], [one.run], None, engine=engine,
                worker_id=worker_id,
            )
            continue
        row = new_values(one.run, engine=engine, worker_id=worker_id)
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
    return [
        StageRun(
            run_id=row["run_id"], stage=row["stage"], part=json.loads(row["part"]),
            status=row["status"], reason=row["reason"], epochs_done=row["epochs_done"],
            val_loss=float("nan") if row["val_loss"] is None else float(row["val_loss"]),
        )
        for row in connection.execute(query).mappings()
    ]


def _of_stage(connection: Connection, hindsight_id: str, stage: int) -> list[str]:
    query = select(hindsight_runs.c.run_id).where(
        hindsight_runs.c.hindsight_id == hindsight_id, hindsight_runs.c.stage == stage
    )
    return list(connection.scalars(query))


def _change(
    connection: Connection, hindsight_id: str, condition: Any, **values: Any
) -> bool:
    """Set columns of one and raise its version; False if the condition does not hold."""
    this = update(hindsights).where(hindsights.c.hindsight_id == hindsight_id, condition)
    changed = connection.execute(this.values(version=hindsights.c.version + 1, **values))
    return changed.rowcount > 0


def _must_exist(connection: Connection, hindsight_id: str) -> None:
    this = hindsights.c.hindsight_id == hindsight_id
    if not connection.scalar(select(func.count()).select_from(hindsights).where(this)):
        raise HindsightNotFound(hindsight_id)


def _row(row: RowMapping) -> HindsightRow:
    names = (
        "hindsight_id", "created_at", "ended_at", "definition", "status", "reason", "worker_id",
        "stage", "attempts", "version",
    )
    return HindsightRow(**{name: row[name] for name in names})
