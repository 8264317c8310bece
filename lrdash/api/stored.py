"""Opening what is stored: a result by its id, and runs as a table."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import nullcontext, suppress
from typing import get_args

import pandas as pd

from lrdash.analysis import frames
from lrdash.api.results.comparison import Comparison, load_comparison
from lrdash.api.results.hindsight import Hindsight, load_hindsight
from lrdash.api.results.range_test import RangeTest, load_range_test
from lrdash.api.results.run import Run, load_run
from lrdash.core.errors import InvalidField, NotFound, nearest
from lrdash.core.events import Status
from lrdash.store import Store, open_store

ANYTHING = "run, comparison, range test or search"
Stored = Run | Comparison | RangeTest | Hindsight
LOADERS: tuple[Callable[[str, Store], Stored], ...] = (
    load_run, load_comparison, load_range_test, load_hindsight,
)


def load(stored_id: str, store: Store | None = None) -> Stored:
    """Open what is stored under an id, whoever trained it: the app, the shell or another script.

    Args:
        stored_id: of a run, a comparison, a range test or a search in hindsight.
        store: where it is; by default the database of `LRDASH_HOME` or `LRDASH_DATABASE_URL`.

    Returns:
        A `Run`, `Comparison`, `RangeTest` or `Hindsight`, as it is now.

    Raises:
        NotFound: if nothing has this id; names the nearest one.
        StoreError: if the database cannot be read.
    """
    with nullcontext(store) if store else open_store() as opened:
        for read in LOADERS:
            with suppress(NotFound):
                return read(stored_id, opened)
        known = [
            *(row.run_id for row in opened.runs.listing()),
            *(row.experiment_id for row in opened.experiments.listing()),
            *(row.range_test_id for row in opened.range_tests.listing()),
            *(row.hindsight_id for row in opened.hindsights.listing()),
        ]
        raise NotFound(ANYTHING, stored_id, nearest(stored_id, known))


def runs(
    *, status: Status | Collection[Status] | None = None, dataset: str | None = None,
    model: str | None = None, strategy: str | None = None, limit: int | None = None,
) -> pd.DataFrame:
    """Stored runs, newest first, one row each; see `lrdash.analysis.frames.runs_frame`.

    Args:
        status: one status or several, for example `finished`.
        dataset: id or name of a dataset.
        model: id or name of a model.
        strategy: id of a strategy.
        limit: largest number of rows.

    Raises:
        InvalidField: for a status that does not exist, or a limit below 1.
        StoreError: if the database cannot be read.
    """
    wanted = [status] if isinstance(status, str) else status
    for one in wanted or ():
        if one not in get_args(Status):
            raise InvalidField("status", f"must be one of {', '.join(get_args(Status))}", one)
    if limit is not None and (type(limit) is not int or limit < 1):
        raise InvalidField("limit", "must be a whole number of at least 1", limit)
    fields = {"dataset": dataset, "model": model, "strategy": strategy}
    with open_store() as store:
        rows = [
            row for row in store.runs.listing(status=wanted)
            if all(value in (None, getattr(row.spec, name)) for name, value in fields.items())
        ][:limit]
        losses = store.runs.val_losses(row.run_id for row in rows)
    return frames.runs_frame(rows, losses)
