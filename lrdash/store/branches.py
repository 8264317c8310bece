"""The repository of branches: runs that leave another one, are lengthened or steered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from sqlalchemy import Connection, Table, func, insert, literal, select, update

from lrdash.core.errors import InvalidField, NotFound, StoreError
from lrdash.core.events import ACTIVE, Command, Status, now
from lrdash.core.spec import Piece, RunSpec
from lrdash.store.codec import command_row
from lrdash.store.database import Database
from lrdash.store.repository import rows_of
from lrdash.store.rows import NewRun
from lrdash.store.runs import continuing
from lrdash.store.schema import commands, decisions, epochs, runs
from lrdash.store.values import group_ids, run_values

DEEPEST = 1000  # generations of a family
LENGTHENED: tuple[Status, ...] = ("finished", "stopped", "interrupted")


class Branches:
    """The families of runs in a store, and the commands to runs that train."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        parent_id: str,
        epoch: int | Sequence[int],
        new_runs: Sequence[NewRun],
        *,
        groups: Sequence[Sequence[int]] | None = None,
        engine: str = "auto",
        worker_id: str | None = None,
    ) -> list[str]:
        """Add branches of a run, which may be running, and give their ids.

        Each has the parent's epochs up to its own first, and the decisions before that.

        Args:
            epoch: epochs done when they do, of all or of each.
            new_runs: what to train, complete.
            groups: places in `new_runs`, each once, to be trained together; by default all.
            engine: as asked: `auto`, `lanes` or `keras`.
            worker_id: the worker that trains them; by default they are queued.

        Raises:
            NotFound: if there is no such run.
            InvalidField: for an epoch that the parent has not done, or wrong groups.
        """
        count = len(new_runs)
        at = [epoch] * count if isinstance(epoch, int) else list(epoch)
        group_of = group_ids([range(count)] if groups is None else groups, count)
        query = select(runs.c.epochs_done, runs.c.versions, runs.c.steps_per_epoch)
        made = []
        with self._database.writing() as connection:
            this = query.where(runs.c.run_id == parent_id)
            parent = connection.execute(this).mappings().first()
            if parent is None:
                raise NotFound("run", parent_id)
            for done in at:
                if not 1 <= done <= parent["epochs_done"]:
                    last = parent["epochs_done"]
                    problem = f"must be between 1 and {last}, the epochs that are done"
                    raise InvalidField("epoch", problem, done)
            for done, run, group_id in zip(at, new_runs, group_of, strict=True):
                row = run_values(run, engine=engine, worker_id=worker_id) | {
                    "parent_id": parent_id, "fork_epoch": done, "group_id": group_id,
                    "epochs_done": done, "updates_done": done * parent["steps_per_epoch"],
                    "seconds": _seconds(connection, parent_id, done),
                    "versions": parent["versions"],
                }
                connection.execute(insert(runs).values(row))
                _copy(connection, epochs, parent_id, row["run_id"], done)
                _copy(connection, decisions, parent_id, row["run_id"], done - 1)  # last: its own
                made.append(str(row["run_id"]))
        return made

    def origins(self, run_ids: Iterable[str]) -> dict[str, tuple[int, list[str], str]]:
        """Of those that are branches: epochs shared with the parent, all ancestors that are left,
        the nearest first, and the engine that trained the last of these epochs, empty if unknown.
        """
        query = select(runs.c.fork_epoch, runs.c.parent_id, runs.c.engine)
        found: dict[str, tuple[int, list[str], str]] = {}
        with self._database.reading() as connection:
            for run_id in dict.fromkeys(run_ids):
                row = connection.execute(query.where(runs.c.run_id == run_id)).first()
                if row is None or row.fork_epoch is None:
                    continue
                epoch, engine, line = row.fork_epoch, "", list[str]()
                while row and row.parent_id and row.parent_id not in line and len(line) < DEEPEST:
                    line.append(row.parent_id)
                    row = connection.execute(query.where(runs.c.run_id == line[-1])).first()
                    if row and (row.fork_epoch or 0) < epoch:
                        engine = engine or row.engine
                found[run_id] = (epoch, line, engine)
        return found

    def children(self, run_ids: Iterable[str]) -> list[str]:
        """Ids of the branches of these runs, oldest first."""
        query = select(runs.c.number, runs.c.run_id)
        with self._database.reading() as connection:
            found = rows_of(connection, query, run_ids, runs.c.parent_id)
        return [row["run_id"] for row in sorted(found, key=lambda row: int(row["number"]))]

    def lengthen(
        self, run_id: str, spec: RunSpec, *, updates: int, worker_id: str | None = None
    ) -> None:
        """Let a run that is finished, stopped or interrupted continue with a longer spec.

        Args:
            spec: complete, with the same beginning.
            updates: in all.
            worker_id: the worker that trains it; by default it is queued.

        Raises:
            NotFound: if there is no such run.
            StoreError: if it is queued, running, failed or diverged.
        """
        with self._database.writing() as connection:
            _must_be(
                connection, run_id, LENGTHENED,
                "only runs that are finished, stopped or interrupted can be trained further",
            )
            connection.execute(update(runs).where(runs.c.run_id == run_id).values(
                spec=spec.to_json(), spec_digest=spec.digest, updates=updates,
                version=runs.c.version + 1, **continuing(worker_id),
            ))

    def steer(self, run_id: str, piece: Piece) -> int:
        """Change the rate of a run from its next epoch on; gives the number of the command.

        Args:
            run_id: of the run, which may still be queued.
            piece: what replaces its strategy; its epoch is set when it does.

        Raises:
            NotFound: if there is no such run.
            StoreError: if it is over.
        """
        values = {"run_id": run_id, "command": json.dumps(piece.as_dict()), "created_at": now()}
        with self._database.writing() as connection:
            _must_be(connection, run_id, ACTIVE, "only a run that trains can be steered")
            made = connection.execute(insert(commands).values(values))
            return int((made.inserted_primary_key or (0,))[0])

    def commands(self, run_ids: Iterable[str]) -> Mapping[str, Sequence[Command]]:
        """Changes of the rate that were requested, can be read and are not made yet, oldest first,
        by run.
        """
        found: dict[str, list[Command]] = {}
        query = select(commands).order_by(commands.c.number)
        with self._database.reading() as connection:
            for row in rows_of(connection, query, run_ids, commands.c.run_id):
                with suppress(StoreError):
                    command = command_row(row)
                    found.setdefault(row["run_id"], []).append(command)
        return found


def _must_be(
    connection: Connection, run_id: str, allowed: Sequence[Status], rule: str
) -> None:
    """Lock a run that has one of the statuses.

    Raises:
        NotFound: if there is no such run.
        StoreError: if it has another status; ends with the rule.
    """
    query = select(runs.c.status).where(runs.c.run_id == run_id)
    status = connection.scalar(query)
    if status is None:
        raise NotFound("run", run_id)
    if status not in allowed:
        raise StoreError(f"Run {run_id} is {status}: {rule}.")


def _copy(connection: Connection, table: Table, parent: str, child: str, last: int) -> None:
    others = [column for column in table.c if column.name != "run_id"]
    rows = select(literal(child), *others).where(table.c.run_id == parent, table.c.epoch <= last)
    names = ["run_id", *(column.name for column in others)]
    connection.execute(insert(table).from_select(names, rows))


def _seconds(connection: Connection, run_id: str, epoch: int) -> float:
    this = (epochs.c.run_id == run_id) & (epochs.c.epoch <= epoch)
    return float(connection.scalar(select(func.max(epochs.c.seconds)).where(this)) or 0.0)
