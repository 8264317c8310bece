"""Resuming runs that were interrupted or stopped, in the process of the caller."""

from __future__ import annotations

from collections.abc import Iterable

from lrdash.api.checks import check
from lrdash.api.results.run import Run, load_run
from lrdash.core.errors import InvalidField, NotFound
from lrdash.core.events import Sink
from lrdash.jobs.session import in_process
from lrdash.planning import external
from lrdash.store import RunRow, open_store


def resume(run_ids: str | Iterable[str], *, progress: Sink | None = None) -> list[Run]:
    """Train runs that were interrupted or stopped to their ends.

    A run resumes from its last checkpoint, with the same weights and log to the last bit as without
    the pause; without a checkpoint it starts again, which gives the same.

    Args:
        run_ids: one or several.
        progress: receives every event of every run, `(run_id, event)`.

    Returns:
        The runs in the order given, however they ended.

    Raises:
        NotFound: for an id that no run has; then none is trained.
        NotHere: if only a script has its model and data; then none is trained.
        InvalidField: for a run that is neither interrupted nor stopped; then none is trained.
        StoreError: if the database cannot be used.
    """
    ids = list(dict.fromkeys([run_ids] if isinstance(run_ids, str) else run_ids))
    with open_store() as store:
        found = {row.run_id: row for row in store.runs.listing(run_ids=ids)}
        _refuse(ids, found)
        external.refuse([row.spec for row in found.values()])
        for row in found.values():
            check(row.spec, row.engine)
        with in_process(store) as session:
            taken = store.runs.requeue(ids, session.worker_id)
            session.train_rows(store.runs.listing(run_ids=taken), progress)
        return [load_run(run_id, store) for run_id in ids]


def _refuse(ids: Iterable[str], found: dict[str, RunRow]) -> None:
    for run_id in ids:
        if run_id not in found:
            raise NotFound("run", run_id)
        if found[run_id].status not in ("interrupted", "stopped"):
            problem = "must be interrupted or stopped to be resumed"
            raise InvalidField("run_id", problem, f"{run_id} ({found[run_id].status})")
