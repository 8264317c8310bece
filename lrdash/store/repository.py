"""What the repositories of a store have in common.

`Repository` finds and changes rows, `Lifecycle` stops and ends what trains, `Queue` adds the way
from the queue to a worker: for runs, range tests and searches in hindsight alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Generic, TypeVar, get_args

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Table,
    delete,
    select,
    update,
)

from lrdash.core.errors import InvalidField, NotFound, StoreError
from lrdash.core.events import ACTIVE, Status, now
from lrdash.core.wording import listed
from lrdash.store.codec import UNREADABLE, clean, unreadable
from lrdash.store.database import Database

STATUSES: tuple[Status, ...] = get_args(Status)
FINAL = tuple(status for status in STATUSES if status not in ACTIVE)
RESUMABLE: tuple[Status, ...] = ("interrupted", "stopped")
CHUNK = 5000  # ids in one statement, far below the databases' limits
SHOWN = 10  # ids in one message

Row = TypeVar("Row")


class Repository(Generic[Row]):
    """The rows of one table, each with an id of its own."""

    table: ClassVar[Table]
    kind: ClassVar[str]  # as users call it; its id is in the column `kind_id`

    def __init__(self, database: Database) -> None:
        self._database = database
        self._id: ColumnElement[str] = self.table.c[f"{self.kind.replace(' ', '_')}_id"]

    def one(self, item_id: str) -> Row:
        """The current state of one.

        Raises:
            NotFound: if none has this id.
            StoreError: also if it cannot be read.
        """
        rows, faults = self._read(select(self.table).where(self._id == item_id))
        if faults:
            raise StoreError(faults[item_id])
        if not rows:
            raise NotFound(self.kind, item_id)
        return rows[0]

    def listing(self, limit: int | None = None) -> list[Row]:
        """All that can be read, newest first; at most `limit`, which counts the others, too."""
        return self._read(self._latest().limit(limit))[0]

    def unreadable(self, limit: int | None = None) -> dict[str, str]:
        """What `listing` leaves out, so that it does not hide the others: the reason by id.

        Whatever deletes accepts these ids.
        """
        return self._read(self._latest().limit(limit))[1]

    def _latest(self) -> Select[Any]:
        return select(self.table).order_by(self.table.c.number.desc())

    def _found(self, query: Select[Any], ids: Iterable[str] | None = None) -> list[RowMapping]:
        """Rows of a query, of these ids unless None."""
        with self._database.reading() as connection:
            return rows_of(connection, query, ids, self._id)

    def _read(self, query: Select[Any]) -> tuple[list[Row], dict[str, str]]:
        """What is given out for rows of the table, and why some cannot be read, by id."""
        with self._database.reading():
            found = self._found(query)
            decode = self._decoder(found)
        return self._decoded(found, decode)  # no connection is held meanwhile

    def _decoded(
        self, found: Sequence[RowMapping], decode: Callable[[RowMapping], Row]
    ) -> tuple[list[Row], dict[str, str]]:
        rows: list[Row] = []
        faults: dict[str, str] = {}
        for row in found:
            item_id = row[self._id.name]
            try:
                rows.append(decode(row))
            except UNREADABLE as fault:
                what = f"{self.kind.capitalize()} {item_id}"
                faults[item_id] = str(unreadable(what, fault, self.kind))
        return rows, faults

    def _decoder(self, found: Sequence[RowMapping]) -> Callable[[RowMapping], Row]:
        """What makes a row that is given out of one that was found."""
        raise NotImplementedError

    def _change(self, *conditions: ColumnElement[bool], **values: Any) -> int:
        """Set columns and raise the versions; gives the number of rows."""
        if "version" in self.table.c:
            values["version"] = self.table.c.version + 1
        with self._database.writing() as connection:
            changed = connection.execute(update(self.table).where(*conditions).values(**values))
            return changed.rowcount

    def _set(self, item_id: str, **values: Any) -> None:
        """Set columns of one.

        Raises:
            NotFound: if none has this id.
        """
        if not self._change(self._id == item_id, **values):
            raise NotFound(self.kind, item_id)

    def _must_exist(self, item_id: str) -> None:
        with self._database.reading() as connection:
            if connection.scalar(select(self.table.c.number).where(self._id == item_id)) is None:
                raise NotFound(self.kind, item_id)


class Lifecycle(Repository[Row]):
    """What is trained: it can be asked to stop, and it ends once."""

    def request_stop(self, item_id: str) -> None:
        """Ask one to stop, as `request_stop_all` does.

        Raises:
            NotFound: if none has this id.
        """
        if not self.request_stop_all([item_id]):
            self._must_exist(item_id)

    def request_stop_all(self, item_ids: Iterable[str]) -> int:
        """Ask several to stop: a queued one is stopped at once, an ended one is left as it is.

        Unknown ids are ignored. Gives the number of those that were stopped or asked.
        """
        at, status, changed = now(), self.table.c.status, 0
        with self._database.writing():
            for some in chunks(item_ids):
                these = self._id.in_(some)
                changed += self._change(
                    these, status == "queued",
                    status="stopped", reason="stopped before it began", ended_at=at,
                )
                changed += self._change(
                    these, status == "running", self.table.c.stop_requested_at.is_(None),
                    stop_requested_at=at,
                )
        return changed

    def end(self, item_id: str, status: Status, reason: str = "") -> bool:
        """Give an active one its final status; False if it has one already or does not exist.

        Raises:
            InvalidField: for a status that is not final.
        """
        if status not in FINAL:
            raise InvalidField("status", f"must be one of {', '.join(FINAL)}", status)
        return bool(self._change(
            self._id == item_id, self.table.c.status.in_(ACTIVE),
            status=status, reason=clean(reason), ended_at=now(),
        ))


class Queue(Lifecycle[Row]):
    """What waits in a queue until a worker claims it."""

    claimed_at: ClassVar[str | None] = None  # the column with the time of the claim, if any

    def queued(self, limit: int | None = None) -> list[str]:
        """Ids of queued ones, oldest first."""
        waiting = select(self._id).where(self.table.c.status == "queued")
        with self._database.reading() as connection:
            return list(connection.scalars(waiting.order_by(self.table.c.number).limit(limit)))

    def claim(self, item_id: str, worker_id: str) -> bool:
        """Make a queued one the worker's, running from now; False if another worker was faster or
        it is no longer queued.
        """
        return bool(self.claim_group([item_id], worker_id))

    def claim_group(self, item_ids: Iterable[str], worker_id: str) -> list[str]:
        """Make queued ones the worker's, running from now; gives those that were still queued."""
        asked = list(dict.fromkeys(item_ids))
        values: dict[str, Any] = {"status": "running", "worker_id": worker_id}
        if self.claimed_at:
            values[self.claimed_at] = now()
        claimed: set[str] = set()
        with self._database.writing() as connection:
            for some in chunks(asked):
                queued = select(self._id).where(
                    self._id.in_(some), self.table.c.status == "queued"
                )
                found = list(connection.scalars(queued.order_by(self._id)))
                self._change(self._id.in_(found), **values)
                claimed |= set(found)
        return [item_id for item_id in asked if item_id in claimed]

    def delete(self, item_ids: Iterable[str]) -> int:
        """Delete some with all that belongs to them; gives their number.

        Unknown ids are ignored.

        Raises:
            StoreError: if one of them is queued or running; then nothing is deleted.
        """
        removed = 0
        active: list[str] = []
        with self._database.writing() as connection:  # raising below undoes the deletions
            for some in chunks(item_ids):
                these = self._id.in_(some)
                query = select(self._id).where(these, self.table.c.status.in_(ACTIVE))
                active += connection.scalars(query.order_by(self.table.c.number)).all()
                removed += connection.execute(delete(self.table).where(these)).rowcount
            if active:
                more = [f"{len(active) - SHOWN} more"] if len(active) > SHOWN else []
                kind, verb = (self.kind, "is") if len(active) == 1 else (f"{self.kind}s", "are")
                raise StoreError(
                    f"Nothing was deleted: {kind} {listed([*active[:SHOWN], *more])} {verb} still "
                    "queued or running. Stop first, then delete."
                )
        return removed


def chunks(ids: Iterable[str]) -> Iterator[Sequence[str]]:
    """The distinct ids in parts that fit into one statement."""
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), CHUNK):
        yield distinct[start : start + CHUNK]


def counted(found: Iterable[tuple[str, int]]) -> dict[Status, int]:
    """Numbers by status, 0 included; what has no known status is left out."""
    numbers = dict(found)
    return {status: numbers.get(status, 0) for status in STATUSES}


def rows_of(
    connection: Connection, query: Select[Any], ids: Iterable[str] | None, column: Any
) -> list[RowMapping]:
    """Rows of a query, restricted to those with one of the ids in a column unless None."""
    if ids is None:
        return list(connection.execute(query).mappings())
    return [
        row
        for some in chunks(ids)
        for row in connection.execute(query.where(column.in_(some))).mappings()
    ]
