"""Range tests: queued, made by a worker, kept with their losses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, select, update

from lrdash.core.errors import InvalidField, RangeTestNotFound, StoreError
from lrdash.core.events import ACTIVE, Status, now
from lrdash.core.record import json_object
from lrdash.store.codec import clean
from lrdash.store.database import Database
from lrdash.store.rows import RangeTestRow
from lrdash.store.runs import FINAL, new_id
from lrdash.store.schema import range_tests as tests


class RangeTests:
    """The range tests of a store; threads, processes and faults as there.

    Args:
        database: of the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, definition: str, rates: ArrayLike, *, seeds: int, worker_id: str | None = None
    ) -> str:
        """Add a range test and give its id.

        Args:
            definition: JSON object.
            rates: of each update [updates].
            seeds: how many there are.
            worker_id: the process that makes it itself; by default it is queued.

        Raises:
            InvalidField: for a definition that is no JSON object.
        """
        json_object("definition", definition)
        used = np.asarray(rates, dtype="<f4")
        range_test_id = new_id()
        values: dict[str, Any] = {
            "range_test_id": range_test_id, "created_at": now(), "reason": "",
            "definition": definition, "seeds": seeds, "updates_done": 0,
            "rates": used.tobytes(), "losses": _stored(np.full((seeds, len(used)), np.nan)),
            "status": "queued", "version": 1,
        }
        if worker_id is not None:
            values |= {"status": "running", "worker_id": worker_id, "started_at": now()}
        with self._database.writing() as connection:
            connection.execute(insert(tests).values(values))
        return range_test_id

    def one(self, range_test_id: str) -> RangeTestRow:
        """A range test as it stands.

        Raises:
            RangeTestNotFound: if there is none of this id.
        """
        query = select(tests).where(tests.c.range_test_id == range_test_id)
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise RangeTestNotFound(range_test_id)
        return _row(row)

    def listing(self, limit: int | None = None) -> list[RangeTestRow]:
        """Range tests, newest first."""
        query = select(tests).order_by(tests.c.number.desc()).limit(limit)
        with self._database.reading() as connection:
            return [_row(row) for row in connection.execute(query).mappings()]

    def queued(self, limit: int | None = None) -> list[str]:
        """Ids of queued range tests, oldest first."""
        waiting = select(tests.c.range_test_id).where(tests.c.status == "queued")
        with self._database.reading() as connection:
            return list(connection.scalars(waiting.order_by(tests.c.number).limit(limit)))

    def claim(self, range_test_id: str, worker_id: str) -> bool:
        """Make a queued one the worker's own, running from now; False if it is not queued."""
        return self._change(
            range_test_id, tests.c.status == "queued",
            status="running", worker_id=worker_id, started_at=now(),
        )

    def note(
        self, range_test_id: str, update_done: int, losses: ArrayLike, worker_id: str
    ) -> None:
        """Write down how far a running one is; dropped if it is no longer this worker's.

        Args:
            range_test_id: which.
            update_done: updates done.
            losses: so far [seeds, updates].
            worker_id: who says it.
        """
        own = (tests.c.status == "running") & (tests.c.worker_id == worker_id)
        self._change(range_test_id, own, updates_done=update_done, losses=_stored(losses))

    def end(self, range_test_id: str, status: Status, reason: str = "") -> bool:
        """Give an active one its final status; False if it has one already or does not exist.

        Raises:
            InvalidField: for a status that is not final.
        """
        if status not in FINAL:
            raise InvalidField("status", f"must be one of {', '.join(FINAL)}", status)
        return self._change(
            range_test_id, tests.c.status.in_(ACTIVE),
            status=status, reason=clean(reason), ended_at=now(),
        )

    def request_stop(self, range_test_id: str) -> None:
        """Ask one to stop: a queued one is stopped at once, an ended one left as it is.

        Raises:
            RangeTestNotFound: if there is none of this id.
        """
        with self._database.writing() as connection:
            if not (
                _change(
                    connection, range_test_id, tests.c.status == "queued",
                    status="stopped", reason="stopped before it began", ended_at=now(),
                )
                or _change(
                    connection, range_test_id, tests.c.status == "running", stop_requested_at=now()
                )
            ):
                _must_exist(connection, range_test_id)

    def has_to_stop(self, range_test_id: str, worker_id: str | None = None) -> bool:
        """Whether a worker's test has to stop: it was asked for, or the test is no longer the
        worker's to make.
        """
        query = select(tests.c.status, tests.c.worker_id, tests.c.stop_requested_at)
        with self._database.reading() as connection:
            row = connection.execute(query.where(tests.c.range_test_id == range_test_id)).first()
        return (
            row is None or row.status != "running" or row.stop_requested_at is not None
            or worker_id not in (None, row.worker_id)
        )

    def stop_asked(self, range_test_id: str) -> bool:
        """Whether a running one was asked to stop."""
        query = select(tests.c.number).where(
            tests.c.range_test_id == range_test_id, tests.c.status == "running",
            tests.c.stop_requested_at.is_not(None),
        )
        with self._database.reading() as connection:
            return connection.scalar(query) is not None

    def held_against(self, range_test_id: str, experiment_id: str | None) -> None:
        """Remember the sweep over peak rates that shows how good its suggestions are.

        Raises:
            RangeTestNotFound: if there is none of this id.
        """
        with self._database.writing() as connection:
            if not _change(connection, range_test_id, experiment_id=experiment_id):
                raise RangeTestNotFound(range_test_id)

    def delete(self, range_test_ids: Iterable[str]) -> int:
        """Delete some; gives their number. Unknown ids are passed over.

        Raises:
            StoreError: if one of them is queued or running; then nothing is deleted.
        """
        with self._database.writing() as connection:
            these = tests.c.range_test_id.in_(list(range_test_ids))
            active = connection.scalars(
                select(tests.c.range_test_id).where(these, tests.c.status.in_(ACTIVE))
            ).all()
            if active:
                raise StoreError(
                    f"Nothing was deleted: the range test {active[0]} is still queued or running. "
                    "Stop it first, then delete."
                )
            return connection.execute(delete(tests).where(these)).rowcount

    def _change(self, range_test_id: str, *conditions: ColumnElement[bool], **values: Any) -> bool:
        with self._database.writing() as connection:
            return _change(connection, range_test_id, *conditions, **values)


