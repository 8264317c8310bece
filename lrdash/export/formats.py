"""The formats that are files, by id; forms and the command line follow from this list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from lrdash.analysis.compare import leaderboard
from lrdash.analysis.frames import METRICS, arms_frame, curves_frame
from lrdash.core.errors import InvalidField
from lrdash.export import program, tables, tensorboard
from lrdash.export.recorded import Recorded
from lrdash.planning import plan as planning
from lrdash.store.rows import RunRow

LOST = ("diverged", "failed")


@dataclass(frozen=True, kw_only=True)
class Format:
    """A kind of file that runs can be written as."""

    id: str
    label: str  # sentence case
    good_for: str  # one sentence
    suffix: str  # with its dot
    mime: str
    write: Callable[[Recorded], bytes]
    text: bool = True  # can be shown on a terminal
    single: bool = False  # takes one run


def _script(runs: Recorded) -> bytes:
    row = _only(runs, "script")
    return program.script(planning.make(row.spec), note=f"From run {row.run_id}.").encode()


def _notebook(runs: Recorded) -> bytes:
    row = _only(runs, "notebook")
    return program.notebook(planning.make(row.spec), note=f"From run {row.run_id}.").encode()


def _only(runs: Recorded, what: str) -> RunRow:
    if len(runs.rows) != 1:
        raise InvalidField("run", f"must be one run for a {what}", len(runs.rows))
    return runs.rows[0]


FORMATS = {
    made.id: made for made in (
        Format(
            id="csv", label="CSV", suffix=".csv", mime="text/csv", write=tables.csv,
            good_for="One row an epoch with every setting: for spreadsheets, R and pandas.",
        ),
        Format(
            id="parquet", label="Parquet", suffix=".parquet", write=tables.parquet, text=False,
            mime="application/vnd.apache.parquet",
            good_for="The same with the rate of every update, typed and small: for pandas, Polars "
            "and DuckDB.",
        ),
        Format(
            id="tensorboard", label="TensorBoard", suffix=".zip", mime="application/zip",
            write=tensorboard.zipped, text=False,
            good_for="Event files with curves, the rate of every update and HParams: unpack, then "
            "tensorboard --logdir.",
        ),
        Format(
            id="json", label="JSON", suffix=".json", mime="application/json",
            write=tables.as_json,
            good_for="Runs with their settings and epochs as one document: for programs.",
        ),
        Format(
            id="script", label="Script", suffix=".py", mime="text/x-python", write=_script,
            single=True,
            good_for="The recipe as plain Keras that runs without lrdash and ends with the same "
            "numbers.",
        ),
        Format(
            id="notebook", label="Notebook", suffix=".ipynb", mime="application/x-ipynb+json",
            write=_notebook, single=True,
            good_for="The same step by step, to be read and run in Jupyter.",
        ),
    )
}


def recipe_of(runs: Recorded) -> Recorded:
    """The winning recipe alone: the first run of the best arm at its best peak rate.

    Where every arm lost runs at every rate it is the run with the lowest final validation loss.

    Raises:
        InvalidField: if no run came through.
    """
    epochs = [(epoch, epoch.metrics) for epoch in runs.all_epochs()]
    columns: dict[str, list[Any]] = {
        "run_id": [epoch.run_id for epoch, _ in epochs],
        "epoch": [epoch.epoch for epoch, _ in epochs],
        "learning_rate": [epoch.learning_rate for epoch, _ in epochs],
        "seconds": [epoch.seconds for epoch, _ in epochs],
        **{name: [metrics.get(name, nan) for _, metrics in epochs] for name in METRICS},
    }
    curves = curves_frame(columns, runs.rows)
    arms = arms_frame(runs.rows, curves)
    through = arms[np.isfinite(arms["final_val_loss"]) & ~arms["status"].isin(LOST)]
    if through.empty:
        raise InvalidField("runs", "must hold one that came through", len(runs.rows))
    best = leaderboard(arms, curves).iloc[0]
    own = through[through["label"] == best["label"]]
    own = own[own["base_lr"] == best["best_base_lr"]] if np.isfinite(best["final_val_loss"]) \
        else through.nsmallest(1, "final_val_loss")
    chosen = str(own["run_id"].iloc[0])
    row = next(row for row in runs.rows if row.run_id == chosen)
    return Recorded(rows=(row,), epochs={chosen: runs.epochs_of(row)}, name=runs.name)
