"""The repository of range tests: queued, made by a worker, stored with their losses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sqlalchemy import RowMapping, insert, select

from lrdash.core.events import now
from lrdash.core.record import json_object
from lrdash.store.codec import from_bytes, row_of, stopping, to_bytes
from lrdash.store.repository import Queue
from lrdash.store.rows import RangeTestRow
from lrdash.store.schema import range_tests as tests
from lrdash.store.values import new_id


class RangeTests(Queue[RangeTestRow]):
    """The range tests of a store."""

    table = tests
    kind = "range test"
    claimed_at = "started_at"

    def create(
        self, definition: str, rates: ArrayLike, *, seeds: int, worker_id: str | None = None
    ) -> str:
        """Add a range test and give its id.

        Args:
            definition: JSON object.
            rates: of each update [updates].
            worker_id: the process that makes it; by default it is queued.

        Raises:
            InvalidField: for a definition that is no JSON object.
        """
        json_object("definition", definition)
        used = np.asarray(rates)
        range_test_id = new_id()
        values: dict[str, Any] = {
            "range_test_id": range_test_id, "created_at": now(), "reason": "",
            "definition": definition, "seeds": seeds, "updates_done": 0,
            "rates": to_bytes(used), "losses": to_bytes(np.full((seeds, len(used)), np.nan)),
            "status": "queued", "version": 1,
        }
        if worker_id is not None:
            values |= {"status": "running", "worker_id": worker_id, "started_at": now()}
        with self._database.writing() as connection:
            connection.execute(insert(tests).values(values))
        return range_test_id

    def note(
        self, range_test_id: str, update_done: int, losses: ArrayLike, worker_id: str
    ) -> None:
        """Store how far a running one is; ignored if it is no longer this worker's.

        Args:
            losses: so far [seeds, updates].
        """
        self._change(
            self._id == range_test_id, tests.c.status == "running",
            tests.c.worker_id == worker_id,
            updates_done=update_done, losses=to_bytes(losses),
        )

    def has_to_stop(self, range_test_id: str, worker_id: str | None = None) -> bool:
        """Whether a worker has to stop a test: that was requested, or the test is no longer the
        worker's.
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
            NotFound: if there is none of this id.
        """
        self._set(range_test_id, experiment_id=experiment_id)

    def _decoder(self, found: Sequence[RowMapping]) -> Callable[[RowMapping], RangeTestRow]:  # noqa: ARG002
        return _row


def _row(row: RowMapping) -> RangeTestRow:
    json_object("definition", row["definition"])
    rates = from_bytes(row["rates"])
    return row_of(
        RangeTestRow, row, update=row["updates_done"], rates=rates,
        losses=from_bytes(row["losses"]).reshape(row["seeds"], len(rates)),
        stop_requested=stopping(row),
    )