def _change(
    connection: Connection, range_test_id: str, *conditions: ColumnElement[bool], **values: Any
) -> bool:
    """Set columns of one and raise its version; False if the conditions do not hold."""
    this = update(tests).where(tests.c.range_test_id == range_test_id, *conditions)
    changed = connection.execute(this.values(version=tests.c.version + 1, **values))
    return changed.rowcount > 0


def _must_exist(connection: Connection, range_test_id: str) -> None:
    found = select(tests.c.number).where(tests.c.range_test_id == range_test_id)
    if connection.scalar(found) is None:
        raise RangeTestNotFound(range_test_id)


def _stored(losses: ArrayLike) -> bytes:
    return np.ascontiguousarray(losses, dtype="<f4").tobytes()


def _read(stored: bytes) -> NDArray[np.float32]:
    return np.frombuffer(stored, dtype="<f4").astype(np.float32, copy=False)


def _row(row: RowMapping) -> RangeTestRow:
    status: Status = row["status"]
    return RangeTestRow(
        range_test_id=row["range_test_id"], created_at=row["created_at"],
        started_at=row["started_at"], ended_at=row["ended_at"], definition=row["definition"],
        status=status, reason=row["reason"], worker_id=row["worker_id"],
        update=row["updates_done"], rates=_read(row["rates"]),
        losses=_read(row["losses"]).reshape(row["seeds"], -1),
        stop_requested=row["stop_requested_at"] is not None and status in ACTIVE,
        experiment_id=row["experiment_id"], version=row["version"],
    )
