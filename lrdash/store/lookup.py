"""Questions to the database, each answered inside the transaction that it is given."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, get_args

from sqlalchemy import Connection, RowMapping, Select, func, select

from lrdash.core.errors import RunNotFound, StoreError
from lrdash.core.events import ACTIVE, RateDecided, Status
from lrdash.store.codec import decision_row, epoch_row, run_row
from lrdash.store.rows import DataUse, EpochRow, RunRow
from lrdash.store.schema import decisions, epochs, experiments, range_tests, runs

STATUSES: tuple[Status, ...] = get_args(Status)
CHUNK = 5000  # ids in one statement, far below the databases' limits


def one(connection: Connection, run_id: str) -> RunRow:
    """The run of this id."""
    row = connection.execute(select(runs).where(runs.c.run_id == run_id)).mappings().first()
    if row is None:
        raise RunNotFound(run_id)
    return run_row(row)


def listing(
    connection: Connection,
    *,
    status: Status | Collection[Status] | None = None,
    run_ids: Iterable[str] | None = None,
    digest: str | None = None,
    experiment_id: str | None = None,
    limit: int | None = None,
) -> tuple[list[RunRow], dict[str, str]]:
    """Runs, newest first, and the reasons why some could not be read, by their id."""
    query = select(runs).order_by(runs.c.number.desc()).limit(limit)
    if status is not None:
        query = query.where(runs.c.status.in_([status] if isinstance(status, str) else status))
    if digest is not None:
        query = query.where(runs.c.spec_digest == digest)
    if experiment_id is not None:
        query = query.where(runs.c.experiment_id == experiment_id)
    found = _of(connection, query, run_ids)
    if run_ids is not None:
        found = sorted(found, key=lambda row: -row["number"])[:limit]
    rows, unreadable = [], {}
    for row in found:
        try:
            rows.append(run_row(row))
        except StoreError as fault:
            unreadable[row["run_id"]] = str(fault)
    return rows, unreadable


def queued(connection: Connection, limit: int | None) -> list[str]:
    """Ids of the queued runs, oldest first."""
    waiting = select(runs.c.run_id).where(runs.c.status == "queued").order_by(runs.c.number)
    return list(connection.scalars(waiting.limit(limit)))


def queued_groups(connection: Connection, limit: int | None) -> list[list[str]]:
    """Ids of the queued runs, group by group, oldest first."""
    group = func.coalesce(runs.c.group_id, runs.c.run_id)
    waiting = runs.c.status == "queued"
    first = select(group).where(waiting).group_by(group).order_by(func.min(runs.c.number))
    found: dict[str, list[str]] = {name: [] for name in connection.scalars(first.limit(limit))}
    for some in chunks(found):
        members = select(group, runs.c.run_id).where(waiting, group.in_(some))
        for name, run_id in connection.execute(members.order_by(runs.c.number)):
            found[name].append(run_id)
    return list(found.values())


def stop_requests(
    connection: Connection, run_ids: Iterable[str], worker_id: str | None = None
) -> set[str]:
    """Those that have to stop: a stop was asked for, or the run was declared interrupted or
    deleted, or given to another worker, while its process lives on.
    """
    asked = set(run_ids)
    columns = select(runs.c.run_id, runs.c.status, runs.c.stop_requested_at, runs.c.worker_id)
    must_go_on = {
        row["run_id"]
        for row in _of(connection, columns, asked)
        if row["status"] != "interrupted"
        and worker_id in (None, row["worker_id"])
        and not (row["status"] == "running" and row["stop_requested_at"])
    }
    return asked - must_go_on


def counts(connection: Connection) -> dict[Status, int]:
    """Number of runs of every status, 0 included."""
    found = connection.execute(select(runs.c.status, func.count()).group_by(runs.c.status))
    return {**dict.fromkeys(STATUSES, 0), **{row[0]: row[1] for row in found}}


def data_use(connection: Connection, dataset: str) -> DataUse:
    """What names a dataset; its id is unlike any other text."""
    named = runs.c.spec.contains(dataset, autoescape=True)
    query = select(runs.c.run_id, runs.c.status).where(named).order_by(runs.c.number.desc())
    found = connection.execute(query).all()
    others = sum(
        connection.execute(
            select(func.count()).select_from(table)
            .where(table.c.definition.contains(dataset, autoescape=True))
        ).scalar_one()
        for table in (experiments, range_tests)
    )
    return DataUse(
        run_ids=tuple(row.run_id for row in found), others=others,
        active=sum(row.status in ACTIVE for row in found),
    )


def versions(connection: Connection, run_ids: Iterable[str] | None) -> dict[str, int]:
    """Version of each run that exists, by id; of the active ones if none are named."""
    columns = select(runs.c.run_id, runs.c.version)
    if run_ids is None:
        columns = columns.where(runs.c.status.in_(ACTIVE))
    return {row["run_id"]: row["version"] for row in _of(connection, columns, run_ids)}


def epochs_after(connection: Connection, run_id: str, after: int) -> list[EpochRow]:
    """Epochs of a run beyond `after`, in their order."""
    beyond = (epochs.c.run_id == run_id) & (epochs.c.epoch > after)
    query = select(epochs).where(beyond).order_by(epochs.c.epoch)
    return [epoch_row(row) for row in connection.execute(query).mappings()]


def epochs_of(connection: Connection, run_ids: Iterable[str]) -> dict[str, list[EpochRow]]:
    """All epochs of some runs, in their order, by run."""
    found: dict[str, list[EpochRow]] = {run_id: [] for run_id in run_ids}
    query = select(epochs).order_by(epochs.c.run_id, epochs.c.epoch)
    for row in _of(connection, query, list(found), epochs.c.run_id):
        found[row["run_id"]].append(epoch_row(row))
    return found


def decisions_after(connection: Connection, run_id: str, after: int) -> list[RateDecided]:
    """Decisions of a run about its rate beyond epoch `after`, in their order."""
    beyond = (decisions.c.run_id == run_id) & (decisions.c.epoch > after)
    query = select(decisions).where(beyond).order_by(decisions.c.epoch)
    return [decision_row(row) for row in connection.execute(query).mappings()]


def chunks(ids: Iterable[str]) -> Iterator[Sequence[str]]:
    """The distinct ids in parts that fit into one statement."""
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), CHUNK):
        yield distinct[start : start + CHUNK]


def _of(
    connection: Connection,
    query: Select[Any],
    run_ids: Iterable[str] | None,
    column: Any = runs.c.run_id,
) -> list[RowMapping]:
    """Rows of a query, restricted to some runs unless None."""
    if run_ids is None:
        return list(connection.execute(query).mappings())
    return [
        row
        for some in chunks(run_ids)
        for row in connection.execute(query.where(column.in_(some))).mappings()
    ]
