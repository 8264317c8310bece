"""The repository of workers: who is alive, and what becomes of the work of those who are not.

A worker stores a heartbeat every second or so. It counts as dead when its heartbeat has not changed
for `heartbeats.SILENCE`, or when its process is gone from this machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from lrdash.core.events import now
from lrdash.store.codec import clean
from lrdash.store.database import Database
from lrdash.store.heartbeats import SILENCE, Watch
from lrdash.store.processes import Process, gone, this
from lrdash.store.schema import hindsights, range_tests, runs, workers

WORKED_ON = (runs, range_tests, hindsights)  # tables of what a worker has under way
UNEXPECTED = "the training process ended unexpectedly"
KEPT = timedelta(days=7)  # a silent worker with nothing under way
SILENT = f"the training process gave no sign of life for {SILENCE:.0f} s"


class Workers:
    """The workers of a store, and what this process has seen of their heartbeats."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watch = Watch()

    def register(self, worker_id: str, process: Process | None = None) -> None:
        """Add a worker that begins now, in place of an earlier one of this id; rows of workers that
        ended without a word go.

        Args:
            worker_id: its id, new for every process.
            process: that works; by default the one that asks.
        """
        process = process or this()
        with self._database.writing() as connection:
            moment = _clock(connection)
            late = workers.c.id.not_in(_owners(connection) - {None}) & (
                workers.c.heartbeat_at < moment - KEPT
            )
            ended = workers.c.id.not_in(_present(connection)) | (workers.c.id == worker_id)
            connection.execute(delete(workers).where(late | ended))
            connection.execute(insert(workers).values(
                id=worker_id, host=process.place, pid=process.pid, born=process.born,
                started_at=moment, heartbeat_at=moment,
            ))

    def beat(self, worker_id: str) -> None:
        """Store that a worker is alive, every `HEARTBEAT` seconds; one that is not registered is
        ignored.
        """
        with self._database.writing() as connection:
            alive = update(workers).where(workers.c.id == worker_id)
            connection.execute(alive.values(heartbeat_at=_clock(connection)))

    def forget(self, worker_id: str) -> None:
        """Remove a worker that ended in order; its runs keep its id."""
        with self._database.writing() as connection:
            connection.execute(delete(workers).where(workers.c.id == worker_id))

    def mark_interrupted(
        self, worker_id: str | None = None, reason: str = UNEXPECTED
    ) -> list[str]:
        """Declare running runs interrupted whose worker is dead, and its range tests and searches
        with them; gives the ids of the runs, oldest first.

        Args:
            worker_id: a worker known to be dead. By default all whose process is gone from this
                machine, that were never registered, or whose heartbeat this store has not seen
                change for `SILENCE` seconds: call it every few seconds to see that.
        """
        with self._database.reading() as connection:
            if not self._anyone_lost(connection, worker_id):
                return []
        query = select(runs.c.run_id, runs.c.worker_id).where(runs.c.status == "running")
        with self._database.writing() as connection:
            running = connection.execute(query.order_by(runs.c.number)).all()
            lost = self._lost(connection, reason) if worker_id is None else {worker_id: reason}
            for table in WORKED_ON:
                for owner, why in lost.items():
                    _interrupt(connection, table, owner, why)
        return [row.run_id for row in running if row.worker_id in lost]

    def silent(self, worker_ids: Iterable[str]) -> set[str]:
        """Those workers that give no sign of life although the database can be written.

        As with `mark_interrupted`, this store sees it only if it is called every few seconds.
        """
        asked = set(worker_ids)
        with self._database.reading() as connection:
            if not self._watch.silent(_beats(connection)) & asked:
                return set()
        with self._database.writing() as connection:
            return self._watch.dead(_beats(connection)) & asked

    def _anyone_lost(self, connection: Connection, worker_id: str | None) -> bool:
        """Whether `mark_interrupted` might find something; only reads."""
        owners = _owners(connection)
        if worker_id is not None:
            return worker_id in owners
        silent = self._watch.silent(_beats(connection))
        return bool(owners) and not owners <= _present(connection) - silent

    def _lost(self, connection: Connection, reason: str) -> dict[str | None, str]:
        """The dead workers that have something under way, with the reason; to be asked while
        writing.
        """
        here, silent = _present(connection), self._watch.dead(_beats(connection))
        return {
            owner: reason if owner not in here else SILENT
            for owner in _owners(connection)
            if owner not in here or owner in silent
        }


def _owners(connection: Connection) -> set[str | None]:
    """Workers of the runs, range tests and searches under way."""
    return {
        owner
        for table in WORKED_ON
        for owner in connection.scalars(
            select(table.c.worker_id).where(table.c.status == "running")
        )
        if owner is not None or table is not hindsights  # the server's own have none
    }


def _beats(connection: Connection) -> dict[str, datetime]:
    rows = connection.execute(select(workers.c.id, workers.c.heartbeat_at))
    return {row.id: row.heartbeat_at for row in rows}


def _present(connection: Connection) -> set[str]:
    """Registered workers, without those whose process is gone from this machine."""
    return {
        row.id
        for row in connection.execute(select(workers))
        if not gone(Process(place=row.host, pid=row.pid, born=row.born))
    }


def _interrupt(
    connection: Connection, table: Table, worker_id: str | None, reason: str
) -> None:
    """End what a worker has under way; a search without one belongs to the server."""
    if worker_id is None and table is hindsights:
        return
    owned = (table.c.status == "running") & (table.c.worker_id == worker_id)
    connection.execute(update(table).where(owned).values(
        status="interrupted", reason=clean(reason), ended_at=now(), version=table.c.version + 1,
    ))


def _clock(connection: Connection) -> datetime:
    if connection.dialect.name == "sqlite":
        return now()
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)

