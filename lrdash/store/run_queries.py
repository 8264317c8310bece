"""Questions about runs, each answered from one state of the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from sqlalchemy import RowMapping, func, select

from lrdash.core.errors import StoreError
from lrdash.core.events import ACTIVE, RateDecided, Status
from lrdash.store.codec import decision_row, epoch_row, run_row
from lrdash.store.repository import Queue, chunks, counted, rows_of
from lrdash.store.rows import DataUse, EpochRow, RunRow
from lrdash.store.schema import decisions, epochs, experiments, range_tests, runs


class RunQueries(Queue[RunRow]):
    """What can be asked about runs without changing them."""

    table = runs
    kind = "run"

    def listing(
        self,
        limit: int | None = None,
        *,
        status: Status | Collection[Status] | None = None,
        run_ids: Iterable[str] | None = None,
        digest: str | None = None,
        experiment_id: str | None = None,
    ) -> list[RunRow]:
        """Runs that meet all conditions and can be read, newest first; `limit` counts the others,
        too (see `unreadable`).

        Args:
            status: one status or several; all by default.
            run_ids: only these; unknown ids are ignored.
        """
        query = self._latest().limit(limit)
        if status is not None:
            query = query.where(runs.c.status.in_([status] if isinstance(status, str) else status))
        if digest is not None:
            query = query.where(runs.c.spec_digest == digest)
        if experiment_id is not None:
            query = query.where(runs.c.experiment_id == experiment_id)
        found = self._found(query, run_ids)
        if run_ids is not None:
            found = sorted(found, key=lambda row: -row["number"])[:limit]
        return self._decoded(found, run_row)[0]

    def of_experiment(self, experiment_id: str) -> list[RunRow]:
        """Runs of a comparison that can be read, in the order in which they were made."""
        return self.listing(experiment_id=experiment_id)[::-1]

    def data_use(self, dataset: str) -> DataUse:
        """Which runs, comparisons and range tests use a user's data.

        Args:
            dataset: id of own data, which is unlike any other text in a spec.
        """
        named = runs.c.spec.contains(dataset, autoescape=True)
        query = select(runs.c.run_id, runs.c.status).where(named).order_by(runs.c.number.desc())
        with self._database.reading() as connection:
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

    def counts(self) -> dict[Status, int]:
        """Number of runs of each status, 0 included."""
        query = select(runs.c.status, func.count()).group_by(runs.c.status)
        with self._database.reading() as connection:
            found = connection.execute(query)
            return counted((row[0], row[1]) for row in found)

    def versions(self, run_ids: Iterable[str] | None = None) -> dict[str, int]:
        """Versions by run id, of the runs named or of the active ones: a cheap way to see whether
        anything changed. Runs that do not exist are left out.
        """
        columns = select(runs.c.run_id, runs.c.version)
        if run_ids is None:
            columns = columns.where(runs.c.status.in_(ACTIVE))
        return {row["run_id"]: row["version"] for row in self._found(columns, run_ids)}

    def queued_groups(self, limit: int | None = None) -> list[list[str]]:
        """Ids of queued runs, group by group, oldest first; a run without a group is alone.

        Args:
            limit: largest number of groups.
        """
        group = func.coalesce(runs.c.group_id, runs.c.run_id)
        queued = runs.c.status == "queued"
        first = select(group).where(queued).group_by(group).order_by(func.min(runs.c.number))
        with self._database.reading() as connection:
            found: dict[str, list[str]] = {name: [] for name in connection.scalars(
                first.limit(limit)
            )}
            for some in chunks(found):
                members = select(group, runs.c.run_id).where(queued, group.in_(some))
                for name, run_id in connection.execute(members.order_by(runs.c.number)):
                    found[name].append(run_id)
        return list(found.values())

    def stop_requests(self, run_ids: Iterable[str], worker_id: str | None = None) -> set[str]:
        """Those of a worker's runs that it has to stop: a stop was requested, or the run was
        declared interrupted, deleted or (if the worker is named) given to another while the worker
        was still alive.
        """
        asked = set(run_ids)
        columns = select(runs.c.run_id, runs.c.status, runs.c.stop_requested_at, runs.c.worker_id)
        continuing = {
            row["run_id"]
            for row in self._found(columns, asked)
            if row["status"] != "interrupted"
            and worker_id in (None, row["worker_id"])
            and not (row["status"] == "running" and row["stop_requested_at"])
        }
        return asked - continuing

    def epochs(self, run_id: str, after: int = 0) -> list[EpochRow]:
        """Finished epochs of a run with a number above `after`, in their order.

        Raises:
            StoreError: also if one of them cannot be read.
        """
        later = (epochs.c.run_id == run_id) & (epochs.c.epoch > after)
        with self._database.reading() as connection:
            found = connection.execute(select(epochs).where(later).order_by(epochs.c.epoch))
            return [epoch_row(row) for row in found.mappings()]

    def epochs_of(self, run_ids: Iterable[str]) -> dict[str, list[EpochRow]]:
        """All finished epochs by run id, for each id given; none of a run with one that cannot be
        read, so that it does not hide the others.
        """
        found: dict[str, list[RowMapping]] = {run_id: [] for run_id in run_ids}
        query = select(epochs).order_by(epochs.c.run_id, epochs.c.epoch)
        with self._database.reading() as connection:
            for row in rows_of(connection, query, list(found), epochs.c.run_id):
                found[row["run_id"]].append(row)
        return {run_id: _epochs(rows) for run_id, rows in found.items()}

    def val_losses(self, run_ids: Iterable[str]) -> dict[str, list[float]]:
        """The finite validation losses by run id, an epoch each, for each id given: all that a
        table of many runs needs of their epochs.
        """
        found: dict[str, list[float]] = {run_id: [] for run_id in run_ids}
        columns = (epochs.c.run_id, epochs.c.val_loss)
        query = select(*columns).where(epochs.c.val_loss.is_not(None))
        with self._database.reading() as connection:
            for some in chunks(found):
                own = query.where(epochs.c.run_id.in_(some))
                for run_id, loss in connection.execute(own.order_by(*epochs.primary_key)):
                    if isinstance(loss, float):  # SQLite stores any type
                        found[run_id].append(loss)
        return found

    def decisions(self, run_id: str, after: int = -1) -> list[RateDecided]:
        """Decisions about a run's rate taken after epoch `after`, in their order.

        Raises:
            StoreError: also if one of them cannot be read.
        """
        later = (decisions.c.run_id == run_id) & (decisions.c.epoch > after)
        query = select(decisions).where(later).order_by(decisions.c.epoch)
        with self._database.reading() as connection:
            return [decision_row(row) for row in connection.execute(query).mappings()]

    def _decoder(self, found: Sequence[RowMapping]) -> Callable[[RowMapping], RunRow]:  # noqa: ARG002
        return run_row


def _epochs(rows: Sequence[RowMapping]) -> list[EpochRow]:
    try:
        return [epoch_row(row) for row in rows]
    except StoreError:
        return []
