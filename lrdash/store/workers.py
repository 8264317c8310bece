"""The training processes that are alive, and the runs of those that are not.

A worker says every second or so that it lives. It counts as dead when it has been silent for
`SILENCE`, or when its process is gone from this machine. Silence is measured by one clock: the
server's in PostgreSQL, this machine's in SQLite, whose processes all run here.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from lrdash.events import now
from lrdash.store.codec import clean
from lrdash.store.lookup import chunks
from lrdash.store.schema import range_tests, runs, workers

SILENCE = timedelta(seconds=10)
UNEXPECTED = "the training process ended unexpectedly"


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


def mark_interrupted(connection: Connection, worker_id: str | None, reason: str) -> list[str]:
    """Declare the running runs of one worker, or of all dead ones, interrupted; gives their ids."""
    owned = select(runs.c.run_id, runs.c.worker_id).where(runs.c.status == "running")
    running = connection.execute(owned.order_by(runs.c.number).with_for_update()).all()
    if worker_id is not None:
        lost = [row.run_id for row in running if row.worker_id == worker_id]
    else:
        living = _living(connection) if running else set()
        lost = [row.run_id for row in running if row.worker_id not in living]
    _interrupt(connection, lost, reason)
    _interrupt_tests(connection, worker_id, reason)
    return lost


def anyone_lost(connection: Connection, worker_id: str | None) -> bool:
    """Whether `mark_interrupted` would find a run; only reads."""
    owners = {
        owner
        for table in (runs, range_tests)
        for owner in connection.scalars(
            select(table.c.worker_id).where(table.c.status == "running")
        )
    }
    if worker_id is not None:
        return worker_id in owners
    return bool(owners) and not owners <= _living(connection)


def _living(connection: Connection) -> set[str]:
    host, moment = socket.gethostname(), _clock(connection)
    return {
        row.id
        for row in connection.execute(select(workers))
        if moment - row.heartbeat_at <= SILENCE and not (row.host == host and _gone(row.pid))
    }


def _interrupt(connection: Connection, run_ids: Iterable[str], reason: str) -> None:
    for some in chunks(run_ids):
        connection.execute(update(runs).where(runs.c.run_id.in_(some)).values(
            status="interrupted", reason=clean(reason), ended_at=now(),
            version=runs.c.version + 1,
        ))


def _interrupt_tests(connection: Connection, worker_id: str | None, reason: str) -> None:
    """The same for range tests."""
    running = range_tests.c.status == "running"
    lost = {worker_id}
    if worker_id is None:
        owners = set(connection.scalars(select(range_tests.c.worker_id).where(running)))
        lost = owners - _living(connection) if owners else set()
    owned = running & range_tests.c.worker_id.in_(lost)
    connection.execute(update(range_tests).where(owned).values(
        status="interrupted", reason=clean(reason), ended_at=now(),
        version=range_tests.c.version + 1,
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
