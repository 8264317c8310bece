"""The training processes that are alive, and the runs of those that are not.

A worker says every second or so that it lives. It counts as dead when its heartbeat has stayed the
same for `heartbeats.SILENCE`, or when its process is gone from this machine.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from lrdash.core.events import now
from lrdash.store.codec import clean
from lrdash.store.heartbeats import SILENCE, Watch
from lrdash.store.lookup import chunks
from lrdash.store.schema import hindsights, range_tests, runs, workers

UNEXPECTED = "the training process ended unexpectedly"
SILENT = f"the training process gave no sign of life for {SILENCE:.0f} s"


def register(connection: Connection, worker_id: str, host: str, pid: int) -> None:
    """Note a worker that begins now, in place of an earlier one of this id."""
    forget(connection, worker_id)
    moment = _clock(connection)
    connection.execute(insert(workers).values(
        id=worker_id, host=host, pid=pid, started_at=moment, heartbeat_at=moment
    ))


def beat(connection: Connection, worker_id: str) -> None:
    """Note that a worker lives; one that is not registered is left alone."""
    alive = update(workers).where(workers.c.id == worker_id)
    connection.execute(alive.values(heartbeat_at=_clock(connection)))


def forget(connection: Connection, worker_id: str) -> None:
    """Remove a worker that ended; its runs keep its id."""
    connection.execute(delete(workers).where(workers.c.id == worker_id))


def mark_interrupted(
    connection: Connection, worker_id: str | None, reason: str, watch: Watch
) -> list[str]:
    """Declare the running runs of one worker, or of all dead ones, interrupted; gives their ids.
    Their range tests and searches go with them.
    """
    owned = select(runs.c.run_id, runs.c.worker_id).where(runs.c.status == "running")
    running = connection.execute(owned.order_by(runs.c.number).with_for_update()).all()
    lost = {worker_id: reason}
    if worker_id is None:
        here, silent = _present(connection), watch.dead(_beats(connection))
        lost = {
            owner: reason if owner not in here else SILENT
            for owner in _owners(connection)
            if owner not in here or owner in silent
        }
    gone = {row.run_id: lost[row.worker_id] for row in running if row.worker_id in lost}
    for why in dict.fromkeys(gone.values()):
        _interrupt(connection, [run_id for run_id, said in gone.items() if said == why], why)
    for owner, why in lost.items():
        for table in (range_tests, hindsights):
            _interrupt_owned(connection, table, owner, why)
    return list(gone)


def anyone_lost(connection: Connection, worker_id: str | None, watch: Watch) -> bool:
    """Whether `mark_interrupted` might find something; only reads."""
    owners = _owners(connection)
    if worker_id is not None:
        return worker_id in owners
    silent = watch.silent(_beats(connection))
    return bool(owners) and not owners <= _present(connection) - silent


def silent(connection: Connection, worker_ids: Iterable[str], watch: Watch) -> set[str]:
    """Those whose heartbeat stays the same; they may still be alive if nobody could write."""
    return watch.silent(_beats(connection)) & set(worker_ids)


def dead(connection: Connection, worker_ids: Iterable[str], watch: Watch) -> set[str]:
    """Those that are silent although they could write; to be asked while writing."""
    return watch.dead(_beats(connection)) & set(worker_ids)


def _owners(connection: Connection) -> set[str | None]:
    """Workers of the runs, range tests and searches under way."""
    return {
        owner
        for table in (runs, range_tests, hindsights)
        for owner in connection.scalars(
            select(table.c.worker_id).where(table.c.status == "running")
        )
        if owner is not None or table is not hindsights  # the server's own has none
    }


def _beats(connection: Connection) -> dict[str, datetime]:
    rows = connection.execute(select(workers.c.id, workers.c.heartbeat_at))
    return {row.id: row.heartbeat_at for row in rows}


def _present(connection: Connection) -> set[str]:
    """Registered workers, without those whose process is gone from this machine."""
    host = socket.gethostname()
    return {
        row.id
        for row in connection.execute(select(workers))
        if not (row.host == host and _gone(row.pid))
    }


def _interrupt(connection: Connection, run_ids: Iterable[str], reason: str) -> None:
    for some in chunks(run_ids):
        connection.execute(update(runs).where(runs.c.run_id.in_(some)).values(
            status="interrupted", reason=clean(reason), ended_at=now(),
            version=runs.c.version + 1,
        ))


def _interrupt_owned(
    connection: Connection, table: Table, worker_id: str | None, reason: str
) -> None:
    """The same for what else a worker has under way; a search without one is the server's."""
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


def _gone(pid: int) -> bool:
    """Whether this machine has no such process; False where that cannot be asked."""
    if os.name != "posix":
        return False  # there, signal 0 would end the process
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        return False
    return False
